"""What starts the ticks elsewhere than in cron: systemd's units, and the loop of the container."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import ROOT, TIMEOUT, Command, Database

DOCKERFILE = ROOT / "exampleapp" / "docker" / "Dockerfile"
UNITS = ROOT / "docs" / "howto" / "units"
TICK = ROOT / "exampleapp" / "docker" / "tick.sh"
STUBBORN = """\
sleep 60 >/dev/null 2>&1 & sleeper=$!
trap 'kill $sleeper; echo ended; exit 143' TERM
echo "tick $*"
wait
"""


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd here")
def test_systemd_finds_no_fault_in_the_units(tmp_path: Path) -> None:
    units = []
    for unit in UNITS.iterdir():
        text = re.sub(r"/srv/jobs/venv/bin/\w+", shutil.which("true") or "", unit.read_text())
        units.append(tmp_path / unit.name)
        units[-1].write_text(text.replace("User=jobs", "User=root"))
    done = subprocess.run(
        ["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_units_need_no_path_because_modules_are_found_beside_the_ini() -> None:
    assert not [unit.name for unit in UNITS.iterdir() if "PYTHONPATH" in unit.read_text()]


def loop(directory: Path, script: str, interval: str) -> "subprocess.Popen[str]":
    """The loop of the container, with a program in the place of crontabber."""
    program = directory / "crontabber"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return subprocess.Popen(
        [TICK, "--configtest"],
        env={"PATH": f"{directory}:{os.environ['PATH']}", "INTERVAL": interval},
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_the_container_ends_the_tick_at_a_signal_and_waits_for_it(
    signum: int, tmp_path: Path
) -> None:
    with loop(tmp_path, STUBBORN, "60") as process:
        assert process.stdout
        assert process.stdout.readline() == "tick --configtest\n"
        process.send_signal(signum)
        output, _ = process.communicate(timeout=TIMEOUT)
    assert (output, process.returncode) == ("ended\n", 0)


def test_the_container_stops_between_two_ticks(tmp_path: Path) -> None:
    with loop(tmp_path, "echo tick; kill -TERM $PPID", "60") as process:
        output, _ = process.communicate(timeout=TIMEOUT)
    assert (output, process.returncode) == ("tick\n", 0)


def test_the_container_ticks_again_and_again(tmp_path: Path) -> None:
    with loop(tmp_path, "echo tick; exit 1", "0") as process:
        assert process.stdout
        assert [process.stdout.readline() for _ in range(3)] == ["tick\n"] * 3
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=TIMEOUT)
    assert process.returncode == 0


def test_a_stopped_container_ends_its_job_which_is_recorded_and_is_not_healthy_then(
    crontabber: Command, database: Database
) -> None:
    """The real loop, the real command and a real signal; only Docker is missing."""
    crontabber.configure(
        database, "slow|1d", "[job]\n[[slow]]\ncommand=echo > begun; exec sleep 600"
    )
    begun = crontabber.directory / "begun"
    os.mkfifo(begun)
    program = crontabber.write(
        "bin/crontabber", f'#!/bin/sh\nexec {sys.executable} -m crontabber "$@"'
    )
    program.chmod(0o755)
    env = crontabber.environ(
        {
            "PATH": f"{program.parent}:{os.environ['PATH']}",
            "CRONTABBER_CONF": str(crontabber.directory / "crontabber.ini"),
        }
    )
    check = re.search(r"HEALTHCHECK .*\n +CMD (.*)", DOCKERFILE.read_text())
    assert check

    def health() -> int:
        done = subprocess.run(json.loads(check[1]), env=env, stdout=subprocess.DEVNULL, check=False)
        return done.returncode

    assert health() == 0, "that no tick has come yet is a warning"
    with subprocess.Popen([TICK], env=env, stderr=subprocess.PIPE, cwd=begun.parent) as process:
        assert begun.read_text() == "\n"
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=TIMEOUT)
    assert process.returncode == 0
    [(error, ongoing)] = database.execute("SELECT last_error->>'value', ongoing FROM crontabber")
    assert (error, ongoing) == ("stopped by SIGTERM", None)
    assert health() == 1
