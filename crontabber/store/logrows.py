"""From the rows of the log to runs."""

from datetime import timedelta

from ..schedule.calendar import floor_minute
from ..schedule.model import LastError, Outcome, Run
from ..schedule.transition import CRASHED
from .rows import Row


def run_of(row: Row) -> Run:
    """A row of the log, in the order of ``run_columns``, as a `Run`."""
    app_name, slot, log_time, duration, success, host, exc_type, exc_value, stack, output = row
    error = None if exc_type is None else LastError(exc_type, exc_value or "", stack or "")
    if error:
        outcome = Outcome.CRASHED if error.type == CRASHED else Outcome.FAILED
    else:
        outcome = Outcome.MARKED if success and duration is None else Outcome.SUCCEEDED
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
