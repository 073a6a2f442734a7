"""How schedules and job lines are written: text to values, and back to the same text.

Everything that is typed by people and says *when* is parsed here and nowhere else.
"""

import enum
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from ..errors import ConfigError, JobLineError

_FREQUENCY = re.compile(r"([0-9]+)([mhd])")
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_CLASS_PATH = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)+")
_SEPARATOR = re.compile(r"[,;]")

# A century: longer is a typing error, and would overflow dates some day.
_LONGEST = timedelta(days=36525)


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


@dataclass(frozen=True, slots=True)
class Frequency:
    """How often: ``5m``, ``1h``, ``3d``."""

    count: int
    unit: Unit

    @classmethod
    def parse(cls, text: str) -> "Frequency":
        """Read ``<n>m``, ``<n>h`` or ``<n>d``; anything else is a `JobLineError`."""
        match = _FREQUENCY.fullmatch(text)
        if not match:
            raise JobLineError(
                f"{text!r} is not a frequency: write a number and m, h or d, such as 5m, 1h or 3d"
            )
        # the length is checked first, so that a million digits cost nothing
        count = int(match[1]) if len(match[1]) <= 12 else -1
        if count == 0:
            raise JobLineError(f"{text!r} is not a frequency: it must be at least 1{match[2]}")
        if count < 0 or count > _LONGEST / _LENGTHS[Unit(match[2])]:
            raise JobLineError(
                f"{text[:20]!r} is not a frequency: it is longer than a hundred years"
            )
        return cls(count, Unit(match[2]))

    @property
    def period(self) -> timedelta:
        """The time between two runs; for days, without regard to daylight saving."""
        return self.count * _LENGTHS[self.unit]

    def __str__(self) -> str:
        return f"{self.count}{self.unit.value}"


@dataclass(frozen=True, slots=True)
class TimeOfDay:
    """A wall-clock time, ``HH:MM``, in the time zone of the schedules."""

    hour: int
    minute: int

    @classmethod
    def parse(cls, text: str) -> "TimeOfDay":
        """Read ``HH:MM`` from 00:00 to 23:59; anything else is a `JobLineError`."""
        match = _TIME.fullmatch(text)
        if not match:
            raise JobLineError(
                f"{text!r} is not a time: write HH:MM from 00:00 to 23:59, such as 03:00"
            )
        return cls(int(match[1]), int(match[2]))

    def __str__(self) -> str:
        return f"{self.hour:02}:{self.minute:02}"


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a job runs: every ``frequency``, for whole days also at a ``time``.

    Its text is ``5m``, ``1d`` or ``2d|21:00``; a time alone means every day.
    """

    frequency: Frequency
    time: TimeOfDay | None = None

    def __post_init__(self) -> None:
        if self.time and self.frequency.unit is not Unit.DAYS:
            raise JobLineError(
                f"a time of day ({self.time}) needs a frequency of whole days, not {self.frequency}"
            )

    @classmethod
    def parse(cls, text: str) -> "Schedule":
        """Read a schedule; a `JobLineError` says which part is wrong."""
        parts = [part.strip() for part in text.split("|")]
        if len(parts) == 1 and ":" in parts[0]:
            return cls(Frequency(1, Unit.DAYS), TimeOfDay.parse(parts[0]))
        if len(parts) > 2:
            raise JobLineError(f"{text.strip()!r} has more than a frequency and a time")
        return cls(
            Frequency.parse(parts[0]), TimeOfDay.parse(parts[1]) if len(parts) == 2 else None
        )

    def __str__(self) -> str:
        return f"{self.frequency}|{self.time}" if self.time else str(self.frequency)


@dataclass(frozen=True, slots=True)
class JobLine:
    """One line of the jobs list: which class, and when."""

    class_path: str
    schedule: Schedule

    @classmethod
    def parse(cls, text: str) -> "JobLine":
        """Read ``package.module.Class|frequency|time``; a `JobLineError` names the line."""
        class_path, bar, schedule = text.partition("|")
        class_path = class_path.strip()
        try:
            if not _CLASS_PATH.fullmatch(class_path):
                raise JobLineError(
                    f"{class_path!r} is not a class path such as package.module.Class"
                )
            if not bar:
                raise JobLineError("it has no frequency: add one, such as |1h or |1d|03:00")
            return cls(class_path, Schedule.parse(schedule))
        except JobLineError as error:
            raise JobLineError(f"job line {text.strip()!r}: {error}") from None

    @property
    def class_name(self) -> str:
        """The last part of the class path."""
        return self.class_path.rpartition(".")[2]

    def __str__(self) -> str:
        return f"{self.class_path}|{self.schedule}"


@dataclass(frozen=True, slots=True)
class JobList:
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


def parse_moment(text: str, zone: tzinfo) -> datetime:
    """Read ``2026-11-21T03:00``, also with seconds, as a time on a clock in *zone*.

    A date alone is its midnight; an offset such as ``+01:00``, or ``Z``, wins over *zone*.
    Anything else is a `ConfigError`.
    """
    try:
        moment = datetime.fromisoformat(re.sub("[zZ]$", "+00:00", text.strip()))
    except ValueError:
        raise ConfigError(
            f"{text!r} is not a time: write YYYY-MM-DDTHH:MM, such as 2026-11-21T03:00"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _entries(text: str) -> Iterator[str]:
    for line in text.splitlines():
        for entry in _SEPARATOR.split(line.partition("#")[0]):
            if entry.strip():
                yield entry.strip()
