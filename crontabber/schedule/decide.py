"""Decides whether a job is to be run now, and if not, why.

It is pure: the rows and the time come in, the decision comes out. ``now`` is the moment at
which the tick looked, so that a long tick judges its last jobs by the same time as its first.
"""

from datetime import datetime, timedelta

from .model import Decision, JobSpec, JobState, RunNow, Skip, SkipReason, States
from .plan import has_given_up, plan, replanned


def decide(
    job: JobSpec, state: JobState | None, states: States, now: datetime, *, force: bool = False
) -> Decision:
    """Decide about *job*, whose row is *state* (None: it has none), among all *states*.

    With *force* neither its time nor its parents count. One that is marked ongoing by
    a claim is to be claimed, even if it is not due: only a try to claim it shows whether
    its process lives (the advisory lock is the truth, the mark is for people).
    """
    if state and state.ongoing and state.claim:
        return RunNow()
    if state and marked_by_older(state, now, job.max_ongoing_age):
        return Skip(SkipReason.ONGOING, f"an older crontabber runs it since {state.ongoing}")
    return RunNow() if force else _by_plan(job, state, states, now)


def _by_plan(job: JobSpec, state: JobState | None, states: States, now: datetime) -> Decision:
    if state and has_given_up(job, state):
        what = f"on {state.next_slot} after {state.attempts} attempts; --retry tries it again"
        return Skip(SkipReason.GAVE_UP, what)
    planned = plan(job, state, now)
    if planned.due_at(job) > now:
        replan = replanned(job, state, now) if state else None
        return replan or Skip(SkipReason.NOT_DUE, f"until {planned.due_at(job)}")
    if blocked := blocked_by(job, states, planned.slot, now):
        return Skip(SkipReason.BLOCKED, blocked)
    return RunNow()


def marked_by_older(state: JobState, now: datetime, max_age: timedelta) -> bool:
    """Whether an older crontabber, which takes no lock, says that it is running the job.

    Its mark is respected for *max_age*. A mark of the future (a host whose
    clock is ahead) is fresh, not old.
    """
    if state.ongoing is None or state.claim is not None:
        return False
    return now - state.ongoing < max_age


def blocked_by(job: JobSpec, states: States, slot: datetime, now: datetime) -> str | None:
    """Why *job* may not run yet: the first parent that stands in the way.

    *slot* is its oldest open slot: *job* has waited since then.
    """
    for parent in job.depends_on:
        if fault := _fault(states.get(parent), slot, now):
            return f"{parent} {fault}"
    return None


def _fault(parent: JobState | None, slot: datetime, now: datetime) -> str | None:
    if parent is None:
        return "has never run"
    if parent.ongoing:
        return "is running"
    if parent.last_error:
        return "failed when it last ran"
    # it may only have been marked as successful
    ran = max(filter(None, (parent.last_run, parent.last_success)), default=None)
    if ran is None:
        return "has never run"
    # A parent that is due goes first. But one that ran since this slot came up is good
    # enough, or a child would wait for ever on a parent that is due at every tick.
    if parent.next_run and parent.next_run <= now and ran < slot:
        return "has not recently run"
    return None
