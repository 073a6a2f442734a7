"""When a failed job is tried again."""

from datetime import datetime
from typing import NamedTuple

from .calendar import slot_after
from .model import JobSpec, JobState


class Advice(NamedTuple):
    """What the ``retry`` of an app says about a run that failed."""

    again: datetime | None
    """When to try again; None: not at all."""


def next_try(
    job: JobSpec, slot: datetime, started: datetime, advice: Advice | None = None
) -> datetime:
    """When to try *slot* again, after a run that began at *started* failed.

    Without *advice* that is ``error_retry_time`` after it began, cut to the second so that the
    jitter of cron does not cost a tick. With *advice* it is the time that this names. Both are
    limited by the job's own next slot, so that a failure never makes a job run later than it
    would have; only for a backfill app *advice* counts beyond it, as no date is lost by that.
    """
    upcoming = slot_after(job.schedule, slot, started, job.zone)
    if advice is None or advice.again is None:
        return min(started.replace(microsecond=0) + job.error_retry, upcoming)
    again = advice.again.replace(microsecond=0)
    return again if job.backfill else min(again, upcoming)


def attempts_at(state: JobState, slot: datetime, started: datetime) -> int:
    """How many runs of *slot* failed, with the one that began at *started*."""
    repeated = is_ahead(state, started) or (
        state.next_slot == slot and (state.last_run or started) >= slot
    )
    return state.attempts + 1 if repeated else 1


def is_ahead(state: JobState, started: datetime) -> bool:
    """Whether a run that began at *started* was ahead of the plan."""
    return state.next_slot is not None and state.next_slot > started
