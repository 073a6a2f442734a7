"""Pages while the database hangs: an answer in bounded time, and the rest goes on."""

import asyncio
import contextlib
import http.client
import signal
import time
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from crontabber.config.commandline import CommandLine
from crontabber.config.settings import Settings
from crontabber.contrib.web import act
from crontabber.contrib.web.acting import ActingApp
from crontabber.contrib.web.app import guarded
from crontabber.contrib.web.policy import Policy
from crontabber.contrib.web.source import Source, reading
from crontabber.errors import StoreError
from crontabber.verbs.pages import Request, look, page
from tests.contrib_web.people import OWN, log_in, write_users
from tests.contrib_web.tap import Tap
from tests.support import TIMEOUT, Command, Database, fresh_database

SOON = 0.3
"""For how many seconds a browser waits."""
_JOBS = "\n[job]\n[[hello]]\ncommand=true\n"
_WEB = "[web]\nusers=users\nwritable=yes\n"


def configure(command: Command, database: Database, more: str = "") -> None:
    path = command.configure(database, "hello|1h")
    path.write_text(f"{path.read_text()}{_JOBS}{more}")


def settings_of(command: Command) -> Settings:
    path = command.directory / "crontabber.ini"
    return Settings.load(CommandLine.parse([f"--admin.conf={path}"]), {})


@pytest.fixture(scope="module")
def _hello(
    postgres_server: Database, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Command, Database]]:
    with fresh_database(postgres_server) as database:
        command = Command(tmp_path_factory.mktemp("hanging"))
        configure(command, database)
        command("--admin.conf=crontabber.ini")
        write_users(command.directory / "users", olga="operator")
        yield command, database


@pytest.fixture
def hello(_hello: tuple[Command, Database]) -> tuple[Command, Database]:
    """A job that ran once, and its database."""
    configure(*_hello)
    return _hello


@pytest.fixture
def tap(hello: tuple[Command, Database]) -> Iterator[Tap]:
    """The line that the configuration leads by."""
    command, database = hello
    with Tap(database) as tap:
        configure(command, tap.leading_here(), _WEB)
        yield tap


def test_a_server_that_is_silent_is_given_up_and_looked_at_again(
    hello: tuple[Command, Database], tap: Tap
) -> None:
    source = Source(lambda: reading(settings_of(hello[0])), SOON)

    async def ask() -> None:
        assert (await source.page(Request("graph"))).status == 200
        source.forget()
        tap.shut()
        began = time.monotonic()
        silent = await asyncio.gather(source.page(Request("")), source.page(Request("ghosts")))
        assert {page.status for page in silent} == {503}
        assert all("does not answer" in page.html for page in silent)
        assert time.monotonic() - began < TIMEOUT / 3
        tap.open()
        while (await source.page(Request(""))).status != 200:
            assert time.monotonic() - began < TIMEOUT

    asyncio.run(ask())
    source.close()


def test_a_server_that_is_silent_does_not_keep_ours_from_ending(
    hello: tuple[Command, Database], tap: Tap
) -> None:
    configure(hello[0], tap.leading_here())
    with hello[0].popen("--admin.conf=crontabber.ini", "--serve=127.0.0.1:0") as process:
        assert process.stdout
        host = process.stdout.readline().strip().removeprefix("http://").rstrip("/")
        with contextlib.closing(http.client.HTTPConnection(host, timeout=TIMEOUT)) as browser:
            browser.request("GET", "/")
            browser.getresponse().read()
            tap.shut()
            browser.request("GET", "/job?name=hello")
            try:
                assert tap.knocked.wait(TIMEOUT)
                process.send_signal(signal.SIGTERM)
                assert process.wait(TIMEOUT / 2) == 0
            finally:
                process.kill()


def test_a_table_that_is_locked_is_told_in_a_line_with_who_has_it(
    hello: tuple[Command, Database],
) -> None:
    command, database = hello
    source = Source(lambda: reading(settings_of(command)))

    async def ask() -> None:
        with contextlib.closing(database.connect()) as other, other.cursor() as cursor:
            cursor.execute("BEGIN; LOCK TABLE crontabber")
            page = await source.page(Request(""))
            assert page.status == 503
            assert f"in the way: process {other.info.backend_pid} " in page.html
            assert "Traceback" not in page.html
        assert (await source.page(Request(""))).status == 200

    asyncio.run(ask())
    source.close()


def test_a_log_that_cannot_be_read_leaves_the_rest_of_the_page(
    hello: tuple[Command, Database],
) -> None:
    command, database = hello
    database.execute("ALTER TABLE crontabber_log RENAME TO away")
    try:
        with reading(settings_of(command)) as app:
            made = page(look(app), Request("job", (("name", "hello"),)))
    finally:
        database.execute("ALTER TABLE away RENAME TO crontabber_log")
    assert made.status == 200
    assert "can run" in made.html
    assert "there are no tables" in made.html


def test_an_action_that_gets_no_answer_is_told_and_the_next_one_works(
    hello: tuple[Command, Database], tap: Tap, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_of(hello[0])
    source = Source(lambda: reading(settings.again()), SOON)
    app = guarded(settings.again, Policy.of(settings.web), source)
    with TestClient(app, follow_redirects=False) as browser:
        log_in(browser, "olga")
        pause = {"do": "pause", "job": "hello"}
        assert browser.get("/act", params=pause).status_code == 200
        monkeypatch.setattr(act, "_PATIENCE", SOON)
        tap.shut()
        answer = browser.post("/act", data=pause, headers=OWN)
        assert (answer.status_code, "does not answer" in answer.text) == (503, True)
        tap.open()
        monkeypatch.undo()
        assert browser.get("/act", params=pause).status_code == 200


def test_an_action_does_not_wait_for_a_lock_for_long(hello: tuple[Command, Database]) -> None:
    command, database = hello
    with contextlib.closing(database.connect()) as other, other.cursor() as cursor:
        cursor.execute("BEGIN; LOCK TABLE crontabber")
        with pytest.raises(StoreError, match="in the way: process"), app_of(command) as app:
            app.store.look(None)


def app_of(command: Command) -> ActingApp:
    return ActingApp.of(settings_of(command), "olga")
