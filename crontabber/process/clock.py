"""The one place that reads a clock or sleeps.

A tick asks the database for the time once, and carries it forward by the monotonic
clock of its host: what the hosts' own clocks say does not matter.
"""

import time
from datetime import datetime, timedelta, timezone
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """The time as an aware datetime; never earlier than it said before."""
        ...


class ServerClock:
    """The server's time, carried forward from the moment it was read."""

    def __init__(self, server_now: datetime) -> None:
        self._read = server_now
        self._monotonic = time.monotonic()

    def now(self) -> datetime:
        """The server's time now, as an aware datetime."""
        return self._read + timedelta(seconds=time.monotonic() - self._monotonic)


class SystemClock:
    """The host's time, in UTC."""

    def now(self) -> datetime:
        """The host's time now, as an aware datetime in UTC."""
        return utc_now()


def utc_now() -> datetime:
    """The host's time, as an aware datetime in UTC."""
    return datetime.now(timezone.utc)


monotonic = time.monotonic
"""Seconds that only ever grow, for measuring."""

sleep = time.sleep
"""Wait for so many seconds."""
