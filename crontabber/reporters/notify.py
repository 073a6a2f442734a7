"""Sends messages about changes: one a tick, by a command or by Apprise."""

import json
import os
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ..errors import ConfigError, Redact
from ..schedule.changes import Change, Event
from ..schedule.model import JobSpec
from . import Reporter
from .courier import Courier
from .wording import LASTING, change_words, error_words, message_line

_MOST = 20
"""How many jobs a message names; the command gets all."""
_ORDER = (Event.GAVE_UP, Event.CRASHED, Event.FAILED, Event.LATE, Event.RECOVERED)
"""The worst first."""
_NOUNS = {
    Event.GAVE_UP: "gave up",
    Event.CRASHED: "crashed",
    Event.FAILED: "failed",
    Event.LATE: "late",
    Event.RECOVERED: "well again",
}


class Whom(NamedTuple):
    """Who gets messages about a job, and about which events."""

    command: str = ""
    """The command that gets the events as JSON on its stdin; empty: none."""
    urls: tuple[str, ...] = ()
    """Apprise's URLs."""
    on: tuple[str, ...] = ()
    """The names of the events to report."""


class News(NamedTuple):
    """A change, and its words."""

    job: str
    change: Change
    words: str

    @property
    def line(self) -> str:
        """One line about one job."""
        return f"{self.job} {self.words}"


class NotifyReporter(Reporter):
    """Sends one message, at the end of a tick, to the receivers that *whom* names for the jobs."""

    def __init__(
        self, courier: Courier, whom: Callable[[JobSpec], Whom], redact: Redact = str
    ) -> None:
        self._courier = courier
        self._whom = whom
        self._redact = redact
        self._news: dict[tuple[str, Sequence[str]], list[News]] = {}
        """What to report, by the way it is sent."""

    def changed(self, job: JobSpec, change: Change) -> None:
        whom = self._whom(job)
        if change.event.value not in whom.on:
            return
        words = message_line(self._redact(change_words(job, change)))
        news = News(job.app_name, change, words)
        if whom.command:
            self._news.setdefault(("command", (whom.command,)), []).append(news)
        if whom.urls:
            self._news.setdefault(("message", whom.urls), []).append(news)

    def finished(self) -> None:
        waiting, self._news = self._news, {}
        for (way, targets), news in waiting.items():
            news.sort(key=lambda each: _ORDER.index(each.change.event))
            if way == "command":
                self._run(targets[0], [event_of(each) for each in news])
            else:
                self._message(targets, headline(news), news)

    def test(self, whom: Whom) -> str:
        """Send a test message to all of *whom*; a sentence that says so.

        Raises `ConfigError` with the reasons if one did not arrive.
        """
        if not (whom.command or whom.urls):
            raise ConfigError("there are no recipients: set command or urls in section [notify]")
        text = "this is a test, made by crontabber --notifytest"
        if whom.command:
            self._run(whom.command, [{"event": "test", "job": "", "error": None, "message": text}])
        if whom.urls:
            self._send(whom.urls, "crontabber: a test", text, "info")
        failures = self._courier.finish()
        if failures:
            raise ConfigError("; ".join(self._redact(f"{to}: {why}") for to, why in failures))
        ways = [*(["the command"] if whom.command else []), *map(_scheme, whom.urls)]
        return f"a test message was sent by {', '.join(ways)}"

    def _run(self, command: str, events: Sequence[dict[str, Any]]) -> None:
        text = json.dumps(events, ensure_ascii=False)
        self._courier.send("what notify.command gets", "command", command=command, input=text)

    def _message(self, urls: Sequence[str], title: str, news: Sequence[News]) -> None:
        lines = [each.line for each in news[:_MOST]]
        if len(news) > _MOST:
            lines.append(f"and {len(news) - _MOST} more")
        lines.append(f"(crontabber on {os.uname().nodename})")
        well = all(each.change.event is Event.RECOVERED for each in news)
        self._send(urls, title, "\n".join(lines), "success" if well else "failure")

    def _send(self, urls: Sequence[str], title: str, text: str, kind: str) -> None:
        for url in urls:
            to = f"a message by {_scheme(url)}"
            self._courier.send(
                to, "message", key=url, urls=[url], title=title, text=text, type=kind
            )


def _scheme(url: str) -> str:
    """The part of an Apprise URL that is no secret."""
    scheme, found, _ = url.partition("://")
    return scheme if found else "a URL without ://"


def headline(news: Sequence[News]) -> str:
    """``crontabber: 2 failed, 1 well again``; or the one job by its name."""
    if len(news) == 1:
        change = news[0].change
        what = LASTING[change.event.value] if change.reminder else _ONE[change.event]
        return f"crontabber: {news[0].job} {what}"
    events = [each.change.event for each in news]
    parts = (f"{events.count(event)} {noun}" for event, noun in _NOUNS.items() if event in events)
    return f"crontabber: {', '.join(parts)}"


_ONE = {**_NOUNS, Event.LATE: "is late", Event.RECOVERED: "is well again"}


def event_of(news: News) -> dict[str, Any]:
    """What a command gets about a change."""
    change = news.change
    run = change.run
    error = error_words(change.error) if change.error else change.why or None
    return {
        "event": change.event.value,
        "job": news.job,
        "error": error,
        "since": change.since.isoformat(),
        "time": change.time.isoformat(),
        "reminder": change.reminder,
        "slot": run.slot.isoformat() if run else None,
        "host": run.host if run else os.uname().nodename,
        "message": news.line,
    }
