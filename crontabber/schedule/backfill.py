"""Requested backfills: which date is next, and what becomes of its run.

They have a cursor of their own and never move ``next_slot``. Their dates are always before
that, so no date is done by both.
"""

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from .asked import AskedBackfill, Dates, Row
from .calendar import MOMENT, latest_slot, local_text, next_slot
from .dependencies import wait_of
from .grammar import Schedule
from .ledger import Span, Verdict
from .missed import Passing, span_of
from .model import JobSpec, JobState, Run, States
from .plan import schedule_of
from .retry import Advice, next_try

_LONGEST = 200
"""How many characters of an error are kept: the log has all of it."""


def next_asked(
    job: JobSpec, state: JobState, states: States, now: datetime
) -> AskedBackfill | None:
    """The backfill of which *job* may do a date now: see `next_date`."""
    for asked in state.asked if job.backfill else ():
        if may_be_tried(asked, now) and wait_of_date(job, asked, states, now) is None:
            return asked
    return None


def may_be_tried(asked: AskedBackfill, now: datetime) -> bool:
    """Whether its next date did not fail, or is to be tried again by now."""
    return asked.retry_at is None or asked.retry_at <= now


def failing(state: JobState) -> AskedBackfill | None:
    """The first backfill whose next date failed, and is not done since."""
    return next((each for each in state.asked if each.attempts), None)


def next_date(asked: AskedBackfill) -> datetime:
    """Its oldest date that is not done, or its newest if that is to be first."""
    return asked.dates[-1][1] if asked.newest_first else asked.dates[0][0]


def wait_of_date(job: JobSpec, asked: AskedBackfill, states: States, now: datetime) -> str | None:
    """Why the next date of *asked* has to wait for a parent; None: it need not.

    It waits for dates that a person asked the parent for, too, by the same backfill or another.
    """
    date = next_date(asked)
    schedule, zone = schedule_of(asked.plan, job)
    since = _before(schedule, date, zone)
    for parent in job.depends_on:
        state = states.get(parent)
        if state and any(
            since < last and first <= date for other in state.asked for first, last in other.dates
        ):
            return f"{parent} has not done {local_text(date, zone)} yet"
    wait = wait_of(job, states, date, now)
    return None if wait is None else str(wait)


def _before(schedule: Schedule, date: datetime, zone: ZoneInfo) -> datetime:
    """The slot before *date*, or an earlier moment of the same period."""
    return latest_slot(schedule, date - 2 * schedule.frequency.period, date - MOMENT, zone)


def done(
    job: JobSpec, state: JobState, started: datetime, ended: datetime
) -> tuple[JobState, tuple[Span, ...]]:
    """A date of a requested backfill is done, by a run that began at *started*.

    The claim is kept for the next date, but not by jobs that go date by date with others, nor by
    those with parents, which may have been asked for dates meanwhile; nor if a slot of the
    schedule has come up: that goes first.
    """
    asked = asked_of(state)
    if asked is None:  # it was cancelled during the run
        return _idle(state, started), ()
    rest = _without(job, asked)
    after = _replaced(state, asked.number, rest)._replace(last_run=started)
    due = state.next_slot is not None and state.next_slot <= ended
    if rest is None or asked.chained or job.depends_on or due:
        spans = () if rest else backfilled(job, state, asked, asked.wanted, ended)
        return _idle(after, started), spans
    return after._replace(asked_slot=next_date(rest)), ()


def backfilled(
    job: JobSpec, state: JobState, asked: AskedBackfill, rows: Dates, now: datetime
) -> tuple[Span, ...]:
    """What the ledger is to say of *rows* of dates, which were done: it outlives the log."""
    passing = Passing(Verdict.BACKFILLED, f"backfill {asked.number}", now, asked.by)
    planned = state._replace(plan=asked.plan)
    spans = (span_of(job, planned, first, last, passing) for first, last in rows)
    return tuple(span for each in spans for span in each)


def failed(
    job: JobSpec, state: JobState, run: Run, advice: Advice | None
) -> tuple[JobState, tuple[Span, ...]]:
    """*run*, of a date of a requested backfill, failed: it is tried again, or given up."""
    asked, spans = asked_of(state), tuple[Span, ...]()
    if asked is None:
        return _idle(state, run.started), ()
    if advice is not None and advice.again is None:
        asked = asked._replace(wanted=tuple(_rows_without(job, asked, run.slot)))
        rest = _without(job, asked)
        passing = Passing(Verdict.GIVEN_UP, "its retry gave up", run.started)
        spans = span_of(job, state._replace(plan=asked.plan), run.slot, run.slot, passing)
        if rest is None:
            spans += backfilled(job, state, asked, asked.wanted, run.started)
    else:
        error = (run.error.value or run.error.type) if run.error else ""
        rest = asked._replace(
            attempts=asked.attempts + 1,
            retry_at=next_try(job, run.slot, run.started, advice),
            error=error[:_LONGEST],
        )
    return _idle(_replaced(state, asked.number, rest), run.started), spans


def asked_of(state: JobState) -> AskedBackfill | None:
    """The backfill that the ongoing run of *state* is of; None if it was cancelled."""
    return next((each for each in state.asked if next_date(each) == state.asked_slot), None)


def _idle(state: JobState, started: datetime) -> JobState:
    return state._replace(last_run=started, ongoing=None, claim=None, asked_slot=None)


def _without(job: JobSpec, asked: AskedBackfill) -> AskedBackfill | None:
    """What is left when its next date is done; None if that was the last."""
    schedule, zone = schedule_of(asked.plan, job)
    first, last = asked.dates[-1 if asked.newest_first else 0]
    if asked.newest_first:
        rest = [(first, latest_slot(schedule, first, last - MOMENT, zone))] if first < last else []
        dates = (*asked.dates[:-1], *rest)
    else:
        rest = [(next_slot(schedule, first, zone), last)] if first < last else []
        dates = (*rest, *asked.dates[1:])
    return asked._replace(dates=dates, attempts=0, retry_at=None, error="") if dates else None


def _rows_without(job: JobSpec, asked: AskedBackfill, slot: datetime) -> Iterator[Row]:
    """All that *asked* was to do but *slot*, which it gave up: the ledger says that."""
    schedule, zone = schedule_of(asked.plan, job)
    for first, last in asked.wanted:
        if not first <= slot <= last:
            yield first, last
            continue
        if first < slot:
            yield first, latest_slot(schedule, first, slot - MOMENT, zone)
        if slot < last:
            yield next_slot(schedule, slot, zone), last


def _replaced(state: JobState, number: int, rest: AskedBackfill | None) -> JobState:
    asked = (rest if each.number == number else each for each in state.asked)
    return state._replace(asked=tuple(each for each in asked if each is not None))
