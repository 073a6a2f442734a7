"""How often, and when, a failed job is tried again: what the ``retry`` of an app can be."""

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from .errors import JobCrashed, Stopped
from .schedule.grammar import CENTURY


class SupportsRetry(Protocol):
    """What a class of your own needs to be the ``retry`` of an app."""

    def get_schedule_in(self, attempts: int, exception: BaseException) -> float | timedelta | None:
        """How long to wait before a failed slot is tried again, in seconds; None: give up.

        *attempts* says how many of its runs failed, this one included, and *exception*
        what the last one raised: `JobCrashed` if its process is gone, `JobTimeout` if it
        took too long, `Stopped` if a signal ended it.
        """
        ...


@dataclass(frozen=True)
class RetryStrategy:
    """Try a slot again after ``wait + linear_wait * (n - 1) + exponential_wait ** n``
    seconds, where n is how many of its runs failed, but after no more than *max_wait*.

    *max_attempts* is how often a slot is run at most; None: for ever. *on* has the
    exceptions after which it is tried again; empty: all. A crash, or the end of the tick
    by a signal, counts as an attempt, and is tried again even if
    *on* lacks it. What is not a number, or is negative, is a ValueError.
    """

    max_attempts: int | None = None
    wait: float = 0
    linear_wait: float = 0
    exponential_wait: float = 0
    max_wait: float | None = None
    on: tuple[type[BaseException], ...] = ()

    def __post_init__(self) -> None:
        if self.max_attempts is not None and not _is_count(self.max_attempts):
            raise ValueError(f"max_attempts is {self.max_attempts!r}, not a number from 1 on")
        for name in ("wait", "linear_wait", "exponential_wait", "max_wait"):
            seconds = getattr(self, name)
            if not (_is_seconds(seconds) or (seconds is None and name == "max_wait")):
                raise ValueError(f"{name} is {seconds!r}, not a number of seconds")
        on = (self.on,) if isinstance(self.on, type) else tuple(self.on)
        if not all(isinstance(cls, type) and issubclass(cls, BaseException) for cls in on):
            raise ValueError(f"on is {self.on!r}, not a tuple of exception classes")
        object.__setattr__(self, "on", on)

    def get_schedule_in(self, attempts: int, exception: BaseException) -> float | None:
        """How many seconds to wait after so many *attempts* failed; None: give up."""
        if self.max_attempts is not None and attempts >= self.max_attempts:
            return None
        if self.on and not isinstance(exception, (*self.on, JobCrashed, Stopped)):
            return None
        longest = CENTURY.total_seconds() if self.max_wait is None else self.max_wait
        try:
            growth = self.linear_wait * (attempts - 1) + float(self.exponential_wait) ** attempts
        except OverflowError:
            return longest
        return min(self.wait + growth, longest)


def delay_of(strategy: SupportsRetry, attempts: int, exception: BaseException) -> timedelta | None:
    """What *strategy* says, as a timedelta. Raises what it raises, or ValueError."""
    delay = strategy.get_schedule_in(attempts, exception)
    if delay is None:
        return None
    seconds = delay.total_seconds() if isinstance(delay, timedelta) else delay
    if not _is_seconds(seconds):
        raise ValueError(
            f"{delay!r} is neither a number of seconds from 0 on, nor such a timedelta, nor None"
        )
    return timedelta(seconds=min(seconds, CENTURY.total_seconds()))


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _is_seconds(value: object) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return 0 <= value < math.inf
