"""The parts of a schedule: a frequency, a time of day, a minute of the hour."""

import enum
from datetime import timedelta
from typing import NamedTuple

from ..errors import JobLineError

# A century: longer is a typing error, and would overflow dates some day.
CENTURY = timedelta(days=36525)


class Unit(enum.Enum):
    """What a frequency counts."""

    MINUTES = "m"
    """Elapsed minutes."""
    HOURS = "h"
    """Elapsed hours."""
    DAYS = "d"
    """Calendar days in the time zone of the schedules."""


_LENGTHS = {
    Unit.MINUTES: timedelta(minutes=1),
    Unit.HOURS: timedelta(hours=1),
    Unit.DAYS: timedelta(days=1),
}


class Frequency(NamedTuple):
    """How often: ``5m``, ``1h``, ``3d``."""

    number: int
    unit: Unit

    @classmethod
    def parse(cls, text: str) -> "Frequency":
        """Read ``<n>m``, ``<n>h`` or ``<n>d``; anything else is a `JobLineError`."""
        digits, unit = text[:-1], text[-1:]
        if not is_number(digits) or unit not in ("m", "h", "d"):
            raise JobLineError(
                f"{text!r} is not a frequency: write a number and m, h or d, such as 5m, 1h or 3d"
            )
        # the length is checked first, so that a million digits cost nothing
        number = int(digits) if len(digits) <= 12 else -1
        if number == 0:
            raise JobLineError(f"{text!r} is not a frequency: it must be at least 1{unit}")
        if number < 0 or number > CENTURY / _LENGTHS[Unit(unit)]:
            raise JobLineError(
                f"{text[:20]!r} is not a frequency: it is longer than a hundred years"
            )
        return cls(number, Unit(unit))

    @property
    def period(self) -> timedelta:
        """The time between two runs; for days, ignoring daylight saving."""
        return self.number * _LENGTHS[self.unit]

    def counted_in(self, unit: Unit, what: str) -> "Frequency":
        """The same in *unit*; a `JobLineError` if it is not whole, as *what* needs it.

        A day of the calendar has no fixed number of hours.
        """
        number, rest = divmod(self.period, _LENGTHS[unit])
        if rest or (self.unit is Unit.DAYS and unit is not Unit.DAYS):
            raise JobLineError(
                f"{what} needs a frequency of whole {unit.name.lower()}, not {self}: "
                f"write a number of {unit.name.lower()}, such as 1{unit.value}"
            )
        return Frequency(number, unit)

    def __str__(self) -> str:
        return f"{self.number}{self.unit.value}"


class TimeOfDay(NamedTuple):
    """A wall-clock time, ``HH:MM``, in the time zone of the schedules."""

    hour: int
    minute: int

    @classmethod
    def parse(cls, text: str) -> "TimeOfDay":
        """Read ``HH:MM`` from 00:00 to 23:59, also as ``3:00`` or ``1:1``, as 0.18 did.

        Anything else is a `JobLineError`.
        """
        hour, _, minute = (part.strip() for part in text[:40].partition(":"))
        if len(text) > 40 or not (_is_below(24, hour) and _is_below(60, minute)):
            raise JobLineError(
                f"{text[:40]!r} is not a time: write HH:MM from 00:00 to 23:59, such as 03:00"
            )
        return cls(int(hour), int(minute))

    def __str__(self) -> str:
        return f"{self.hour:02}:{self.minute:02}"


class MinuteOfHour(NamedTuple):
    """A minute of the hour, ``:05``, on a clock in the time zone of the schedules."""

    minute: int

    @classmethod
    def parse(cls, text: str) -> "MinuteOfHour":
        """Read ``:MM`` from :00 to :59; anything else is a `JobLineError`."""
        colon, digits = text[:1], text[1:].strip()
        if colon != ":" or len(digits) > 2 or not _is_below(60, digits):
            raise JobLineError(
                f"{text[:40]!r} is not a minute of the hour: write :MM from :00 to :59, such as :05"
            )
        return cls(int(digits))

    def __str__(self) -> str:
        return f":{self.minute:02}"


Time = TimeOfDay | MinuteOfHour | None
"""What may follow a frequency, or days."""


def is_number(text: str) -> bool:
    """Whether *text* is digits, and nothing else."""
    return text.isascii() and text.isdecimal()


def _is_below(limit: int, text: str) -> bool:
    return is_number(text) and int(text) < limit
