"""Work that must end in time: done in a child process, which is killed if it does not.

A signal's handler cannot do that. It waits while the process is in C, as when
libpq connects to one silent address after the other or a user's module loads; and what
it raises may be swallowed. A child that hangs in any of these ways can be killed.
"""

import os
import select
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress

from ..errors import CrontabberError, Stopped
from . import clock

Work = Callable[[Callable[[float], None]], tuple[str, int]]
"""Returns a text, without NUL, and a status; may call its argument to set the limit."""

_END = b"\0"
"""Ends each message of the child."""
_LIMIT = b"L"
_ANSWER = b"A"
_SPARE = 2.0
"""Seconds after the limit in which the kernel ends a child whose parent was killed."""
_PAUSES = (0.0005, 0.001, 0.002, 0.005, 0.01, *[0.02] * 12)
"""Seconds between looks at whether a child has ended; not for ever, as it may be stuck in the
kernel, where the files of a server that is gone are waited for."""


class NoAnswer(CrontabberError):
    """The work did not end as it should."""


def in_time(work: Work, limit: float) -> tuple[str, int]:
    """Do *work* in a child process, for *limit* seconds at most, and return what it returns.

    All that the child prints goes to stderr. Raises `NoAnswer` if it takes too
    long or ends without an answer, and OSError if no process can be made.
    """
    began = clock.monotonic()
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        try:
            _be_child(work, limit, writer)
        finally:
            os._exit(1)
    os.close(writer)
    ways: list[int] = [
        signal.SIGTERM,
        signal.SIGKILL,
    ]  # the first lets it end its query on the server
    try:
        for message in _messages(reader, began, limit):
            ways = [signal.SIGKILL]
            code, _, text = message.partition(b" ")
            return text.decode("utf-8", "surrogatepass"), int(code)
        ways = [0, signal.SIGKILL]
    finally:
        os.close(reader)
        status = _end(child, ways)
    raise NoAnswer(f"the check ended without an answer{_how(status)}")


def _be_child(work: Work, limit: float, writer: int) -> None:
    """Do *work*, tell the parent, and end this process."""
    try:
        os.dup2(2, 1)
        signal.signal(signal.SIGTERM, _stop)
        _arm(limit)

        def set_limit(seconds: float) -> None:
            _arm(seconds)
            _write(writer, b"%b%f%b" % (_LIMIT, seconds, _END))

        text, code = work(set_limit)
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):  # a module may have put anything there
                stream.flush()
        _write(writer, b"%b%d %b%b" % (_ANSWER, code, text.encode("utf-8", "surrogatepass"), _END))
    finally:
        os._exit(1)  # with what does not matter any more


def _stop(signum: int, _frame: object) -> None:
    raise Stopped(signum, "SIGTERM")


def _arm(limit: float) -> None:
    """Have the kernel end this process some time after *limit*, if the parent does not."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, limit + _SPARE)


def _write(writer: int, data: bytes) -> None:
    while data:
        data = data[os.write(writer, data) :]


def _messages(reader: int, began: float, limit: float) -> Iterator[bytes]:
    """The answer of the child; raises `NoAnswer` when its time is up."""
    buffer = b""
    while True:
        left = began + limit - clock.monotonic()
        if left <= 0 or not select.select([reader], [], [], left)[0]:
            raise NoAnswer(
                f"no answer within {limit:g} s: is a server silent, a table locked, or does the "
                "import of a job hang? --nagios-timeout says how long to wait"
            )
        data = os.read(reader, 65536)
        if not data:
            return
        *messages, buffer = (buffer + data).split(_END)
        for message in messages:
            if message.startswith(_LIMIT):
                limit = float(message.removeprefix(_LIMIT))
            else:
                yield message.removeprefix(_ANSWER)


def _end(child: int, ways: list[int]) -> int | None:
    """End the child in one of these ways; its status, None if that cannot be known."""
    with suppress(ChildProcessError, ProcessLookupError):  # SIGCHLD is ignored: it is gone
        for number in ways:
            os.kill(child, number)
            for pause in _PAUSES:
                pid, status = os.waitpid(child, os.WNOHANG)
                if pid:
                    return status
                clock.sleep(pause)
    return None


def _how(status: int | None) -> str:
    if status is None:
        return ""
    code = os.waitstatus_to_exitcode(status)
    return f": it was ended by signal {-code}" if code < 0 else f": its exit status is {code}"
