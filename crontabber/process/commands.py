"""Run a command as a process group of its own, which can be ended as a whole.

It serves `crontabber.mixins.with_subprocess`, and jobs that are commands.
"""

import contextlib
import math
import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from typing import NamedTuple

from . import clock
from .guard import Guard
from .pipes import Hear, Pipes

GRACE = 5.0
"""For how many seconds a group may still work after it was asked to end."""

_STEP = 0.05
_LOOK = 1.0

Command = str | Sequence[str | os.PathLike[str]]


class Launch(NamedTuple):
    """A command, and how it is started."""

    command: Command
    """A string goes to the shell; a list is a program and its arguments."""
    directory: str | None = None
    """Its working directory; None: ours."""
    environment: Mapping[str, str] | None = None
    """All of its environment; None: ours."""
    nice: int = 0
    """Its niceness, added to ours."""


def run(
    command: Command, input: str | None = None, timeout: float | None = None
) -> tuple[int, str, str]:
    """Run *command* and return its exit code, and what it wrote to stdout and stderr.

    A string goes to the shell; a list is a program and its arguments, and no shell sees
    it. Text is UTF-8, with U+FFFD for other bytes; *input* is all that the command can
    read. The exit code is minus the number of the signal that ended it, if one did.

    After *timeout* seconds the command and all that it started are ended, first by
    SIGTERM and after `GRACE` seconds by SIGKILL, and `subprocess.TimeoutExpired` is
    raised, with the output so far. The command is also ended when a signal's exception, or any
    other, ends the wait. What a command that ends normally leaves in the background
    lives on. Raises `OSError` if there is no such program, and TypeError or ValueError
    for an argument that means nothing.
    """
    _check(command, input, timeout)
    stdout, stderr = bytearray(), bytearray()
    try:
        code = follow(Launch(command), stdout.extend, stderr.extend, input, timeout)
    except subprocess.TimeoutExpired as error:
        # text, as subprocess itself has it where it gives text
        error.stdout, error.stderr = _text(stdout), _text(stderr)  # type: ignore[assignment]
        raise
    return code, _text(stdout), _text(stderr)


def follow(
    launch: Launch,
    stdout: Hear,
    stderr: Hear,
    input: str | None = None,
    timeout: float | None = None,
) -> int:
    """Run a command, pass on what it writes, piece by piece, and return its exit code.

    It may write any amount, as nothing is kept here. For the rest, see `run`.
    """
    with _children_heard():
        started: Future[_Running] = Future()
        starter = threading.Thread(target=_start, args=(started, launch, stdout, stderr, input))
        try:
            starter.start()
            running = started.result()
            running.wait(timeout)
        except BaseException:
            # a command that has not begun to start by now never will
            if not started.cancel() and not started.exception():
                started.result().end()
            raise
        return running.process.returncode


@contextlib.contextmanager
def _children_heard() -> Iterator[None]:
    """A context in which the exit code of a child goes to the code that waits for it.

    If SIGCHLD is ignored the system drops it, and a handler may take it: each failure
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


def _start(
    started: "Future[_Running]", launch: Launch, stdout: Hear, stderr: Hear, input: str | None
) -> None:
    """Start the command, in a thread: no signal's handler runs there.

    One that raised inside Popen would leave a process that nothing waits for. And on Linux
    niceness belongs to a thread, and what it starts inherits it.
    """
    if not started.set_running_or_notify_cancel():
        return
    try:
        guard = Guard()
        try:
            running = _run(launch, stdout, stderr, input, guard)
        except BaseException:
            guard.dismiss()
            raise
    except BaseException as error:  # noqa: BLE001  it is raised where it is waited for
        started.set_exception(error)
    else:
        started.set_result(running)


def _run(launch: Launch, stdout: Hear, stderr: Hear, input: str | None, guard: Guard) -> "_Running":
    if launch.nice:
        os.nice(launch.nice)
    process = subprocess.Popen(
        launch.command,
        bufsize=0,
        shell=isinstance(launch.command, str),
        stdin=subprocess.DEVNULL if input is None else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=launch.directory,
        env=launch.environment,
        start_new_session=True,
    )
    guard.watch(process.pid)
    return _Running(process, Pipes(process, stdout, stderr, (input or "").encode()), guard)


class _Running(NamedTuple):
    """A command that was started, and its group."""

    process: "subprocess.Popen[bytes]"
    pipes: Pipes
    guard: Guard

    def wait(self, timeout: float | None) -> None:
        """Wait for the end of the command and of its output.

            A daemon that left the group may hold the pipes open for ever: when nothing of the
        group lives, there is no more to wait for.
        """
        limit = math.inf if timeout is None else timeout
        ends = clock.monotonic() + limit
        while self.pipes.are_open or self.process.poll() is None:
            left = ends - clock.monotonic()
            if left <= 0:
                raise subprocess.TimeoutExpired(self.process.args, limit)
            if not self.pipes.are_open:
                self._wait_for_process(min(left, _LOOK))
            elif not self.pipes.pass_on(min(left, _LOOK)) and not self._lives():
                break
        self.pipes.pass_on_rest(_STEP)
        self.guard.dismiss()

    def _wait_for_process(self, seconds: float) -> None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(seconds)

    def end(self) -> None:
        """End all of the group, and pass on its last output."""
        try:
            self._end_group()
        finally:
            self.pipes.pass_on_rest(_STEP)
            self.process.wait()
            self.guard.dismiss()

    def _end_group(self) -> None:
        try:
            self._signal(signal.SIGTERM)
            ends = clock.monotonic() + GRACE
            while self._lives() and clock.monotonic() < ends:
                # a process that cannot write cannot clean up
                if not self.pipes.are_open or not self.pipes.pass_on(_STEP):
                    clock.sleep(_STEP)
        finally:
            # also when a second signal cuts the grace short
            self._signal(signal.SIGKILL)

    def _lives(self) -> bool:
        """Whether anything of the group lives."""
        return self.process.poll() is None or self._signal(0)

    def _signal(self, signum: int) -> bool:
        """Send a signal to the group, and return whether the group exists."""
        # its number is that of its first process, and stays taken while one of them lives
        try:
            os.killpg(self.process.pid, signum)
        except ProcessLookupError:
            return False
        except PermissionError:
            pass  # it lives, under another user
        return True


def _text(data: bytearray) -> str:
    return data.decode("utf-8", "replace")
