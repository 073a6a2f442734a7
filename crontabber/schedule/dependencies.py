"""Dependencies: whether the parents of a job have done what its slot needs.

Dependencies go by date. A backfill app may do a slot when each parent has done all that was due
up to that slot, even if it fails at a later one. A job without dates waits for parents that
failed, run, or have a slot open up to its own. Tick, claim, explanation and simulation all
call this.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from .calendar import MOMENT, slot_text
from .model import JobSpec, JobState, States


class Wait(NamedTuple):
    """A parent that stands in the way, and why."""

    parent: str
    fault: str

    def __str__(self) -> str:
        return f"{self.parent} {self.fault}"


def wait_of(job: JobSpec, states: States, slot: datetime, now: datetime) -> Wait | None:
    """The first parent for which *slot* of *job* has to wait; None: it is free.

    For a job without dates *slot* is its oldest open slot: it has waited since then.
    """
    return next(waits_of(job, states, slot, now), None)


def waits_of(job: JobSpec, states: States, slot: datetime, now: datetime) -> Iterator[Wait]:
    """All parents for which *slot* of *job* has to wait."""
    for parent in job.depends_on:
        if fault := _fault(job, states.get(parent), slot, now):
            yield Wait(parent, fault)


def free_until(job: JobSpec, states: States, now: datetime) -> datetime:
    """The last moment whose slot a backfill app may be given now; others wait for parents.

    It is *now* at the latest, as no date is in the future.
    """
    bounds = (_done_until(states.get(parent)) for parent in job.depends_on if job.backfill)
    return min((bound for bound in bounds if bound), default=now + MOMENT) - MOMENT


def has_done(parent: JobState, slot: datetime) -> bool:
    """Whether *parent* has done all that was due up to *slot*."""
    bound = _done_until(parent)
    return bound is None or bound > slot


def _fault(job: JobSpec, parent: JobState | None, slot: datetime, now: datetime) -> str | None:
    if parent is None:
        return "has never run"
    if job.backfill:
        return _fault_at_date(job, parent, slot)
    if parent.ongoing:
        return "is running"
    if parent.last_error:
        return "failed when it last ran"
    return _fault_of_idle(job, parent, slot, now)


def _fault_of_idle(job: JobSpec, parent: JobState, slot: datetime, now: datetime) -> str | None:
    # it may only have been marked as successful
    ran = max(filter(None, (parent.last_run, parent.last_success)), default=None)
    if ran is None:
        return "has never run"
    if parent.backfill and parent.next_slot:
        return None if parent.next_slot > slot else _undone(job, parent, slot)
    # A parent that is due goes first. But a run since this slot came up is good
    # enough, or a child would wait for ever for a parent that is due at every tick.
    if parent.next_run and parent.next_run <= now and ran < slot:
        return "is paused" if parent.pause else "has not recently run"
    return None


def _fault_at_date(job: JobSpec, parent: JobState, slot: datetime) -> str | None:
    if parent.last_error and not (parent.backfill and parent.last_success):
        return "failed when it last ran"
    if parent.last_success is None:
        return "is running" if parent.ongoing else "has never run"
    return None if has_done(parent, slot) else _undone(job, parent, slot)


def _undone(job: JobSpec, parent: JobState, slot: datetime) -> str:
    paused = "is paused, and " if parent.pause else ""
    return f"{paused}has not done {slot_text(slot, job.schedule, job.zone)}"


def _done_until(parent: JobState | None) -> datetime | None:
    """The first moment up to which *parent* has not done all that was due; None: unknown.

    A slot at or after that moment has to wait, an earlier one need not.
    """
    if parent is None:
        return None
    open_slot = parent.next_slot or parent.next_run  # an older crontabber knows no slots
    if parent.backfill or open_slot is None or parent.last_success is None:
        return open_slot
    # that it succeeded since a slot came up is good enough for that slot
    return max(open_slot, parent.last_success + MOMENT)
