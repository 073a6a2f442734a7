"""A week in the life of a chain, for the chapter on backfill: what is asked of it, and when.

The ticks are real, on a clock that the example moves; so are the commands.
"""

import shlex
from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from crontabber.base import BaseCronApp
from crontabber.mixins import as_backfill_cron_app
from crontabber.testing import Simulation
from tests import example

BERLIN = ZoneInfo("Europe/Berlin")


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-11-{text}").replace(tzinfo=BERLIN)


START = _moment("23 09:00")
MENDED = _moment("26 12:00")
OFF = (_moment("27 20:00"), _moment("28 13:00"))
_world: dict[str, Simulation] = {}


def _take(seconds: int) -> None:
    _world["simulation"].clock.advance(timedelta(seconds=seconds))


@as_backfill_cron_app
class Fetch(BaseCronApp):
    """Its source has nothing for Wednesday until Thursday noon."""

    app_name = "fetch"
    start = "2026-11-20"

    def run(self, date: datetime) -> None:
        _take(4)
        if date.day == 25 and _world["simulation"].clock.now() < MENDED:
            raise FileNotFoundError("2026-11-25.csv")


@as_backfill_cron_app
class Report(BaseCronApp):
    """Waits for what was fetched."""

    app_name = "report"
    depends_on = "fetch"
    start = "2026-11-20"

    def run(self, date: datetime) -> None:
        _take(31)


class Mail(BaseCronApp):
    """Comes in the morning, or not at all."""

    app_name = "mail"
    too_late = "4h"

    def run(self) -> None:
        _take(1)


JOBS = {Fetch: "1d|03:00", Report: "1d|03:00", Mail: "1d|07:00"}

WEEK = [
    ("23 09:05", "--dates=report"),
    ("23 17:00", '--pause=report --until=2026-11-25T12:00 --why="disk is full"'),
    ("24 09:00", "--status"),
    ("25 12:20", "--dates=fetch"),
    ("25 12:20", "--explain=report"),
    ("26 12:20", "--history=report --from=2026-11-24"),
    ("28 13:05", "--history=mail --from=2026-11-26"),
    (
        "28 14:00",
        "--backfill=fetch --from=2026-11-20 --to=2026-11-22 --redo=all --with-children --dry-run",
    ),
    ("28 14:00", "--backfill=fetch --from=2026-11-20 --to=2026-11-22 --redo=all --with-children"),
    ("28 14:01", "--list-backfills"),
    ("28 14:06", "--list-backfills"),
    ("28 14:10", "--backfill=report --from=2026-11-01 --to=2026-11-19 --newest-first"),
    ("28 14:11", "--cancel-backfill=2"),
    ("28 14:15", "--backfill=fetch --from=2026-11-20 --to=2026-11-22"),
    ("29 09:00", "--pause=fetch,report --for=2h"),
    ("29 09:10", "--resume=all"),
    ("29 09:15", "--job=fetch --force"),
]
"""When each command of the chapter is given, in their order."""


def lived() -> Iterator[tuple[str, str]]:
    """Each command, and what it prints."""
    simulation = _world["simulation"] = Simulation(JOBS, START, "Europe/Berlin")
    at = START
    for moment, command in WEEK:
        while at <= _moment(moment):
            if not OFF[0] <= at < OFF[1]:
                simulation.tick(max(at, simulation.clock.now()))
            at += timedelta(minutes=5)
        simulation.clock.set(max(_moment(moment), simulation.clock.now()))
        words = shlex.split(command)
        yield command, example.told(simulation, *words, jobs=JOBS, person="anna")


def simulation() -> Simulation:
    """The week that was lived last."""
    return _world["simulation"]
