"""Logs what a command prints, line by line, marked with the job."""

import codecs
import contextlib
import io
import logging
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...errors import Redact
from ...process.tail import Tail
from ...views.text import escaped

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_logger = logging.getLogger("crontabber.output")


class LogStream(io.TextIOBase):
    """Takes text as a file does, and logs each line of it at *level*.

    While a line is logged, ``sys.stdout`` and ``sys.stderr`` are the real ones again, because
    a handler may write to them.
    """

    encoding = "utf-8"

    def __init__(
        self, name: str, level: int, redact: Redact = str, kept: Tail | None = None
    ) -> None:
        self._name = name
        self._kept = kept
        self._level = level
        self._redact = redact
        self._line = ""
        self.buffer = _Bytes(self)
        self._behind = (sys.stdout, sys.stderr)

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, text: str) -> int:
        """Log the lines that are complete; the rest waits until its line is complete."""
        if self._kept:
            self._kept.add(text.encode(self.encoding, "backslashreplace"))
        *lines, self._line = (self._line + text).split("\n")
        for line in lines:
            self._log(line)
        return len(text)

    def finish(self) -> None:
        """Log the last line, if it had no end."""
        self.buffer.finish()
        line, self._line = self._line, ""
        if line:
            self._log(line)

    def _log(self, line: str) -> None:
        extra = {"action": "output", "app_name": self._name}
        text = escaped(self._redact(line.rstrip("\r")))
        out, err = self._behind
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            _logger.log(self._level, "%s: %s", self._name, text, extra=extra)


class _Bytes(io.BufferedIOBase):
    """Takes bytes for a stream of text, as ``sys.stdout.buffer`` does."""

    def __init__(self, stream: LogStream) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(stream.encoding)("backslashreplace")

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, data: "ReadableBuffer") -> int:
        """Pass on the characters that are complete."""
        given = bytes(data)
        self._stream.write(self._decoder.decode(given))
        return len(given)

    def finish(self) -> None:
        """Pass on the bytes of a character that was not complete."""
        self._stream.write(self._decoder.decode(b"", final=True))


@contextlib.contextmanager
def logged_output(
    name: str, redact: Redact = str, kept: Tail | None = None
) -> Iterator[tuple[LogStream, LogStream]]:
    """Log what Python code prints within this context: stdout at INFO, stderr at WARNING.

    *kept* gets its end, too. The output of child processes is not logged; it goes where it
    always goes.
    """
    out = LogStream(name, logging.INFO, redact, kept)
    err = LogStream(name, logging.WARNING, redact, kept)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            yield out, err
    finally:
        out.finish()
        err.finish()
