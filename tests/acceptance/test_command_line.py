"""The manual's chapter 1.9: what can be asked for on the command line."""

import crontabber as package
from tests.acceptance.rows import CONF, pass_time, ran, runs, snapshot, state
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
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert ran(database) == ["my-first-app"] * 2
    after = state(database, "my-first-app")
    assert (after.next_run, after.first_run) == (before.next_run, before.first_run)

    # its parent failed
    crontabber.write("my-first-app.broken", "")
    pass_time(database, "1 hour")
    crontabber(CONF, "--job=my-first-app")
    assert "blocked" in crontabber(CONF, "--job=my-second-app").stdout
    done = crontabber(CONF, "-fj", "my-second-app")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
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
        ("run",): "unexpected argument 'run': only options are understood",
        ("--job",): "option --job needs a value",
        ("--crontabber.eror_retry_time=5",): "did you mean crontabber.error_retry_time?",
    }.items():
        done = crontabber(*arguments, env={"PGHOST": "/nowhere"})
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.count("\n") == 1
        assert said in done.stderr
