"""Short words for jobs, states and moments, for the tests of ``crontabber.schedule``."""

from datetime import datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

from crontabber.schedule.grammar import Schedule
from crontabber.schedule.model import Claim, JobSpec, JobState, LastError

UTC = timezone.utc
SECOND, MINUTE, HOUR, DAY = (timedelta(seconds=n) for n in (1, 60, 3600, 86400))
ERROR = LastError("<class 'ValueError'>", "no", "Traceback")


def at(text: str, zone: str = "UTC") -> datetime:
    """The moment that a clock in *zone* shows as *text*, ``2026-11-21 03:00``, in UTC."""
    whole, _, fraction = text.partition(".")
    moment = datetime.fromisoformat(whole) + timedelta(seconds=float(f"0.{fraction or 0}"))
    return moment.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def local(moment: datetime, zone: str) -> str:
    """What a clock in *zone* shows, as `at` takes it."""
    return moment.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")


def job(schedule: str = "1h", name: str = "app", zone: str = "UTC", **more: Any) -> JobSpec:
    """A job; *more* are other fields of `JobSpec`."""
    return JobSpec(name, f"jobs.{name}", Schedule.parse(schedule), ZoneInfo(zone), **more)


def waiting(spec: JobSpec, slot: datetime, **more: Any) -> JobState:
    """*spec* has run without an error, and waits for *slot*."""
    fields = {"next_run": slot, "next_slot": slot, "plan": spec.plan, "backfill": spec.backfill}
    return JobState(spec.app_name, **{**fields, **more})


def claim(time: datetime) -> Claim:
    """A claim of this crontabber."""
    return Claim("host", 7, 8, time)
