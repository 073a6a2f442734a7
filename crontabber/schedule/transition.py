"""How what is remembered of a job changes when it is claimed, succeeds, fails or crashes."""

from datetime import datetime

from ..errors import JobCrashed
from . import backfill
from .calendar import floor_minute, latest_slot, next_slot, slot_after
from .ledger import Span
from .missed import passed_by_run
from .model import Claim, JobSpec, JobState, LastError, Outcome, Run
from .plan import Plan, in_force, is_by_schedule, plan
from .retry import Advice, attempts_at, is_ahead, next_try

CRASHED = repr(JobCrashed)
"""The type under which a crash is recorded."""


def noticed(job: JobSpec, now: datetime) -> JobState:
    """*job* is seen for the first time; its first slot is written down, so that it is not lost."""
    return _planned(job, None, now)


def claimed(
    job: JobSpec, state: JobState | None, claim: Claim, now: datetime | None = None
) -> JobState:
    """*job* is claimed; its open slot is written down, so that a crash cannot lose it.

    *now* is the moment of the decision to run it, if that was earlier than the claim: the first
    slot of a new job is that of this moment.
    """
    state = _planned(job, state, now or claim.time)
    return state._replace(
        first_run=state.first_run or claim.time,
        ongoing=claim.time,
        claim=claim,
        waits_for=None,
        waits_since=None,
    )


def _planned(job: JobSpec, state: JobState | None, now: datetime) -> JobState:
    planned = plan(job, state, now)
    state = state or JobState(job.app_name, first_slot=planned.slot)
    never_ran = state.last_run is None and state.last_success is None
    return state._replace(
        first_slot=planned.slot if never_ran else state.first_slot,
        next_run=planned.when,
        next_slot=planned.slot,
        depends_on=job.depends_on,
        class_path=job.class_path,
        plan=state.plan or job.plan,
        backfill=job.backfill,
    )


def released(state: JobState) -> JobState:
    """The claim is given back."""
    return state._replace(ongoing=None, claim=None, asked_slot=None)


def withdrawn(state: JobState) -> JobState:
    """The claim is given back before a run began by it."""
    first_run = state.first_run if state.last_run else None  # that is still to come
    return released(state._replace(first_run=first_run))


def succeeded(
    job: JobSpec,
    state: JobState,
    slot: datetime,
    started: datetime,
    horizon: datetime,
    until: datetime | None = None,
) -> JobState:
    """*slot* is done, by a run that began at *started*.

    A backfill app with slots open up to *horizon*, the moment of its claim, keeps the claim
    and continues; slots that came up later wait for the next tick, so that a slow job ends.
    Those after *until* wait too: for its parents, or for its turn.
    """
    upcoming, plan_text = _upcoming(job, state, slot, horizon)
    after = state._replace(
        next_run=upcoming,
        next_slot=upcoming,
        last_run=started,
        last_success=slot if job.backfill else started,
        error_count=0,
        last_error=None,
        attempts=0,
        gave_up=False,
        plan=plan_text,
        told=None,
    )
    is_due = Plan(upcoming, upcoming).due_at(job) <= horizon
    goes_on = job.backfill and is_due and upcoming <= (until or upcoming)
    return after if goes_on else released(after)


def _upcoming(
    job: JobSpec, state: JobState, slot: datetime, horizon: datetime
) -> tuple[datetime, str]:
    """The slot to wait for after *slot*, and the plan by which it is computed."""
    by_schedule = is_by_schedule(job, state)
    may_stay = not job.backfill and state.plan is not None and by_schedule
    if may_stay and state.next_slot and state.next_slot > slot:
        return state.next_slot, job.plan  # a run ahead of the plan does not move it
    schedule, zone = in_force(job, state)
    upcoming = next_slot(schedule, slot, zone)
    if by_schedule:
        return upcoming, job.plan
    if job.backfill and upcoming <= horizon and state.plan:
        return upcoming, state.plan  # the old schedule counts until its slots are done
    return slot_after(job.schedule, slot, horizon, job.zone), job.plan


def failed(
    job: JobSpec,
    state: JobState,
    slot: datetime,
    started: datetime,
    error: LastError,
    advice: Advice | None = None,
) -> JobState:
    """*slot* was tried by a run that began at *started*, and stays open.

    *advice* is what the app's own ``retry`` says; if it gives up, a job waits for its
    next slot, and a backfill app stays at this one.
    """
    if advice and advice.again is None and not job.backfill:
        after = _given_up(job, state, slot, started)
    else:
        ahead = state.next_slot if is_ahead(state, started) else None
        when = next_try(job, slot, started, advice)
        after = state._replace(
            next_run=min(when, ahead) if ahead else when,
            next_slot=ahead or slot,
            attempts=attempts_at(state, slot, started),
            gave_up=advice is not None and advice.again is None,
        )
    return _with_error(after, started, error)


def _given_up(job: JobSpec, state: JobState, slot: datetime, now: datetime) -> JobState:
    """A job that is not backfill waits for the slot after *slot*."""
    upcoming, plan_text = _upcoming(job, state, slot, now)
    return state._replace(next_run=upcoming, next_slot=upcoming, plan=plan_text, attempts=0)


def _with_error(state: JobState, began: datetime, error: LastError) -> JobState:
    count = state.error_count + 1
    return released(state._replace(last_run=began, error_count=count, last_error=error))


def tried_again(state: JobState, now: datetime) -> JobState:
    """A person asks the next tick to retry what failed: the slot, and requested dates."""
    asked = tuple(each._replace(retry_at=None) for each in state.asked)
    state = released(state._replace(asked=asked))
    return state._replace(next_run=now, attempts=0, gave_up=False) if state.last_error else state


def run_at(state: JobState, moment: datetime) -> JobState:
    """A person says when the job runs next; its slots stay as planned."""
    return withdrawn(state._replace(next_run=moment))


def marked_successful(
    job: JobSpec, state: JobState, moment: datetime, now: datetime | None = None
) -> JobState:
    """A person marks *job*, *now*, as having succeeded at *moment*, by default now.

    - Its error is forgotten, and it waits for the first slot after *moment*.
    - For a backfill app the slots up to then are closed: it never gets those dates.
    - A slot that is done is not opened again, so a *moment* before the last success changes
      no slot.
    - The slots of a job that never succeeded are counted from *moment*.
    - The time of its last run stays, as this is none.
    - An edited schedule counts from now on, once no slot of the old one is open.
    """
    planned = plan(job, state, moment)
    slot, plan_text, done = planned.slot, state.plan or job.plan, moment
    if slot <= moment:
        schedule, zone = in_force(job, state)
        last = latest_slot(schedule, slot, moment, zone)
        slot, now = next_slot(schedule, last, zone), now or moment
        if slot > now:  # none is open
            slot, plan_text = slot_after(job.schedule, last, now, job.zone), job.plan
        done = last if job.backfill else moment
    elif state.last_success is None:
        slot, plan_text = slot_after(job.schedule, moment, moment, job.zone), job.plan
    elif job.backfill:
        done = state.last_success
    return withdrawn(
        state._replace(
            next_run=slot,
            next_slot=slot,
            last_success=max(done, state.last_success or done),
            error_count=0,
            last_error=None,
            attempts=0,
            gave_up=False,
            plan=plan_text,
        )
    )


def marked_slot(job: JobSpec, state: JobState, after: JobState, moment: datetime) -> datetime:
    """The slot that is done by marking *job* at *moment*, which led from *state* to *after*."""
    if job.backfill:
        return after.last_success or moment
    return plan(job, state, moment).slot_at(job, state, moment)


def crashed(job: JobSpec, state: JobState, now: datetime, advice: Advice | None = None) -> JobState:
    """The process that had the claim is gone; its slot is open, and due at once.

    From the second crash in a row on it waits ``error_retry_time``, or what *advice* says,
    so that a job which takes its process down does not do so in every tick.
    """
    if state.asked_slot:
        return backfill.failed(job, state, crash_of(job, state), advice)[0]
    again = state.last_error is not None and state.last_error.type == CRASHED
    began, slot = state.ongoing or now, crashed_slot(job, state)
    gives_up = advice is not None and advice.again is None
    if gives_up and not job.backfill:
        after = _given_up(job, state, slot, now)
    else:
        at_once = min(now, state.next_run or now)
        after = state._replace(
            next_run=next_try(job, began, now, advice) if again else at_once,
            next_slot=state.next_slot and max(state.next_slot, slot),
            attempts=attempts_at(state, slot, began),
            gave_up=gives_up,
        )
    return _with_error(after, began, LastError(CRASHED, _last_words(state), ""))


def passed_by_crash(
    job: JobSpec, state: JobState, after: JobState, advice: Advice | None = None
) -> tuple[Span, ...]:
    """The slots that are passed over because *advice* gives up; `crashed` led to *after*."""
    if state.asked_slot:
        return backfill.failed(job, state, crash_of(job, state), advice)[1]
    return passed_by_run(job, state, after, crash_of(job, state))


def crash_of(job: JobSpec | None, state: JobState) -> Run:
    """The record of the run that crashed; *job* is None if it is not configured any more."""
    slot = crashed_slot(job, state)
    host = state.claim.host if state.claim else ""
    error = LastError(CRASHED, _last_words(state), "")
    return Run(state.app_name, slot, state.ongoing or slot, None, Outcome.CRASHED, host, error)


def crashed_slot(job: JobSpec | None, state: JobState) -> datetime:
    """The slot that the crashed run was about; see `Plan.slot_at`."""
    began = state.ongoing or state.next_slot
    assert began is not None, "a crash is found by its mark"
    slot = state.asked_slot or state.next_slot
    if slot is None or slot > began:
        return floor_minute(began)
    if job is None or job.backfill:
        return slot
    schedule, zone = in_force(job, state)
    return latest_slot(schedule, slot, began, zone)


def _last_words(state: JobState) -> str:
    who = state.claim or "an older crontabber"
    return f"{who} began at {state.ongoing:%Y-%m-%d %H:%M:%S %Z} and did not finish"
