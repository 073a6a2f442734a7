"""How schedules and job lines are written: text to values, and back to the same text.

Everything that is typed by people and says *when* is parsed here and nowhere else.
"""

import enum
from collections.abc import Iterator
from datetime import timedelta
from typing import NamedTuple

from ..errors import ConfigError, JobLineError

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
        if not _is_number(digits) or unit not in ("m", "h", "d"):
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
        """The time between two runs; for days, without regard to daylight saving."""
        return self.number * _LENGTHS[self.unit]

    def in_days(self, what: str) -> "Frequency":
        """The same in days; a `JobLineError` if they are not whole, as *what* needs them."""
        days, rest = divmod(self.period, _LENGTHS[Unit.DAYS])
        if rest:
            raise JobLineError(
                f"{what} needs a frequency of whole days, not {self}: "
                "write a number of days, such as 1d"
            )
        return Frequency(days, Unit.DAYS)

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


class Schedule(NamedTuple):
    """When a job runs: every ``frequency``, for whole days also at a ``time``.

    Its text is ``5m``, ``1d`` or ``2d|21:00``; a time alone means every day. With a time,
    hours and minutes that make whole days are read as days: ``24h|03:00`` is ``1d|03:00``.
    """

    frequency: Frequency
    time: TimeOfDay | None = None

    @classmethod
    def parse(cls, text: str) -> "Schedule":
        """Read a schedule; a `JobLineError` says which part is wrong."""
        first, bar, second = (part.strip() for part in text.partition("|"))
        if ":" in first and not bar:
            return cls(Frequency(1, Unit.DAYS), TimeOfDay.parse(first))
        if "|" in second:
            raise JobLineError(f"{text.strip()!r} has more than a frequency and a time")
        frequency = Frequency.parse(first)
        if not second:  # 0.18 took 1d| for 1d
            return cls(frequency)
        time = TimeOfDay.parse(second)
        return cls(frequency.in_days(f"a time of day ({time})"), time)

    def __str__(self) -> str:
        return f"{self.frequency}|{self.time}" if self.time else str(self.frequency)


class JobLine(NamedTuple):
    """One line of the jobs list: which class, or which section of a job, and when."""

    class_path: str
    """``package.module.Class``, or the name of the section, which has no dot."""
    schedule: Schedule

    @classmethod
    def parse(cls, text: str) -> "JobLine":
        """Read ``package.module.Class|schedule`` or ``NAME|schedule``.

        A `JobLineError` names the line.
        """
        class_path, bar, schedule = text.partition("|")
        class_path = class_path.strip()
        try:
            _check_first(class_path)
            if not bar:
                raise JobLineError("it has no frequency: add one, such as |1h or |1d|03:00")
            return cls(class_path, Schedule.parse(schedule))
        except JobLineError as error:
            raise JobLineError(f"job line {text.strip()!r}: {error}") from None

    @property
    def is_named(self) -> bool:
        """Whether it names the section of a job, and no class."""
        return "." not in self.class_path

    @property
    def class_name(self) -> str:
        """The last part of the class path."""
        return self.class_path.rpartition(".")[2]

    def __str__(self) -> str:
        return f"{self.class_path}|{self.schedule}"


class JobList(NamedTuple):
    """The jobs list: the lines that can be used, and what is wrong with the others."""

    lines: tuple[JobLine, ...] = ()
    faults: tuple[JobLineError, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "JobList":
        """Read a whole list; one bad line does not spoil the others.

        Jobs stand one a line, or separated by ``,`` or ``;``. A ``#`` makes the rest
        of its line a comment, separators and all.
        """
        lines: list[JobLine] = []
        faults: list[JobLineError] = []
        for entry in _entries(text):
            try:
                lines.append(JobLine.parse(entry))
            except JobLineError as error:
                faults.append(error)
        return cls(tuple(lines), tuple(faults))

    def __str__(self) -> str:
        return "\n".join(map(str, self.lines))


_SECONDS = {"d": 86400, "h": 3600, "m": 60, "s": 1}


def parse_duration(text: str) -> timedelta:
    """Read a length of time: ``90s``, ``30m``, ``2h``, ``1d``, or several as in ``1h30m``.

    Anything else, and what is longer than a century, is a `ConfigError`.
    """
    seconds, rest = 0, text.strip().lower()
    bad = not rest
    for unit, size in _SECONDS.items():
        digits, found, after = rest.partition(unit)
        if found:
            bad = bad or not _is_number(digits) or len(digits) > 12
            seconds, rest = seconds + (0 if bad else int(digits)) * size, after
    if bad or rest or seconds > CENTURY.total_seconds():
        raise ConfigError(f"{text[:40]!r} is not a length of time such as 90s, 30m, 2h or 1h30m")
    return timedelta(seconds=seconds)


def duration_text(length: timedelta) -> str:
    """A length of time in the form that `parse_duration` reads, ``1h30m``, if it can be."""
    seconds, rest = divmod(length.total_seconds(), 1)
    if rest:
        return f"{length.total_seconds():g}s"
    parts = []
    for unit, size in _SECONDS.items():
        number, seconds = divmod(seconds, size)
        parts.append(f"{number:.0f}{unit}" if number else "")
    return "".join(parts) or "0s"


def _entries(text: str) -> Iterator[str]:
    for line in text.splitlines():
        for entry in line.partition("#")[0].replace(";", ",").split(","):
            if entry.strip():
                yield entry.strip()


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal()


def _is_below(limit: int, text: str) -> bool:
    return _is_number(text) and int(text) < limit


_NOT_IN_NAMES = frozenset(".,;#|'\"[]")


def _check_first(text: str) -> None:
    """See that the first part of a line is a class path, or the name of a job."""
    if not text or ("." in text and not _is_class_path(text)):
        raise JobLineError(
            f"{text!r} is not a class path such as package.module.Class, nor the name of a job, "
            "which has no dot"
        )
    if text == "all":
        raise JobLineError("'all' means all jobs where one is named: give it another name")
    if "." not in text and (not text.isprintable() or _NOT_IN_NAMES.intersection(text)):
        raise JobLineError(
            f"{text!r} is not the name of a job: it has no control characters, and none of "
            ". , ; # | ' \" [ ]"
        )


def _is_class_path(text: str) -> bool:
    parts = text.split(".")
    return len(parts) > 1 and all(map(str.isidentifier, parts))
