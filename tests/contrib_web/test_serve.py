"""``--serve`` and ``--report`` as processes: addresses, signals, edits, what is refused."""

import asyncio
import os
import re
import signal
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from crontabber.config.commandline import CommandLine
from crontabber.config.settings import Settings
from crontabber.contrib.web.app import make_app
from crontabber.contrib.web.policy import is_loopback
from crontabber.contrib.web.serve import address_of
from crontabber.contrib.web.source import Source, reading
from crontabber.errors import ConfigError
from crontabber.store import Snapshot
from tests.contrib_web.conftest import Site
from tests.support import TIMEOUT

NAV = ["", "timeline", "graph", "backfills", "ghosts"]
PAGES = [*NAV, "job?name=broken"]


def get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


@pytest.mark.parametrize("path", PAGES)
def test_each_page_is_served(path: str, address: str) -> None:
    status, html = get(address + path)
    assert status == 200
    assert "<script>alert" not in html
    assert "crontabber.css" in html


def test_no_code_of_jobs_is_imported_and_a_job_that_never_ran_is_shown(address: str) -> None:
    status, html = get(address)
    assert status == 200
    assert "m.Unseen" in html
    assert "due: the next tick runs it" in html


def test_what_a_job_wrote_is_shown_escaped(address: str) -> None:
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in get(f"{address}job?name=broken")[1]


@pytest.mark.parametrize("path", ["nope", "job", "job?name=nope", "static/nope.css", "a/b"])
def test_what_is_not_there_is_a_404(path: str, address: str) -> None:
    assert get(address + path)[0] == 404


@pytest.mark.parametrize("path", ["a/b", "job/fetch", "a/b/c", "static/a/b"])
def test_a_page_that_lies_deeper_and_does_not_exist_leads_to_those_that_do(
    path: str, address: str
) -> None:
    """trap: a plain Not Found, without a way back"""
    request = urllib.request.Request(address + path, headers={"Accept": "text/html"})
    with pytest.raises(urllib.error.HTTPError, match="404") as raised:
        urllib.request.urlopen(request, timeout=TIMEOUT)
    html = raised.value.read().decode()
    assert "There is no such page." in html
    links = set(re.findall(r'(?:href|src)="([^"#]+)"', html))
    assert {urljoin(address + path, link) for link in links} == {
        address + link for link in ("static/crontabber.css", "static/crontabber.svg", *NAV)
    }
    assert get(address + path) == (404, "there is no such page\n")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_nothing_but_reading_is_answered(method: str, address: str) -> None:
    request = urllib.request.Request(address, method=method)
    with pytest.raises(urllib.error.HTTPError, match="405"):
        urllib.request.urlopen(request, timeout=TIMEOUT)


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(signum: int, site: Site) -> None:
    with site.serve() as (url, process):
        get(url)
        process.send_signal(signum)
        assert process.wait(TIMEOUT) == 0
        assert process.stderr
        assert process.stderr.read() == ""


def test_an_edit_of_the_configuration_is_seen(site: Site) -> None:
    path = site.command.directory / "crontabber.ini"
    kept = path.read_text()
    try:
        with site.serve() as (url, _):
            assert "m.Unseen" in get(f"{url}?q=m")[1]
            path.write_text(kept.replace("m.Unseen|1h", "m.Another|2h"))
            deadline = time.monotonic() + TIMEOUT
            while "m.Another" not in get(f"{url}?q=")[1]:
                assert time.monotonic() < deadline
            path.write_text("[crontabber]\njobs=a|b|c|d\nnonsense=1\n")
            while get(f"{url}?q=nothing")[0] == 200:
                assert time.monotonic() < deadline
    finally:
        path.write_text(kept)


@pytest.mark.parametrize("address", ["0.0.0.0:8008", "192.0.2.1:80", "[::]:8008", "example.com:80"])
def test_an_address_that_others_reach_is_refused(address: str, site: Site) -> None:
    done = site.command("--admin.conf=crontabber.ini", f"--serve={address}")
    assert done.returncode == 1
    assert done.stdout == ""
    assert "can be reached from other hosts" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "address", ["nonsense", "127.0.0.1", "localhost:", "127.0.0.1:99999", "x:-1"]
)
def test_what_is_no_address_is_said_in_one_line(address: str) -> None:
    with pytest.raises(ConfigError, match="is not an address: write a host and a port"):
        address_of(address)


def test_a_port_that_is_taken_is_said_in_one_line(site: Site, address: str) -> None:
    taken = address.removeprefix("http://").rstrip("/")
    done = site.command("--admin.conf=crontabber.ini", f"--serve={taken}")
    assert (done.returncode, done.stdout) == (1, "")
    assert "cannot be used: Address already in use" in done.stderr


def test_addresses_of_this_machine_are_known() -> None:
    assert address_of(":8080") == ("127.0.0.1", 8080)
    assert address_of("[::1]:80") == ("::1", 80)
    assert all(map(is_loopback, ["127.0.0.1", "127.1.2.3", "::1", "localhost"]))
    assert not any(map(is_loopback, ["0.0.0.0", "::", "10.0.0.1", "localhost.example.com"]))


# -- mounted -------------------------------------------------------------------------


async def asked(app: Any, path: str, root_path: str = "") -> tuple[int, bytes, dict[bytes, bytes]]:
    """What an ASGI application answers."""
    sent = []

    async def receive():
        return {"type": "http.request", "body": b""}

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "root_path": root_path,
        "scheme": "http",
        "query_string": b"",
        "headers": [(b"host", b"example.com")],
        "server": ("example.com", 80),
    }
    await app(scope, receive, send)
    body = b"".join(each.get("body", b"") for each in sent)
    return sent[0]["status"], body, dict(sent[0]["headers"])


def test_it_mounts_below_a_path_and_all_its_links_are_relative(site: Site) -> None:
    line = CommandLine.parse([f"--admin.conf={site.command.directory / 'crontabber.ini'}"])
    source = Source(lambda: reading(Settings.load(line, {})))
    outer = Starlette(routes=[Mount("/ops/cron", make_app(source))])

    async def ask() -> None:
        status, body, _ = await asked(outer, "/ops/cron/")
        assert status == 200
        assert b'href="/' not in body
        assert b'src="/' not in body
        status, body, _ = await asked(outer, "/ops/cron/static/crontabber.css")
        assert status == 200
        status, _, headers = await asked(outer, "/ops/cron")
        assert (status, headers[b"location"]) == (307, b"http://example.com/ops/cron/")

    asyncio.run(ask())
    source.close()


def test_many_that_ask_at_once_cost_one_look(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    line = CommandLine.parse([f"--admin.conf={site.command.directory / 'crontabber.ini'}"])
    made = []

    def make():
        app = reading(Settings.load(line, {}))
        look = app.store.look

        def counted(*args: Any, **more: Any) -> Snapshot:
            made.append(1)
            return look(*args, **more)

        monkeypatch.setattr(app.store, "look", counted)
        return app

    source = Source(make)

    async def ask() -> None:
        app = make_app(source)
        answers = await asyncio.gather(*(asked(app, "/") for _ in range(50)))
        assert {status for status, _, _ in answers} == {200}

    asyncio.run(ask())
    source.close()
    assert made == [1]


# -- the report ----------------------------------------------------------------------


def test_the_report_is_one_file_that_replaces_the_old_one_at_once(
    site: Site, tmp_path: Path
) -> None:
    file = tmp_path / "jobs.html"
    file.write_text("old")
    before = file.stat().st_ino
    done = site.command("--admin.conf=crontabber.ini", "--report", str(file))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert file.stat().st_ino != before
    assert file.stat().st_mode & 0o777 == 0o644
    assert [each.name for each in tmp_path.iterdir()] == ["jobs.html"]
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in file.read_text()


def test_a_report_that_cannot_be_written_is_said_in_one_line(site: Site) -> None:
    done = site.command("--admin.conf=crontabber.ini", "--report=/nowhere/jobs.html")
    assert done.returncode == 1
    assert "--report=/nowhere/jobs.html cannot be written: No such file" in done.stderr
    assert done.stderr.count("\n") == 1


def test_ticks_write_the_report_when_they_did_something_or_it_is_old(
    site: Site, tmp_path: Path
) -> None:
    file = tmp_path / "jobs.html"
    tick = ("--admin.conf=crontabber.ini", f"--crontabber.report={file}")
    site.command(*tick)
    first = file.stat()
    site.command(*tick)
    assert file.stat().st_ino == first.st_ino  # nothing was done
    os.utime(file, (first.st_mtime - 400,) * 2)
    site.command(*tick)
    assert file.stat().st_ino != first.st_ino


def test_a_tick_whose_report_cannot_be_written_says_so_and_goes_on(site: Site) -> None:
    done = site.command("--admin.conf=crontabber.ini", "--crontabber.report=/nowhere/x.html")
    assert "the report /nowhere/x.html cannot be written: No such file" in done.stderr
