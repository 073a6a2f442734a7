"""The one place that reads a clock or sleeps.

A tick asks the database for the time once, and carries it forward by the monotonic
clock of its host, so the hosts' own clocks do not matter. The functions that it reads are kept
where a job that patches `time`, as tests do, does not find them.
"""

import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Protocol


def monotonic(_read: Callable[[], float] = time.monotonic) -> float:
    """Seconds of the monotonic clock, for measuring."""
    return _read()


def sleep(seconds: float, _sleep: Callable[[float], None] = time.sleep) -> None:
    """Wait for so many seconds."""
    _sleep(seconds)


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """The time as an aware datetime; never earlier than it said before."""
        ...


class ServerClock:
    """The server's time, carried forward from the moment it was read."""

    def __init__(self, server_now: datetime) -> None:
        self._read = server_now
        self._monotonic = monotonic()

    def now(self) -> datetime:
        """The server's time now, as an aware datetime."""
        return self._read + timedelta(seconds=monotonic() - self._monotonic)


class SystemClock:
    """The host's time, in UTC."""

    def now(self) -> datetime:
        """The host's time now, as an aware datetime in UTC."""
        return utc_now()


def utc_now() -> datetime:
    """The host's time, as an aware datetime in UTC."""
    return datetime.now(timezone.utc)
