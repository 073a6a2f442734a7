"""What the operating system keeps for the process: signals, directory, rights and limits."""

import _signal  # type: ignore[import-not-found]  # `signal` makes enums of all: 85 µs for its handlers
import contextlib
import os
import resource
import signal
import threading
from typing import Any, NamedTuple

from .things import Thing

_BLOCK = int(signal.SIG_BLOCK)
_MAIN = threading.main_thread().ident
_NUMBERS = tuple(
    number
    for number in sorted(map(int, signal.valid_signals()))
    if number < 32 and number not in (signal.SIGKILL, signal.SIGSTOP)
)
_CHILD = _NUMBERS.index(signal.SIGCHLD)
_TIMERS = (0, 1, 2)
"""ITIMER_REAL, ITIMER_VIRTUAL and ITIMER_PROF."""
_getsignal, _getitimer, _sigmask = _signal.getsignal, _signal.getitimer, _signal.pthread_sigmask
_set_wakeup_fd = _signal.set_wakeup_fd
_LIMITS = tuple(
    sorted({value for name, value in vars(resource).items() if name.startswith("RLIMIT_")})
)


class _SignalState(NamedTuple):
    handlers: list[Any]
    mask: set[int]
    wakeup: int
    timers: list[tuple[float, float]]


class SignalState(Thing):
    """Handlers, blocked signals, the wake-up descriptor for signals, and timers.

    A job begins with the default for SIGCHLD: if it is ignored, as after a parent's ``trap ''
    CHLD``, every command seems to have succeeded. In threads other than the main one
    only the mask can be changed.
    """

    def read(self) -> _SignalState:
        """How it is now; from here on SIGCHLD is not ignored."""
        handlers = [*map(_getsignal, _NUMBERS)]
        wakeup = -1
        if threading.get_ident() == _MAIN:
            wakeup = _wakeup()
            if handlers[_CHILD] == signal.SIG_IGN:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        return _SignalState(handlers, _sigmask(_BLOCK, ()), wakeup, [*map(_getitimer, _TIMERS)])

    def put_back(self, was: _SignalState) -> bool:
        """Stop timers that were started; what was running goes on."""
        changed = False
        if threading.get_ident() == _MAIN:
            if [*map(_getitimer, _TIMERS)] != was.timers:
                self._stop_timers(was.timers)
                changed = True
            now = [*map(_getsignal, _NUMBERS)]
            if now != was.handlers:
                self._restore_handlers(now, was.handlers)
                changed = True
            if _wakeup() != was.wakeup:
                signal.set_wakeup_fd(was.wakeup, warn_on_full_buffer=False)
                changed = True
        if _sigmask(_BLOCK, ()) != was.mask:
            signal.pthread_sigmask(signal.SIG_SETMASK, was.mask)
            changed = True
        return changed

    @staticmethod
    def _stop_timers(was: list[tuple[float, float]]) -> None:
        for timer, (ran, _) in zip(_TIMERS, was, strict=True):
            if not ran:
                signal.setitimer(timer, 0)

    @staticmethod
    def _restore_handlers(now: list[Any], was: list[Any]) -> None:
        for number, current, handler in zip(_NUMBERS, now, was, strict=True):
            if current is not handler and handler is not None:  # None is that of a library in C
                with contextlib.suppress(OSError, ValueError):
                    signal.signal(number, handler)


def _wakeup() -> int:
    """The descriptor that signals are written to, which can be read only by setting it."""
    descriptor: int = _set_wakeup_fd(-1)
    if descriptor != -1:
        _set_wakeup_fd(descriptor, warn_on_full_buffer=False)
    return descriptor


class Directory(Thing):
    """The working directory; None if it was removed."""

    def read(self) -> str | None:
        """How it is now."""
        try:
            return os.getcwd()  # noqa: PTH109  pathlib takes three times as long
        except OSError:
            return None

    def write(self, was: str | None) -> None:
        """Go back; raises OSError if it was removed meanwhile."""
        if was is not None:
            os.chdir(was)


class Mask(Thing):
    """The mask of new files, which can be read only by setting it."""

    def read(self) -> int:
        """How it is now."""
        now = os.umask(0o077)
        os.umask(now)
        return now

    def put_back(self, was: int) -> bool:
        """Set it."""
        return os.umask(was) != was


class Identity(Thing):
    """User, group and supplementary groups."""

    def read(self) -> Any:
        """How it is now."""
        return os.getresuid(), os.getresgid(), os.getgroups()

    def write(self, was: Any) -> None:
        """Become the user again; raises PermissionError if rights were given up for good."""
        users, groups, others = was
        if os.getresuid() != users:
            os.setresuid(*users)
        if os.getresgid() != groups:
            os.setresgid(*groups)
        if os.getgroups() != others:
            os.setgroups(others)


class Limits(Thing):
    """The limits of resources, as far as hard limits allow."""

    def read(self) -> Any:
        """How it is now."""
        return tuple(map(resource.getrlimit, _LIMITS))

    def write(self, was: Any) -> None:
        """Set those that differ; a hard limit that was lowered stays."""
        for limit, (soft, hard) in zip(_LIMITS, was, strict=True):
            if resource.getrlimit(limit) != (soft, hard):
                try:
                    resource.setrlimit(limit, (soft, hard))
                except (OSError, ValueError):
                    self._go_near(limit, soft)

    @staticmethod
    def _go_near(limit: int, soft: int) -> None:
        hard = resource.getrlimit(limit)[1]
        infinite = resource.RLIM_INFINITY
        if hard != infinite and (soft == infinite or soft > hard):
            soft = hard
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(limit, (soft, hard))


class Priority(Thing):
    """The niceness of the process, its scheduling policy and its CPU affinity."""

    def read(self) -> Any:
        """How it is now."""
        return os.getpriority(os.PRIO_PROCESS, 0), _scheduling(), _processors()

    def write(self, was: Any) -> None:
        """Set it; only root can lower the niceness again, or raise the priority."""
        nice, scheduling, processors = was
        if scheduling != _scheduling():
            with contextlib.suppress(PermissionError):
                os.sched_setscheduler(0, scheduling[0], os.sched_param(scheduling[1]))
        with contextlib.suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, 0, nice)
        if processors != _processors():
            os.sched_setaffinity(0, processors)


def _scheduling() -> Any:
    if not hasattr(os, "sched_getscheduler"):
        return None
    return os.sched_getscheduler(0), os.sched_getparam(0).sched_priority


def _processors() -> Any:
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
