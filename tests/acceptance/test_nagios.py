"""The manual's chapter 1.3: one line and one of four exit statuses."""

import subprocess
import sys
from contextlib import closing

import pytest

from tests.acceptance.rows import CONF, pass_time
from tests.support import TIMEOUT, Command, Database

APPS = """\
import os
from crontabber.base import BaseCronApp
from crontabber.mixins import as_backfill_cron_app

class MyFirstApp(BaseCronApp):
    app_name = 'my-first-app'

    def run(self):
        if os.path.exists('broken'):
            open('/etc', 'w')

class MySecondApp(BaseCronApp):
    app_name = 'my-second-app'

    def run(self):
        if os.path.exists('broken'):
            raise ValueError('several\\nlines | and ; bars\\r\\n\\t\\x1b[31m')

@as_backfill_cron_app
class MyBackfillApp(BaseCronApp):
    app_name = 'my-backfill-app'

    def run(self, date):
        if os.path.exists('outage'):
            raise OSError('no service')
"""


def ask(crontabber: Command, *arguments: str, **options: dict[str, str]) -> tuple[int, str]:
    """The exit status and the line; there is nothing else, and nothing on stderr."""
    done = crontabber(*(arguments or (CONF,)), "--nagios", **options)
    assert done.stderr == ""
    assert done.stdout.count("\n") == 1
    assert done.stdout.endswith("\n")
    return done.returncode, done.stdout.rstrip("\n")


def test_ok_warning_and_critical(crontabber: Command, database: Database) -> None:
    """trap: --nagios printed several lines for one error."""
    crontabber.write("jobs/myapp.py", APPS)
    apps = ["MyFirstApp", "MySecondApp", "MyBackfillApp"]
    crontabber.configure(database, "\n".join(f"jobs.myapp.{app}|1h" for app in apps))

    crontabber(CONF)
    assert ask(crontabber) == (0, "OK - all 3 jobs are well")

    outage = crontabber.write("outage", "")
    pass_time(database, "1 hour")
    crontabber(CONF)
    backfill = "my-backfill-app (MyBackfillApp) | <class 'OSError'> | no service"
    assert ask(crontabber) == (1, f"WARNING - {backfill}")

    # a second failure in a row is no warning any more
    pass_time(database, "5 minutes")
    crontabber(CONF)
    assert ask(crontabber) == (2, f"CRITICAL - {backfill}")

    outage.unlink()
    crontabber.write("broken", "")
    pass_time(database, "1 hour")
    crontabber(CONF)
    code, line = ask(crontabber)
    assert code == 2
    first, second = line.split("; ")
    assert first.startswith("CRITICAL - my-first-app (MyFirstApp) | <class '")
    assert first.endswith("Error'> | [Errno 21] Is a directory: '/etc'")
    assert second.startswith("my-second-app (MySecondApp) | <class 'ValueError'> | several lines")
    assert second.count("|") == 2

    assert crontabber(CONF, "-n").stdout == f"{line}\n"


def test_jobs_that_should_have_run_and_did_not_are_critical(
    crontabber: Command, database: Database
) -> None:
    """trap: --nagios said OK for jobs that had not run for 30 days."""
    crontabber.write("jobs/myapp.py", APPS)
    crontabber.configure(database, "jobs.myapp.MyFirstApp|1h")
    crontabber(CONF)
    pass_time(database, "30 days")
    code, line = ask(crontabber)
    assert code == 2
    assert line.startswith("CRITICAL - my-first-app (MyFirstApp) | overdue | due since ")


def test_a_job_line_that_cannot_be_used_is_critical(
    crontabber: Command, database: Database
) -> None:
    crontabber.write("jobs/myapp.py", APPS)
    crontabber.configure(database, "jobs.myapp.MyFristApp|1h\njobs.myapp.MyFirstApp|1x")
    code, line = ask(crontabber)
    assert code == 2
    assert "did you mean MyFirstApp?" in line
    assert "1x" in line


@pytest.mark.parametrize(
    "ini",
    [
        "[resource]\n[[postgresql]]\nhost=/nowhere\npassword=secret\n",
        "[resource]\n[[postgresql]]\nhost=192.0.2.1\nconnect_timeout=2\npassword=secret\n",
        "[crontabber\njobs=\n",
        "[crontabber]\nerror_retry_time=soon\n",
        "[crontabber]\ndatabase_class=nowhere.Factory\n",
    ],
    ids=["no server", "a silent network", "no section", "no number", "no class"],
)
def test_what_cannot_be_judged_is_unknown(crontabber: Command, ini: str) -> None:
    """trap: exit 1 (a warning) with the database down."""
    crontabber.write("crontabber.ini", ini)
    code, line = ask(crontabber)
    assert code == 3
    assert line.startswith("UNKNOWN - ")
    assert "secret" not in line


def test_a_configuration_that_is_not_there_or_an_option_that_is_none_is_unknown(
    crontabber: Command,
) -> None:
    code, line = ask(crontabber, "--admin.conf=nowhere.ini")
    assert (code, line) == (3, "UNKNOWN - cannot read nowhere.ini: No such file or directory")
    code, line = ask(crontabber, "--admin.conf", "nowhere.ini", "--configtset")
    assert code == 3
    assert line == "UNKNOWN - unknown option --configtset: did you mean --configtest?"


def test_what_a_module_prints_is_not_in_the_line(crontabber: Command, database: Database) -> None:
    crontabber.write("jobs/myapp.py", f"{APPS}\nprint('hello')\n")
    crontabber.configure(database, "jobs.myapp.MyFirstApp|1h")
    done = crontabber(CONF, "--nagios")
    assert (done.returncode, done.stdout) == (0, "OK - the one job is well\n")
    assert done.stderr == "hello\n"


def test_a_configuration_without_jobs_is_a_warning(crontabber: Command, database: Database) -> None:
    path = crontabber.configure(database, "jobs.myapp.MyFirstApp|1h")
    path.write_text(path.read_text().replace("[crontabber]", "[crontaber]"))
    assert ask(crontabber) == (1, "WARNING - there are no jobs in this configuration")


@pytest.mark.parametrize(
    "fault", ["raise ZeroDivisionError('nothing\\nto share')", "raise SystemExit"]
)
def test_what_nobody_foresaw_is_unknown(
    crontabber: Command, database: Database, fault: str
) -> None:
    """A traceback would exit with 1, which is a mere warning."""
    crontabber.write(
        "factories.py",
        f"""\
        from crontabber.connection_factory import ConnectionFactory

        class Odd(ConnectionFactory):
            def connect(self):
                {fault}
        """,
    )
    crontabber.configure(database, "", "database_class=factories.Odd")
    code, line = ask(crontabber)
    assert code == 3
    assert line in (
        "UNKNOWN - ZeroDivisionError: nothing to share",
        "UNKNOWN - SystemExit: SystemExit",
    )


def test_a_table_that_is_locked_is_not_waited_for_without_end(
    crontabber: Command, database: Database
) -> None:
    crontabber.write("jobs/myapp.py", APPS)
    crontabber.configure(database, "jobs.myapp.MyFirstApp|1h")
    crontabber(CONF)
    impatient = "import sys; from crontabber import cli; cli._PATIENCE = 0.5; sys.exit(cli.main())"
    with closing(database.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("BEGIN; LOCK TABLE crontabber")
        done = subprocess.run(
            [sys.executable, "-c", impatient, CONF, "--nagios"],
            cwd=crontabber.directory,
            env=crontabber.environ(),
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT,
        )
    assert (done.returncode, done.stderr) == (3, "")
    assert done.stdout == (
        "UNKNOWN - no answer within 0.5 s: is a table locked, or a server silent?\n"
    )
    assert ask(crontabber)[0] == 0


def test_nagios_and_something_else_is_refused(crontabber: Command) -> None:
    code, line = ask(crontabber, "--reset-job=my-first-app")
    assert code == 3
    assert line == "UNKNOWN - only one of --nagios and --reset-job can be meant: give one"
