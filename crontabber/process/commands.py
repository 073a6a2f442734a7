"""Run a command as a process group of its own, which is ended as a whole if it has to be.

It serves `crontabber.mixins.with_subprocess`.
"""

import contextlib
import math
import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future

from . import clock

GRACE = 5.0
"""For how many seconds a group that was asked to end may still work."""

_STEP = 0.05
_LOOK = 1.0

Command = str | Sequence[str | os.PathLike[str]]


def run(
    command: Command, input: str | None = None, timeout: float | None = None
) -> tuple[int, str, str]:
    """Run *command* and return its exit code, and what it wrote to stdout and stderr.

    A string goes to the shell; a list is a program and its arguments, and no shell sees
    it. Text is UTF-8, with U+FFFD for what is not; *input* is all that the command can
    read. The exit code is minus the number of the signal that ended it, if one did.

    After *timeout* seconds the command and all that it started are ended, first by
    SIGTERM and after `GRACE` seconds by SIGKILL, and `subprocess.TimeoutExpired` is
    raised, with the output so far. The same happens when a signal's exception, or any
    other, ends the wait. What a command that ends by itself leaves in the background
    lives on. Raises `OSError` if there is no such program, and TypeError or ValueError
    for an argument that means nothing.
    """
    _check(command, input, timeout)
    with _children_heard():
        return _run(command, input, timeout)


def _run(command: Command, input: str | None, timeout: float | None) -> tuple[int, str, str]:
    started: Future[subprocess.Popen[bytes]] = Future()
    starter = threading.Thread(target=_start, args=(started, command, input is not None))
    try:
        starter.start()
        process = started.result()
        stdout, stderr = _communicate(process, input, timeout)
    except BaseException as error:
        # a command that has not begun to start by now never will
        if not started.cancel() and not started.exception():
            _give_up(started.result(), error)
        raise
    return process.returncode, _text(stdout), _text(stderr)


@contextlib.contextmanager
def _children_heard() -> Iterator[None]:
    """In here the exit code of a child is for the one who waits for it.

    Where SIGCHLD is ignored the system drops it, and a handler may take it: each failure
    would be taken for a success.
    """
    handler = signal.getsignal(signal.SIGCHLD)
    if handler in (signal.SIG_DFL, None):
        yield
        return
    if threading.current_thread() is not threading.main_thread():
        if handler is signal.SIG_IGN:
            raise RuntimeError(
                "SIGCHLD is ignored, so the exit code would be lost, and only the main thread can "
                "change that: do not ignore it, or run the command there"
            )
        yield
        return
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGCHLD, handler)


def _check(command: object, input: object, timeout: object) -> None:
    if not isinstance(command, str | os.PathLike) and not command:
        raise ValueError(f"command is {command!r}: write a program and its arguments")
    if not isinstance(input, str | None):
        raise TypeError(f"input has to be text, not {type(input).__name__}")
    if not isinstance(timeout, int | float | None):
        raise TypeError(f"timeout has to be a number of seconds, not {type(timeout).__name__}")
    if timeout is not None and math.isnan(timeout):
        raise ValueError("timeout has to be a number of seconds, not nan")


def _start(started: "Future[subprocess.Popen[bytes]]", command: Command, with_input: bool) -> None:
    """Start the command, in a thread: no signal's handler runs there.

    One that raised inside of Popen would leave a process that nothing waits for.
    """
    if not started.set_running_or_notify_cancel():
        return
    try:
        process = subprocess.Popen(
            command,
            shell=isinstance(command, str),
            stdin=subprocess.PIPE if with_input else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except BaseException as error:  # noqa: BLE001  it is raised where it is waited for
        started.set_exception(error)
    else:
        started.set_result(process)


def _communicate(
    process: subprocess.Popen[bytes], input: str | None, timeout: float | None
) -> tuple[bytes, bytes]:
    """Wait for the end of the command and of its output.

    A daemon that left the group may hold the pipes open for ever: when nothing of the
    group lives, there is no more to wait for.
    """
    data = None if input is None else input.encode()
    limit = left = math.inf if timeout is None else timeout
    while True:
        look = min(left, _LOOK)
        try:
            return process.communicate(data, look)
        except subprocess.TimeoutExpired:
            left -= look
        if process.poll() is not None and not _group_lives(process):
            return _said(process)
        if left <= 0:
            raise subprocess.TimeoutExpired(process.args, limit)
        data = None  # communicate goes on with what it was given first


def _said(process: subprocess.Popen[bytes]) -> tuple[bytes, bytes]:
    """What was written until now, by a group that is gone."""
    with process:
        try:
            return process.communicate(timeout=_STEP)
        except subprocess.TimeoutExpired as still_open:
            return still_open.stdout or b"", still_open.stderr or b""


def _give_up(process: subprocess.Popen[bytes], error: BaseException) -> None:
    try:
        _end_group(process)
    finally:
        stdout, stderr = _said(process)
    if isinstance(error, subprocess.TimeoutExpired):
        # text, as subprocess itself has it where it gives text
        error.stdout, error.stderr = _text(stdout), _text(stderr)  # type: ignore[assignment]


def _end_group(process: subprocess.Popen[bytes]) -> None:
    try:
        _signal_group(process, signal.SIGTERM)
        for _ in range(round(GRACE / _STEP)):
            if process.poll() is not None and not _group_lives(process):
                break
            clock.sleep(_STEP)
    finally:
        # also when a second signal cuts the grace short
        _signal_group(process, signal.SIGKILL)


def _signal_group(process: subprocess.Popen[bytes], signum: int) -> None:
    # the group's number is its first process's, and stays taken while one of them lives
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signum)


def _group_lives(process: subprocess.Popen[bytes]) -> bool:
    try:
        os.killpg(process.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it lives, under another user
    return True


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
