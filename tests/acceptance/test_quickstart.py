"""The manual's chapter 1.1: from nothing to a job that ran, as a new user would."""

import json
import os
import re
import subprocess
import sys
import sysconfig
from importlib import metadata
from pathlib import Path

import pytest

from crontabber import __version__
from tests.acceptance.rows import CONF, pass_time
from tests.support import ROOT, Command, Database

MY_APP = """\
import datetime
from crontabber.base import BaseCronApp

class MyFirstApp(BaseCronApp):
    app_name = 'my-first-app'

    def run(self):
        with open(self.app_name + '.log', 'a') as f:
            f.write('Now is %s\\n' % datetime.datetime.now())
"""
NEVER_RAN = """\
=== JOB ========================================================================
Class:          jobs.myapp.MyFirstApp
App name:       my-first-app
Frequency:      5m
*NO PREVIOUS RUN INFO*
"""


def edit(command: Command, old: str, new: str) -> None:
    """Change one line of crontabber.ini."""
    path = command.directory / "crontabber.ini"
    text = path.read_text()
    assert len(re.findall(old, text, re.MULTILINE)) == 1
    path.write_text(re.sub(old, new, text, flags=re.MULTILINE))


def test_each_command_of_the_quickstart_behaves_as_printed(
    crontabber: Command, database: Database
) -> None:
    # The manual's server is where libpq looks for one; dbname, user and password are edited.
    server = {"PGHOST": database.host, "PGPORT": str(database.port)}

    done = crontabber("--help", env=server)
    assert done.returncode == 0
    assert "--admin.dump_conf" in done.stdout

    done = crontabber("--admin.dump_conf=crontabber.ini", env=server)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    lines = (crontabber.directory / "crontabber.ini").read_text().splitlines()
    assert [line for line in lines if "=" in line and not line.strip().startswith("#")] == []

    edit(crontabber, r"^ *#dbname=.*$", f"dbname={database.dbname}")
    edit(crontabber, r"^ *#user=.*$", f"user={database.user}")
    edit(crontabber, r"^ *#password=.*$", f"password={database.password or 'any'}")
    done = crontabber(CONF, "--list", env=server)
    assert (done.returncode, done.stderr) == (0, "")

    edit(crontabber, r"^ *#jobs=''$", "jobs='''\njobs.myapp.MyFirstApp|5m\n'''")
    crontabber.write("jobs/myapp.py", MY_APP)
    imported = subprocess.run(
        [sys.executable, "-c", "from jobs.myapp import MyFirstApp"],
        cwd=crontabber.directory,
        env=crontabber.environ(),
        check=False,
    )
    assert imported.returncode == 0

    done = crontabber(CONF, "--list", env=server)
    assert (done.returncode, done.stdout, done.stderr) == (0, NEVER_RAN, "")

    done = crontabber(CONF, env=server)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    log = crontabber.directory / "my-first-app.log"
    assert re.fullmatch(r"Now is \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+\n", log.read_text())

    assert crontabber(CONF, env=server).returncode == 0
    assert len(log.read_text().splitlines()) == 1

    pass_time(database, "5 minutes")
    assert crontabber(CONF, env=server).returncode == 0
    assert len(log.read_text().splitlines()) == 2

    assert database.execute("SELECT app_name, error_count, ongoing FROM crontabber") == [
        ("my-first-app", 0, None)
    ]
    assert database.execute("SELECT app_name, exc_type FROM crontabber_log") == [
        ("my-first-app", None),
        ("my-first-app", None),
    ]


def test_what_the_file_leaves_out_is_as_libpq_has_it(
    crontabber: Command, guarded: Database
) -> None:
    """From its variables, from a service file, or with the password in a pgpass file."""
    crontabber.write("jobs/myapp.py", MY_APP)
    crontabber.write("crontabber.ini", "[crontabber]\njobs=jobs.myapp.MyFirstApp|5m\n")
    log = crontabber.directory / "my-first-app.log"
    password = guarded.password.replace("\\", "\\\\").replace(":", "\\:")
    passfile = crontabber.write(".pgpass", f"*:*:*:{guarded.user}:{password}\n")
    passfile.chmod(0o600)
    service = f"[here]\nhost={guarded.host}\nport={guarded.port}\ndbname={guarded.dbname}\n"
    crontabber.write(".pg_service.conf", f"{service}user={guarded.user}\n")
    variables = guarded.environ()
    without_password = {k: v for k, v in variables.items() if k != "PGPASSWORD"}

    for number, env in enumerate([variables, without_password, {"PGSERVICE": "here"}], 1):
        done = crontabber(CONF, "--job=my-first-app", "--force", env=env)
        assert (done.returncode, done.stderr) == (0, "")
        assert len(log.read_text().splitlines()) == number

    # what the file says wins over a variable
    crontabber.write("crontabber.ini", "[resource]\n[[postgresql]]\ndbname=not-there\n")
    done = crontabber(CONF, "--list", env=variables)
    assert done.returncode == 1
    assert 'database "not-there" does not exist' in done.stderr


def test_the_configuration_can_be_printed_and_read_again(
    crontabber: Command, database: Database
) -> None:
    crontabber.write("jobs/myapp.py", MY_APP)
    path = crontabber.configure(database, "jobs.myapp.MyFirstApp|5m", "error_retry_time=60")
    printed = crontabber(CONF, "--admin.print_conf=ini")
    assert printed.returncode == 0
    assert "error_retry_time=60" in printed.stdout
    assert "#max_ongoing_age_hours=12.0" in printed.stdout
    path.write_text(printed.stdout.replace("#password=****************", ""))
    again = crontabber(CONF, "--admin.print_conf=json")
    assert again.returncode == 0
    shown = json.loads(again.stdout)
    assert shown["crontabber"]["error_retry_time"]["value"] == "60"
    assert shown["resource"]["postgresql"]["dbname"]["value"] == database.dbname


@pytest.mark.parametrize("extra", [["--admin.strict"], []], ids=["strict", "not strict"])
def test_an_unknown_option_is_an_error_if_asked_to_be_strict_and_else_is_not(
    crontabber: Command, database: Database, extra: list[str]
) -> None:
    crontabber.configure(database, "", "eror_retry_time=60")
    done = crontabber(CONF, "--list", *extra)
    assert done.returncode == (1 if extra else 0)
    if extra:
        assert "did you mean crontabber.error_retry_time?" in done.stderr
        assert "Traceback" not in done.stderr


def test_what_is_installed_is_the_command_and_all_that_it_needs(crontabber: Command) -> None:
    """What the package says of itself is what pip goes by, and pip made the command here."""
    installed = metadata.distribution("crontabber")
    needed = {line for line in installed.requires or () if "extra ==" not in line}
    listed = {line.replace(" ", "") for line in (ROOT / "requirements.txt").read_text().split("\n")}
    assert needed == listed - {""}
    script = Path(sysconfig.get_path("scripts"), "crontabber")
    done = subprocess.run(
        [script, "--version"],
        cwd=crontabber.directory,
        env={"PATH": os.defpath, "HOME": str(crontabber.directory)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip().endswith(__version__)
