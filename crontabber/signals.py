"""Signals that ask a tick to end: they end the job that runs, never the bookkeeping."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from .errors import Stopped

STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Signals:
    """While installed, a signal is remembered, and raised only where that does no harm."""

    def __init__(self) -> None:
        self._pending: Stopped | None = None
        self._interruptible = False
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> "Signals":
        for number in STOPPING:
            # what the caller chose to ignore (nohup, say) stays ignored
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _handle(self, signum: int, frame: FrameType | None) -> None:
        self._pending = Stopped(signum, signal.Signals(signum).name)
        if self._interruptible:
            self._interruptible = False  # one exception is enough; the next must not hit cleanup
            raise self._pending

    def check(self) -> None:
        """Raise `Stopped` if a signal came meanwhile."""
        if self._pending:
            raise self._pending

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """In here a signal raises `Stopped` at once; so does one that came before."""
        self._interruptible = True
        try:
            self.check()  # not before: one that came in between would go unheard
            yield
        finally:
            self._interruptible = False

    def reinstall(self) -> None:
        """Take the signals back from a job that handled them in its own way."""
        for number in self._previous:
            signal.signal(number, self._handle)
