"""``--mark-success``, and the job that trims the log, through the real command."""

import pytest

from tests.acceptance.rows import CONF, INFO, pass_time, ran, snapshot, state
from tests.support import Command, Database

APPS = """\
from crontabber.base import BaseCronApp
from crontabber.mixins import as_backfill_cron_app

class Failing(BaseCronApp):
    app_name = "failing"
    def run(self):
        raise ValueError("no")

class Child(BaseCronApp):
    app_name = "child"
    depends_on = "failing"
    def run(self):
        pass

@as_backfill_cron_app
class Dates(BaseCronApp):
    app_name = "dates"
    def run(self, date):
        pass
"""


@pytest.fixture
def jobs(crontabber: Command, database: Database) -> Command:
    crontabber.write("jobs/apps.py", APPS)
    crontabber.configure(database, "jobs.apps.Failing|1h\njobs.apps.Child|1h\njobs.apps.Dates|1h")
    return crontabber


def test_a_job_is_said_to_be_done(jobs: Command, database: Database) -> None:
    jobs(CONF)
    assert ran(database) == ["dates"]
    done = jobs(CONF, "--mark-success=failing")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("failing counts as having succeeded at ")
    assert state(database, "failing").last_error is None
    assert state(database, "failing").error_count == 0
    jobs(CONF)  # its child may run, and it is not tried again
    assert ran(database) == ["dates", "child"]
    assert state(database, "failing").error_count == 0


def test_the_log_says_that_a_job_was_marked(jobs: Command, database: Database) -> None:
    """trap: a slot that did not run left no trace, and a row said that it had run"""
    assert jobs(CONF, "--mark-success=child,dates").returncode == 0
    rows = database.execute(
        "SELECT app_name, success = slot, duration, exc_type, exc_value, host IS NOT NULL"
        " FROM crontabber_log ORDER BY app_name"
    )
    assert rows == [(name, True, None, None, None, True) for name in ("child", "dates")]
    assert (state(database, "child").first_run, state(database, "child").last_run) == (None, None)
    listed = jobs(CONF, "--list-jobs").stdout
    assert "Last run:       no previous run\n" in listed
    jobs(CONF)
    assert state(database, "failing").last_error


def test_a_job_that_has_succeeded_since_is_not_marked(jobs: Command, database: Database) -> None:
    """trap: it claimed to have done it, with exit status 0"""
    jobs(CONF, "--mark-success=dates")
    before = snapshot(database)
    for _ in range(2):
        done = jobs(CONF, "--mark-success=dates", "--at=2020-01-01")
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("crontabber: dates has succeeded at 20")
        assert done.stderr.endswith(", after 2020-01-01 00:00:00: there is nothing to mark\n")
        assert snapshot(database) == before
    done = jobs(CONF, "--mark-success=all", "--at=2020-01-01")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.count("counts as having succeeded at 2020-01-01") == 2
    assert done.stdout.count("dates has succeeded at 20") == 1


def test_dates_are_left_out_deliberately(jobs: Command, database: Database) -> None:
    jobs(CONF, "--job=dates")
    jobs(CONF)
    pass_time(database, "5 hours", "dates")
    assert jobs(CONF, "--mark-success", "jobs.apps.Dates,child").stdout.count("counts as") == 2
    jobs(CONF)
    assert ran(database, "dates") == ["dates"]
    assert jobs(CONF, "--mark-success=all").stdout.count("counts as") == 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--mark-success=failng"], "there is no job 'failng': did you mean failing?"),
        (["--mark-success=failing,x"], "there is no job 'x'"),
        (["--mark-success=failing", "--at=soon"], "'soon' is not a time"),
        (["--mark-success=failing", "--at=2099-01-01"], "failing cannot have succeeded at 2099"),
        (["--mark-success=failing", "--at=9999-12-31"], "'9999-12-31' is more than a hundred"),
        (["--mark-success=failing", "--at=0001-01-01"], "'0001-01-01' is more than a hundred"),
        (["--mark-success=failing", "--at=infinity"], "'infinity' is not a time"),
        (["--at=2026-01-01"], "option --at goes with --explain or --mark-success"),
    ],
)
def test_what_cannot_be_marked_is_refused(
    jobs: Command, database: Database, arguments: list[str], said: str
) -> None:
    done = jobs(CONF, *arguments)
    assert done.returncode == 1
    assert done.stderr.startswith(f"crontabber: {said}")
    [(tables,)] = database.execute("SELECT count(*) FROM pg_tables WHERE tablename = 'crontabber'")
    assert not tables or not database.execute("SELECT * FROM crontabber")


def test_the_log_is_trimmed_by_a_job(crontabber: Command, database: Database) -> None:
    crontabber.configure(database, "crontabber.clean.CleanLog|1d")
    assert "crontabber-clean-log removed from the log: 0 succ" in crontabber(CONF, INFO).stderr
    assert ran(database) == ["crontabber-clean-log"]
