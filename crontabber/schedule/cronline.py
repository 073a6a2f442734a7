"""Cron expressions, such as ``*/10 8-18 * * mon-fri``: five fields, read by the library cronsim."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from ..errors import JobLineError
from .days import WEEKDAYS
from .elements import Time

_FIELDS = ("minute", "hour", "day-of-month", "month", "day-of-week")
_LONGEST = 500
_ORIGIN = datetime(2000, 1, 1)  # noqa: DTZ001  on a clock without a zone
_DAY = timedelta(days=1)


class CronLine(NamedTuple):
    """The five fields of a cron expression, in small letters, except for ``L`` and ``LW``."""

    text: str

    @classmethod
    def parse(cls, text: str, time: str = "") -> "CronLine":
        """Read five fields; a `JobLineError` says what is wrong with them.

        *time* is the text of a time that stands behind it, which it must not have.
        """
        shown = text[:80]
        if time:
            raise JobLineError(f"{shown!r} has its time in it: leave |{time[:20]} out")
        fields = re.sub("[a-z]+", _as_written, re.sub(r"\s*,\s*", ",", text.lower())).split()
        if len(fields) != 5 or len(text) > _LONGEST:
            raise JobLineError(
                f"{shown!r} is not a cron expression: write five fields, for minute, hour, "
                "day of the month, month and day of the week, such as 0 3 * * mon-fri"
            )
        line = cls(" ".join(fields))
        if fault := line._fault():
            raise JobLineError(f"{shown!r} is not a cron expression: {fault}")
        return line

    @property
    def is_every_hour(self) -> bool:
        """Whether it names no hour, so that it counts elapsed time, as ``1h`` does."""
        return self.text.split()[1] == "*"

    @property
    def period(self) -> timedelta:
        """The longest time between two of its times, ignoring daylight saving."""
        _, _, date, month, weekday = self.text.split()
        if date == month == weekday == "*":
            return _DAY
        if date == month == "*" and not {"#", "L"} & set(weekday):
            return 7 * _DAY
        if month == "*" and "*" in (date, weekday):
            return 100 * _DAY  # between two fifth Mondays there may be 98
        return 15000 * _DAY  # a 29th of February that is a Sunday

    def after(self, local: datetime, time: Time = None) -> Iterator[datetime]:
        """Its times that are later than *local*, all on a clock that has no zone."""
        from cronsim import CronSim

        # which knows the last Friday by its number only
        text = re.sub("([a-z]{3})L", lambda found: f"{WEEKDAYS.index(found[1]) + 1}L", self.text)
        return CronSim(text, local)

    def _fault(self) -> str:
        """What is wrong with it, and what to do; empty if nothing is."""
        from cronsim import CronSimError

        try:
            next(self.after(_ORIGIN))
        except StopIteration:
            return "there never is such a day: correct its fields for days and months"
        except CronSimError as error:
            name = str(error).removeprefix("Bad ")
            field = self.text.split()[_FIELDS.index(name)] if name in _FIELDS else self.text
            return f"its {name} cannot be {field!r}: write it as in 0 3 * * mon-fri or 0 3 L * *"
        return ""

    def __str__(self) -> str:
        return self.text


def _as_written(letters: "re.Match[str]") -> str:
    """Names in small letters; ``L`` and ``LW`` in capitals, also behind a name."""
    word = letters[0]
    if word in ("l", "lw"):
        return word.upper()
    return f"{word[:3]}L" if len(word) == 4 and word[3] == "l" else word
