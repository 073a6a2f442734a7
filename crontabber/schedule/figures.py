"""What can be counted about one job: for graphs, and for alarms on them."""

from datetime import datetime, timedelta
from typing import NamedTuple

from .calendar import count_slots
from .dependencies import wait_of
from .health import is_due, waits_since
from .model import JobSpec, JobState, States
from .plan import in_force, plan


class Figures(NamedTuple):
    """The figures of one job."""

    open_slots: int
    """How many slots came up and are not done; at most one for an app that gets no dates."""
    late: timedelta
    """For how long it has been due, as `health` judges; zero if it is not, or if it is running."""
    blocked: bool
    """Whether it is due, and a parent stands in the way."""


def figures(job: JobSpec, states: States, now: datetime) -> Figures:
    """The figures of *job*."""
    state = states.get(job.app_name)
    planned = plan(job, state, now)
    due = is_due(job, states, now)
    slot = planned.slot_at(job, state, now)
    return Figures(
        open_slots=_open_slots(job, state, planned.slot, now),
        late=max(now - waits_since(job, states, now), timedelta()) if due else timedelta(),
        blocked=due and wait_of(job, states, slot, now) is not None,
    )


def _open_slots(job: JobSpec, state: JobState | None, first: datetime, now: datetime) -> int:
    if first > now:
        return 0
    if not job.backfill:
        return 1
    schedule, zone = in_force(job, state)
    return count_slots(schedule, first, now, zone)
