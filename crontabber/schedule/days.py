"""Days of the week and of the month, as schedules name them: ``mon..fri``, ``1,15,last``."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

from ..errors import JobLineError
from .elements import Time, TimeOfDay, is_number

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LAST = "last"
_LAST = 32
"""The last day of a month, after all that have a number."""
_DAY = timedelta(days=1)


class Days(NamedTuple):
    """Days of the week, or days of the month; a date that a month lacks is left out of it."""

    weekdays: tuple[int, ...] = ()
    """From 0, which is Monday, to 6."""
    dates: tuple[int, ...] = ()
    """From 1 to 31, and 32 for the last of the month."""

    @classmethod
    def parse(cls, text: str, time: str) -> "Days":
        """Read ``mon..fri``, ``mon,thu``, ``1,15,last``; anything else is a `JobLineError`.

        *time* is the text of the time that stands behind it, without which days are no schedule.
        """
        parts = [_range(part.strip().lower(), text) for part in text.split(",")]
        weekdays = tuple(sorted({number for part in parts for number in part.weekdays}))
        dates = tuple(sorted({number for part in parts for number in part.dates}))
        shown = text[:40]
        if weekdays and dates:
            raise JobLineError(
                f"{shown!r} has days of the week and of the month: write one kind, or a line of "
                "cron, such as 0 3 1 * fri"
            )
        if not time:
            raise JobLineError(f"{shown!r} has no time: add one, such as {shown}|03:00")
        return cls(weekdays, dates)

    def has(self, day: date) -> bool:
        """Whether *day* is one of them."""
        if self.weekdays:
            return day.weekday() in self.weekdays
        return day.day in self.dates or (_LAST in self.dates and (day + _DAY).day == 1)

    @property
    def is_every_hour(self) -> bool:
        """No: they have a time of day."""
        return False

    def after(self, local: datetime, time: Time) -> Iterator[datetime]:
        """The moments at *time* that are later than *local*, all on a clock that has no zone."""
        assert isinstance(time, TimeOfDay), "days are parsed with their time"
        moment = local.replace(hour=time.hour, minute=time.minute, second=0, microsecond=0)
        while True:
            if moment > local and self.has(moment.date()):
                yield moment
            moment += _DAY

    @property
    def period(self) -> timedelta:
        """The longest time between two of them, ignoring daylight saving."""
        if self.weekdays:
            following = (*self.weekdays[1:], self.weekdays[0] + 7)
            return max(b - a for a, b in zip(self.weekdays, following, strict=True)) * _DAY
        return (31 if _LAST in self.dates or self.dates[0] <= 28 else 62) * _DAY

    def __str__(self) -> str:
        if self.weekdays:
            return ",".join(_written(self.weekdays, WEEKDAYS))
        numbers = [number for number in self.dates if number != _LAST]
        last = [LAST] if _LAST in self.dates else []
        return ",".join([*_written(numbers, range(32)), *last])


def _range(part: str, text: str) -> Days:
    """The days that a part of *text* names: one, or a range such as ``mon..fri``."""
    names = [name.strip() for name in part.split("..")]
    days = [_day(name, text) for name in names]
    if len(days) == 1:
        return days[0]
    first, last = days[0], days[1]
    if len(days) == 2 and first.weekdays and last.weekdays:  # sat..mon goes on behind Sunday
        begin, count = first.weekdays[0], (last.weekdays[0] - first.weekdays[0]) % 7 + 1
        return Days(tuple((begin + n) % 7 for n in range(count)))
    if len(days) == 2 and (0,) < first.dates <= last.dates < (_LAST,):
        return Days((), tuple(range(first.dates[0], last.dates[0] + 1)))
    raise JobLineError(
        f"{part[:40]!r} is not a range of days: write it upwards, such as mon..fri or 1..7"
    )


def _day(name: str, text: str) -> Days:
    if name in WEEKDAYS:
        return Days((WEEKDAYS.index(name),))
    if name == LAST:
        return Days((), (_LAST,))
    if not is_number(name):
        raise JobLineError(
            f"{text[:40]!r} is not a frequency: write a number and m, h or d, such as 5m, 1h or "
            "3d, or days and a time, such as mon..fri|03:00 or 1,15,last|03:00"
        )
    if len(name) > 2 or not 0 < int(name) < _LAST:
        raise JobLineError(f"{name[:20]!r} is not a day of the month: write 1 to 31, or last")
    return Days((), (int(name),))


def _written(numbers: Sequence[int], names: Sequence[object]) -> Iterator[str]:
    """The names of *numbers*, three or more in a row as a range."""
    rest = list(numbers)
    while rest:
        size = next((n for n in range(1, len(rest)) if rest[n] != rest[0] + n), len(rest))
        if size > 2:
            yield f"{names[rest[0]]}..{names[rest[size - 1]]}"
        else:
            yield from (str(names[number]) for number in rest[:size])
        rest = rest[size:]
