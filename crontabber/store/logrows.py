"""From the rows of the log to runs."""

import functools
from datetime import datetime, timedelta, timezone

from ..schedule.calendar import floor_minute
from ..schedule.history import Trace
from ..schedule.model import LastError, Outcome, Run
from ..schedule.transition import CRASHED
from .rows import Row


def run_of(row: Row) -> Run:
    """A row of the log, in the order of ``run_columns``, as a `Run`."""
    app_name, slot, log_time, duration, success, host, exc_type, exc_value, stack, output = row
    error = None if exc_type is None else LastError(exc_type, exc_value or "", stack or "")
    outcome = _outcome(exc_type, success, duration)
    started = log_time - (duration or timedelta())
    return Run(
        app_name,
        slot or floor_minute(started),
        started,
        duration,
        outcome,
        host or "",
        error,
        output,
    )


def trace_of(row: Row) -> Trace:
    """A row of ``runs_since`` as a `Trace`."""
    _, ended, duration, success, exc_type, number = row
    return Trace(ended, duration, _outcome(exc_type, success, duration), number)


@functools.lru_cache(1024)
def traces_of(text: str) -> tuple[Trace, ...]:
    """The text of ``recent_runs``; kept, as most jobs did not run since they were looked at."""
    return tuple(_trace_in(part) for part in text.split("/"))


def _trace_in(text: str) -> Trace:
    ended, seconds, success, kind = text.split("|")
    duration = timedelta(seconds=float(seconds)) if seconds else None
    return Trace(
        datetime.fromtimestamp(float(ended), timezone.utc),
        duration,
        _outcome(kind or None, success == "t", duration),
    )


def _outcome(exc_type: str | None, success: bool, duration: timedelta | None) -> Outcome:
    if exc_type is not None:
        return Outcome.CRASHED if exc_type == CRASHED else Outcome.FAILED
    return Outcome.MARKED if success and duration is None else Outcome.SUCCEEDED
