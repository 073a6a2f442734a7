"""A week on a clock that is moved: all that people are told of it, as the documentation has it."""

import logging
import re
from datetime import datetime, timedelta, timezone
from typing import Any

from crontabber.base import BaseCronApp
from crontabber.reporters import Reporter, Tick
from crontabber.reporters.log import LogReporter
from crontabber.reporters.notify import NotifyReporter, Whom
from crontabber.reporters.pings import PingReporter
from crontabber.testing import Simulation
from tests.support import ROOT

MONDAY = datetime(2026, 11, 23, tzinfo=timezone.utc)
STOPS = MONDAY + timedelta(days=5, hours=12)
GRACE = timedelta(minutes=30)
"""After how long without a heartbeat its receiver alarms."""
EVENTS = ("failed", "recovered", "late", "gave_up", "crashed")


class Fetch(BaseCronApp):
    app_name = "fetch"

    def run(self):
        day = week.clock.now() - MONDAY
        if timedelta(days=1, hours=10) <= day < timedelta(days=4, hours=16):
            server = "gone" if day > timedelta(days=3, hours=9) else "busy"
            raise ConnectionError(f"the server is {server} (try {day // timedelta(hours=1)})")


class Report(BaseCronApp):
    app_name = "report"
    depends_on = ("fetch",)

    def run(self):
        pass


class Outbox:
    """In place of a courier: keeps what is sent, and when."""

    def __init__(self) -> None:
        self.sent: list[tuple[datetime, str, Any]] = []

    def send(self, to: str, way: str, **letter: Any) -> None:
        self.sent.append((week.clock.now(), way, letter))

    def request(self, to: str, url: str, **letter: Any) -> None:
        self.sent.append((week.clock.now(), "ping", url))


class All(Reporter):
    """Several reporters as one."""

    def __init__(self, *reporters: Reporter) -> None:
        self._reporters = reporters

    def changed(self, *what: Any) -> None:
        for each in self._reporters:
            each.changed(*what)

    def failed(self, *what: Any) -> None:
        for each in self._reporters:
            each.failed(*what)

    def finished(self) -> None:
        for each in self._reporters:
            each.finished()


week = Simulation({Fetch: "1h", Report: "1d|06:00"}, MONDAY)


def test_a_week_is_told_as_the_documentation_says(caplog):
    outbox: Any = Outbox()
    mails: list[tuple[datetime, str]] = []
    caplog.set_level(logging.WARNING, "crontabber")
    log = LogReporter(str, lambda job: True)
    whom = Whom(urls=("mailto://team@example.org",), on=EVENTS)
    beat = PingReporter(outbox, lambda job: None, "https://hc-ping.com/key")
    week.reporter = All(log, NotifyReporter(outbox, lambda job: whom))
    while week.clock.now() < MONDAY + timedelta(days=7):
        if week.clock.now() < STOPS:
            week.tick()
            beat.ticked(Tick())
            mails += [(week.clock.now(), record.getMessage()) for record in caplog.records]
            caplog.clear()
        week.clock.advance(timedelta(minutes=15))
    found = [(when, "cron's mail", text) for when, text in mails]
    messages = [each for each in outbox.sent if each[1] == "message"]
    found += [(when, "message", letter["title"]) for when, _, letter in messages]
    pings = [when for when, way, _ in outbox.sent if way == "ping"]
    assert len(pings) == (STOPS - MONDAY) / timedelta(minutes=15)
    found.append(
        (pings[-1] + timedelta(minutes=15) + GRACE, "heartbeat", "no ping: crontab is down")
    )
    lines = [f"{when:%a %H:%M}  {who:11}  {text}" for when, who, text in sorted(found, key=_first)]
    page = (ROOT / "docs" / "telling.md").read_text(encoding="utf-8")
    documented = re.search(r"```text\n(Tue .*?)```", page, re.DOTALL)
    assert documented
    assert documented[1].splitlines() == lines
    number = re.search(r"would have been (\d+)", page)
    assert number
    assert len(week.failures) == int(number[1])


def _first(line: tuple[datetime, str, str]) -> datetime:
    return line[0]
