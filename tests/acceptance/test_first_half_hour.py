"""``docs/first-half-hour.md``: its commands print what it shows."""

import contextlib
import functools
import http.server
import re
import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.rows import CONF
from tests.support import ROOT, Command, Database

PAGE = (ROOT / "docs" / "first-half-hour.md").read_text(encoding="utf-8")
_WHEN = r"(?:\w{3} )?\d+ \w{3}(?: \d{4})? \d+:\d+|\d{4}-\d\d-\d\d \d+:\d+(?::[\d,]+)?|\d+:\d+"


def blocks(kind: str) -> list[str]:
    found = re.findall(r"```(\w*)\n(.*?)```", PAGE, re.DOTALL)
    return [text for each, text in found if each == kind]


def shape(text: str) -> str:
    """*text* as it is at any time, at any port, and by any curl."""
    text = " ".join(text.replace("Etc/UTC", "UTC").split())
    for found, shown in (
        (r"(curl: \(\d+\)) Failed to connect.*?(?=;|$)", r"\1"),
        (_WHEN, "WHEN"),
        (r"\b(in|-) \d+\w|\d+\w ago, [\d.]+s", "N"),
        (r"(?:\d+ (?:hour|minute|second)s?(?:, )?)+", "N"),
        (r"next: \w+ in N", "next"),
    ):
        text = re.sub(found, shown, text)
    return text


@pytest.fixture
def port() -> int:
    """A port at which no server listens."""
    with socket.create_server(("localhost", 0)) as server:
        return int(server.getsockname()[1])


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def serving(directory: Path, port: int) -> Iterator[None]:
    handler = functools.partial(Quiet, directory=str(directory))
    with http.server.ThreadingHTTPServer(("localhost", port), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.skipif(not shutil.which("curl"), reason="needs curl")
def test_the_half_hour_is_as_its_page_says(
    crontabber: Command, database: Database, port: int
) -> None:
    lines, failure, recovery = blocks("")
    screens = {text.split("\n")[0][2:]: text.partition("\n")[2] for text in blocks("console")}
    crontabber("--init")
    ini = crontabber.directory / "crontabber.ini"
    made = ini.read_text().partition("[resource]")[0]
    more = blocks("ini")[0].replace("/home/me/crontabber/cron", ".").replace("8099", str(port))
    made = made.replace("myjobs.Hello|5m\n", f"myjobs.Hello|5m\n{lines}")
    ini.write_text(f"{made}\n{database.ini_section()}\n{more}")
    assert crontabber(CONF, "--configtest").stdout == "OK: all 5 jobs are well\n"

    ticked = crontabber(CONF)
    assert ticked.returncode == 0
    assert (ticked.stdout, shape(ticked.stderr)) == ("", shape(failure))
    for command, shown in screens.items():
        done = crontabber(CONF, command.split()[1])
        assert (shape(done.stdout), done.stderr) == (shape(shown), "")

    orders = crontabber.write("www/orders.csv", "a\nb\n")
    with serving(orders.parent, port):
        retried = crontabber(CONF, "--retry=fetch")
        assert retried.stdout == "fetch is tried again by the next tick\n"
        assert shape(crontabber(CONF).stderr) == shape(recovery)
    assert crontabber(CONF, "--status").stdout.partition("\n\n5 jobs: ")[2].startswith("5 ok;")
    assert crontabber(CONF, "--nagios").stdout.startswith("OK - all 5 jobs are well |")
    assert (crontabber.directory / "loaded.txt").read_text().strip() == "2"
