"""One example for what looks at jobs: a week of ticks, with a chain, a failure, a pause and a gap.

The ticks are real, on a clock that the example moves. Everything that is shown of it follows from
what they remembered.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from crontabber import cli
from crontabber.app import CronTabber
from crontabber.base import BaseCronApp
from crontabber.config.commandline import CommandLine
from crontabber.config.settings import Settings
from crontabber.mixins import as_backfill_cron_app
from crontabber.schedule.model import Pause
from crontabber.testing import Simulation

BERLIN = ZoneInfo("Europe/Berlin")
START = datetime(2026, 11, 20, 1, 0, tzinfo=BERLIN)
NOW = datetime(2026, 11, 28, 10, 15, tzinfo=BERLIN)
BROKEN = datetime(2026, 11, 24, 3, 0, tzinfo=BERLIN)
PAUSED = datetime(2026, 11, 27, 18, 0, tzinfo=BERLIN)
MINUTE = timedelta(minutes=1)
_world: dict[str, Any] = {}
"""The simulation, whose clock the jobs move."""


def take(**length: float) -> None:
    """Let time pass in a job."""
    _world["clock"].advance(timedelta(**length))


@as_backfill_cron_app
class Fetch(BaseCronApp):
    """Works until Tuesday, and is refused since then."""

    app_name = "fetch"

    def run(self, date: datetime) -> None:
        take(seconds=4)
        if date >= BROKEN:
            raise ConnectionRefusedError(111, "Connection refused")


@as_backfill_cron_app
class Report(BaseCronApp):
    """Waits for what was fetched."""

    app_name = "report"
    depends_on = "fetch"

    def run(self, date: datetime) -> None:
        take(seconds=31)


class Backup(BaseCronApp):
    """Takes longer on Thursday."""

    app_name = "backup"

    def run(self) -> None:
        thursday = _world["clock"].now().astimezone(BERLIN).isoweekday() == 4
        take(minutes=125 if thursday else 12)


class Rates(BaseCronApp):
    """Is paused since Friday."""

    app_name = "rates"

    def run(self) -> None:
        take(seconds=1.5)


class Clean(BaseCronApp):
    """Is well."""

    app_name = "clean"

    def run(self) -> None:
        take(seconds=0.25)


JOBS = {
    Fetch: "1d|03:00",
    Report: "1d|03:00",
    Backup: "1d|02:30",
    Rates: "1h",
    Clean: "1d|04:15",
}


SETTINGS = {"crontabber.error_retry_time": "3600"}


def simulated(until: datetime = NOW) -> Simulation:
    """A week of ticks, every quarter of an hour; the machine is off on Sunday night."""
    simulation = Simulation(JOBS, START, "Europe/Berlin", settings=SETTINGS)
    _world["clock"] = clock = simulation.clock
    moment = START
    off = [datetime(2026, 11, 22, hour, tzinfo=BERLIN) for hour in (1, 9)]
    while moment < until:
        if not off[0] <= moment < off[1] and clock.now() <= moment:
            clock.set(moment)
            simulation.tick()
        if moment == PAUSED:
            end = datetime(2026, 11, 30, 8, 0, tzinfo=BERLIN)
            pause = Pause(PAUSED, end, "anna", "the provider moves")
            assert simulation.store.pause("rates", pause)
        moment += 15 * MINUTE
    clock.set(until)
    return simulation


def told(
    simulation: Simulation, *arguments: str, jobs: Mapping[type[Any], str] = JOBS, person: str = ""
) -> str:
    """What the command prints that looks at the example, by its real verbs."""
    lines = "\n".join(f"{cls.__module__}.{cls.__name__}|{text}" for cls, text in jobs.items())
    given = [f"--{name}={text}" for name, text in SETTINGS.items()]
    given = [f"--crontabber.jobs={lines}", *given, *arguments]
    line = CommandLine.parse(given)
    settings = Settings.load(line, {})
    with CronTabber(settings, store=simulation.store) as app:
        app.person = person
        return cli._obey(line.command, app).text
