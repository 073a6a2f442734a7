"""Bad input: one line that says what is wrong, where, and what to do; nothing else happens."""

import os
import re
import shutil

import pytest

from tests.acceptance.rows import CONF, ran, snapshot
from tests.support import Command, Database

APP = """\
from crontabber.base import BaseCronApp

class MyFirstApp(BaseCronApp):
    app_name = 'my-first-app'

    def run(self):
        pass
"""
JOBS = "jobs.myapp.MyFirstApp|1h"


def refuse(crontabber: Command, *arguments: str, env: dict[str, str] | None = None) -> str:
    """The only line, on stderr, of a command that exits with 1."""
    done = crontabber(*(arguments or (CONF,)), env=env)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def test_a_database_that_cannot_be_used_is_named_without_its_password(
    crontabber: Command, database: Database
) -> None:
    """trap: the connection string was built with %: a blank in a password failed or
    injected another host.
    """
    crontabber.write("jobs/myapp.py", APP)
    secret = "s3cret host=/elsewhere"
    there = database._replace(password=secret)
    for place, said in {
        there._replace(host="/nowhere"): "No such file or directory",
        there._replace(host="127.0.0.1", port=1): "Connection refused",
        there._replace(dbname="not-there"): 'database "not-there" does not exist',
        there._replace(user="not-a-role"): 'role "not-a-role" does not exist',
    }.items():
        crontabber.configure(place, JOBS)
        line = refuse(crontabber)
        assert line.startswith("crontabber: cannot use the database (")
        for what in ("host", "port", "user"):
            assert f"{what} {getattr(place, what)}, " in line
        assert f"database {place.dbname})" in line
        # a server that asks for passwords tells strangers nothing more
        assert said in line or (database.password and "password authentication failed" in line)
        assert "s3cret" not in line
        assert "elsewhere" not in line
    assert snapshot(database) == []

    bad = "postgresql://me:s3cret@/x?port=nonsense&nothing=1"
    crontabber.configure(database._replace(host=f"\ndsn={bad}"), JOBS)
    line = refuse(crontabber)
    assert "the option dsn is not a connection string" in line
    assert "s3cret" not in line


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ["--resource.postgresql.dbname=\udcff"],
            "dbname cannot be used: it has a NUL or bytes",
        ),
        (
            ["--resource.postgresql.dsn=user=\udcff"],
            "the option dsn cannot be used: it has a NUL",
        ),
        (["--crontabber.tables_owner=\udcff"], r"'\udcff' cannot be stored in the database, whose"),
        (
            ["--status", "--format=a\nb\x1b"],
            r"--format=a b\x1b is not known to --status: write",
        ),
        (["--cancel-backfill=7"], "there is no backfill 7 under way: see --list-backfills"),
    ],
)
def test_odd_bytes_and_numbers_on_the_command_line(
    crontabber: Command, database: Database, options: list[str], said: str
) -> None:
    crontabber.write("jobs/myapp.py", APP)
    crontabber.configure(database, JOBS)
    assert said in refuse(crontabber, CONF, *options)


@pytest.mark.parametrize(
    "options", [["--job="], ["--crontabber.jobs=a.B|"], ["--jobb"], ["--crontabber.timezone="]]
)
def test_a_long_value_is_repeated_in_part(
    crontabber: Command, database: Database, options: list[str]
) -> None:
    crontabber.write("jobs/myapp.py", APP)
    crontabber.configure(database, JOBS)
    [option] = options
    done = crontabber(CONF, option + "x" * 100_000, "--configtest" if ".jobs" in option else CONF)
    shown = done.stdout or done.stderr
    assert done.returncode == 1
    assert "xxxxxxxx" in shown
    assert len(shown) < 700


def test_what_a_person_says_in_bytes_that_are_no_text_is_kept(
    crontabber: Command, database: Database
) -> None:
    crontabber.write("jobs/myapp.py", APP)
    crontabber.configure(database, JOBS)
    crontabber(CONF)
    done = crontabber(CONF, "--pause=my-first-app", "--why=na\udcefve")
    assert (done.returncode, done.stderr) == (0, "")
    assert r"na\udcefve" in crontabber(CONF, "--explain=my-first-app").stdout


def test_a_wrong_password_or_none(crontabber: Command, guarded: Database) -> None:
    crontabber.configure(guarded._replace(password="guessed it"), JOBS)
    line = refuse(crontabber)
    assert "password authentication failed" in line
    assert "guessed it" not in line
    crontabber.configure(guarded._replace(password=""), JOBS)
    assert "no password supplied" in refuse(crontabber)
    crontabber.configure(guarded, "", f"dbname={guarded.dbname}")
    assert crontabber(CONF, "--list").returncode == 0


@pytest.mark.parametrize(
    ("ini", "said"),
    [
        ("[crontabber\njobs=x\n", r"crontabber\.ini, line 1: "),
        ("[crontabber]\n\nwhat is this\n", r"crontabber\.ini, line 3: this is neither"),
        (
            "[crontabber]\nlate=1h\nlate=2h\n",
            r"\.ini, line 3: .* there already.* line 2",
        ),
        ("[crontabber]\njobs='''\na.B|1h\n", r"crontabber\.ini, line \d: "),
        ("#+include gone.ini\n+include gone.ini\n", r"crontabber\.ini, line 2: cannot include"),
        (
            "[crontabber]\nerror_retry_time=soon\n",
            r"error_retry_time 'soon' .*ini, line 2\)",
        ),
        ("[crontabber]\ntimezone=Europe/Berlni\n", r"did you mean Europe/Berlin\?"),
        ("[crontabber]\ndatabase_class=no.Such\n", r"there is no module no"),
        ("[logging]\nstderr_error_logging_level=loud\n", r"neither a number nor a name"),
    ],
)
def test_a_broken_configuration_is_refused_with_file_and_line_or_option(
    crontabber: Command, ini: str, said: str
) -> None:
    crontabber.write("crontabber.ini", ini)
    line = refuse(crontabber, env={"PGHOST": "/nowhere"})
    assert re.search(said, line), line


def test_a_configuration_that_cannot_be_read(crontabber: Command) -> None:
    assert refuse(crontabber) == (
        "crontabber: cannot read crontabber.ini: No such file or directory\n"
    )
    crontabber.write("crontabber.ini", "").write_bytes(b"[crontabber]\n# \xe9\n")
    assert "crontabber.ini, line 2: this is not UTF-8 text" in refuse(crontabber)
    path = crontabber.directory / "crontabber.ini"
    path.unlink()
    path.mkdir()
    assert "cannot read crontabber.ini: Is a directory" in refuse(crontabber)
    path.rmdir()
    path.touch(mode=0o000)
    if os.geteuid():  # root may read any file
        assert "cannot read crontabber.ini: Permission denied" in refuse(crontabber)


def test_a_job_line_that_cannot_be_used_stops_no_other_job(
    crontabber: Command, database: Database
) -> None:
    """trap: one bad import stopped every job and hid the real ImportError; two jobs with
    one app_name lost one silently.
    """
    crontabber.write("jobs/myapp.py", APP)
    crontabber.write("jobs/broken.py", "from jobs.myapp import Nothing\n")
    crontabber.write("jobs/namesake.py", APP)
    crontabber.write(
        "jobs/options.py",
        APP.replace("my-first-app", "options").replace(
            "    def run",
            "    from configman import Namespace\n"
            "    required_config = Namespace()\n"
            "    required_config.add_option('number', default=1)\n\n"
            "    def run",
        ),
    )
    bad = {
        "jobs.broken.MyFirstApp|1h": "cannot import name 'Nothing' from 'jobs.myapp'",
        "jobs.myapp.MyFirstApp|1x": "1x",
        "jobs.gone.MyFirstApp|1h": "there is no module jobs.gone",
        "jobs.namesake.MyFirstApp|1h": "is that of jobs.myapp.MyFirstApp",
    }
    crontabber.configure(
        database,
        "\n".join([*bad, "jobs.options.MyFirstApp|1h"]).replace(
            "jobs.namesake", "jobs.myapp.MyFirstApp|1h\njobs.namesake"
        ),
        "[[class-MyFirstApp]]\nnumber=many",
    )
    done = crontabber(CONF)
    assert (done.returncode, done.stdout) == (1, "")
    lines = done.stderr.splitlines()
    assert len(lines) == len(bad) + 1
    assert all(" CRITICAL - " in line for line in lines)
    for job, fault in bad.items():
        assert [line for line in lines if f"job line '{job}'" in line and fault in line], job
    assert [line for line in lines if "class-MyFirstApp.number 'many'" in line]
    assert ran(database) == ["my-first-app"]


def test_nothing_in_the_tables_is_changed(crontabber: Command, database: Database) -> None:
    crontabber.write("jobs/myapp.py", APP)
    path = crontabber.configure(database, JOBS)
    crontabber(CONF)
    before = snapshot(database)
    good = path.read_text()
    path.write_text(good.replace(JOBS, "jobs.myapp.MyFristApp|1h\njobs.myapp.MyFirstApp|1x"))
    assert crontabber(CONF).returncode == 1
    for old, new in {
        "[crontabber]": "[crontabber",
        f"dbname={database.dbname}": "dbname=not-there",
        "[resource]": "error_retry_time=soon\n[resource]",
    }.items():
        path.write_text(good.replace(old, new))
        refuse(crontabber)
    path.write_text(good)
    refuse(crontabber, CONF, "--crontabber.jbos=x")
    shutil.rmtree(crontabber.directory / "jobs")
    assert crontabber(CONF).returncode == 0  # what is not due is not imported
    assert snapshot(database) == before
