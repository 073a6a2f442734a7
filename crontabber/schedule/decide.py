"""Decides whether a job is to be run now, and if not, why.

It is pure: the rows and the time come in, the decision comes out. ``now`` is the moment at
which the tick looked, so that a long tick judges its last jobs by the same time as its first.
"""

from datetime import datetime, timedelta

from .dependencies import wait_of
from .missed import is_paused, passed_over, pause_text, unpaused
from .model import Decision, JobSpec, JobState, RunNow, Skip, SkipReason, States
from .plan import Plan, has_given_up, plan, replanned


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
    if state and state.pause:
        return _while_paused(job, state, now)
    if state and has_given_up(job, state):
        what = f"on {state.next_slot} after {state.attempts} attempts; --retry tries it again"
        return Skip(SkipReason.GAVE_UP, what)
    planned = plan(job, state, now)
    if planned.due_at(job) > now:
        replan = replanned(job, state, now) if state else None
        return replan or Skip(SkipReason.NOT_DUE, f"until {planned.due_at(job)}")
    return _open(job, state, planned, states, now)


def _open(
    job: JobSpec, state: JobState | None, planned: Plan, states: States, now: datetime
) -> Decision:
    """Its time has come: some slots may not be wanted any more, or a parent is to go first."""
    seen = state or JobState(job.app_name, next_run=planned.when, next_slot=planned.slot)
    if replan := passed_over(job, seen, now):
        return replan
    if wait := wait_of(job, states, planned.slot, now):
        return Skip(SkipReason.BLOCKED, str(wait), wait.parent)
    return RunNow()


def _while_paused(job: JobSpec, state: JobState, now: datetime) -> Decision:
    assert state.pause is not None, "asked of what is paused only"
    if not is_paused(state, now):
        return unpaused(job, state, now)
    until = state.pause.until
    return Skip(
        SkipReason.PAUSED,
        f"{pause_text(state.pause)}, {f'until {until}' if until else 'until it is resumed'}",
    )


def marked_by_older(state: JobState, now: datetime, max_age: timedelta) -> bool:
    """Whether an older crontabber, which takes no lock, says that it is running the job.

    Its mark is respected for *max_age*. A mark of the future (a host whose
    clock is ahead) is fresh, not old.
    """
    if state.ongoing is None or state.claim is not None:
        return False
    return now - state.ongoing < max_age
