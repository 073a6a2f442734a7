"""The command: ``--add-user``, where ``--serve`` may listen, and a browser that acts."""

import contextlib
import os
import pty
import select
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from crontabber.contrib.web.users import Role, UsersFile
from tests.contrib_django.browser import browser, program
from tests.contrib_web.people import quick
from tests.support import Command, Database

_JOBS = """
    from crontabber.base import BaseCronApp

    class Good(BaseCronApp):
        app_name = "good"
        def run(self):
            pass
"""
CONF = "--admin.conf=crontabber.ini"


@pytest.fixture
def configured(crontabber: Command, database: Database) -> Command:
    """A configuration with a job that has run, and a file of users that is not there yet."""
    crontabber.write("jobs/web.py", _JOBS)
    path = crontabber.configure(database, "jobs.web.Good|1h")
    path.write_text(f"{path.read_text()}\n[web]\nusers=users\n")
    return crontabber


def users_of(command: Command) -> UsersFile:
    return UsersFile(str(command.directory / "users"))


def test_a_user_is_added_with_a_password_from_stdin(configured: Command) -> None:
    done = configured(CONF, "--add-user=olga:operator", input="secret word\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "olga is a user of the pages now, as operator\n"
    path = configured.directory / "users"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text().startswith("olga:operator:scrypt$15$8$3$")
    assert "secret word" not in path.read_text()
    user = users_of(configured).check("olga", "secret word")
    assert user
    assert user.role is Role.OPERATOR


@pytest.mark.parametrize(
    ("user", "password", "why"),
    [
        ("olga:root", "x\n", "'root' is not a role: write viewer or operator"),
        ("olga:operater", "x\n", "'operater' is not a role: did you mean operator?"),
        ("ol ga", "x\n", "'ol ga' is not a user name"),
        (":viewer", "x\n", "is not a user name"),
        ("olga", "\n", "a password cannot be empty: nothing is changed"),
        ("olga", "", "a password cannot be empty: nothing is changed"),
    ],
)
def test_what_is_no_user_is_told_in_a_line(
    user: str, password: str, why: str, configured: Command
) -> None:
    done = configured(CONF, f"--add-user={user}", input=password)
    assert done.returncode == 1
    assert why in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (configured.directory / "users").exists()


def test_without_a_file_of_users_there_are_none(crontabber: Command, database: Database) -> None:
    crontabber.configure(database, "")
    done = crontabber(CONF, "--add-user=olga", input="x\n")
    assert done.returncode == 1
    assert "write users=FILE into the section [web]" in done.stderr


def test_a_password_is_typed_twice_on_a_terminal(configured: Command) -> None:
    assert "two different passwords: nothing is changed" in typed(configured, "one", "two")
    assert not (configured.directory / "users").exists()
    assert "vera is a user of the pages now, as viewer" in typed(configured, "one", "one")
    assert users_of(configured).check("vera", "one")


def typed(command: Command, *passwords: str) -> str:
    """What is shown on the terminal of a person who types these."""
    ours, theirs = pty.openpty()
    streams: Any = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
    shown = b""
    with command.popen(CONF, "--add-user=vera", start_new_session=True, **streams):
        os.close(theirs)
        for prompt, password in zip([b"vera: ", b"again: "], passwords, strict=True):
            while not shown.endswith(prompt):
                shown += os.read(ours, 1000)
            os.write(ours, f"{password}\n".encode())
        with contextlib.suppress(OSError):  # the end, as Linux says it
            while more := os.read(ours, 1000):
                shown += more
    os.close(ours)
    return shown.decode()


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0"])
def test_other_hosts_are_not_served_without_users(address: str, configured: Command) -> None:
    path = configured.directory / "crontabber.ini"
    path.write_text(path.read_text().replace("users=users", ""))
    done = configured(CONF, f"--serve={address}")
    assert done.returncode == 1
    assert "can be reached from other hosts: add a user" in done.stderr
    done = configured(CONF, "--serve-writable")
    assert done.returncode == 1
    assert "there are no users: add a user" in done.stderr


@contextlib.contextmanager
def serving(command: Command, *arguments: str) -> Iterator[str]:
    """Where the pages are, of a server that runs meanwhile."""
    with command.popen(CONF, *arguments) as process:
        assert process.stdout
        try:
            assert select.select([process.stdout], [], [], 30)[0]
            yield process.stdout.readline().strip()
        finally:
            os.kill(process.pid, signal.SIGTERM)
            process.communicate(timeout=30)


@pytest.mark.skipif(not program(), reason="there is no Chromium")
def test_a_browser_logs_in_acts_and_leaves(
    configured: Command, database: Database, tmp_path: Path
) -> None:
    """What a real browser says of itself is enough, and what it may load is."""
    assert configured(CONF).returncode == 0
    users_of(configured).put("olga", Role.OPERATOR, quick("secret"))
    with serving(configured, "--serve=127.0.0.1:0", "--serve-writable") as url, browser() as page:
        page.open(f"{url}job?name=good")
        assert "Log in" in page.text
        page.fill("[name=name]", "olga")
        page.fill("[name=password]", "secret")
        page.click("main button")
        assert page.evaluate("location.search") == "?name=good"
        assert page.evaluate("document.cookie") == ""
        page.click('.actions a[href*="do=pause"]')
        page.fill("[name=why]", "a migration")
        page.click("main button")
        assert "good is paused until" in page.text
        page.click("main p a")
        assert "olga: pause: a migration" in page.text
        if shots := os.environ.get("SHOTS"):
            page.screenshot(Path(shots) / "job.png")
            page.open(f"{url}act?do=pause&job=good")
            page.screenshot(Path(shots) / "act.png")
        page.click(".person a")
        page.click("main button")
        assert page.evaluate("location.pathname") == "/login"
        page.open(f"{url}act?do=reset&job=good")
        assert "Log in" in page.text
        assert [line for line in page.console if "Security Policy" in line] == []
    [(by, why)] = database.execute(
        "SELECT done_by, reason FROM crontabber_spans WHERE app_name = 'good'"
    )
    assert (by, why) == ("olga", "pause: a migration")
