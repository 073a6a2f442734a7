"""The end of what a run writes, if it is kept: a command's by itself, a class's by a recorder."""

from typing import TYPE_CHECKING, Any

from ..errors import Redact
from ..process.tail import kept
from ..schedule.model import JobSpec

if TYPE_CHECKING:
    from ..process.recorder import Recorder


class Output:
    """What the runs of a job write to stdout and stderr, one after the other."""

    def __init__(self, job: JobSpec, redact: Redact) -> None:
        self._job = job
        self._redact = redact
        self._recorder: Recorder | None = None
        self._last = b""

    def begin(self) -> None:
        """Record what is written from here on, if it is to be kept. May raise OSError."""
        self._last = b""
        if self._job.keep_output and not self._job.is_command:
            from ..process.recorder import Recorder

            self._recorder = Recorder(self._job.keep_output)

    def end(self) -> None:
        """Record no more."""
        if self._recorder:
            self._last = self._recorder.last()
            self._recorder.close()
            self._recorder = None

    def text(self, app: Any) -> str | None:
        """The end of what *app* wrote until now; None if that is nothing, or is not kept."""
        limit = self._job.keep_output
        if not limit or app is None:
            return None
        if self._job.is_command:
            return kept(app.output, limit, self._redact)
        last = self._recorder.last() if self._recorder else self._last
        return kept(last, limit, self._redact)
