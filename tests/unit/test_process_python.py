"""Other Pythons that we start: whose code they import."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from crontabber.process import python
from tests.support import ROOT, TIMEOUT

TRAP = "import os; os.write(2, b'imported from the working directory\\n')\n"
PROGRAM = """\
import json, runpy, sys, types
if __name__ == "__main__":
    print(json.dumps([sys.argv[1:], __spec__.name, sys.path]))
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A directory with a program of ours, and one with modules that lie in wait."""
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "program.py").write_text(PROGRAM)
    (tmp_path / "cwd").mkdir()
    for name in ("json", "runpy", "types", "pkgutil", "importlib", "sitecustomize", "program"):
        (tmp_path / "cwd" / f"{name}.py").write_text(TRAP)
    return tmp_path


@pytest.fixture(params=[(3, 10), (3, 11), (3, 14)])
def _version(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param > sys.version_info[:2] < (3, 11):
        pytest.skip("this Python has no -P")
    how = python._how(request.param)
    monkeypatch.setattr(python, "_how", lambda: how)


def run(project: Path, *path: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    command = python.module_command("program", "one", "", "-m")
    return subprocess.run(
        command,
        cwd=project / "cwd",
        env={
            "PATH": os.defpath,
            "PYTHONPATH": os.pathsep.join([str(project / "ours"), *path]),
            "PYTHONDONTWRITEBYTECODE": "1",
            **environ,
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )


@pytest.mark.usefixtures("_version")
@pytest.mark.parametrize("environ", [{}, {"PYTHONSAFEPATH": "1"}])
def test_nothing_comes_from_the_working_directory(project: Path, environ: dict[str, str]) -> None:
    """trap: a worker's process imported from the working directory before the standard library"""
    done = run(project, **environ)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith('[["one", "", "-m"], "program", ')
    assert str(project / "cwd") not in done.stdout


@pytest.mark.usefixtures("_version")
def test_pythonpath_may_name_the_working_directory(project: Path) -> None:
    done = run(project, ".")
    assert "imported from the working directory" in done.stderr


def test_every_python_that_we_start_is_started_so() -> None:
    """trap: a worker's process imported from the working directory before the standard library"""
    starters = [
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "crontabber").rglob("*.py")
        if "sys.executable" in path.read_text(encoding="utf-8")
    ]
    assert starters == ["crontabber/process/python.py"]


@pytest.mark.parametrize("environ", [{}, {"PYTHONSAFEPATH": "1"}])
def test_the_command_finds_modules_by_pythonpath_only(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    (tmp_path / "jobs.py").write_text(TRAP)
    ini = tmp_path / "etc" / "crontabber.ini"
    ini.parent.mkdir()
    ini.write_text("[crontabber]\njobs='jobs.Nothing|1h'\n")
    for path, imported in {str(ROOT): False, f"{ROOT}{os.pathsep}.": True}.items():
        done = subprocess.run(
            [sys.executable, "-m", "crontabber", f"--admin.conf={ini}", "--configtest"],
            cwd=tmp_path,
            env={"PATH": os.defpath, "PYTHONPATH": path, **environ},
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
        assert done.returncode == 1
        assert ("imported from the working directory" in done.stderr) == imported
        assert ("is its directory in pythonpath or PYTHONPATH?" in done.stdout) != imported
