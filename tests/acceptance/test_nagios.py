"""The manual's chapter 1.3: one line and one of four exit statuses."""

import textwrap
from contextlib import closing

import pytest

from tests.acceptance.rows import CONF, pass_time, runs
from tests.support import Command, Database

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
    arguments = arguments or (CONF,)
    done = crontabber(*arguments, *([] if "-n" in arguments else ["--nagios"]), **options)
    assert done.stderr == ""
    assert done.stdout.count("\n") == 1
    assert done.stdout.endswith("\n")
    return done.returncode, done.stdout.rstrip("\n")


OLDEST = "oldest_open_seconds"


def told(crontabber: Command, *arguments: str) -> tuple[int, str]:
    """The same without performance data."""
    code, line = ask(crontabber, *arguments)
    return code, line.partition(" | ")[0]


def performance(line: str) -> dict[str, float]:
    """The performance data, by label."""
    text, bar, data = line.partition(" | ")
    assert bar
    assert "|" not in text
    values = (each.partition("=") for each in data.split(" "))
    return {label: float(value.partition(";")[0]) for label, _, value in values}


def test_ok_warning_and_critical(crontabber: Command, database: Database) -> None:
    """trap: --nagios printed several lines for one error."""
    crontabber.write("jobs/myapp.py", APPS)
    apps = ["MyFirstApp", "MySecondApp", "MyBackfillApp"]
    crontabber.configure(database, "\n".join(f"jobs.myapp.{app}|1h" for app in apps))

    crontabber(CONF)
    code, line = ask(crontabber)
    assert (code, line.partition(" | ")[0]) == (0, "OK - all 3 jobs are well")
    assert performance(line) == {"jobs": 3, "failed": 0, "late": 0, "blocked": 0, OLDEST: 0}

    outage = crontabber.write("outage", "")
    pass_time(database, "1 hour")
    crontabber(CONF)
    backfill = "my-backfill-app (MyBackfillApp): <class 'OSError'>: no service"
    assert told(crontabber) == (1, f"WARNING - {backfill}")

    # a second failure in a row is no warning any more
    pass_time(database, "5 minutes")
    crontabber(CONF)
    assert told(crontabber) == (2, f"CRITICAL - {backfill}")

    outage.unlink()
    crontabber.write("broken", "")
    pass_time(database, "1 hour")
    crontabber(CONF)
    code, line = ask(crontabber)
    assert code == 2
    first, second = line.partition(" | ")[0].split("; ")
    assert first.startswith("CRITICAL - my-first-app (MyFirstApp): <class '")
    assert first.endswith("Error'>: [Errno 21] Is a directory: '/etc'")
    assert second.startswith("my-second-app (MySecondApp): <class 'ValueError'>: several lines")
    assert line.count("|") == 1
    assert performance(line)["failed"] == 2
    manual = crontabber(CONF, "--nagios", "--crontabber.nagios_separators=manual").stdout
    assert manual.startswith("CRITICAL - my-first-app (MyFirstApp) | <class '")
    assert manual.count("|") == 4

    assert told(crontabber, CONF, "-n") == (2, line.partition(" | ")[0])


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
    assert line.startswith("CRITICAL - my-first-app (MyFirstApp): overdue: due since ")


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
    for short in ("-njreport", "-ln"):
        asked = crontabber("--admin.conf=nowhere.ini", short)
        assert (asked.returncode, asked.stderr) == (3, "")
        assert asked.stdout.startswith("UNKNOWN - ")
    code, line = ask(crontabber, "--admin.conf", "nowhere.ini", "--configtset")
    assert code == 3
    assert line == "UNKNOWN - unknown option --configtset: did you mean --configtest?"


def test_what_a_module_prints_is_not_in_the_line(crontabber: Command, database: Database) -> None:
    crontabber.write("jobs/myapp.py", f"{APPS}\nprint('hello')\nos.write(1, b'there\\n')\n")
    crontabber.configure(database, "jobs.myapp.MyFirstApp|1h")
    done = crontabber(CONF, "--nagios")
    assert done.stdout.startswith("WARNING - my-first-app has not been seen by a tick")
    assert sorted(done.stderr.split()) == ["hello", "there"]


def test_a_configuration_without_jobs_is_a_warning(crontabber: Command, database: Database) -> None:
    path = crontabber.configure(database, "jobs.myapp.MyFirstApp|1h")
    path.write_text(path.read_text().replace("[crontabber]", "[crontaber]"))
    assert told(crontabber) == (1, "WARNING - there are no jobs in this configuration")


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
    ends = "a class that the configuration names ends the process: it calls sys.exit"
    raises = "cannot use the database: factories.Odd raises ZeroDivisionError: nothing to share"
    where = f"({crontabber.directory}/factories.py:5)"
    assert line in (f"UNKNOWN - {raises} {where}", f"UNKNOWN - {ends} {where}")


def test_a_table_that_is_locked_is_not_waited_for_without_end(
    crontabber: Command, database: Database
) -> None:
    crontabber.write("jobs/myapp.py", APPS)
    crontabber.configure(database, "jobs.myapp.MyFirstApp|1h")
    crontabber(CONF)
    with closing(database.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("BEGIN; LOCK TABLE crontabber")
        code, line = ask(crontabber, CONF, "--nagios-timeout=0.8")
        assert code == 3
        assert line.startswith(
            "UNKNOWN - no answer within 0.8 s: is a server silent, a table locked"
        )
        # and no session of the check is left behind, waiting
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        assert cursor.fetchone() == (0,)
    assert ask(crontabber)[0] == 0


def test_nagios_and_something_else_is_refused(crontabber: Command) -> None:
    code, line = ask(crontabber, "--reset-job=my-first-app")
    assert code == 3
    assert line == "UNKNOWN - give only one of --nagios and --reset-job"


LATE = """\
from crontabber.base import BaseCronApp

class Patient(BaseCronApp):
    app_name = 'patient'
    late = '3h'

    def run(self):
        pass

class Strict(Patient):
    app_name = 'strict'
    late = '10m'

class Usual(Patient):
    app_name = 'usual'
    late = None
"""


def test_how_late_is_too_late_is_an_option_and_an_attribute_of_the_app(
    crontabber: Command, database: Database
) -> None:
    crontabber.write("apps.py", LATE)
    jobs = "apps.Patient|1d\napps.Strict|1d\napps.Usual|1d"
    crontabber.configure(database, jobs)
    crontabber(CONF)

    def late(*arguments: str) -> list[str]:
        _, line = told(crontabber, CONF, *arguments)
        return [name for name in ("patient", "strict", "usual") if f"{name} (" in line]

    pass_time(database, "1 day 5 minutes")
    assert late() == []
    pass_time(database, "15 minutes")
    assert late() == ["strict"]
    assert late("--crontabber.late=5m") == ["strict", "usual"]
    pass_time(database, "1 hour")
    assert late() == ["strict", "usual"]
    assert late("--crontabber.late=2h") == ["strict"]
    pass_time(database, "2 hours")
    assert late("--crontabber.late=9h") == ["patient", "strict"]
    # a job whose class cannot be imported here is judged by the option
    crontabber.write("apps.py", "raise RuntimeError")
    assert late() == ["patient", "strict", "usual"]
    assert late("--crontabber.late=9h") == []
    # and --list-jobs says no more than before
    assert crontabber(CONF, "--list-jobs").returncode == 0


def test_one_job_alone_is_judged(crontabber: Command, database: Database) -> None:
    crontabber.write("jobs/myapp.py", APPS)
    crontabber.write("broken", "")
    apps = ["MyFirstApp|1h", "MySecondApp|1h", "MyBackfillApp|1h", "Nothing|1h"]
    crontabber.configure(database, "\n".join(f"jobs.myapp.{app}" for app in apps))
    crontabber(CONF)
    assert ask(crontabber)[0] == 2
    code, line = ask(crontabber, CONF, "--job=my-backfill-app")
    assert (code, line.partition(" | ")[0]) == (0, "OK - the one job is well")
    assert performance(line)["jobs"] == 1
    for name in ("my-first-app", "jobs.myapp.MyFirstApp"):
        code, line = told(crontabber, CONF, f"--job={name}")
        assert code == 2
        assert line.startswith("CRITICAL - my-first-app (MyFirstApp): ")
        assert "my-second-app" not in line
    code, line = ask(crontabber, CONF, "--job=my-frist-app")
    assert code == 3
    assert line == "UNKNOWN - there is no job 'my-frist-app': did you mean my-first-app?"
    code, line = told(crontabber, CONF, "--job=jobs.myapp.Nothing")
    assert code == 2
    assert "module jobs.myapp has no class Nothing" in line
    # the job was judged and not run
    assert len(runs(database)) == 3


def test_sixty_failures_are_counted_and_the_gravest_named(
    crontabber: Command, database: Database
) -> None:
    """Also where only the first 1024 bytes arrive, as by NRPE 2."""
    app = """\
    class App{0}(BaseCronApp):
        app_name = 'app-{0}'

        def run(self):
            raise OSError(13, 'Permission denied', '/etc')
    """
    lines = ["from crontabber.base import BaseCronApp", *(app.format(n) for n in range(60))]
    crontabber.write("apps.py", "\n".join(map(textwrap.dedent, lines)))
    crontabber.configure(database, "\n".join(f"apps.App{n}|1h" for n in range(60)))
    crontabber(CONF)
    code, line = ask(crontabber)
    assert code == 2
    assert line.startswith("CRITICAL - 60 problems: app-0 (App0): <class 'PermissionError'>: [Err")
    assert "; and " in line
    assert performance(line)["failed"] == 60
    assert len(line.encode()) < 4096
