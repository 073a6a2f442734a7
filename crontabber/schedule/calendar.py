"""Slots: the dates at which a schedule says that a job should run.

Minutes and hours are elapsed time; days are calendar days in a time zone, daylight
saving included. Every slot is counted from a slot, never from when a job got to run,
so nothing drifts. A calendar (days by name, a cron expression) is not counted from anything:
its slots are the moments at which a clock on the wall shows its times. All results are
aware datetimes in UTC.
"""

import functools
import itertools
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from .elements import Frequency, MinuteOfHour, TimeOfDay, Unit
from .grammar import Calendar, Schedule

_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)
_MINUTE = timedelta(minutes=1)
_SECOND = timedelta(seconds=1)
MOMENT = timedelta.resolution
"""The least by which two times differ: what is before a moment ends this much before it."""


def local_text(moment: datetime, zone: tzinfo) -> str:
    """*moment* as people read it: ``2026-11-21 03:00``; with its zone if that exists twice."""
    local = moment.astimezone(zone)
    return f"{local:%Y-%m-%d %H:%M}{zone_if_twice(local)}"


def slot_text(slot: datetime, schedule: Schedule, zone: tzinfo) -> str:
    """A slot for people: its day if the schedule is in days, otherwise the time too."""
    return f"{slot.astimezone(zone):%Y-%m-%d}" if schedule.is_daily else local_text(slot, zone)


def zone_if_twice(local: datetime) -> str:
    """`` CEST``, as the zone of *local* is called then, if a clock on the wall shows it twice."""
    offsets = {local.replace(fold=fold).utcoffset() for fold in (0, 1)}
    return f" {local:%Z}" if offsets - {local.utcoffset()} else ""


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
    return _change(local.replace(fold=1).astimezone(timezone.utc), moment, zone)


def _change(before: datetime, after: datetime, zone: tzinfo | None) -> datetime:
    """The second in which *zone*'s clocks are changed, between two moments around it."""
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
    frequency = schedule.frequency
    if not isinstance(frequency, Frequency):
        return next(_on_calendar(schedule, slot, zone))
    if isinstance(schedule.time, MinuteOfHour):
        last = _at_minute(schedule.time, floor_minute(slot), zone, -_MINUTE)
        return _at_minute(schedule.time, last + frequency.period, zone, _MINUTE)
    if frequency.unit is not Unit.DAYS:
        return floor_minute(slot) + frequency.period
    local = slot.astimezone(zone)
    time = schedule.time or TimeOfDay(local.hour, local.minute)
    day = _day_of(slot, time, zone) + frequency.period
    while not _exists(day, zone):
        day += _DAY
    return wall_clock(day, time, zone)


def _at_minute(wanted: MinuteOfHour, moment: datetime, zone: ZoneInfo, step: timedelta) -> datetime:
    """The first moment from *moment* on, by *step*, at which a clock shows that minute."""
    while moment.astimezone(zone).minute != wanted.minute:
        moment += step
    return moment


def _on_calendar(schedule: Schedule, after: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """The slots of a calendar that are later than *after*, without end."""
    calendar = schedule.frequency
    assert not isinstance(calendar, Frequency), "a frequency is counted from a slot"
    if calendar.is_every_hour:
        yield from _by_elapsed_time(calendar, after, zone)
        return
    # what is earlier than what the clock shows has been shown before; what is later may have
    # been, too, if the clock was set back
    for local in calendar.after(_shown(after, zone), schedule.time):
        moment = moment_of(local.replace(tzinfo=zone))
        if moment > after and _exists(local.date(), zone):
            yield moment
            after = moment


def _by_elapsed_time(calendar: Calendar, after: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """The minutes after *after* in which a clock in *zone* shows a time of *calendar*.

    An hour that comes twice has them twice; one that is left out has none.
    """
    shown, offset = _shown(after, zone), after.astimezone(zone).utcoffset()
    while True:
        for upcoming in calendar.after(shown, None):
            moment = after + (upcoming - shown)
            if upcoming - shown > 2 * _DAY or moment.astimezone(zone).utcoffset() != offset:
                break
            yield floor_minute(moment)
            after, shown = moment, upcoming
        is_far = upcoming - shown > 2 * _DAY
        # set back over midnight, a clock may show times of the day again that just ended
        soon = after + 2 * _DAY if is_far else moment
        if is_far and soon.astimezone(zone).utcoffset() == offset:  # later changes: to no effect
            after = moment - 2 * _DAY
            shown, offset = _shown(after, zone), after.astimezone(zone).utcoffset()
        else:
            change = _change(after, soon, zone)
            offset = change.astimezone(zone).utcoffset()
            after, shown = change - _MINUTE, _shown(change, zone) - _MINUTE


def _shown(moment: datetime, zone: ZoneInfo) -> datetime:
    """What a clock in *zone* shows, as a time without a zone."""
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)


def slots(schedule: Schedule, first: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """All slots from *first* on, without end, each later than the one before."""
    yield first
    if not isinstance(schedule.frequency, Frequency):
        yield from _on_calendar(schedule, first, zone)
    while True:
        first = next_slot(schedule, first, zone)
        yield first


def slots_until(
    schedule: Schedule, first: datetime, last: datetime, zone: ZoneInfo
) -> Iterator[datetime]:
    """The slots from *first* to *last*, both included."""
    return itertools.takewhile(lambda slot: slot <= last, slots(schedule, first, zone))


def count_slots(schedule: Schedule, first: datetime, now: datetime, zone: ZoneInfo) -> int:
    """How many slots there are from *first* to *now*, both included."""
    if _is_even(schedule):
        return max((now - first) // schedule.frequency.period + 1, 0)
    return sum(1 for _ in slots_until(schedule, first, now, zone))


def latest_slot(schedule: Schedule, first: datetime, now: datetime, zone: ZoneInfo) -> datetime:
    """The last slot, counted from *first*, that is not after *now*; *first* if there is none."""
    if _is_even(schedule):
        period = schedule.frequency.period
        return first + max((now - first) // period, 0) * period
    latest = first
    if not isinstance(schedule.frequency, Frequency):
        first = _shortly_before(schedule, first, now, zone)
    for slot in slots(schedule, first, zone):
        if slot > now:
            break
        latest = slot
    return latest


def _is_even(schedule: Schedule) -> bool:
    """Whether slots are found by division, as there may be years of minutes."""
    frequency = schedule.frequency
    is_elapsed = isinstance(frequency, Frequency) and frequency.unit is not Unit.DAYS
    return is_elapsed and schedule.time is None


def _shortly_before(schedule: Schedule, first: datetime, now: datetime, zone: ZoneInfo) -> datetime:
    """A slot of a calendar shortly before *now*; *first* if there is none since that."""
    back = _HOUR
    while first < now - back:
        slot = next_slot(schedule, now - back, zone)
        if slot <= now:
            return slot
        back *= 8
    return first


def slot_after(schedule: Schedule, anchor: datetime, now: datetime, zone: ZoneInfo) -> datetime:
    """The first slot, counted from *anchor*, that is after *now*, and after *anchor* too."""
    return next_slot(schedule, latest_slot(schedule, floor_minute(anchor), now, zone), zone)


def first_slot(schedule: Schedule, now: datetime, zone: ZoneInfo) -> datetime:
    """The slot of a job that never ran: today's time if it has one, else now.

    Of several times of today it is the last that has come, and the next time if none has.
    """
    time, today = schedule.time, now.astimezone(zone).date()
    if not isinstance(schedule.frequency, Frequency):
        yesterday = wall_clock(today, TimeOfDay(0, 0), zone) - _MINUTE
        latest = latest_slot(schedule, yesterday, now, zone)
        return latest if latest > yesterday else next_slot(schedule, now, zone)
    if isinstance(time, MinuteOfHour):
        return _at_minute(time, floor_minute(now), zone, -_MINUTE)
    return wall_clock(today, time, zone) if time else floor_minute(now)
