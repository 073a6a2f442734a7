"""What a change of the clocks does to a slot, in words.

By the public functions of `calendar` only, so it holds for all kinds of schedules: what a
schedule means on a clock that is never changed is what it does in UTC.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from .calendar import next_slot
from .grammar import Schedule

_UTC = ZoneInfo("UTC")
_MINUTE = timedelta(minutes=1)
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)


def clock_note(
    schedule: Schedule, slot: datetime, zone: ZoneInfo, before: datetime | None = None
) -> str:
    """What a change of the clocks does to *slot*; empty if nothing. *before* is the slot before.

    Depending on the schedule, a time that does not exist is left out, or moved behind the gap,
    and one that exists twice is run once or twice.
    """
    slot = slot.astimezone(timezone.utc)  # what is added to a local time ignores the changes
    before = before or _before(schedule, slot, zone)
    shown = _shown(slot, zone)
    if before is not None:
        meant = _shown(next_slot(schedule, _as_utc(_shown(before, zone)), _UTC), _UTC)
        if not exists(meant, zone):
            if _is_end_of_gap(slot, zone):
                return f"{meant:%H:%M} does not exist: clocks are set forward to {shown:%H:%M}"
            return f"{meant:%a %H:%M} is left out: it does not exist, clocks are set forward"
    if not exists_twice(shown, zone):
        return ""
    if slot.astimezone(zone).fold:
        return f"{shown:%H:%M} for the second time: clocks are set back"
    again = _shown(next_slot(schedule, slot, zone), zone) == shown
    return f"{shown:%H:%M} exists twice: {'the first of two runs' if again else 'the first counts'}"


def changes(zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[datetime]:
    """The moments, to the minute, at which clocks in *zone* are changed between two times."""
    moment, end = start.astimezone(timezone.utc), end.astimezone(timezone.utc)
    while moment < end:
        later = min(moment + _DAY, end)
        if moment.astimezone(zone).utcoffset() != later.astimezone(zone).utcoffset():
            yield _change(moment, later, zone)
        moment = later


def exists(shown: datetime, zone: tzinfo) -> bool:
    """Whether a clock in *zone* ever shows this time, which is without a zone."""
    moment = shown.replace(tzinfo=zone).astimezone(timezone.utc)
    return _shown(moment, zone) == shown


def exists_twice(shown: datetime, zone: tzinfo) -> bool:
    """Whether a clock in *zone* shows this time, which is without a zone, two times."""
    first, second = (shown.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    return exists(shown, zone) and first.utcoffset() != second.utcoffset()


def _before(schedule: Schedule, slot: datetime, zone: ZoneInfo) -> datetime | None:
    """A time after which *slot* is the next; for a calendar any time shortly before it."""
    backs = [_MINUTE]
    if period := getattr(schedule.frequency, "period", None):
        backs += [period, period - _HOUR, period + _HOUR]
    candidates = (slot - back for back in backs)
    return next((each for each in candidates if next_slot(schedule, each, zone) == slot), None)


def _change(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    offset = before.astimezone(zone).utcoffset()
    while after - before > _MINUTE:
        middle = before + (after - before) // 2
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after.replace(second=0, microsecond=0)


def _is_end_of_gap(slot: datetime, zone: ZoneInfo) -> bool:
    before, after = ((slot - back).astimezone(zone).utcoffset() for back in (_MINUTE, _MINUTE * 0))
    return before != after


def _shown(moment: datetime, zone: tzinfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)


def _as_utc(shown: datetime) -> datetime:
    return shown.replace(tzinfo=timezone.utc)
