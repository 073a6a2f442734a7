"""The process that delivers for a tick: unlike the tick, it has time to wait for receivers.

`crontabber.reporters.courier` starts this file as a script of its own, so it imports nothing of
ours. It is no process in which jobs fork, so its threads do no harm, and a name look-up that
hangs, which has no time-out, ends with it.

It gets what to deliver as lines of JSON, and answers each with a line: its number, and what
went wrong, if anything. URLs come that way, because all users could see arguments.
"""

import base64
import contextlib
import functools
import json
import os
import queue
import select
import signal
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, HTTPSHandler, Request, build_opener

GRACE = 30.0
"""Seconds after the end of the tick in which slow receivers may still be reached."""
_TIMEOUT = 10.0
"""Seconds that a receiver may be silent."""
_CHECK = 60.0
"""Seconds between looks at whether a silent tick lives."""
_LANES = 16
"""How many deliveries to one receiver run at once; those with one key follow each other.

Each receiver has its own threads, so that none waits behind one that hangs.
"""
_LONGEST = 300
"""The most characters of a fault that are reported."""

Letter = dict[str, Any]


class NoRedirects(HTTPRedirectHandler):
    """Refuses redirects: another address must not get the key, and a GET delivers nothing."""

    def redirect_request(self, *_: Any) -> None:
        """Follow none."""
        return


@functools.cache  # reading the certificates takes longer than a delivery
def tls(ca_certs: str | None = None, *, verify: bool = True) -> ssl.SSLContext:
    """Trust the system's certificates, those of certifi if it is installed, and *ca_certs*."""
    context = ssl.create_default_context()
    try:
        import certifi
    except ImportError:
        pass
    else:
        context.load_verify_locations(certifi.where())
    if ca_certs:
        context.load_verify_locations(ca_certs)
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def post(letter: Letter, timeout: float) -> str:
    """Make the HTTP request of *letter*; the reason if it did not arrive, else an empty text."""
    try:
        context = tls(letter.get("ca_certs"), verify=letter.get("verify", True))
        opener = build_opener(HTTPSHandler(context=context), NoRedirects)
        body = base64.b64decode(letter["body"]) if letter.get("body") else None
        headers = {"User-Agent": "crontabber", **letter.get("headers", {})}
        request = Request(  # noqa: S310  the settings see that it is http or https
            letter["url"], body, headers, method=letter["method"]
        )
        with opener.open(request, timeout=timeout):
            return ""
    except HTTPError as error:
        with error:
            why = error.headers.get("X-Sentry-Error")
        return f"HTTP {error.code} {error.reason}" + (f" ({why})" if why else "")
    except URLError as error:
        return str(error.reason) or type(error.reason).__name__
    except (OSError, HTTPException, ValueError) as error:
        return f"{type(error).__name__}: {error}"


def _run(letter: Letter) -> str:
    """Run a command with the text on its stdin; what went wrong."""
    try:
        process = subprocess.Popen(
            ["/bin/sh", "-c", letter["command"]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        return str(error)
    try:
        output, _ = process.communicate(letter["input"].encode(), GRACE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return f"it did not end within {GRACE:g} s"
    if not process.returncode:
        return ""
    how = process.returncode
    ended = f"it exits with {how}" if how > 0 else f"it was ended by signal {-how}"
    lines = output.decode("utf-8", "replace").split("\n")
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return f"{ended}: {last}" if last else ended


def _message(letter: Letter) -> str:
    """Send a message by Apprise; what went wrong."""
    import io
    import logging

    said = io.StringIO()
    logging.basicConfig(stream=said, level=logging.WARNING, format="{message}", style="{")
    try:
        import apprise
    except ImportError:
        return "Apprise is not installed: pip install 'crontabber[notify]'"
    sender = apprise.Apprise()
    if not sender.add(letter["urls"]):
        return "Apprise does not know such a URL"
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        sent = sender.notify(title=letter["title"], body=letter["text"], notify_type=letter["type"])
    why = " ".join(said.getvalue().split())
    return "" if sent else why or "Apprise says only that it was not sent"


_WAYS = {"http": lambda letter: post(letter, _TIMEOUT), "command": _run, "message": _message}


class _Desk:
    """Takes letters, and has a thread deliver those with the same key in order."""

    def __init__(self) -> None:
        self._lanes: dict[tuple[str, int], queue.SimpleQueue[Letter]] = {}
        self._answer_lock = threading.Lock()
        self._open = 0
        self._changed = threading.Condition()

    def take(self, letter: Letter) -> None:
        with self._changed:
            self._open += 1
        number = (_receiver_of(letter), hash(letter.get("key", "")) % _LANES)
        if number not in self._lanes:
            self._lanes[number] = queue.SimpleQueue()
            lane = self._lanes[number]
            threading.Thread(target=self._serve, args=(lane,), daemon=True).start()
        self._lanes[number].put(letter)

    def _serve(self, lane: "queue.SimpleQueue[Letter]") -> None:
        while True:
            letter = lane.get()
            try:
                trouble = _WAYS[letter["way"]](letter)
            except BaseException as error:  # noqa: BLE001  Apprise has plugins
                trouble = f"{type(error).__name__}: {error}"
            self._answer({"id": letter["id"], "trouble": trouble[:_LONGEST]})
            with self._changed:
                self._open -= 1
                self._changed.notify_all()

    def _answer(self, answer: dict[str, Any]) -> None:
        with self._answer_lock, contextlib.suppress(OSError):  # the tick may be gone
            os.write(1, json.dumps(answer).encode() + b"\n")

    def wait(self, seconds: float) -> None:
        """Wait until all is delivered, or given up."""
        with self._changed:
            self._changed.wait_for(lambda: not self._open, seconds)


def _receiver_of(letter: Letter) -> str:
    with contextlib.suppress(ValueError):
        if place := urlsplit(letter.get("url", "")).netloc:
            return place
    return f"{letter['way']} {letter.get('key', '')}"


def _lines(tick: int) -> Iterator[bytes]:
    """The lines of the process *tick*, until it sends no more or is gone.

    A process that a job left behind may hold the pipe open, so its end alone is no sign.
    """
    rest = b""
    while True:
        if not select.select([0], [], [], _CHECK)[0]:
            if not _lives(tick):
                return
            continue
        data = os.read(0, 65536)
        if not data:
            return
        *lines, rest = (rest + data).split(b"\n")
        yield from lines


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it has another user by now
        pass
    return True


def main(tick: str) -> None:
    """Deliver what the process *tick* sends, until all is delivered."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    desk = _Desk()
    for line in _lines(int(tick)):
        letter = json.loads(line)
        if letter["way"] == "end":
            break
        if letter["way"] == "begin":
            sys.path[:] = letter["path"]
        else:
            desk.take(letter)
    desk.wait(GRACE)
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[-1])
