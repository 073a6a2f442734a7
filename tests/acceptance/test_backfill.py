"""The manual's chapter 1.4, the page about backfilling, and what the blog post promises."""

import itertools
from datetime import datetime, timedelta

from tests.acceptance.rows import CONF, INFO, pass_time, ran, runs, state, without_news
from tests.support import Command, Database

APPS = """\
import os
from crontabber.base import BaseCronApp
from crontabber.mixins import as_backfill_cron_app

@as_backfill_cron_app
class MyBackfillApp(BaseCronApp):
    app_name = 'my-backfill-app'

    def run(self, date):
        dates = []
        if os.path.exists(self.app_name + '.log'):
            dates = open(self.app_name + '.log').read().splitlines()
        if os.path.exists('outage') and len(dates) >= int(open('outage').read()):
            raise OSError('the third party is offline')
        with open(self.app_name + '.log', 'a') as f:
            f.write('%s\\n' % date.isoformat())

class MyFirstApp(BaseCronApp):
    app_name = 'my-first-app'
    depends_on = 'my-backfill-app'

    def run(self):
        pass
"""
CLEANUP = """\
CREATE TABLE reports_clean (report_date date);
CREATE FUNCTION cleanup(day date) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM reports_clean WHERE report_date = day) THEN
        RAISE EXCEPTION 'Already run for %.', day;
    END IF;
    INSERT INTO reports_clean VALUES (day);
    RETURN true;
END;
$$;
"""
CLEANUP_APP = """\
from crontabber.base import BaseCronApp
from crontabber.mixins import (
    as_backfill_cron_app, using_postgres, with_postgres_connection_as_argument)

@using_postgres()
@with_postgres_connection_as_argument()
@as_backfill_cron_app
class Cleanup(BaseCronApp):
    app_name = 'cleanup'

    def run(self, connection, date):
        connection.cursor().execute('SELECT cleanup(%s)', [date.date()])
        connection.commit()
"""


def dates(crontabber: Command) -> list[datetime]:
    """The dates that the app was given and did, in their order."""
    log = crontabber.directory / "my-backfill-app.log"
    return [datetime.fromisoformat(line) for line in log.read_text().splitlines()]


def test_an_outage_of_three_days_and_a_failure_midway_lose_no_date_and_repeat_none(
    crontabber: Command, database: Database
) -> None:
    crontabber.write("jobs/myapp.py", APPS)
    crontabber.configure(database, "jobs.myapp.MyFirstApp|1d\njobs.myapp.MyBackfillApp|1d")
    crontabber(CONF)
    [first] = dates(crontabber)
    [(now,)] = database.execute("SELECT now()")
    assert first.utcoffset() is not None
    assert timedelta() <= now - first < timedelta(minutes=2)

    # three days without any crontabber; then the second of the missed dates fails
    pass_time(database, "3 days")
    outage = crontabber.write("outage", "2")
    done = crontabber(CONF, INFO)
    assert done.returncode == 0
    first -= timedelta(days=3)  # as everything else was moved
    failed = first + timedelta(days=2)
    assert f"failed for {failed:%Y-%m-%d %H:%M} " in done.stderr
    assert "my-first-app is skipped: blocked, my-backfill-app failed" in done.stderr
    assert dates(crontabber)[1:] == [first + timedelta(days=1)]
    [(slot, error)] = database.execute(
        "SELECT slot, exc_value FROM crontabber_log WHERE exc_type IS NOT NULL"
    )
    assert (slot, error) == (failed, "the third party is offline")
    assert state(database, "my-backfill-app").last_success == first + timedelta(days=1)

    # it is tried again with the same date, even if it is the next day
    pass_time(database, "1 day")
    done = crontabber(CONF)
    first -= timedelta(days=1)
    failed -= timedelta(days=1)
    row = state(database, "my-backfill-app")
    assert row.next_slot == failed
    assert row.error_count == 2
    assert len(dates(crontabber)) == 2

    outage.unlink()
    pass_time(database, "5 minutes")
    first -= timedelta(minutes=5)
    done = crontabber(CONF)
    assert (done.returncode, without_news(done.stderr)) == (0, "")
    assert dates(crontabber)[2:] == [first + timedelta(days=n) for n in (2, 3, 4)]
    assert runs(database, "my-backfill-app") == [
        ("my-backfill-app", None),
        ("my-backfill-app", None),
        ("my-backfill-app", "<class 'OSError'>"),
        ("my-backfill-app", "<class 'OSError'>"),
        ("my-backfill-app", None),
        ("my-backfill-app", None),
        ("my-backfill-app", None),
    ]
    # its child runs once for all of them
    assert ran(database, "my-first-app") == ["my-first-app"] * 2


def test_an_app_that_failed_from_its_first_run_on_gets_its_first_date_too(
    crontabber: Command, database: Database
) -> None:
    """trap: a backfill job failing since its first run for three days then ran for
    "now" only: those dates were lost.
    """
    crontabber.write("jobs/myapp.py", APPS)
    crontabber.configure(database, "jobs.myapp.MyBackfillApp|1d")
    outage = crontabber.write("outage", "0")
    crontabber(CONF)
    pass_time(database, "3 days")
    crontabber(CONF)
    outage.unlink()
    pass_time(database, "5 minutes")
    crontabber(CONF)
    done = dates(crontabber)
    assert len(done) == 4
    assert [later - earlier for earlier, later in itertools.pairwise(done)] == [
        timedelta(days=1)
    ] * 3


def test_a_backfill_app_is_left_alone_by_job_and_force(
    crontabber: Command, database: Database
) -> None:
    """trap: --job and --force ran backfill apps, and moved next_run."""
    crontabber.write("jobs/myapp.py", APPS)
    crontabber.configure(database, "jobs.myapp.MyBackfillApp|1d")
    for _ in ("never ran", "ran"):
        for arguments in (["--job=my-backfill-app"], ["-j", "my-backfill-app", "-f"]):
            before = database.execute("SELECT to_regclass('crontabber')") and runs_of(database)
            done = crontabber(CONF, *arguments)
            assert (done.returncode, done.stderr) == (1, "")
            assert done.stdout.startswith("my-backfill-app is not run: a backfill app")
            assert "--retry=my-backfill-app" in done.stdout, "it says what to do instead"
            assert runs_of(database) == before
        crontabber(CONF)
    assert len(dates(crontabber)) == 1


def runs_of(database: Database) -> list[tuple[object, ...]]:
    """All that is remembered of the backfill app."""
    [(exists,)] = database.execute("SELECT to_regclass('crontabber') IS NOT NULL")
    return database.execute("SELECT * FROM crontabber") if exists else []


def test_a_procedure_that_must_not_be_called_twice_with_a_date_never_is(
    crontabber: Command, database: Database
) -> None:
    database.execute(CLEANUP)
    crontabber.write("jobs/cleanup.py", CLEANUP_APP)
    crontabber.configure(database, "jobs.cleanup.Cleanup|1d|00:00")
    crontabber(CONF)
    for _ in range(2):
        crontabber(CONF)
    assert len(ran(database, "cleanup")) == 1

    pass_time(database, "3 days")
    database.execute("UPDATE reports_clean SET report_date = report_date - 3")
    done = crontabber(CONF)
    assert (done.returncode, done.stderr) == (0, "")
    days = [day for (day,) in database.execute("SELECT * FROM reports_clean ORDER BY 1")]
    assert len(days) == 4
    assert days[-1] - days[0] == timedelta(days=3)
