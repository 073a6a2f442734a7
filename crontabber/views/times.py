"""Times and lengths of time for people, in few letters."""

from datetime import datetime, timedelta, tzinfo
from itertools import pairwise

from ..schedule.calendar import zone_if_twice
from ..schedule.grammar import Schedule

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)
_UNITS = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))


def short(span: timedelta) -> str:
    """A length of time in its largest unit, such as ``4m``; ``0s`` if it is negative."""
    total = max(int(span.total_seconds()), 0)
    for letter, length in _UNITS:
        if total >= length:
            return f"{total // length}{letter}"
    return "0s"


def took(span: timedelta | None) -> str:
    """How long something took, such as ``0.42s``, ``12s`` or ``2h 5m``; empty if unknown."""
    if span is None:
        return ""
    total = span.total_seconds()
    if total < 10:
        return f"{total:.2g}s" if total >= 0.1 else f"{total:.2f}s"
    whole = int(total)
    for (letter, length), (smaller, part) in pairwise(_UNITS):
        if whole >= length:
            rest = whole % length // part
            return f"{whole // length}{letter}" + (f" {rest}{smaller}" if rest else "")
    return f"{whole}s"


def clock(moment: datetime, zone: tzinfo, now: datetime | None = None) -> str:
    """A time on a clock in *zone*, such as ``Tue 24 Nov 03:00``; with the year if not *now*'s.

    Seconds are shown if there are any, and what the zone is called if the time exists twice.
    """
    local = moment.astimezone(zone)
    year = "" if now and now.astimezone(zone).year == local.year else f" {local.year:04}"
    seconds = f":{local.second:02}" if local.second else ""
    day, month = _DAYS[local.weekday()], _MONTHS[local.month - 1]
    time = f"{local.hour:02}:{local.minute:02}{seconds}{zone_if_twice(local)}"
    return f"{day} {local.day} {month}{year} {time}"


def heading(now: datetime, zone: tzinfo) -> str:
    """When something was read, and the zone of all its times."""
    return f"{clock(now.replace(second=0), zone)} {zone}"


def schedule_text(schedule: Schedule) -> str:
    """A schedule for people: ``1d at 03:00``."""
    return str(schedule).replace("|", " at ")
