"""What starts the ticks elsewhere than in cron: systemd's units, and the loop of the container."""

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tests.support import ROOT, TIMEOUT

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


def test_the_container_hands_sigterm_to_the_tick_and_waits_for_its_end(tmp_path: Path) -> None:
    with loop(tmp_path, STUBBORN, "60") as process:
        assert process.stdout
        assert process.stdout.readline() == "tick --configtest\n"
        process.send_signal(signal.SIGTERM)
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
