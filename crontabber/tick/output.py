"""The end of what a run writes, if it is kept: a command's by itself, a class's by a recorder."""

from typing import TYPE_CHECKING, Any

from ..errors import Redact
from ..process.tail import kept

if TYPE_CHECKING:
    from ..process.recorder import Recorder


class Output:
    """What one run writes to stdout and stderr, up to *limit* bytes of it."""

    def __init__(self, limit: int, redact: Redact) -> None:
        self._limit = limit
        self._redact = redact
        self._recorder: Recorder | None = None
        self._last = b""

    def begin(self) -> None:
        """Record what is written from here on, if it is to be kept. May raise OSError."""
        self._last = b""
        if self._limit:
            from ..process.recorder import Recorder

            self._recorder = Recorder(self._limit)

    def end(self) -> None:
        """Record no more."""
        if self._recorder:
            self._last = self._recorder.last()
            self._recorder.close()
            self._recorder = None

    def text(self, app: Any) -> str | None:
        """The end of what *app* wrote until now; None if that is nothing, or is not kept."""
        if getattr(type(app), "is_command", False):
            return kept(app.output, app.options.keep_output, self._redact)
        if not self._limit:
            return None
        last = self._recorder.last() if self._recorder else self._last
        return kept(last, self._limit, self._redact)
