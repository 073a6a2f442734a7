"""The README's way from nothing to a job that ran, as a newcomer goes it."""

import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from crontabber.embedded.keeper import find_server
from crontabber.embedded.place import Place
from tests.support import ROOT, TIMEOUT, Command, server_directory

_FENCE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ANSWER = re.compile(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)


@pytest.fixture
def home() -> Iterator[Path]:
    """A directory in which a server can be fast; it is stopped at the end."""
    with server_directory() as directory:
        yield directory
        data = directory / "cron" / "crontabber-postgresql"
        if data.exists() and (server := find_server(Place(data))):
            processes = [server, *server.parents()[:1]]  # and who started it
            server.send_signal(signal.SIGINT)
            psutil.wait_procs(processes, TIMEOUT)


def steps() -> list[tuple[str, str]]:
    """Each command of the way, and what it is said to print."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    way = text.partition("## From nothing")[2].partition("\n## ")[0]
    return [found for fence in _FENCE.findall(way) for found in _ANSWER.findall(fence)]


def shape(text: str, home: Path) -> str:
    """*text* as it is on any machine and at any time."""
    for real, shown in ((str(home), "/home/me"), (sys.prefix, "/home/me/venv")):
        text = text.replace(real, shown)
    text = re.sub(r"^\w+ \d+ \w+ \d+ \d+:\d+ \S+$", "NOW", text, flags=re.MULTILINE)
    text = re.sub(r"\bin (\d+[smhd]|\d+ \w+)(, \d+ \w+)?(, at \d+:\d+)?", "in N", text)
    text = re.sub(r"\d+s ago, [\d.]+s", "N ago, N", text)
    return "\n".join(" ".join(line.split()) for line in text.strip().splitlines())


def test_the_way_from_nothing_to_a_job_that_ran_is_as_the_readme_shows(
    home: Path, crontabber: Command
) -> None:
    (install, _), *others = steps()
    assert install == "pip install '.[embedded]'"
    assert len(others) == 3
    for command, shown in others:
        _, *arguments = shlex.split(command)
        done = subprocess.run(
            [Path(sys.executable).with_name("crontabber"), *arguments],
            cwd=home,
            env={**crontabber.environ(), "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert shape(done.stdout, home) == shape(shown, home)
    assert (home / "cron" / "report.txt").read_text().startswith("report of 20")
