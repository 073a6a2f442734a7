"""Checks in at Sentry when jobs run, with their schedules, so that it notices missed runs."""

import re
import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from ..errors import ConfigError, Redact
from ..schedule.cronline import CronLine
from ..schedule.days import Days
from ..schedule.elements import MinuteOfHour, TimeOfDay, Unit
from ..schedule.grammar import Schedule
from ..schedule.model import JobSpec, Outcome, Run
from . import Reporter
from .courier import Courier
from .dsn import Dsn
from .sentry import envelopes

_MINUTE = timedelta(minutes=1)
_UNITS = {Unit.MINUTES: "minute", Unit.HOURS: "hour", Unit.DAYS: "day"}
_LAST = 32
"""How `Days` writes the last of the month."""
_LONGEST = 50
"""Characters that Sentry takes as a monitor's name."""


class CronsReporter(Reporter):
    """Sends a check-in when a run begins and another when it ends; *courier* delivers them.

    Only sentry-sdk can: with raven, or without any client, one line in the log says so.
    """

    def __init__(self, dsn: str, release: str, courier: Courier, redact: Redact = str) -> None:
        self._dsn = Dsn.parse(dsn)
        try:
            self._letter = envelopes(self._dsn, {"release": release}, redact)
        except ImportError:
            raise ConfigError("sentry.crons needs sentry-sdk: pip install sentry-sdk") from None
        self._courier = courier
        self._ids: dict[str, str] = {}
        """The check-in of the run that has begun, by app_name."""

    def started(self, job: JobSpec, run: Run) -> None:
        self._ids[job.app_name] = uuid.uuid4().hex
        self._check_in(job, "in_progress", None)

    def succeeded(self, job: JobSpec, run: Run) -> None:
        self._check_in(job, "ok", run)

    def failed(self, job: JobSpec, run: Run, error: BaseException | None) -> None:
        if run.outcome is Outcome.CRASHED:
            self._ids.pop(job.app_name, None)  # of a process that is gone
        self._check_in(job, "error", run)

    def finished(self) -> None:
        self._ids.clear()

    def _check_in(self, job: JobSpec, status: str, run: Run | None) -> None:
        check_in: dict[str, Any] = {
            "type": "check_in",
            "monitor_slug": slug_of(job.app_name),
            "check_in_id": self._ids.get(job.app_name) or uuid.uuid4().hex,
            "status": status,
            "monitor_config": monitor_of(job),
        }
        if run and run.duration is not None:
            check_in["duration"] = run.duration.total_seconds()
        letter = self._letter(check_in)
        self._courier.request(
            f"a check-in at Sentry ({self._dsn})",
            letter.url,
            method="POST",
            body=letter.body,
            headers=letter.headers,
            key=job.app_name,
            verify=self._dsn.verify,
            ca_certs=self._dsn.ca_certs,
        )


def slug_of(app_name: str) -> str:
    """The name of the monitor: small letters, digits, ``-`` and ``_``."""
    return re.sub(r"[^a-z0-9_-]+", "-", app_name.lower()).strip("-")[:_LONGEST] or "job"


def monitor_of(job: JobSpec) -> Mapping[str, Any]:
    """What Sentry needs to know: when the job runs, how late it may be, how long it may take."""
    longest = job.timeout or job.max_ongoing_age
    return {
        "schedule": schedule_of(job.schedule),
        "timezone": str(job.zone),
        "checkin_margin": max(round(job.late / _MINUTE), 1),
        "max_runtime": max(round(longest / _MINUTE), 1),
    }


def schedule_of(schedule: Schedule) -> Mapping[str, Any]:
    """A schedule in one of the two forms that Sentry has."""
    when, time = schedule.frequency, schedule.time
    if isinstance(when, CronLine):
        return {"type": "crontab", "value": when.text}
    at = ""
    if isinstance(time, TimeOfDay):
        at = f"{time.minute} {time.hour}"
    if isinstance(when, Days):
        dates = ",".join("L" if date == _LAST else str(date) for date in when.dates)
        weekdays = ",".join(str(day + 1) for day in when.weekdays)  # to cron Monday is 1
        return {"type": "crontab", "value": f"{at} {dates or '*'} * {weekdays or '*'}"}
    if when.number == 1 and at:
        return {"type": "crontab", "value": f"{at} * * *"}
    if when.number == 1 and isinstance(time, MinuteOfHour):
        return {"type": "crontab", "value": f"{time.minute} * * * *"}
    return {"type": "interval", "value": when.number, "unit": _UNITS[when.unit]}
