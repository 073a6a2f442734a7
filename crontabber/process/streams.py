"""The descriptors 0 to 2 and the streams of `sys` over them, which a job may close or wrap.

A broken stream is repaired, not replaced, because log handlers and others hold it.
"""

import contextlib
import fcntl
import io
import os
import sys
from typing import Any, NamedTuple

from .things import Thing

_NAMES = ("stdin", "stdout", "stderr")
_OUT_OF_THE_WAY = 200
"""Copies of descriptors get numbers from here on, which nothing else gets soon."""

_copies: set[int | None] = set()
_known: dict[int, Any] = {}
"""The streams over 0 to 2, by descriptor: a broken stream does not know its own."""
_forms: dict[int, tuple[Any, ...]] = {}
"""How they write, as far as last known."""
_PLAIN = ("utf-8", "backslashreplace", False, False, True)


class _Copies(list[int | None]):
    """The copies of 0 to 2, which are closed with it."""

    def __del__(self) -> None:
        for copy in self:
            _close(copy)


class _State(NamedTuple):
    copies: _Copies
    blocking: list[bool | None]
    streams: list[Any]
    holders: list[tuple[int, int]]
    originals: tuple[Any, ...]


class Streams(Thing):
    """Descriptors 0 to 2, and stdin, stdout and stderr."""

    def read(self) -> _State:
        """How it is now; what a job broke after its end is repaired."""
        streams = [sys.stdin, sys.stdout, sys.stderr]
        for number, stream in enumerate(streams):
            if _is_ours(stream, number):
                _learn(stream, number)
        return _State(
            _Copies(map(_copy, (0, 1, 2))),
            [_blocks(number) for number in (0, 1, 2)],
            streams,
            [_holders(stream) for stream in streams],
            (sys.__stdin__, sys.__stdout__, sys.__stderr__),
        )

    def put_back(self, was: _State) -> bool:
        """Put back what was changed, and write what the job printed."""
        lost = _lead_back(was)
        return self._put_streams_back(was) or lost

    def is_watched(self, was: _State) -> bool:
        """Yes, always: a job can break them after its end."""
        return True

    def is_current(self, was: _State) -> bool:
        """Whether the streams are the same; those that a job broke after its end are repaired."""
        for number, stream in enumerate(was.streams):
            if getattr(sys, _NAMES[number], None) is not stream:
                return False
            if _is_ours(stream, number) and _learn(stream, number):
                return False
        return _copies.issuperset(was.copies)

    @staticmethod
    def _put_streams_back(was: _State) -> bool:
        """Whether that was needed."""
        changed = False
        for name, stream in zip(_NAMES, was.streams, strict=True):
            now = getattr(sys, name, None)
            if stream is not None and name != "stdin":
                _flush(stream)
            if now is not stream:
                changed = True
                _let_go(now, stream)
                setattr(sys, name, stream)
        now = None
        if changed:
            sys.__stdin__, sys.__stdout__, sys.__stderr__ = was.originals  # type: ignore[misc]
            _lead_back(was)  # a stream of the job's, gone with this, may have closed one
        for number, stream in enumerate(was.streams):
            changed = _mend_if_broken(stream, number, was.holders[number]) or changed
        return changed


def usable(name: str) -> Any:
    """``sys.NAME``, repaired if a job broke it after its end."""
    stream, number = getattr(sys, name, None), _NAMES.index(name)
    if _is_ours(stream, number):
        _learn(stream, number)
    return stream


# -- descriptors -------------------------------------------------------------------


def _copy(number: int) -> int | None:
    """A copy of a descriptor; None if it is closed."""
    try:
        copy = fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, _OUT_OF_THE_WAY)
    except OSError:
        try:
            copy = os.dup(number)  # few are allowed
        except OSError:
            return None
    _copies.add(copy)
    return copy


def _close(copy: int | None) -> None:
    if copy is not None and copy in _copies:
        _copies.discard(copy)
        try:  # noqa: SIM105  suppress takes as long again
            os.close(copy)
        except OSError:
            pass  # the job did so


def _close_in_child() -> None:
    """Close them in a child: a daemon with streams of its own must not hold ours open."""
    for copy in [*_copies]:
        _close(copy)


os.register_at_fork(after_in_child=_close_in_child)


def _blocks(number: int) -> bool | None:
    try:
        return os.get_blocking(number)
    except OSError:
        return None


def _lead_back(was: _State) -> bool:
    """Restore 0 to 2; return whether a copy was lost, or one no longer blocked as before."""
    changed = False
    for number, copy in enumerate(was.copies):
        if copy is not None:
            try:
                os.dup2(copy, number)
            except OSError:  # the job closed it, as daemons close all
                _copies.discard(copy)
                was.copies[number] = -1  # the number is another's by now, or will be
                _open_if_closed(number)
                changed = True
            blocking = was.blocking[number]
            if blocking is not None and _blocks(number) != blocking:
                os.set_blocking(number, blocking)
                changed = True
    return changed


def _open_if_closed(number: int) -> None:
    """Redirect it to nowhere: otherwise a file or socket of ours would get its number."""
    try:
        os.fstat(number)
    except OSError:
        nowhere = os.open(os.devnull, os.O_RDWR)
        os.dup2(nowhere, number)
        if nowhere != number:
            os.close(nowhere)


# -- streams -----------------------------------------------------------------------


def _is_ours(stream: Any, number: int) -> bool:
    """Whether it is a plain stream over the descriptor, also if it is broken by now."""
    if _known.get(number) is stream:
        return stream is not None
    try:
        if type(stream) is not io.TextIOWrapper or stream.fileno() != number:
            return False
    except (OSError, ValueError):
        return False
    _known[number] = stream
    return True


def _learn(stream: Any, number: int) -> bool:
    """Note how a stream of ours writes; repair it if it is broken, and return whether it was."""
    try:
        form, broken = _form_of(stream), bool(stream.closed)
    except ValueError:  # it is detached
        broken = True
    if broken:
        _mend(stream, number)
    else:
        _forms[number] = form
    return broken


def _form_of(stream: Any) -> tuple[Any, ...]:
    return (
        stream.encoding,
        stream.errors,
        stream.line_buffering,
        stream.write_through,
        type(stream.buffer) is not io.FileIO,
    )


def _holders(stream: Any) -> tuple[int, int]:
    """How many objects hold its buffer and the file below: each can close it, at any time."""
    if type(stream) is not io.TextIOWrapper:
        return 0, 0
    buffer = stream.buffer
    below = buffer if type(buffer) is io.FileIO else buffer.raw  # it is, without buffering
    return sys.getrefcount(buffer), sys.getrefcount(below)


def _flush(stream: Any) -> None:
    try:  # noqa: SIM105  as above
        stream.flush()
    except BaseException:  # noqa: BLE001, S110  it may be a job's, and anything
        pass


def _let_go(stream: Any, ours: Any) -> None:
    """Flush a job's stream, and detach it, so that it does not close our buffer."""
    _flush(stream)
    with contextlib.suppress(BaseException):
        if isinstance(stream, io.TextIOWrapper) and stream.buffer is ours.buffer:
            stream.detach()


def _mend_if_broken(stream: Any, number: int, holders: tuple[int, int]) -> bool:
    """Give a stream a new buffer if it has none, or if the job's objects can close it.

    Returns whether the stream is another one now, or has another buffer.
    """
    ours: Any = _known.get(number)
    if stream is None or ours is not stream:
        return _replace_if_closed(stream, number)
    try:
        form = _form_of(stream)
        sound = bool(not stream.closed and _holders(stream) == holders)
    except ValueError:  # it is detached
        sound = False
    if not sound:
        _flush(stream)
        _mend(stream, number)
    elif number and form != _forms[number]:
        names = ("encoding", "errors", "line_buffering", "write_through")
        stream.reconfigure(**dict(zip(names, _forms[number], strict=False)))
    return not sound


def _mend(stream: Any, number: int) -> None:
    encoding, errors, line_buffering, write_through, buffered = _forms.get(number, _PLAIN)
    buffer: Any = io.FileIO(number, "w" if number else "r", closefd=False)
    if buffered:
        buffer = io.BufferedWriter(buffer) if number else io.BufferedReader(buffer)
    io.TextIOWrapper.__init__(
        stream,
        buffer,
        encoding,
        errors,
        line_buffering=line_buffering,
        write_through=write_through,
    )


def _replace_if_closed(stream: Any, number: int) -> bool:
    """Replace a closed stream of others by one to nowhere: writing must not raise."""
    if getattr(stream, "closed", False):
        nowhere = open(os.devnull, "w" if number else "r")  # noqa: PTH123, SIM115  see kernel.py
        setattr(sys, _NAMES[number], nowhere)
        return True
    return False
