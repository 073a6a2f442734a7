"""How long a statement of crontabber's own waits for its answer, and what ends the wait early.

A server may keep a connection open without answering: it is frozen, or a table is locked. The
limits are on our side, so that they hold from the first statement on and for any server.
"""

from ..process import clock
from ..process.pending import pending


class NoAnswer(Exception):
    """The server did not answer in time."""


class _Limit:
    """The time limit of the current statement; in force while it is a context."""

    def __init__(self, seconds: float, grace: float) -> None:
        self._began = clock.monotonic()
        self._seconds = seconds
        self._grace = grace

    def __enter__(self) -> None:
        _limits.append(self)

    def __exit__(self, *exception: object) -> None:
        _limits.pop()

    def look(self) -> None:
        """Raise `NoAnswer` when the time is over, `Stopped` after a signal."""
        waited = clock.monotonic() - self._began
        stopped = pending()
        if stopped and waited >= self._grace:
            raise stopped
        if waited >= self._seconds:
            raise NoAnswer(f"no answer within {self._seconds:g} s")


_limits: list[_Limit] = []
"""The limit in force, if any: a tick has one thread, and waits for one answer at a time."""


def limited(seconds: float, grace: float = 0.0) -> _Limit:
    """A context in which a wait ends after *seconds*, or at a signal, but not before *grace*.

    This is checked about once a second. A wait that is cut short cancels the query.
    """
    return _Limit(seconds, grace)


def is_limited() -> bool:
    """Whether the current statement is crontabber's own."""
    return bool(_limits)


def look() -> None:
    """Raise what ends the current wait, if anything does."""
    if _limits:
        _limits[-1].look()
