"""Slots: the dates at which a schedule says that a job should run.

Minutes and hours are elapsed time; days are calendar days in a time zone, daylight
saving included. Every slot is counted from a slot, never from when a job got to run,
so nothing drifts. All results are aware datetimes in UTC.
"""

import functools
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from .grammar import Schedule, TimeOfDay, Unit

_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)


def floor_minute(moment: datetime) -> datetime:
    """The whole minute that *moment* is in, in UTC."""
    return moment.astimezone(timezone.utc).replace(second=0, microsecond=0)


# Jobs share their times, and each asks for the same few days several times.
@functools.lru_cache(4096)
def wall_clock(day: date, time: TimeOfDay, zone: ZoneInfo) -> datetime:
    """The moment at which a clock on the wall in *zone* shows *time* on *day*, in UTC."""
    return moment_of(datetime(day.year, day.month, day.day, time.hour, time.minute, tzinfo=zone))


def moment_of(local: datetime) -> datetime:
    """The moment at which a clock on the wall in its zone shows *local*, in UTC.

    A time that exists twice (clocks were set back) is the first of the two. One that
    does not exist (clocks were set forward over it) is the first moment after the gap,
    which for a whole day that the zone left out is the start of the next day.
    """
    zone = local.tzinfo
    moment = local.replace(fold=0).astimezone(timezone.utc)
    if moment.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return moment
    return _end_of_gap(local.replace(fold=1).astimezone(timezone.utc), moment, zone)


def _end_of_gap(before: datetime, after: datetime, zone: tzinfo | None) -> datetime:
    """The second in which *zone*'s clocks are set forward, between two moments around it."""
    offset = after.astimezone(zone).utcoffset()
    while after - before > _SECOND:
        middle = before + (after - before) // 2
        middle = middle.replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == offset:
            after = middle
        else:
            before = middle
    return after


def _exists(day: date, zone: ZoneInfo) -> bool:
    """Whether *zone* had that day at all (Apia had no 30 December 2011)."""
    return wall_clock(day, TimeOfDay(0, 0), zone).astimezone(zone).date() == day


def _day_of(moment: datetime, time: TimeOfDay, zone: ZoneInfo) -> date:
    """The last day whose *time* is not after *moment*.

    It is not simply the date of *moment*. If clocks jump over 23:30, the slot of that evening
    is the first moment of the next day. If they are set back over midnight, the slot of the
    next day may have passed already.
    """
    day = moment.astimezone(zone).date() + _DAY
    while wall_clock(day, time, zone) > moment:
        day -= _DAY
    return day


def next_slot(schedule: Schedule, slot: datetime, zone: ZoneInfo) -> datetime:
    """The slot after *slot*; always later than it."""
    if schedule.frequency.unit is not Unit.DAYS:
        return floor_minute(slot) + schedule.frequency.period
    local = slot.astimezone(zone)
    time = schedule.time or TimeOfDay(local.hour, local.minute)
    day = _day_of(slot, time, zone) + schedule.frequency.period
    while not _exists(day, zone):
        day += _DAY
    return wall_clock(day, time, zone)


def slots(schedule: Schedule, first: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """All slots from *first* on, without end, each later than the one before."""
    slot = first
    while True:
        yield slot
        slot = next_slot(schedule, slot, zone)


def latest_slot(schedule: Schedule, first: datetime, now: datetime, zone: ZoneInfo) -> datetime:
    """The last slot, counted from *first*, that is not after *now*; *first* if all are."""
    if schedule.frequency.unit is not Unit.DAYS:
        # by division, as there may be years of minutes
        period = schedule.frequency.period
        return first + max((now - first) // period, 0) * period
    latest = first
    for slot in slots(schedule, first, zone):
        if slot > now:
            break
        latest = slot
    return latest


def slot_after(schedule: Schedule, anchor: datetime, now: datetime, zone: ZoneInfo) -> datetime:
    """The first slot, counted from *anchor*, that is after *now*, and after *anchor* too."""
    return next_slot(schedule, latest_slot(schedule, floor_minute(anchor), now, zone), zone)


def first_slot(schedule: Schedule, now: datetime, zone: ZoneInfo) -> datetime:
    """The slot of a job that never ran: today's time if it has one, else now."""
    if not schedule.time:
        return floor_minute(now)
    day = now.astimezone(zone).date()
    return wall_clock(day, schedule.time, zone)
