"""Decides whether a job is to be run now, and if not, why.

It is pure: the rows and the time come in, the decision comes out. ``now`` is the moment at
which the tick looked, so that a long tick judges its last jobs by the same time as its first.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from .calendar import local_text
from .dependencies import wait_of
from .missed import is_paused, passed_over, pause_text, unpaused
from .model import Decision, JobSpec, JobState, RunNow, Skip, SkipReason, States
from .plan import Plan, has_given_up, plan, replanned


class Case(NamedTuple):
    """A job to decide about, and all that counts for that."""

    job: JobSpec
    state: JobState | None
    """Its row; None: it has none."""
    planned: Plan
    """What it waits for."""
    states: States
    now: datetime


Test = Callable[[Case], Decision | None]
"""A check: the decision if it fails, and None if it passes."""


def decide(
    job: JobSpec, state: JobState | None, states: States, now: datetime, *, force: bool = False
) -> Decision:
    """Decide about *job*, whose row is *state* (None: it has none), among all *states*.

    With *force* neither its time nor its parents count. A job that is marked ongoing by
    a claim is to be claimed, even if it is not due: only claiming it shows whether
    its process lives (the advisory lock is the truth, the mark is for people).
    """
    if state and state.ongoing and state.claim:
        return RunNow()
    case = case_of(job, state, states, now)
    for _, test in CHECKS[:1] if force else CHECKS:
        if decision := test(case):
            return decision
    return RunNow()


def case_of(job: JobSpec, state: JobState | None, states: States, now: datetime) -> Case:
    """What there is to decide about *job*."""
    return Case(job, state, plan(job, state, now), states, now)


def _is_unmarked(case: Case) -> Decision | None:
    state = case.state
    if state and marked_by_older(state, case.now, case.job.max_ongoing_age):
        return Skip(SkipReason.ONGOING, f"an older crontabber runs it since {state.ongoing}")
    return None


def _is_not_paused(case: Case) -> Decision | None:
    state = case.state
    if state is None or state.pause is None:
        return None
    if not is_paused(state, case.now):
        return unpaused(case.job, state, case.now)
    until, why = state.pause.until, pause_text(state.pause).removeprefix("paused ")
    end = local_text(until, case.job.zone) if until else "it is resumed"
    return Skip(SkipReason.PAUSED, f"{why}, until {end}")


def _may_be_tried(case: Case) -> Decision | None:
    """It has not given up, and does not wait for a retry."""
    state = case.state
    if state and has_given_up(case.job, state):
        what = f"on {state.next_slot} after {state.attempts} attempts; --retry tries it again"
        return Skip(SkipReason.GAVE_UP, what)
    return _not_due(case) if case.planned.slot <= case.now else None


def _is_due(case: Case) -> Decision | None:
    return _not_due(case) if case.planned.slot > case.now else None


def _not_due(case: Case) -> Decision | None:
    due = case.planned.due_at(case.job)
    if due <= case.now:
        return None
    replan = replanned(case.job, case.state, case.now) if case.state else None
    return replan or Skip(SkipReason.NOT_DUE, f"until {due}")


def _is_wanted(case: Case) -> Decision | None:
    """None of its open slots are to be passed over."""
    planned = case.planned
    seen = case.state or JobState(case.job.app_name, next_run=planned.when, next_slot=planned.slot)
    return passed_over(case.job, seen, case.now)


def _is_free(case: Case) -> Decision | None:
    """No parent has to go first."""
    wait = wait_of(case.job, case.states, case.planned.slot, case.now)
    return wait and Skip(SkipReason.BLOCKED, str(wait), wait.parent)


CHECKS: tuple[tuple[str, Test], ...] = (
    ("mark", _is_unmarked),
    ("pause", _is_not_paused),
    ("retry", _may_be_tried),
    ("schedule", _is_due),
    ("missed", _is_wanted),
    ("parent", _is_free),
)
"""All checks between a job and its run, by name, in the order in which they are made.

The first that fails decides; `crontabber.schedule.explain` says all of them.
"""


def marked_by_older(state: JobState, now: datetime, max_age: timedelta) -> bool:
    """Whether an older crontabber, which takes no lock, has marked the job as running.

    Its mark is respected for *max_age*. A mark in the future (a host whose
    clock is ahead) is fresh.
    """
    if state.ongoing is None or state.claim is not None:
        return False
    return now - state.ongoing < max_age
