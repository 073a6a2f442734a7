"""Completion in real shells: what the tab key does."""

import contextlib
import fcntl
import os
import pty
import select
import shutil
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator

import pytest

from tests.support import TIMEOUT, Command

INI = """\
[crontabber]
jobs='''
  jobs.shop.Fetch|1h  # this is never imported
  jobs.shop.Report|1d|03:00
  nonsense
'''
[resource]
[[postgresql]]
host=nowhere.invalid
"""


def needs(shell: str) -> str:
    path = shutil.which(shell)
    if path is None:
        pytest.skip(f"{shell} is not installed")
    return path


@pytest.fixture
def site(crontabber: Command) -> Command:
    """A directory with a configuration, the scripts, and a ``crontabber`` on the path."""
    crontabber.write("crontabber.ini", INI)
    crontabber.write("bin/crontabber", f'#!/bin/sh\nexec {sys.executable} -m crontabber "$@"\n')
    (crontabber.directory / "bin/crontabber").chmod(0o755)
    for shell in ("bash", "zsh", "fish"):
        done = crontabber(f"--completion={shell}")
        assert (done.returncode, done.stderr) == (0, "")
        crontabber.write(f"completion.{shell}", done.stdout)
    return crontabber


def environ(site: Command, **more: str) -> dict[str, str]:
    path = f"{site.directory / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return site.environ({"PATH": path, "TERM": "dumb", **more})


def test_the_names_are_those_of_the_jobs_list_and_no_job_is_imported(site: Command) -> None:
    names = "jobs.shop.Fetch\njobs.shop.Report\n"
    done = site("--admin.conf=crontabber.ini", "--completion=jobs")
    assert (done.returncode, done.stdout, done.stderr) == (0, names, "")
    assert site("--completion=jobs", env={"CRONTABBER_CONF": "crontabber.ini"}).stdout == names
    assert site("--completion=jobs").stdout == ""
    assert site("--completion=jobs", "--admin.conf=none.ini").stdout == ""


def test_a_shell_that_is_not_known_is_an_error(site: Command) -> None:
    done = site("--completion=tcsh")
    said = "crontabber: there is no completion for 'tcsh': give --completion=bash, zsh or fish\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", said)


CASES = [
    ("--pre", "--preview"),
    ("--admin.conf=crontabber.ini --job=jobs.shop.F", "--job=jobs.shop.Fetch"),
    ("--admin.conf crontabber.ini --retry jobs.shop.R", "--retry jobs.shop.Report"),
    ("--admin.conf=cront", "--admin.conf=crontabber.ini"),
    ("--completion=f", "--completion=fish"),
    ("--admin.print_conf=j", "--admin.print_conf=json"),
]


STARTS = {
    "bash": (["--norc", "--noprofile", "-i"], "source completion.bash"),
    "zsh": (["-f", "-i"], "autoload -U compinit; compinit -u -D; source completion.zsh"),
}


@pytest.mark.parametrize("shell", STARTS)
def test_the_tab_key_completes(site: Command, shell: str) -> None:
    arguments, setup = STARTS[shell]
    with terminal(site, [needs(shell), *arguments]) as keys:
        type_and_see(keys, f"{setup}\n", "ready")
        for number, (typed, completed) in enumerate(CASES):
            # : does nothing; the shell reads its keys in order
            said = type_and_see(keys, f"crontabber {typed}\t\x01: \n", f"case-{number}")
            assert completed in said


def test_fish_offers_it(site: Command) -> None:
    lines = [f"complete -C 'crontabber {typed}'" for typed, _ in CASES]
    done = subprocess.run(
        [needs("fish"), "-N", "-c", "\n".join(["source completion.fish", *lines])],
        cwd=site.directory,
        env=environ(site),
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert done.stderr == ""
    offered = done.stdout.replace("\t", "\n").splitlines()
    assert {completed.rsplit(maxsplit=1)[-1] for _, completed in CASES} <= {*offered}


def test_a_name_is_not_run_by_bash(site: Command) -> None:
    """trap: compgen -W runs what stands in $(...) in the words that it is given"""
    script = site.directory / "completion.bash"
    assert "compgen -W" not in script.read_text()
    done = subprocess.run(
        [
            needs("bash"),
            "-c",
            "source completion.bash; word=; _crontabber_offer '$(touch made)'; echo $COMPREPLY",
        ],
        cwd=site.directory,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "\\$\\(touch\\ made\\)\n"
    assert not (site.directory / "made").exists()


@contextlib.contextmanager
def terminal(site: Command, command: list[str]) -> Iterator[int]:
    """The keyboard and screen of a shell."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
    process = subprocess.Popen(
        command,
        cwd=site.directory,
        env=environ(site, PS1="> ", PROMPT_EOL_MARK=""),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        yield ours
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def type_and_see(keys: int, typed: str, mark: str) -> str:
    """What a shell shows of *typed* and its consequences; *mark* is a word of ours."""
    os.write(keys, f"{typed}echo {mark[:1]}''{mark[1:]}\n".encode())
    return shown(keys, mark)


def shown(terminal: int, mark: str) -> str:
    """All that is shown until *mark* is."""
    text, end = "", time.monotonic() + TIMEOUT
    while mark not in text:
        assert time.monotonic() < end, text
        if select.select([terminal], [], [], 1)[0]:
            text += os.read(terminal, 65536).decode()
    return text
