"""What a command reads and writes: passed on at once, and kept nowhere."""

import os
import select
import selectors
import subprocess
from collections.abc import Callable
from typing import Any

from . import clock

Hear = Callable[[bytes], object]
"""Gets what a command wrote, piece by piece."""

_PIECE = 1 << 16


class Pipes:
    """The pipes of a process, which pass data as long as both ends are open."""

    def __init__(
        self, process: "subprocess.Popen[bytes]", stdout: Hear, stderr: Hear, input: bytes = b""
    ) -> None:
        self._selector = selectors.DefaultSelector()
        self._input = memoryview(input)
        """What is still to be written."""
        for pipe, hear in ((process.stdout, stdout), (process.stderr, stderr)):
            if pipe:
                self._selector.register(pipe, selectors.EVENT_READ, hear)
        if process.stdin:
            self._selector.register(process.stdin, selectors.EVENT_WRITE)

    @property
    def are_open(self) -> bool:
        """Whether anything may still come, or go."""
        return bool(self._selector.get_map())

    def pass_on(self, seconds: float) -> bool:
        """Pass on what comes within so many seconds; False if nothing does."""
        ready = self._selector.select(seconds)
        for key, _ in ready:
            if key.data is None:
                self._write(key.fileobj)
            elif piece := os.read(key.fd, _PIECE):
                key.data(piece)
            else:
                self._close(key.fileobj)
        return bool(ready)

    def pass_on_rest(self, seconds: float) -> None:
        """Pass on what was written until now, for so many seconds at most, and close the pipes."""
        ends = clock.monotonic() + seconds
        while self.are_open and (left := ends - clock.monotonic()) > 0 and self.pass_on(left):
            pass
        for key in [*self._selector.get_map().values()]:
            self._close(key.fileobj)
        self._selector.close()

    def _write(self, pipe: Any) -> None:
        try:
            written = os.write(pipe.fileno(), self._input[: select.PIPE_BUF])
        except BrokenPipeError:  # the command reads no more
            self._close(pipe)
            return
        self._input = self._input[written:]
        if not self._input:
            self._close(pipe)

    def _close(self, pipe: Any) -> None:
        self._selector.unregister(pipe)
        pipe.close()
