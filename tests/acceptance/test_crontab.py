"""The manual's chapter 1.5: started by cron, by a script, and several at the same time."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.acceptance.rows import CONF, INFO, ran
from tests.acceptance.test_dependencies import held
from tests.support import ROOT, TIMEOUT, Command, Database

EXAMPLE = ROOT / "exampleapp"
APPS = """\
from crontabber.base import BaseCronApp

class Parent(BaseCronApp):
    app_name = 'parent'

    def run(self):
        with open('begun', 'w') as begun:
            begun.write('.')
        open('go').close()

class Quick(BaseCronApp):
    app_name = 'quick'

    def run(self):
        open('quick.log', 'a').write('ran\\n')

class Slow(BaseCronApp):
    app_name = 'slow'

    def run(self):
        open('slow.log', 'a').write('ran\\n')
"""


def virtual_environment(crontabber: Command) -> Path:
    """A directory that looks like one with crontabber in it."""
    script = crontabber.write(
        "venv/bin/crontabber", f'#!/bin/sh\nexec "{sys.executable}" -m crontabber "$@"\n'
    )
    script.chmod(0o755)
    return script.parents[1]


def start(
    wrapper: Path, crontabber: Command, *arguments: str
) -> "subprocess.CompletedProcess[str]":
    """Start the script as cron does: with next to nothing in its environment, from elsewhere."""
    return subprocess.run(
        [wrapper, *arguments],
        cwd="/",
        env={
            "PATH": os.defpath,
            "HOME": "/",
            "SHELL": "/bin/sh",
            "VENV": str(virtual_environment(crontabber)),
            "PYTHONPATH": str(ROOT),
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )


def test_the_wrapper_script_runs_from_cron_with_one_configuration_or_several(
    crontabber: Command, database: Database
) -> None:
    home = crontabber.directory / "a home"
    home.mkdir()
    wrapper = Path(shutil.copy(EXAMPLE / "crontabber_wrapper.sh", home))
    crontabber.write("a home/jobs/myapp.py", APPS)
    crontabber.write("a home/shared.ini", database.ini_section())
    for name, jobs in {
        "crontabber.ini": "jobs.myapp.Quick|1h, jobs.myapp.Slow|1h",
        "crontabber.A.ini": "jobs.myapp.Quick|1h",
        "crontabber.B.ini": "jobs.myapp.Slow|1h",
    }.items():
        crontabber.write(f"a home/{name}", f"[crontabber]\njobs='{jobs}'\n#+include shared.ini\n")

    done = start(wrapper, crontabber, "A")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert ran(database) == ["quick"]
    assert start(wrapper, crontabber, "B").returncode == 0
    assert ran(database) == ["quick", "slow"]
    assert (home / "slow.log").read_text() == "ran\n"

    done = start(wrapper, crontabber)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert ran(database) == ["quick", "slow"]
    assert start(wrapper, crontabber, "--nagios").stdout.startswith("OK - all 2 jobs are well | ")
    assert start(wrapper, crontabber, "A", "-n").stdout.startswith("OK - the one job is well | ")
    done = start(wrapper, crontabber, "C")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "crontabber.C.ini: No such file or directory" in done.stderr


def test_the_crontab_starts_the_wrapper_every_five_minutes() -> None:
    lines = (EXAMPLE / "crontab").read_text().splitlines()
    entries = [line.lstrip("#") for line in lines if line.lstrip("#").startswith("*")]
    fields = [entry.split(maxsplit=6) for entry in entries]
    assert [entry[:7] for entry in fields] == [
        ["*/5", "*", "*", "*", "*", "myuser", "/path/to/crontabber_wrapper.sh"],
        ["*/5", "*", "*", "*", "*", "myuser", "/path/to/crontabber_wrapper.sh A"],
        ["*/5", "*", "*", "*", "*", "myuser", "/path/to/crontabber_wrapper.sh B"],
    ]
    active = [line for line in lines if line and not line.startswith("#")]
    assert active == ["MAILTO=myuser", lines[lines.index(entries[0])]]


def test_ticks_at_the_same_time_need_no_lock_file_and_no_job_waits_for_another(
    crontabber: Command, database: Database
) -> None:
    """trap: the tick stopped at the first ongoing job; independent jobs behind it starved."""
    crontabber.write("jobs/myapp.py", APPS)
    crontabber.configure(database, "jobs.myapp.Parent|1h\njobs.myapp.Quick|1h")
    with held(crontabber, CONF) as first:
        done = crontabber(CONF, INFO)  # the next start by cron, while the first still runs
        assert done.returncode == 3
        assert "parent is skipped: running elsewhere" in done.stderr
        assert ran(database) == ["quick"]
        silent = crontabber(CONF)
        assert (silent.returncode, silent.stdout, silent.stderr) == (3, "", "")
    assert first.returncode == 2  # it comes to quick, and finds that another ran it meanwhile
    assert ran(database) == ["quick", "parent"]
