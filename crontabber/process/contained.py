"""Contains the code of jobs outside a run: what would end the process becomes a normal error.

A module is imported, a class examined, an option converted before anything is claimed: the
tick would end there silently, and each later one too.
"""

import _signal  # type: ignore[import-not-found]  # `signal` makes enums: four times the time
import _thread
import importlib
import os
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import NoReturn

from ..errors import EndsProcess, Stopped, is_a, name_of, text_of, traceback_of

Exit = Callable[[int], NoReturn]
_OURS = (__file__.removesuffix("process/contained.py"), importlib.__file__, "<frozen ")
_real: Exit = os._exit
_before: Exit = _real
"""The ``os._exit`` to restore when the last context ends; it may be another library's."""
_inside: list[tuple[int, int]] = []
"""The process and thread of each context, as several threads may have one at the same time."""


class _Left(SystemExit):
    """``os._exit`` was called."""


class Contained:
    """A context in which the code of jobs can end nothing but itself: it raises `EndsProcess`.

    This holds for SystemExit, KeyboardInterrupt and all else that is no ``Exception``, and for
    ``os._exit``. A real SIGINT raises KeyboardInterrupt, also if the code has swallowed that;
    `Stopped` passes.
    """

    def __init__(self) -> None:
        self._is_interrupted = self._hears = False

    def __enter__(self) -> "Contained":
        if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:
            with suppress(ValueError):  # no signal arrives in this thread
                _signal.signal(_signal.SIGINT, self._interrupt)
                self._hears = True
        self._place = _place()
        _guard(self._place)
        return self

    def __exit__(self, kind: object, error: BaseException | None, stack: object) -> None:
        _unguard(self._place)
        if self._hears:
            _signal.signal(_signal.SIGINT, _signal.default_int_handler)
        if self._is_interrupted:
            raise KeyboardInterrupt
        if error is not None and not is_a(error, (Exception, Stopped)):
            raise EndsProcess(f"{_what(error)}{where_of(error)}") from error

    def _interrupt(self, signum: int, frame: FrameType | None) -> None:
        self._is_interrupted = True
        raise KeyboardInterrupt


def _leave(status: int) -> NoReturn:
    """Replaces ``os._exit``, also for code that keeps it beyond a context."""
    if _place() in _inside:  # and not in a child that the code forks
        raise _Left(status)
    _real(status)


def _guard(place: tuple[int, int]) -> None:
    global _before
    _inside.append(place)
    if (found := os._exit) is not _leave:
        _before, os._exit = found, _leave


def _unguard(place: tuple[int, int]) -> None:
    _inside.remove(place)
    if os._exit is _leave and not _inside:
        os._exit = _before  # type: ignore[assignment]
        if _inside:  # another thread has entered meanwhile
            os._exit = _leave


def where_of(error: BaseException) -> str:
    """File and line of the user's code that raised *error*, for people; or nothing."""
    where = ""
    step = traceback_of(error)
    while step:
        path = step.tb_frame.f_code.co_filename
        if not path.startswith(_OURS):
            where = f" ({path}:{step.tb_lineno})"
        step = step.tb_next
    return where


def _place() -> tuple[int, int]:
    return os.getpid(), _thread.get_ident()


def _what(error: BaseException) -> str:
    if is_a(error, SystemExit):
        return f"it calls {'os._exit' if is_a(error, _Left) else 'sys.exit'}"
    return f"it {raises(error)}"


def raises(error: BaseException) -> str:
    """Which error code that is not ours raises, and what it says, on one line."""
    text = " ".join(text_of(error)[:300].split())
    return f"raises {name_of(error)}{text and ': '}{text}"
