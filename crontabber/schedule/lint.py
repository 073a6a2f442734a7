"""What is odd about schedules without being an error: what ``--configtest`` warns of.

Pure. It uses only the text of a schedule and the public functions of `calendar`, and skips
schedules that would need more.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import takewhile
from zoneinfo import ZoneInfo

from .calendar import first_slot, slots
from .clockchange import changes, clock_note
from .grammar import Schedule
from .model import JobSpec

_DAY = timedelta(days=1)
_YEAR = timedelta(days=371)  # each change of a year is in it, some twice
_WEEKS = timedelta(days=15)
_ELAPSED = re.compile(r"(\d+)([mhd])")
_EARLY_RANGE = re.compile(r"\b(1?\d|2[0-8])(-|\.\.)\d+")
"""A range of days that begins before the 29th: it is about more than the end of a month."""
_NO_SUCH_DAY = {
    29: "no 29th in February, except in leap years",
    30: "no 30th in February",
    31: "no 31st in February, April, June, September or November",
}
_MONTHS_WITHOUT = {29: {2}, 30: {2}, 31: {2, 4, 6, 9, 11}}


def oddities(jobs: Sequence[JobSpec], now: datetime) -> Iterator[str]:
    """A line for each thing that may surprise about the schedules of *jobs*, from *now* on."""
    by_name = {job.app_name: job for job in jobs}
    for job in jobs:
        for what in (
            *_steps(str(job.schedule)),
            *_days(str(job.schedule)),
            *_times(job.schedule, job.zone, now),
            *_parents(job, by_name, now),
        ):
            yield f"{job.app_name} ({job.schedule}): {what}"


def _steps(text: str) -> Iterator[str]:
    """Steps that do not divide the hour or the day."""
    if elapsed := _ELAPSED.fullmatch(text):
        number, unit = int(elapsed[1]), elapsed[2]
        if unit == "m" and number < 60 and 60 % number:
            yield f"{number} minutes do not divide the hour: it runs at other minutes each hour"
        hours = number if unit == "h" else number / 60
        if unit != "d" and 1 <= hours < 24 and 24 % hours:
            yield f"{text} does not divide the day: it runs at other times each day"
        return
    minute, hour, *_ = _cron(text) or ("", "")
    for field, most, unit, longer in ((minute, 60, "minute", "hour"), (hour, 24, "hour", "day")):
        step = re.fullmatch(r"\*/(\d+)", field)
        if step and 1 < int(step[1]) < most and most % int(step[1]):
            rest = most % int(step[1])
            yield (
                f"{field} starts over each {longer}: its last step is {rest} {unit}"
                f"{'s' if rest > 1 else ''} long"
            )


def _days(text: str) -> Iterator[str]:
    """Days that some months do not have."""
    field, months = text.partition("|")[0], set(range(1, 13))
    if cron := _cron(text):
        field, months = cron[2], _months(cron[3])
    elif not re.fullmatch(r"[\d,a-z.-]+", field) or _ELAPSED.fullmatch(field):
        return
    field = _EARLY_RANGE.sub("", field)
    days = {int(day) for day in re.findall(r"(?<![/\d#])\d+", field)}
    if "last" in field or "L" in field:
        return
    for day in sorted(days & _NO_SUCH_DAY.keys(), reverse=True)[:1]:
        if months & _MONTHS_WITHOUT[day]:
            yield f"there is {_NO_SUCH_DAY[day]}: it does not run then"


def _times(schedule: Schedule, zone: ZoneInfo, now: datetime) -> Iterator[str]:
    """Times that do not exist, or exist twice, in the year to come."""
    text = str(schedule)
    cron = _cron(text)
    if _ELAPSED.fullmatch(text) or "|:" in text or (cron and cron[1].startswith("*")):
        return  # which runs each hour, or by elapsed time
    said = set()
    for change in _changes(zone, now):
        near = takewhile(
            lambda slot, end=change + _DAY: slot < end,  # type: ignore[misc]
            slots(schedule, first_slot(schedule, change - _DAY, zone), zone),
        )
        for slot in sorted({*near, first_slot(schedule, change, zone)}):
            note = clock_note(schedule, slot, zone)
            if note and note not in said:
                said.add(note)
                yield f"on {slot.astimezone(zone):%Y-%m-%d} {note} ({zone})"
                break


@lru_cache(maxsize=16)
def _changes(zone: ZoneInfo, now: datetime) -> tuple[datetime, ...]:
    """When clocks are changed in the year to come; the same for all jobs of a zone."""
    return tuple(changes(zone, now, now + _YEAR))


def _parents(job: JobSpec, by_name: Mapping[str, JobSpec], now: datetime) -> Iterator[str]:
    """Parents that run later on the same days: the job never waits for them."""
    for parent in (by_name[name] for name in job.depends_on if name in by_name):
        own, others = _by_day(job, now), _by_day(parent, now)
        both = sorted(own.keys() & others.keys())
        if both and all(own[day] < others[day] for day in both):
            local, later = (found[both[0]].astimezone(job.zone) for found in (own, others))
            yield (
                f"it runs at {local:%H:%M}, and {parent.app_name}, which it depends on, at "
                f"{later:%H:%M}: it gets what that did before, never what it does on the same day"
            )


def _by_day(job: JobSpec, now: datetime) -> dict[date, datetime]:
    """The slot of each of the next days; nothing if there is more than one a day."""
    if _ELAPSED.fullmatch(str(job.schedule)):  # it has no time of its own
        return {}
    found: dict[date, datetime] = {}
    start = first_slot(job.schedule, now, job.zone)
    for slot in takewhile(lambda slot: slot < now + _WEEKS, slots(job.schedule, start, job.zone)):
        day = slot.astimezone(job.zone).date()
        if day in found:
            return {}
        found[day] = slot
    return found


def _cron(text: str) -> Sequence[str] | None:
    """The five fields of a cron expression; None if *text* is none."""
    fields = text.split()
    return fields if len(fields) == 5 else None


_NAMES = "jan feb mar apr may jun jul aug sep oct nov dec".split()


def _months(field: str) -> set[int]:
    """The months that a field means; all if it is not a plain list of them."""
    words = [
        str(_NAMES.index(word) + 1) if word in _NAMES else word for word in field.lower().split(",")
    ]
    if all(word.isdecimal() for word in words):
        return {int(word) for word in words}
    return {*range(1, 13)}
