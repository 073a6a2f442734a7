"""Writes the log: one record of one line for each event."""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..errors import Redact
from ..schedule.model import JobSpec, Run, Skip, SkipReason
from . import Reporter
from .wording import (
    change_words,
    crash_line,
    duration_words,
    exception_line,
    message_line,
    slot_text,
)

if TYPE_CHECKING:
    from ..schedule.changes import Change

logger = logging.getLogger("crontabber")


class LogReporter(Reporter):
    """Writes to the logger ``crontabber``; *redact* takes secrets out of a text.

    A job for which *changes_only* is true logs an error when it begins to fail, and
    when it fails with another error; repeated failures are logged at INFO. For any other job,
    each failure is an error.

    Each record carries the name of the event as ``action``, and the job's ``app_name`` (empty
    if it is not about one job). Tracebacks are logged at DEBUG only: the tables have them.
    """

    def __init__(
        self, redact: Redact = str, changes_only: Callable[[JobSpec], bool] = lambda _: False
    ) -> None:
        self._redact = redact
        self._changes_only = changes_only
        self._told: Run | None = None
        """The run that the last change was about."""

    def started(self, job: JobSpec, run: Run) -> None:
        if logger.isEnabledFor(logging.DEBUG):
            self._log(logging.DEBUG, "started", job, f"begins{_for_slot(job, run)}")

    def succeeded(self, job: JobSpec, run: Run) -> None:
        if not logger.isEnabledFor(logging.INFO):  # the usual case, and wording takes time
            return
        what = f"succeeded{_for_slot(job, run)} in {duration_words(run.duration)}"
        self._log(logging.INFO, "succeeded", job, what)
        self._wrote(job, run)

    def changed(self, job: JobSpec, change: "Change") -> None:
        if not self._changes_only(job):
            return
        from ..schedule.changes import Event

        self._told = change.run
        well = change.event is Event.RECOVERED
        what = message_line(self._redact(change_words(job, change)))
        self._log(logging.WARNING if well else logging.ERROR, change.event.value, job, what)

    def failed(self, job: JobSpec, run: Run, error: BaseException | None) -> None:
        slot, told = _for_slot(job, run), run is self._told
        level = logging.INFO if self._changes_only(job) else logging.ERROR
        if error is None and not told:
            line = crash_line(run, self._redact)
            self._log(level, "crashed", job, f"crashed{slot}: {line}")
        elif error is not None and not told:
            line = exception_line(error, self._redact)
            self._log(level, "failed", job, f"failed{slot}: {line}")
        if error is None:
            return
        if run.error and run.error.traceback:
            self._log(logging.DEBUG, "failed", job, self._redact(run.error.traceback))
        self._wrote(job, run)

    def _wrote(self, job: JobSpec, run: Run) -> None:
        """Log what a command wrote; what a class writes has been passed on to our stderr."""
        if run.output and job.is_command and logger.isEnabledFor(logging.INFO):
            for line in filter(str.strip, run.output.splitlines()):
                self._log(logging.INFO, "wrote", job, f"wrote: {message_line(line)}")

    def skipped(self, job: JobSpec, skip: Skip) -> None:
        level = logging.DEBUG if skip.reason is SkipReason.NOT_DUE else logging.INFO
        what = f"is skipped: {skip.reason.value}, {skip.detail}"
        self._log(level, "skipped", job, message_line(what))

    def trouble(self, message: str) -> None:
        extra = {"action": "trouble", "app_name": ""}
        logger.critical("%s", message_line(self._redact(message)), extra=extra)

    def _log(self, level: int, action: str, job: JobSpec, what: str) -> None:
        extra = {"action": action, "app_name": job.app_name}
        logger.log(level, "%s %s", job.app_name, what, extra=extra)


def _for_slot(job: JobSpec, run: Run) -> str:
    """The slot of *run* in words, if the job is given its date; else empty."""
    return f" for {slot_text(job, run)}" if job.backfill else ""
