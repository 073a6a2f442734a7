"""Pings URLs when jobs begin, succeed and fail, and when a tick is over."""

import os
import uuid
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

from ..process.clock import monotonic
from ..schedule.model import JobSpec, Run
from . import Reporter, Tick
from .courier import Courier
from .wording import error_words, message_line

HEALTHCHECKS, CRONITOR = "healthchecks", "cronitor"
BETTERSTACK, SNITCH = "betterstack", "deadmanssnitch"
START, SUCCESS, FAIL = "start", "success", "fail"

_HOSTS = {
    "cronitor.link": CRONITOR,
    "cronitor.io": CRONITOR,
    "betterstack.com": BETTERSTACK,
    "betteruptime.com": BETTERSTACK,
    "nosnch.in": SNITCH,
}
_OUTPUT = 10_000
"""Bytes of the end of a run's output: healthchecks.io keeps that many."""
_MESSAGE = 1_000
"""Characters of a message in a URL."""
_OFTEN = 10.0
"""Seconds between two pings while a job catches up on many slots."""


class Ping(NamedTuple):
    """Where a job pings, and how."""

    url: str
    """With ``{job}`` and ``{state}``."""
    style: str = ""
    """The service whose form it has; empty: as its host suggests."""
    start: bool = False
    """Whether runs ping when they begin, too."""


class Request(NamedTuple):
    """An HTTP request."""

    method: str
    url: str
    body: bytes | None = None


def request_of(
    ping: Ping, app_name: str, state: str, run: Run | None = None, run_id: str = ""
) -> Request | None:
    """The request that says that a run of the job *app_name* is in this *state*.

    None if the receiver knows no such state.
    """
    name = quote(app_name, safe="")
    url = ping.url.replace("{job}", name).replace("{state}", state)
    body = _output(run) if run else b""
    if "{state}" in ping.url:
        return _posting(url, body)
    style = ping.style or style_of(url)
    if style == CRONITOR:
        return _cronitor(url, state, run, run_id)
    if style == HEALTHCHECKS:
        url = url if state == SUCCESS else _with_path(url, state)
        return _posting(_with_query(url, {"rid": run_id}), body)
    if state == START:
        return None
    if style == BETTERSTACK:
        return _posting(url if state == SUCCESS else _with_path(url, state), body)
    status = {"s": "1"} if state == FAIL else {}
    return Request("GET", _with_query(url, {**status, "m": _words(run)}))


def style_of(url: str) -> str:
    """The service whose form a ping of *url* has, by its host."""
    host = urlsplit(url).hostname or ""
    for known, style in _HOSTS.items():
        if host == known or host.endswith(f".{known}"):
            return style
    return HEALTHCHECKS


def receiver_of(url: str) -> str:
    """The receiver of the ping, for people: without what may be a key."""
    try:
        parts = urlsplit(url)
        return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)
    except ValueError:
        return "a URL that cannot be read"


def _cronitor(url: str, state: str, run: Run | None, run_id: str) -> Request:
    states = {START: "run", SUCCESS: "complete", FAIL: "fail"}
    query = {"state": states[state], "series": run_id, "host": os.uname().nodename}
    if run and run.duration is not None:
        query["metric"] = f"duration:{run.duration.total_seconds():.3f}"
    return Request("GET", _with_query(url, {**query, "message": _words(run)}))


def _posting(url: str, body: bytes) -> Request:
    return Request("POST", url, body) if body else Request("GET", url)


def _with_path(url: str, more: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/{more}"))


def _with_query(url: str, more: dict[str, str]) -> str:
    parts = urlsplit(url)
    query = urlencode({name: value for name, value in more.items() if value})
    return urlunsplit(parts._replace(query="&".join(filter(None, (parts.query, query)))))


def _output(run: Run) -> bytes:
    """The end of the run's output, and why it failed."""
    said = getattr(run, "output", "") or ""
    why = ""
    if run.error:
        why = run.error.traceback or f"{error_words(run.error)}\n"
    return f"{said}{why}".encode("utf-8", "backslashreplace")[-_OUTPUT:]


def _words(run: Run | None) -> str:
    return message_line(error_words(run.error))[:_MESSAGE] if run and run.error else ""


class PingReporter(Reporter):
    """Pings what *ping_of* names for a job, and *heartbeat* when a tick is over.

    While a backfill app catches up, one ping every ten seconds stands for all its slots.
    """

    def __init__(
        self,
        courier: Courier,
        ping_of: Callable[[JobSpec], Ping | None],
        heartbeat: str = "",
    ) -> None:
        self._courier = courier
        self._ping_of = ping_of
        self._heartbeat = heartbeat
        self._ids: dict[str, str] = {}
        """The run that has begun, and whose end is not pinged yet, by app_name."""
        self._held: tuple[JobSpec, Run] | None = None
        """A successful run; if the job's next slot succeeds at once, that is pinged instead."""
        self._sent_at = 0.0

    def started(self, job: JobSpec, run: Run) -> None:
        goes_on = self._held and self._held[0].app_name == job.app_name
        if goes_on and monotonic() - self._sent_at < _OFTEN:
            return
        self._let_go()
        self._sent_at = monotonic()
        ping = self._ping_of(job)
        if ping:
            self._ids[job.app_name] = str(uuid.uuid4())
            if ping.start:
                self._send(ping, job.app_name, START)

    def succeeded(self, job: JobSpec, run: Run) -> None:
        self._held = (job, run)

    def failed(self, job: JobSpec, run: Run, error: BaseException | None) -> None:
        if self._held and self._held[0].app_name != job.app_name:
            self._let_go()
        self._held = None
        self._end(job, FAIL, run)

    def ticked(self, tick: Tick) -> None:
        if self._heartbeat:
            state = FAIL if tick.error else SUCCESS
            self._send(Ping(self._heartbeat), "crontabber", state)

    def finished(self) -> None:
        self._let_go()
        self._ids.clear()

    def _let_go(self) -> None:
        held, self._held = self._held, None
        if held:
            self._end(held[0], SUCCESS, held[1])

    def _end(self, job: JobSpec, state: str, run: Run) -> None:
        if ping := self._ping_of(job):
            self._send(ping, job.app_name, state, run)

    def _send(self, ping: Ping, app_name: str, state: str, run: Run | None = None) -> None:
        run_id = self._ids.get(app_name, "")
        if state != START:
            self._ids.pop(app_name, None)
        request = request_of(ping, app_name, state, run, run_id)
        if request:
            key = f"{ping.url} {app_name}"
            to = f"a ping of {receiver_of(request.url)}"
            self._courier.request(
                to, request.url, method=request.method, body=request.body, key=key
            )
