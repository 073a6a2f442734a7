"""The manual's chapter 1.9: what can be asked for on the command line."""

import crontabber as package
from tests.acceptance.rows import CONF, pass_time, ran, runs, snapshot, state, without_news
from tests.acceptance.test_dependencies import WAITING, held
from tests.support import Command, Database

APPS = """\
import os
from crontabber.base import BaseCronApp

class App(BaseCronApp):
    def run(self):
        if os.path.exists(self.app_name + '.broken'):
            raise OSError('broken')

class MyFirstApp(App):
    app_name = 'my-first-app'

class MySecondApp(App):
    app_name = 'my-second-app'
    depends_on = 'my-first-app'
"""
JOBS = "jobs.myapp.MyFirstApp|1h\njobs.myapp.MySecondApp|1d"


def test_configtest_counts_the_jobs_that_are_misconfigured_and_says_why(
    crontabber: Command, database: Database
) -> None:
    """trap: configtest exited 1, not the count; `5`, `h` and `1d|03:00|x` crashed it;
    `36h|03:00` passed, `0m` looped for ever, `1h30m` counted as 1 h.
    """
    crontabber.write(
        "jobs/myapp.py",
        APPS
        + """\

class Nameless(App):
    pass

class Namesake(App):
    app_name = 'my-first-app'

class NoApp:
    app_name = 'no-app'
""",
    )
    crontabber.write("jobs/broken.py", "import nowhere_to_be_found\n")
    crontabber.write("jobs/syntax.py", "def run(:\n")
    crontabber.write("jobs/leaves.py", "import sys\nsys.exit(0)\n")
    database_that_is_not_asked = crontabber.configure(database, JOBS)
    database_that_is_not_asked.write_text(f"[crontabber]\njobs='''\n{JOBS}\n'''\n")
    done = crontabber(CONF, "--configtest", env={"PGHOST": "/nowhere"})
    assert (done.returncode, done.stdout, done.stderr) == (0, "OK: all 2 jobs are well\n", "")

    faults = {
        "jobs.nowhere.App|1h": "there is no module jobs.nowhere",
        "jobs.mayapp.MyFirstApp|1h": "did you mean myapp?",
        "jobs.myapp.MyFristApp|1h": "did you mean MyFirstApp?",
        "jobs.myapp.NoApp|1h": "derive it from crontabber.base.BaseCronApp",
        "jobs.myapp.Nameless|1h": "has no app_name",
        "jobs.myapp.Namesake|1h": "is that of jobs.myapp.MyFirstApp",
        "jobs.broken.App|1h": "ModuleNotFoundError: No module named 'nowhere_to_be_found'",
        "jobs.syntax.App|1h": "SyntaxError",
        "jobs.leaves.App|1h": "it calls sys.exit",
        "jobs.myapp.MySecondApp|2r": "2r",
        "jobs.myapp.MySecondApp|1d|24:30": "24:30",
        "jobs.myapp.MySecondApp|36h|03:00": "needs a frequency of whole days",
        "jobs.myapp.MySecondApp|0m": "0m",
        "jobs.myapp.MySecondApp|1h30m": "1h30m",
        "jobs.myapp.MySecondApp|5": "5",
        "jobs.myapp.MySecondApp|h": "'h'",
        "jobs.myapp.MySecondApp|1d|03:00|x": "more than a frequency and a time",
        "jobs.myapp.MySecondApp": "it has no frequency",
        "MySecondApp|1h": "is not a class path",
    }
    crontabber.configure(database, "\n".join(["jobs.myapp.MyFirstApp|1h", *faults]))
    done = crontabber(CONF, "--configtest")
    assert done.returncode == len(faults)
    lines = done.stdout.splitlines()
    assert len(lines) == len(faults)
    for job, fault in faults.items():
        assert [line for line in lines if f"job line '{job}'" in line and fault in line], job
    assert snapshot(database) == []


UNKNOWN_OPTIONS = """\
[crontabber]
jobs=jobs.myapp.MyFirstApp|1h
[[class-MyFirstApp]]
nun=7
[[class-OfAnotherFile]]
number=7
[crontaber]
jobs=jobs.myapp.MySecondApp|1d
[loging]
level=INFO
[resource]
[[postgres]]
dbname=elsewhere
"""


def test_configtest_tells_of_every_unknown_option(crontabber: Command) -> None:
    """trap: OK for [crontaber], [loging], [[postgres]], nun= and crontabber.class-X.nmu=."""
    with_option = APPS.replace(
        "class MyFirstApp(App):\n",
        "class MyFirstApp(App):\n"
        "    from configman import Namespace\n"
        "    required_config = Namespace()\n"
        "    required_config.add_option('num', default=1)\n",
    )
    crontabber.write("jobs/myapp.py", with_option)
    crontabber.write("crontabber.ini", UNKNOWN_OPTIONS)
    done = crontabber(CONF, "--configtest", env={"crontabber.class-MyFirstApp.nmu": "zz"})
    assert (done.returncode, done.stderr) == (3, "")
    *faults, first, second = done.stdout.splitlines()
    assert sorted(faults) == [
        "unknown section [crontaber] (from crontabber.ini, line 7): did you mean [crontabber]?",
        "unknown section [loging] (from crontabber.ini, line 9): did you mean [logging]?",
        (
            "unknown section [resource] [[postgres]] (from crontabber.ini, line 12): did you mean "
            "[resource] [[postgresql]]?"
        ),
    ]
    num = "did you mean crontabber.class-MyFirstApp.num?"
    nmu = "unknown option crontabber.class-MyFirstApp.nmu (from the environment)"
    nun = "unknown option crontabber.class-MyFirstApp.nun (from crontabber.ini, line 4)"
    assert sorted([first, second]) == [f"warning: {nmu}: {num}", f"warning: {nun}: {num}"]
    shown = crontabber.tty(CONF, "--configtest").stdout
    assert shown.count("[crontaber]") == 1


def test_configtest_checks_where_connections_go_without_making_them(crontabber: Command) -> None:
    crontabber.write("jobs/myapp.py", APPS)
    jobs = "[crontabber]\njobs=jobs.myapp.MyFirstApp|1h\n"
    place = "[resource]\n[[postgresql]]\n"
    for ini, fault in {
        f"{place}port=abc\n": "port 'abc' is not a port",
        f"{place}port=99999\n": "port '99999' is not a port",
        f"{place}connect_timeout=soon\n": "connect_timeout 'soon' is not a whole number",
        f"{place}dsn=foo bar hunter2\n": "the option dsn is not a connection string",
        f"{place}dsn=port=x\n": "port 'x' is not a port",
        "[sentry]\ndsn=hunter2\n": "sentry.dsn cannot be used: it does not begin with https://",
    }.items():
        crontabber.write("crontabber.ini", f"{jobs}{ini}")
        done = crontabber(CONF, "--configtest")
        assert (done.returncode, done.stdout.count("\n"), done.stderr) == (1, 1, ""), ini
        assert fault in done.stdout
        assert "hunter2" not in done.stdout

    crontabber.write("crontabber.ini", f"{jobs}{place}host='a,b'\nport='5432,5433'\n")
    assert crontabber(CONF, "--configtest").stdout == "OK: the one job is well\n"


def test_configtest_says_of_unknown_parents_whether_the_database_was_asked(
    crontabber: Command, database: Database
) -> None:
    """trap: it waited a minute for each, and then said that it was not in the database."""
    crontabber.write("jobs/myapp.py", APPS.replace("depends_on = 'my", "depends_on = 'other', 'my"))
    crontabber.configure(database, JOBS)
    done = crontabber(CONF, "--configtest")
    said = "warning: my-second-app depends on other, which is "
    assert done.stdout.startswith(f"{said}neither in this configuration nor in the database\n")

    crontabber.configure(database._replace(host="/nowhere"), JOBS)
    done = crontabber(CONF, "--configtest")
    asked = "not in this configuration, and the database could not be asked"
    assert done.stdout.startswith(f"{said}{asked}\n")
    assert done.returncode == 0


def test_a_class_that_makes_no_connections_is_refused(crontabber: Command) -> None:
    """trap: an app that uses PostgreSQL, as the database_class, made options without end."""
    crontabber.write(
        "jobs/myapp.py",
        "from crontabber.mixins import using_postgres\n"
        + APPS.replace("class MyFirstApp", "@using_postgres\nclass MyFirstApp"),
    )
    for path in ("jobs.myapp.MyFirstApp", "collections.OrderedDict"):
        crontabber.write("crontabber.ini", f"[resource]\n[[postgresql]]\ndatabase_class={path}\n")
        done = crontabber(CONF, "--list-jobs")
        assert (done.returncode, done.stderr.count("\n")) == (1, 1)
        assert "it has no method connect()" in done.stderr
        done = crontabber(CONF, "--configtest")
        assert (done.returncode, done.stdout.count("\n")) == (1, 1)
        assert "it has no method connect()" in done.stdout


def test_reset_job_forgets_a_job_but_not_its_log(crontabber: Command, database: Database) -> None:
    crontabber.write("jobs/myapp.py", APPS)
    crontabber.configure(database, JOBS)
    for name in ("my-first-app", "jobs.myapp.MyFirstApp"):
        crontabber(CONF)
        before = runs(database)
        done = crontabber(CONF, f"--reset-job={name}")
        assert done.returncode == 0
        assert "my-first-app is reset" in done.stdout
        assert database.execute("SELECT app_name FROM crontabber") == [("my-second-app",)]
        done = crontabber(CONF, "-r", name)  # twice is harmless
        assert (done.returncode, done.stderr) == (0, "")
        assert "nothing to reset" in done.stdout
        assert runs(database) == before
    crontabber(CONF)
    assert ran(database, "my-first-app") == ["my-first-app"] * 3

    before_typo = snapshot(database)
    done = crontabber(CONF, "--reset-job=my-frist-app")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "crontabber: there is no job 'my-frist-app': did you mean my-first-app?\n"
    )
    assert snapshot(database) == before_typo


def test_job_runs_one_job_if_it_may_and_force_whatever_stands_in_the_way(
    crontabber: Command, database: Database
) -> None:
    crontabber.write("jobs/myapp.py", APPS)
    crontabber.configure(database, JOBS)

    # its parent has not run
    done = crontabber(CONF, "--job=my-second-app")
    assert (done.returncode, done.stderr) == (0, "")
    assert "my-second-app is not run: blocked, my-first-app has never run" in done.stdout
    assert crontabber(CONF, "--job=my-first-app").returncode == 0
    assert ran(database) == ["my-first-app"]  # and nothing else, due or not

    # it is not due
    done = crontabber(CONF, "-j", "jobs.myapp.MyFirstApp")
    assert done.returncode == 0
    assert "my-first-app is not run: not due, until 20" in done.stdout
    assert ran(database) == ["my-first-app"]
    before = state(database, "my-first-app")
    done = crontabber(CONF, "--job=my-first-app", "--force")
    assert (done.returncode, done.stdout, without_news(done.stderr)) == (0, "", "")
    assert ran(database) == ["my-first-app"] * 2
    after = state(database, "my-first-app")
    assert (after.next_run, after.first_run) == (before.next_run, before.first_run)

    # its parent failed
    crontabber.write("my-first-app.broken", "")
    pass_time(database, "1 hour")
    crontabber(CONF, "--job=my-first-app")
    assert "blocked" in crontabber(CONF, "--job=my-second-app").stdout
    done = crontabber(CONF, "-fj", "my-second-app")
    assert (done.returncode, done.stdout, without_news(done.stderr)) == (0, "", "")
    assert ran(database)[-1] == "my-second-app"

    # a job that raises does not change the exit status, as in a tick
    done = crontabber(CONF, "--job=my-first-app", "--force")
    assert done.returncode == 0
    assert state(database, "my-first-app").error_count == 2

    before_typo = snapshot(database)
    done = crontabber(CONF, "--job=jobs.myapp.MySecnodApp")
    assert (done.returncode, done.stdout) == (1, "")
    assert "did you mean jobs.myapp.MySecondApp?" in done.stderr
    assert snapshot(database) == before_typo


def test_a_job_that_is_running_elsewhere_is_neither_run_nor_reset(
    crontabber: Command, database: Database
) -> None:
    """trap: --job=X while X is ongoing gave a traceback."""
    crontabber.write("jobs/waiting.py", WAITING)
    crontabber.configure(database, "jobs.waiting.Parent|1h")
    with held(crontabber, CONF):
        assert "Ongoing now!   Started " in crontabber(CONF, "--list-jobs").stdout
        for arguments in (["--job=parent"], ["--job=parent", "--force"]):
            done = crontabber(CONF, *arguments)
            assert (done.returncode, done.stderr) == (3, "")
            assert done.stdout.startswith("parent is not run: running elsewhere, by process ")
        done = crontabber(CONF, "--reset-job=parent")
        assert (done.returncode, done.stdout) == (3, "")
        assert "parent is running now; reset it when it has finished" in done.stderr
    assert ran(database) == ["parent"]
    assert crontabber(CONF, "--reset-job=parent").returncode == 0


def test_ghosts_are_jobs_in_the_database_but_not_in_this_configuration(
    crontabber: Command, database: Database
) -> None:
    """trap: --reset-job of a ghost failed."""
    crontabber.write("jobs/myapp.py", APPS)
    crontabber.configure(database, JOBS)
    crontabber(CONF)
    done = crontabber(CONF, "--audit-ghosts")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("No ghosts")

    crontabber.configure(database, "jobs.myapp.MySecondApp|1d")
    done = crontabber(CONF, "--audit-ghosts")
    assert done.returncode == 0
    assert done.stdout.startswith("my-first-app (jobs.myapp.MyFirstApp): last run 20")
    assert "my-second-app" not in done.stdout
    (crontabber.directory / "jobs/myapp.py").unlink()  # its code may be gone, too
    assert crontabber(CONF, "--reset-job=my-first-app").returncode == 0
    assert database.execute("SELECT app_name FROM crontabber") == [("my-second-app",)]


def test_version_help_and_what_is_no_option(crontabber: Command) -> None:
    done = crontabber("--version")
    assert (done.returncode, done.stdout) == (0, f"{package.__version__}\n")
    done = crontabber("-h")
    assert done.returncode == 0
    for option in "job force list-jobs nagios reset-job audit-ghosts configtest version".split():
        assert f"--{option}" in done.stdout
    for arguments, said in {
        ("--lsit-jobs",): "unknown option --lsit-jobs: did you mean --list-jobs?",
        ("run",): "unexpected argument 'run': crontabber takes only options",
        ("--job",): "option --job needs a value",
        ("--crontabber.eror_retry_time=5",): "did you mean crontabber.error_retry_time?",
    }.items():
        done = crontabber(*arguments, env={"PGHOST": "/nowhere"})
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.count("\n") == 1
        assert said in done.stderr
