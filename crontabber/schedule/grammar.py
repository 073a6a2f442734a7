"""How schedules and job lines are written: text to values, and back to the same text.

All text that people write about *when* is parsed here and nowhere else.
"""

import functools
import re
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple, Union

from ..errors import ConfigError, JobLineError
from .elements import CENTURY, Frequency, MinuteOfHour, Time, TimeOfDay, Unit, is_number

if TYPE_CHECKING:
    from .cronline import CronLine
    from .days import Days

__all__ = ["CENTURY", "Frequency", "MinuteOfHour", "TimeOfDay", "Unit"]
__all__ += ["Calendar", "JobLine", "JobList", "Schedule", "duration_text", "parse_duration"]

Calendar = Union["Days", "CronLine"]
"""A schedule whose slots are not counted from one to the next."""


class Schedule(NamedTuple):
    """When a job runs: how often or on which days, and at what time.

    - Every ``frequency``, for whole days also at a ``time``: ``5m``, ``1d``, ``2d|21:00``. A
      time alone means every day. With a time, hours and minutes that make whole days are read
      as days: ``24h|03:00`` is ``1d|03:00``.
    - Every so many hours at a minute of the hour: ``1h|:05``; a minute alone means every hour.
    - At a time on days of the week or of the month: ``mon..fri|03:00``, ``1,15,last|03:00``.
    - A cron expression, which has no further time: ``*/10 8-18 * * mon-fri``.
    """

    frequency: Frequency | Calendar
    time: Time = None

    @classmethod
    def parse(cls, text: str) -> "Schedule":
        """Read a schedule; a `JobLineError` says which part is wrong."""
        first, bar, second = (part.strip() for part in text.partition("|"))
        if "|" in second:
            raise JobLineError(f"{text.strip()!r} has more than a frequency and a time")
        if not bar and ":" in first:
            first, second = ("1h" if first.startswith(":") else "1d"), first
        if calendar := _calendar(first, second):
            return cls(calendar, TimeOfDay.parse(second) if second else None)
        frequency = Frequency.parse(first)
        if not second:  # 0.18 took 1d| for 1d
            return cls(frequency)
        if second.startswith(":"):
            minute = MinuteOfHour.parse(second)
            what = f"a minute of the hour ({minute})"
            return cls(frequency.counted_in(Unit.HOURS, what), minute)
        time = TimeOfDay.parse(second)
        return cls(frequency.counted_in(Unit.DAYS, f"a time of day ({time})"), time)

    @property
    def is_local(self) -> bool:
        """Whether it means nothing without a time zone."""
        return self.time is not None or not isinstance(self.frequency, Frequency)

    @property
    def is_daily(self) -> bool:
        """Whether the date alone names a slot, as there is never more than one in a day."""
        if isinstance(self.frequency, Frequency):
            return self.frequency.unit is Unit.DAYS
        return self.time is not None

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
            return cls(class_path, _schedule(schedule))
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

        Jobs are one a line, or separated by ``,`` or ``;``. A ``#`` makes the rest
        of its line a comment, separators and all. Those that are part of a schedule, as in
        ``mon,thu|03:00`` or ``0 3 * * fri#2``, do not; see `entries`.
        """
        lines: list[JobLine] = []
        faults: list[JobLineError] = []
        schedules: dict[str, Schedule] = {}
        for written in text.splitlines():
            plain = _PLAIN.fullmatch(written)
            if plain and (schedule := schedules.get(plain[2])):
                lines.append(JobLine(plain[1], schedule))
                continue
            for entry in _entries(written):
                try:
                    lines.append(JobLine.parse(entry))
                except JobLineError as error:
                    faults.append(error)
                else:
                    if plain:
                        schedules[plain[2]] = lines[-1].schedule
        return cls(tuple(lines), tuple(faults))

    def __str__(self) -> str:
        return "\n".join(map(str, self.lines))


_schedule = functools.lru_cache(4096)(Schedule.parse)
"""Lines share few schedules."""

_SECONDS = {"d": 86400, "h": 3600, "m": 60, "s": 1}


def parse_duration(text: str) -> timedelta:
    """Read a length of time: ``90s``, ``30m``, ``2h``, ``1d``, or several joined: ``1h30m``.

    Anything else, and more than a century, is a `ConfigError`.
    """
    seconds, rest = 0, text.strip().lower()
    bad = not rest
    for unit, size in _SECONDS.items():
        digits, found, after = rest.partition(unit)
        if found:
            bad = bad or not is_number(digits) or len(digits) > 12
            seconds, rest = seconds + (0 if bad else int(digits)) * size, after
    if bad or rest or seconds > CENTURY.total_seconds():
        raise ConfigError(f"{text[:40]!r} is not a length of time such as 90s, 30m, 2h or 1h30m")
    return timedelta(seconds=seconds)


def duration_text(length: timedelta) -> str:
    """A length of time as ``1h30m``, which `parse_duration` reads, if it has that form."""
    seconds, rest = divmod(length.total_seconds(), 1)
    if rest:
        return f"{length.total_seconds():g}s"
    parts = []
    for unit, size in _SECONDS.items():
        number, seconds = divmod(seconds, size)
        parts.append(f"{number:.0f}{unit}" if number else "")
    return "".join(parts) or "0s"


def _calendar(first: str, second: str) -> Calendar | None:
    """What *first* names, if it is no frequency: days, which need a time, or a cron expression."""
    if "*" in first or len(first.split()) > 3:
        from .cronline import CronLine  # most jobs lists have none

        return CronLine.parse(first, second)
    if "," in first or ".." in first or first[:1].isalpha() or (second and is_number(first)):
        from .days import Days

        return Days.parse(first, second)
    return None


_PLAIN = re.compile(r"[ \t]*([a-z_]\w*(?:\.[a-z_]\w*)+)[ \t]*\|([^,;#]*)", re.ASCII | re.IGNORECASE)
"""A line of one class path and one schedule, as nearly all are."""


def _entries(line: str) -> Iterator[str]:
    if not line.lstrip().startswith("#"):
        yield from filter(None, map(str.strip, _split(line)))


def _split(line: str) -> Iterable[str]:
    if "," not in line and "#" not in line:
        return line.split(";")
    from .entries import split  # there may be lists of days among them

    return split(line)


_BEGIN_ITEMS = frozenset("sun mon tue wed thu fri sat jan feb mar apr may jun".split())
_BEGIN_ITEMS |= frozenset("jul aug sep oct nov dec las l lw".split())
_NOT_IN_NAMES = frozenset(".,;#|'\"[]")


def _check_first(text: str) -> None:
    """Check that the first part of a line is a class path, or the name of a job."""
    if not text or ("." in text and not _is_class_path(text)):
        raise JobLineError(
            f"{text!r} is not a class path such as package.module.Class, nor the name of a job, "
            "which has no dot"
        )
    if text == "all":
        raise JobLineError("'all' means all jobs where one is named: give it another name")
    if text[:3].lower() in _BEGIN_ITEMS or text[0].isdigit() or text[0] == "*":
        from .entries import is_item  # few names begin so

        if is_item(text):
            raise JobLineError(
                f"{text!r} is part of a schedule, as in mon,thu|03:00: give the job another name"
            )
    if "." not in text and (not text.isprintable() or _NOT_IN_NAMES.intersection(text)):
        raise JobLineError(
            f"{text!r} is not the name of a job: it has no control characters, and none of "
            ". , ; # | ' \" [ ]"
        )


def _is_class_path(text: str) -> bool:
    parts = text.split(".")
    return len(parts) > 1 and all(map(str.isidentifier, parts))
