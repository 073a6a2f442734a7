"""The playground: its demonstration, and what its README and the demonstration say to try."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from crontabber.embedded.keeper import find_server
from crontabber.embedded.place import Place
from tests.acceptance.test_crontab import virtual_environment
from tests.support import ROOT, TIMEOUT, Command, server_directory


class Playground:
    """A copy of the example, in a directory from which one says ``exampleapp/…``."""

    def __init__(self, crontabber: Command) -> None:
        self.directory = crontabber.directory
        self.app = self.directory / "exampleapp"
        ignore = shutil.ignore_patterns("crontabber-postgresql", "*.log", "outage", "__pycache__")
        shutil.copytree(ROOT / "exampleapp", self.app, ignore=ignore)
        venv = virtual_environment(crontabber)
        self._server: psutil.Process | None = None
        self._environ = {
            **crontabber.environ({"PYTHONPATH": str(ROOT), "VENV": str(venv)}),
            "PATH": f"{venv / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        }

    def run(self, *command: str | Path) -> str:
        """What a command that ends well prints."""
        done = subprocess.run(
            command,
            cwd=self.directory,
            env=self._environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        data = self.app / "crontabber-postgresql"
        if data.exists() and (server := find_server(Place(data))):
            self._server = server
        return done.stdout

    def stop_server(self) -> None:
        """Stop the private server, rather than wait until it stops."""
        if self._server:
            processes = [self._server, *self._server.parents()[:1]]  # and who started it
            self._server.send_signal(signal.SIGINT)
            _, alive = psutil.wait_procs(processes, TIMEOUT)
            assert not alive

    def jobs(self) -> list[str]:
        """The class paths of the jobs listed."""
        ini = (self.app / "crontabber.ini").read_text()
        return re.findall(r"^(jobs\.[\w.]+)\|", ini, re.MULTILINE)

    def demo(self) -> str:
        """The demonstration."""
        return self.run(sys.executable, self.app / "demo.py")


@pytest.fixture
def playground() -> Iterator[Playground]:
    with server_directory() as directory:
        it = Playground(Command(directory))
        yield it
        it.stop_server()


def test_the_demonstration_runs_twice_and_what_it_says_to_try_can_be_pasted(
    playground: Playground,
) -> None:
    first = playground.demo()
    jobs = set(playground.jobs())
    assert "OK: all 11 jobs are well" in first
    assert len(jobs) == 11
    told = [line for line in first.splitlines() if re.match(r"[A-Z]+ - ", line)]
    assert [line.split(" - ")[0] for line in told] == ["CRITICAL", "WARNING", "OK"]
    assert first.count("(exit status ") == 2
    assert re.search(r"^flaky +failed ", first, re.MULTILINE)
    assert re.search(r"^flaky +ok ", first, re.MULTILINE)
    assert re.search(r"^dependent +blocked  backfill failed", first, re.MULTILINE)
    assert re.search(r"^backfill +ok       5 slots", first, re.MULTILINE)
    assert re.search(r"^nothing is due; next: ", first, re.MULTILINE)
    dates = (playground.app / "backfill.log").read_text().splitlines()
    assert len(set(dates)) == 5
    assert sorted(dates) == dates
    assert dates == [line for line in first.splitlines() if line in dates][-5:]
    assert "\x1b" not in first
    assert not (playground.app / "outage").exists()

    second = playground.demo()
    for shown in (first, second):
        assert ends_with_what_is_wrong(shown)

    _, _, hints = second.partition("Try next:\n")
    commands = [line.strip() for line in hints.splitlines()]
    assert len(commands) == 3
    for command in commands:
        playground.run("bash", "-c", command)
    assert not (playground.app / "crontabber-postgresql").exists()


def test_ten_lines_of_a_crontab_need_no_python(playground: Playground) -> None:
    script, playground.app = playground.app / "demo_commands.py", playground.app / "commands"
    for _ in range(2):
        said = playground.run(sys.executable, script)
        assert "OK: all 10 jobs are well" in said
        assert re.search(r"^backup +ok", said, re.MULTILINE)
        assert re.search(r"^archive +ok +3 slots", said, re.MULTILINE)
        days = (playground.app / "archive.log").read_text().split()
        assert len(set(days)) == len(days) == 3
        assert sorted(days) == days
        assert "\nCRITICAL - probe (probe): " in said
        assert "exit status 7: no answer (try " in said
        assert "\nprobe: asking example.com\n" in said
    assert "\x1b" not in said
    _, _, hint = said.partition("Try next:\n")
    playground.run("bash", "-c", hint.strip())
    assert not (playground.app / "crontabber-postgresql").exists()


def ends_with_what_is_wrong(shown: str) -> bool:
    """Whether the last three commands are how each job is, why one waits, and what is missing."""
    commands = re.findall(r"^\$ crontabber --admin.conf=crontabber.ini (.*)$", shown, re.MULTILINE)
    assert commands[-3:] == ["--status", "--explain=dependent", "--dates=backfill"]
    _, status, explain, dates = re.split(r"^\$ crontabber .* --(?:status|explain|dates).*$",
                                         shown, flags=re.MULTILINE)  # fmt: skip
    assert "11 jobs: 9 ok, 1 failed, 1 blocked" in " ".join(status.split())
    assert re.search(r"^  BLOCKED  parent +backfill failed", explain, re.MULTILINE)
    assert "crontabber --retry=backfill" in explain
    return "✗" in dates


def test_two_configurations_share_the_database_that_they_include(playground: Playground) -> None:
    wrapper = playground.app / "crontabber_wrapper.sh"
    for name in "AB":
        assert "OK: all 3 jobs are well" in playground.run(wrapper, name, "--configtest")
        playground.run(wrapper, name)
    listed = playground.run(wrapper, "B", "--list-jobs")
    assert "*NO PREVIOUS RUN INFO*" not in listed  # so that its parent, of A, was found
    ghosts = playground.run(wrapper, "B", "--audit-ghosts")
    assert re.findall(r"^\w+", ghosts, re.MULTILINE)[:3] == ["flaky", "options", "plain"]


def test_the_readme_lists_every_job(playground: Playground) -> None:
    readme = (playground.app / "README.md").read_text()
    described = re.findall(r"^\| `(jobs\.[\w.]+)` \|", readme, re.MULTILINE)
    assert sorted(described) == sorted(playground.jobs())
