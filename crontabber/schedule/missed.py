"""Slots that are passed over: too old, not the latest, or of a pause; and the spans that say so."""

from datetime import datetime
from typing import NamedTuple

from .calendar import MOMENT, count_slots, latest_slot, next_slot, slot_after
from .ledger import Span, Verdict
from .model import JobSpec, JobState, Missed, Pause, Replan, Run
from .plan import in_force, schedule_of
from .spread import offset_of

OURS = "crontabber"
"""Who caused it, if no person did."""


class Passing(NamedTuple):
    """Why slots are passed over."""

    verdict: Verdict
    reason: str
    at: datetime
    by: str = OURS


def is_paused(state: JobState, now: datetime) -> bool:
    """Whether a person has paused the job, and the pause lasts."""
    pause = state.pause
    return pause is not None and (pause.until is None or pause.until > now)


def unpaused(job: JobSpec, state: JobState, now: datetime) -> Replan:
    """The pause of *state* is over, by its time or by a person.

    A backfill app catches up; any other waits for the first slot after the pause.
    """
    assert state.pause is not None, "only what is paused can be resumed"
    end = min(state.pause.until or now, now)
    after, why = state._replace(pause=None), f"its pause ended at {end.isoformat()}"
    if job.backfill or state.next_slot is None or state.next_slot >= end:
        return Replan(after, why)
    passing = Passing(Verdict.PAUSED, pause_text(state.pause), now, state.pause.by or OURS)
    return _moved(job, after, end - MOMENT, passing)._replace(why=why)


def pause_text(pause: Pause) -> str:
    """Why it is paused, and by whom, for people."""
    by = f" by {pause.by}" if pause.by else ""
    return f"paused{by}{f': {pause.why}' if pause.why else ''}"


def passed_over(job: JobSpec, state: JobState, now: datetime) -> Replan | None:
    """The state without open slots that must not run any more; None if there are none.

    These are slots older than ``too_late``; and for a backfill app whose ``missed`` is
    ``latest`` all but the newest.
    """
    slot = state.next_slot
    if slot is None or slot > now:
        return None
    if late := _passed_too_late(job, state, slot, now):
        return late
    if not (job.backfill and job.missed is Missed.LATEST):
        return None
    schedule, zone = in_force(job, state)
    newest = latest_slot(schedule, slot, now, zone)
    if newest == slot:
        return None
    why = "it gets only the newest open date (missed=latest)"
    return _moved(job, state, newest - MOMENT, Passing(Verdict.PASSED_OVER, why, now))


def _passed_too_late(job: JobSpec, state: JobState, slot: datetime, now: datetime) -> Replan | None:
    too_late = job.too_late or (job.late if job.missed is Missed.NONE else None)
    if too_late is None:
        return None
    schedule, zone = in_force(job, state)
    # a job without dates is run for its latest slot
    judged = slot if job.backfill else latest_slot(schedule, slot, now, zone)
    limit = now - too_late - offset_of(job, judged)  # before that it was too early
    if judged >= limit:
        return None
    end = limit - MOMENT if job.backfill else judged
    why = f"its open slots were older than {too_late} (too_late)"
    return _moved(job, state, end, Passing(Verdict.TOO_LATE, why, now))


def _moved(job: JobSpec, state: JobState, end: datetime, passing: Passing) -> Replan:
    """Wait for the first slot after *end*; those up to it are passed over."""
    assert state.next_slot is not None, "slots are counted from the one that is open"
    schedule, zone = in_force(job, state)
    last, plan = latest_slot(schedule, state.next_slot, end, zone), state.plan or job.plan
    upcoming = next_slot(schedule, last, zone)
    if upcoming > passing.at and plan != job.plan:  # the old schedule has no slot open any more
        upcoming, plan = slot_after(job.schedule, last, passing.at, job.zone), job.plan
    spans = span_of(job, state, state.next_slot, end, passing)
    after = state._replace(
        next_slot=upcoming, next_run=upcoming, attempts=0, gave_up=False, plan=plan
    )
    return Replan(after, passing.reason, spans)


def passed_by_run(job: JobSpec, before: JobState, after: JobState, run: Run) -> tuple[Span, ...]:
    """The slots that a run of a job without dates replaced; and the one that it gave up."""
    slot, now = before.next_slot, run.started
    if job.backfill or slot is None or after.next_slot in (None, slot):
        return ()
    why = "a later slot was due too, and only the latest is run"
    passing = Passing(Verdict.PASSED_OVER, why, now)
    spans = span_of(job, before, slot, run.slot - MOMENT, passing)
    if run.error is None or (after.next_slot and after.next_slot <= run.slot):  # it is tried again
        return spans
    passing = Passing(Verdict.GIVEN_UP, "its retry gave up", now)
    return (*spans, *span_of(job, before, run.slot, run.slot, passing))


def span_of(
    job: JobSpec, state: JobState, first: datetime, end: datetime, passing: Passing
) -> tuple[Span, ...]:
    """The span of the slots from *first* up to *end*, in a tuple; an empty one if there are none.

    They are counted by the schedule by which *state* waits; *first* is such a slot.
    """
    if first > end:
        return ()
    schedule, zone = in_force(job, state)
    last, slots = latest_slot(schedule, first, end, zone), count_slots(schedule, first, end, zone)
    verdict, reason, at, by = passing
    plan = state.plan or job.plan
    return (Span(job.app_name, first, last, slots, verdict, reason, plan, by, at),)


def number_of(job: JobSpec, plan: str, first: datetime, last: datetime) -> int:
    """How many slots there are from *first* to *last*, both included, by *plan*."""
    schedule, zone = schedule_of(plan, job)
    return count_slots(schedule, first, last, zone)
