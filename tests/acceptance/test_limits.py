"""What limits the runs of a job: locks, tries, time; and when it runs if a person says so."""

import contextlib
import os
from datetime import timedelta

import pytest

from tests.acceptance.rows import CONF, INFO, pass_time, ran, runs, state
from tests.acceptance.test_dependencies import held
from tests.support import Command, Database

APPS = """\
import threading
from crontabber.base import BaseCronApp
from crontabber.mixins import (
    as_backfill_cron_app, using_postgres, with_postgres_connection_as_argument, with_subprocess
)
from crontabber.retry import RetryStrategy

class Parent(BaseCronApp):
    app_name = 'first'
    lock = 'warehouse'

    def run(self):
        with open('begun', 'w') as begun:
            begun.write('.')
        open('go').close()  # waits until the other end is opened too

class Second(BaseCronApp):
    app_name = 'second'
    lock = 'warehouse'

    def run(self):
        pass

class Third(Second):
    app_name = 'third'
    lock = None

class InPython(BaseCronApp):
    app_name = 'in-python'
    timeout = 0.2

    def run(self):
        threading.Event().wait(60)

@using_postgres
@with_postgres_connection_as_argument
class InSql(BaseCronApp):
    app_name = 'in-sql'
    timeout = 0.2

    def run(self, connection):
        connection.cursor().execute('SELECT pg_sleep(60)')

@with_subprocess
class InSubprocess(BaseCronApp):
    app_name = 'in-subprocess'
    timeout = '1s'

    def run(self):
        self.run_process('echo $$ > pid; sleep 60 & sleep 60')

@as_backfill_cron_app
class Dates(BaseCronApp):
    app_name = 'dates'
    retry = RetryStrategy(max_attempts=2, on=(OSError,))

    def run(self, date):
        try:
            open('broken').close()
        except OSError:
            return
        raise OSError('broken')
"""

MIDDLEWARE = """\
def shout(call_next, job, slot):
    print('before', job.app_name)
    call_next()
    print('after', job.app_name)

def broken(call_next, job, slot):
    raise KeyError('x')
"""


ASLEEP = """\
SELECT pid FROM pg_stat_activity
WHERE query LIKE '%pg_sleep(60)%' AND state = 'active' AND pid <> pg_backend_pid()
"""


class _Killed(Exception):
    """The process that was held is gone."""


def test_two_processes_never_run_at_once_what_has_one_lock(
    crontabber: Command, database: Database
) -> None:
    crontabber.write("jobs/apps.py", APPS)
    crontabber.configure(database, "jobs.apps.Parent|1h")
    with held(crontabber, CONF) as process:
        jobs = "jobs.apps.Second|1h\njobs.apps.Third|1h"
        done = crontabber(CONF, INFO, f"--crontabber.jobs={jobs}")
        assert done.returncode == 3
        assert "second is skipped: its lock is held, 'warehouse', by another job" in done.stderr
        assert ran(database) == ["third"]
        one = crontabber(CONF, f"--crontabber.jobs={jobs}", "--job=second", "--force")
        assert one.returncode == 3
        assert one.stdout == "second is not run: its lock is held, 'warehouse', by another job\n"
    assert process.returncode == 0
    done = crontabber(CONF, f"--crontabber.jobs={jobs}")
    assert done.returncode == 0
    assert ran(database) == ["third", "first", "second"]


def test_a_process_that_is_killed_gives_its_lock_back(
    crontabber: Command, database: Database
) -> None:
    """trap: the lock of a job that was killed stayed for hours"""
    crontabber.write("jobs/apps.py", APPS)
    crontabber.configure(database, "jobs.apps.Parent|1h")
    with contextlib.suppress(_Killed), held(crontabber, CONF) as process:
        process.kill()
        process.communicate()
        done = crontabber(CONF, "--crontabber.jobs=jobs.apps.Second|1h")
        raise _Killed
    assert (done.returncode, ran(database)) == (0, ["second"])


@pytest.mark.parametrize(
    ("cls", "text"), [("InPython", "0.2s"), ("InSql", "0.2s"), ("InSubprocess", "1s")]
)
def test_a_run_that_takes_too_long_is_ended(
    crontabber: Command, database: Database, cls: str, text: str
) -> None:
    crontabber.write("jobs/apps.py", APPS)
    crontabber.configure(database, f"jobs.apps.{cls}|1h\njobs.apps.Third|1h")
    done = crontabber(CONF)
    assert done.returncode == 0
    [(name, error), third] = runs(database)
    assert (error, third) == ("<class 'crontabber.errors.JobTimeout'>", ("third", None))
    last_error = state(database, name).last_error
    assert last_error["value"] == f"did not finish within {text}"
    assert f"{name} failed: crontabber.errors.JobTimeout: did not finish" in done.stderr
    assert database.execute(ASLEEP) == []
    if cls == "InSubprocess":
        pid = int((crontabber.directory / "pid").read_text())
        with pytest.raises(ProcessLookupError):
            os.killpg(pid, 0)


def test_a_backfill_app_that_gave_up_says_so_and_goes_on_when_told(
    crontabber: Command, database: Database
) -> None:
    crontabber.write("jobs/apps.py", APPS)
    crontabber.configure(database, "jobs.apps.Dates|1h")
    crontabber(CONF)
    broken = crontabber.write("broken", "")
    pass_time(database, "2 hours")
    for _ in range(3):
        assert crontabber(CONF).returncode == 0
    assert [error is None for _, error in runs(database)] == [True, False, False]
    nagios = crontabber(CONF, "--nagios")
    assert nagios.returncode == 2
    assert nagios.stdout.startswith("CRITICAL - dates (Dates): gave up on 20")
    assert " after 2 attempts: <class 'OSError'>: broken |" in nagios.stdout
    listing = crontabber(CONF, "--list-jobs").stdout
    assert "Gave up on:" in listing
    assert "To go on:       crontabber --retry=dates" in listing

    broken.unlink()
    crontabber(CONF, "--pause=dates")
    told = crontabber(CONF, "--retry=dates")
    assert told.stdout == "dates is tried again when its pause ends: --resume=dates\n"
    crontabber(CONF, "--resume=dates")
    told = crontabber(CONF, "--retry=dates")
    assert (told.returncode, told.stdout) == (0, "dates is tried again by the next tick\n")
    crontabber(CONF)
    assert [error is None for _, error in runs(database)] == [True, False, False, True, True]
    assert crontabber(CONF, "--nagios").returncode == 0
    told = crontabber(CONF, "--retry=jobs.apps.Dates")
    assert told.stdout == "dates has not failed: there is nothing to try again\n"


def test_a_date_that_an_app_gave_up_on_can_be_passed_over(
    crontabber: Command, database: Database
) -> None:
    crontabber.write("jobs/apps.py", APPS)
    crontabber.write("broken", "")
    crontabber.configure(database, "jobs.apps.Dates|1h")
    crontabber(CONF)
    crontabber(CONF)
    assert crontabber(CONF, "--nagios").returncode == 2
    assert crontabber(CONF, "--mark-success=dates").returncode == 0
    assert crontabber(CONF, "--nagios").returncode == 0
    (crontabber.directory / "broken").unlink()
    pass_time(database, "1 hour")
    crontabber(CONF)
    assert [error is None for _, error in runs(database)] == [False, False, True]


def test_functions_of_the_configuration_wrap_every_run(
    crontabber: Command, database: Database
) -> None:
    crontabber.write("jobs/apps.py", APPS)
    crontabber.write("jobs/around.py", MIDDLEWARE)
    crontabber.configure(
        database, "jobs.apps.Second|1h", "middleware=jobs.around.shout, jobs.around.gone"
    )
    done = crontabber(CONF)
    assert done.returncode == 1
    assert done.stdout == "before second\nafter second\n"
    assert "CRITICAL - middleware jobs.around.gone is left out: module jobs.around" in done.stderr
    assert ran(database) == ["second"]
    assert crontabber(CONF, "--configtest").returncode == 1

    crontabber.configure(database, "jobs.apps.Third|1h", "middleware=jobs.around.broken")
    done = crontabber(CONF)
    assert done.returncode == 0
    assert "middleware jobs.around.broken raised KeyError: 'x'; third is run" in done.stderr
    assert ran(database) == ["second", "third"]


def test_an_idle_tick_imports_no_middleware(crontabber: Command, database: Database) -> None:
    """trap: an idle tick pays for what it does not use"""
    crontabber.write("jobs/apps.py", APPS)
    crontabber.write("jobs/around.py", MIDDLEWARE + "print('imported')\n")
    crontabber.configure(database, "jobs.apps.Second|1h", "middleware=jobs.around.shout")
    assert "imported" in crontabber(CONF).stdout
    assert crontabber(CONF).stdout == ""


def test_somebody_says_when_a_job_runs_next(crontabber: Command, database: Database) -> None:
    crontabber.write("jobs/apps.py", APPS)
    crontabber.configure(database, "jobs.apps.Second|1d\njobs.apps.Dates|1d")
    crontabber(CONF)
    before = state(database, "second")
    done = crontabber(CONF, "--job=second", "--run-in=1h30m")
    assert (done.returncode, done.stderr) == (0, "")
    after = state(database, "second")
    assert done.stdout == f"second runs next at {after.next_run.astimezone():%Y-%m-%d %H:%M:%S}\n"
    assert after.next_slot == before.next_slot
    waits = after.next_run - before.last_run
    assert timedelta(minutes=90) <= waits < timedelta(minutes=95)
    crontabber(CONF)
    assert ran(database, "second") == ["second"]
    pass_time(database, "91 minutes", "second")
    crontabber(CONF)
    assert ran(database, "second") == ["second"] * 2
    assert state(database, "second").next_slot == before.next_slot - timedelta(minutes=91)

    crontabber(CONF, "--job=jobs.apps.Second", "--run-at=2099-01-01T12:00")
    assert f"{state(database, 'second').next_run:%Y-%m-%d %H:%M}" == "2099-01-01 12:00"
    told = crontabber(CONF, "--job=dates", "--run-in=1h")
    assert told.returncode == 1
    assert told.stdout.startswith("dates is not run: a backfill app, which only runs by its own")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--run-in=1h"], "option --run-in goes with --job: give that, too"),
        (["--job=second", "--run-in=soon"], "'soon' is not a length of time such as 90s"),
        (["--job=second", "--run-at=noon"], "'noon' is not a time: write YYYY-MM-DDTHH:MM"),
        (["--job=second", "--run-at=infinity"], "'infinity' is not a time: write YYYY-MM-DDTHH"),
        (["--job=second", "--run-at=10000-01-01"], "'10000-01-01' is not a time"),
        (["--job=second", "--run-at=9999-12-31"], "'9999-12-31' is more than a hundred years"),
        (["--job=second", "--run-at=0001-01-01"], "'0001-01-01' is more than a hundred years"),
        (["--job=second", "--run-in=36526d"], "'36526d' is not a length of time"),
        (
            ["--job=second", "--run-in=1h", "--force"],
            "give only one of --run-at, --run-in and --force",
        ),
        (["--job=second", "--run-in=1h", "--run-at=2026-01-01"], "give only one of --run-at"),
        (["--job=sekond", "--run-in=1h"], "there is no job 'sekond': did you mean second?"),
        (["--retry=sekond"], "there is no job 'sekond': did you mean second?"),
    ],
)
def test_what_cannot_be_meant_is_said_in_a_line(
    crontabber: Command, database: Database, arguments: list[str], message: str
) -> None:
    crontabber.write("jobs/apps.py", APPS)
    crontabber.configure(database, "jobs.apps.Second|1d")
    done = crontabber(CONF, *arguments)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith(f"crontabber: {message}")
    assert done.stderr.count("\n") == 1


def test_a_job_that_is_running_cannot_be_put_off(crontabber: Command, database: Database) -> None:
    crontabber.write("jobs/apps.py", APPS)
    crontabber.configure(database, "jobs.apps.Parent|1h")
    with held(crontabber, CONF):
        done = crontabber(CONF, "--job=first", "--run-in=1h")
        assert done.returncode == 3
        assert done.stderr.startswith("crontabber: first is running")


def test_configtest_names_what_limits_nothing(crontabber: Command, database: Database) -> None:
    crontabber.write(
        "jobs/bad.py",
        """\
        from crontabber.base import BaseCronApp

        class App(BaseCronApp):
            app_name = 'app'

        class BadLock(App):
            lock = 7

        class BadRetry(App):
            retry = '5'

        class BadTimeout(App):
            timeout = 'for ever'
        """,
    )
    names = ("Lock", "Retry", "Timeout")
    crontabber.configure(database, "\n".join(f"jobs.bad.Bad{name}|1h" for name in names))
    done = crontabber(CONF, "--configtest")
    assert done.returncode == 3
    for name, line in zip(names, done.stdout.splitlines(), strict=True):
        assert f"{name.lower()} of Bad{name} is" in line
