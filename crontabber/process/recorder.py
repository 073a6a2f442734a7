"""Passes on and keeps what this process and its children write to stdout and stderr.

A separate process does it. In a thread of ours it would stop, and the pipe fill up,
whenever C code holds the GIL while it writes; and what a job leaves running in the
background may go on writing after we are gone.
"""

import contextlib
import fcntl
import os
import select
import signal
import socket
import struct
import sys
import termios
import warnings

from .tail import BEFORE, Tail

_PIECE = 1 << 16
_PATIENCE = 5.0
"""Seconds to wait for an answer: the reader of our stdout may delay it."""
_QUESTION = b"?"


class Recorder:
    """Keeps the last *limit* bytes of what is written from now on; see `last`.

    Others have to put the descriptors 1 and 2 back, as `crontabber.process.streams` does.
    Raises OSError if there can be no pipe or process.
    """

    def __init__(self, limit: int) -> None:
        _flush()
        self._ours, theirs = socket.socketpair()
        outputs = [1] if os.path.sameopenfile(1, 2) else [1, 2]  # a single one keeps their order
        pipes = {output: os.pipe() for output in outputs}
        try:
            _fork(theirs, {reader: output for output, (reader, _) in pipes.items()}, limit)
            for output in (1, 2):
                os.dup2(pipes.get(output, pipes[1])[1], output)
        finally:
            theirs.close()
            for ends in pipes.values():
                _close(*ends)

    def last(self) -> bytes:
        """The last of what was written until now: `BEFORE` bytes more than are to be kept."""
        _flush()
        self._ours.settimeout(_PATIENCE)
        try:
            self._ours.sendall(_QUESTION)
            with self._ours.makefile("rb") as answer:
                return answer.read(int(answer.readline()))
        except (OSError, ValueError):  # it was killed, or is held up
            return b""

    def close(self) -> None:
        """Keep no more; what any process still writes is passed on."""
        self._ours.close()


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):  # a job may have put anything there
            stream.flush()


def _close(*descriptors: int) -> None:
    for descriptor in descriptors:
        with contextlib.suppress(OSError):
            os.close(descriptor)


def _fork(control: socket.socket, outputs: dict[int, int], limit: int) -> None:
    """Start the process; it is no child of ours, so that no job waits for it by mistake."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # it takes no lock of another thread
        child = os.fork()
    if not child:
        try:
            if not os.fork():
                _serve(control, outputs, Tail(limit + BEFORE))
        finally:
            os._exit(0)
    with contextlib.suppress(ChildProcessError):  # SIGCHLD is ignored
        os.waitpid(child, 0)


def _serve(control: socket.socket, outputs: dict[int, int], tail: Tail) -> None:
    """Pass on and keep what comes, until no writer is left."""
    os.setsid()  # signals to the group, such as Ctrl-C, are not for us
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    _close_others({0, 1, 2, control.fileno(), *outputs})
    asking = [control.fileno()]
    while outputs:
        ready, _, _ = select.select([*outputs, *asking], [], [])
        if asking and asking[0] in ready and not _answer(control, outputs, tail):
            asking = []
        else:
            for reader in {*ready} & {*outputs}:
                if not _pass_on(reader, outputs[reader], tail):
                    os.close(reader)
                    del outputs[reader]


def _answer(control: socket.socket, outputs: dict[int, int], tail: Tail) -> bool:
    """Answer the question; False if none can come any more."""
    try:
        if control.recv(1) != _QUESTION:
            return False
        for reader, output in outputs.items():
            waiting = _bytes_in(reader)
            while waiting > 0:
                waiting -= _pass_on(reader, output, tail)
        data = tail.last()
        control.sendall(b"%d\n%b" % (len(data), data))
    except OSError:
        return False
    return True


def _bytes_in(reader: int) -> int:
    """How many bytes were written and not read."""
    found = fcntl.ioctl(reader, termios.FIONREAD, struct.pack("i", 0))
    return int(struct.unpack("i", found)[0])


def _close_others(ours: set[int]) -> None:
    """Close what we inherited: an open connection, and its claims, would outlive the tick."""
    begin = 0
    for number in sorted(ours):
        if begin < number:  # Python takes an empty range for all
            os.closerange(begin, number)
        begin = number + 1
    os.closerange(begin, os.sysconf("SC_OPEN_MAX"))


def _pass_on(reader: int, output: int, tail: Tail) -> int:
    """Pass on one piece; how many bytes that was: 0 if no more can come."""
    piece = os.read(reader, _PIECE)
    tail.add(piece)
    left = memoryview(piece)
    while left:
        try:
            left = left[os.write(output, left) :]
        except BlockingIOError:
            select.select([], [output], [])
        except OSError:  # a full disk, or a reader that is gone: the job need not fail for it
            break
    return len(piece)
