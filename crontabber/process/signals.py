"""Signals that ask a tick to end: they end the running job, never the bookkeeping."""

import _signal  # type: ignore[import-not-found]  # see `kernel`
import os
import signal
import threading
from datetime import timedelta
from types import FrameType
from typing import Any

from ..errors import JobTimeout, Stopped
from ..schedule.grammar import duration_text
from .clock import monotonic
from .pending import installed

STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

_AGAIN = 60.0
"""Seconds after which a time limit raises again: a finaliser, for one, swallows exceptions."""


class Signals:
    """While installed, remembers a signal, and raises it only where that does no harm."""

    def __init__(self) -> None:
        self._pending: Stopped | None = None
        self._inside = False
        """Whether an exception does no harm: a job's code is running."""
        self._told: float | None = None
        """When a signal was last raised in that code, by the monotonic clock."""
        self._previous: dict[int, Any] = {}
        self._limit: timedelta | None = None
        self._alarm: _Alarm | None = None

    def __enter__(self) -> "Signals":
        for number in STOPPING:
            # what the caller chose to ignore (as nohup does) stays ignored
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._previous[number] = signal.signal(number, self._handle)
        installed.add(self)
        return self

    def __exit__(self, *exception: object) -> None:
        installed.discard(self)
        self.uninstall()

    def uninstall(self) -> None:
        """Have signals do what they did before."""
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _handle(self, signum: int, frame: FrameType | None) -> None:
        self._pending = Stopped(signum, signal.Signals(signum).name)
        # one exception is enough, as the next would hit cleanup; unless the first came to nothing
        if self._inside and (self._told is None or monotonic() - self._told > _AGAIN):
            self._told = monotonic()
            raise self._pending

    @property
    def pending(self) -> Stopped | None:
        """The last signal that came."""
        return self._pending

    def check(self) -> None:
        """Raise `Stopped` if a signal came meanwhile."""
        if self._pending:
            raise self._pending

    def interruptible(self) -> "_Interruptible":
        """A context in which a signal raises `Stopped` at once; so does one that came before."""
        return _Interruptible(self)

    def begin(self) -> None:
        """Have signals raise at once; raises `Stopped` if one came before."""
        self._inside, self._told = True, None
        try:
            self.check()  # not earlier: a signal in between would be missed
        except BaseException:
            self._inside = False
            raise

    def end(self) -> None:
        """Have signals wait again."""
        self._inside = False

    def limit(self, limit: timedelta | None) -> None:
        """Until `unlimit`, raise `JobTimeout` after *limit*, if we are interruptible.

        This works in the main thread, where signals arrive; elsewhere there is no limit.
        """
        if threading.current_thread() is threading.main_thread():
            self._alarm = _Alarm()
            self._limit = limit
            if limit:
                signal.signal(signal.SIGALRM, self._ring)
                signal.setitimer(signal.ITIMER_REAL, limit.total_seconds(), _AGAIN)

    def _ring(self, signum: int, frame: FrameType | None) -> None:
        if self._limit and self._inside:
            raise JobTimeout(f"did not finish within {duration_text(self._limit)}")

    def unlimit(self) -> None:
        """Cancel the timer, even if a job changed it; harmless when there is no limit."""
        limit, self._limit = self._limit, None
        alarm, self._alarm = self._alarm, None
        if alarm:
            alarm.restore(used=limit is not None)

    def reinstall(self) -> None:
        """Take the signals back from a job that handled them in its own way."""
        self._inside = False
        self.unlimit()
        for number in self._previous:
            _signal.signal(number, self._handle)


class _Interruptible:
    """The context of `Signals.interruptible`, which does not touch a job's exception."""

    def __init__(self, signals: Signals) -> None:
        self._signals = signals

    def __enter__(self) -> None:
        self._signals.begin()

    def __exit__(self, *exception: object) -> None:
        self._signals.end()


# A process that a job forks is not a tick: there, signals do what they do without us. They wait
# until that is restored, because Python forgets those that come earlier.


_masks: list[Any] = []


def _hold() -> None:
    if installed:
        _masks.append(signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING))


def _go_on() -> None:
    if _masks:
        signal.pthread_sigmask(signal.SIG_SETMASK, _masks.pop())


def _go_on_in_child() -> None:
    for signals in installed:
        signals.uninstall()
    _go_on()


os.register_at_fork(before=_hold, after_in_parent=_go_on, after_in_child=_go_on_in_child)


class _Alarm:
    """The process's timer and its handler, as they were before a job."""

    def __init__(self) -> None:
        self._handler = _signal.getsignal(signal.SIGALRM)
        self._left, self._interval = signal.getitimer(signal.ITIMER_REAL)
        self._read = monotonic()

    def restore(self, *, used: bool) -> None:
        """Put both back; a timer that we did not *use* has gone on meanwhile."""
        if used or not self._left:
            signal.setitimer(signal.ITIMER_REAL, 0)
        if self._handler is not None:  # None is that of another library
            _signal.signal(signal.SIGALRM, self._handler)
        if used and self._left:
            left = max(self._left - (monotonic() - self._read), 0.001)
            signal.setitimer(signal.ITIMER_REAL, left, self._interval)
