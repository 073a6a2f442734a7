"""The runs that are to come, as far as rows and schedules tell: what ``--preview`` shows.

Pure, and by the functions by which a tick plans. How long a run takes, and whether it fails,
is not known: a run is shown when it is due.
"""

import heapq
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice, takewhile
from typing import NamedTuple

from .backfill import next_date, wait_of_date
from .calendar import MOMENT, count_slots, slot_after, slots, slots_until
from .clockchange import clock_note
from .model import JobSpec, JobState, States
from .plan import Plan, has_given_up, in_force, plan, replanned, schedule_of


class Upcoming(NamedTuple):
    """A run that is to come."""

    job: JobSpec
    at: datetime
    """When it is due, in UTC; in the past if it is due already."""
    slot: datetime
    """The slot that it is about; the oldest of several open ones."""
    note: str = ""
    """What to know about it: a clock change, a retry, a pause."""


def upcoming(job: JobSpec, state: JobState | None, now: datetime) -> Iterator[Upcoming]:
    """The next runs of *job*, whose row is *state*, in their order and without end.

    There are none while it waits for a person: it gave up, or is paused without an end.
    """
    if state and (change := replanned(job, state, now)):
        state = change.state
    pause = state and state.pause
    paused = pause if pause and (pause.until is None or pause.until > now) else None
    if (state and has_given_up(job, state)) or (paused and paused.until is None):
        return
    planned = plan(job, state, now)
    last = planned.slot
    if paused and paused.until:
        first = _after_pause(job, planned, paused.until)
    elif state and state.ongoing:
        first = None
    else:
        first = _first(job, state, planned, now)
    if first:
        yield first
        last = first.slot
    counted_from = max(first.at if first else now, now)
    before = None
    for slot in slots(
        job.schedule, slot_after(job.schedule, last, counted_from, job.zone), job.zone
    ):
        note = clock_note(job.schedule, slot, job.zone, before)
        yield Upcoming(job, Plan(slot, slot).due_at(job), slot, note)
        before = slot


def preview(
    jobs: Sequence[JobSpec],
    states: States,
    now: datetime,
    *,
    count: int | None = None,
    until: datetime | None = None,
    asked: bool = False,
) -> list[Upcoming]:
    """The next runs of all *jobs* in their order: at most *count*, and none after *until*.

    With *asked* also the next date of each requested backfill: a tick does those when
    what is due by the schedules is done, so they come after it.
    """
    streams = [upcoming(job, states.get(job.app_name), now) for job in jobs]
    if asked:
        wanted = (each for job in jobs for each in _asked(job, states, now))
        streams.append(iter(sorted(wanted, key=lambda each: each.at)))
    merged = heapq.merge(*streams, key=lambda each: max(each.at, now))
    if until is not None:
        merged = takewhile(lambda each: each.at <= until, merged)  # type: ignore[assignment]
    return [*islice(merged, count)]


def _asked(job: JobSpec, states: States, now: datetime) -> Iterator[Upcoming]:
    """The next date of each requested backfill of *job*: a pause does not stop them."""
    state = states.get(job.app_name)
    if state is None or not job.backfill:
        return
    for asked in state.asked:
        if state.asked_slot and state.asked_slot == next_date(asked):
            continue  # it is running
        schedule, zone = schedule_of(asked.plan, job)
        number = sum(count_slots(schedule, first, last, zone) for first, last in asked.dates)
        dates = "1 date" if number == 1 else f"{number} dates"
        newest = ", the newest first" if asked.newest_first and number > 1 else ""
        note = f"backfill {asked.number}: {dates}{newest}, when nothing else is due"
        if wait := wait_of_date(job, asked, states, now):
            note += f"; waits: {wait}"
        yield Upcoming(job, max(now, asked.retry_at or now), next_date(asked), note)


def next_of_all(jobs: Sequence[JobSpec], states: States, now: datetime) -> Upcoming | None:
    """The first run that is due later than *now*: what is due already waits for something else."""
    found = preview(jobs, states, now, count=len(jobs) + 1)
    return next((each for each in found if each.at > now), None)


def _after_pause(job: JobSpec, planned: Plan, end: datetime) -> Upcoming:
    """The first run after a pause: a backfill app catches up, any other waits for its time."""
    note = "after its pause"
    if job.backfill and planned.due_at(job) <= end:
        return Upcoming(job, end, planned.slot, note)
    if planned.due_at(job) >= end:
        return Upcoming(job, planned.due_at(job), planned.slot, note)
    slot = slot_after(job.schedule, planned.slot, end - MOMENT, job.zone)
    return Upcoming(job, Plan(slot, slot).due_at(job), slot, note)


def _first(job: JobSpec, state: JobState | None, planned: Plan, now: datetime) -> Upcoming:
    due = planned.due_at(job)
    slot = planned.slot_at(job, state, max(due, now))
    if state and state.last_error and planned.slot <= now:
        return Upcoming(job, due, slot, f"try {state.attempts + 1}")
    if job.backfill and slot <= now:
        return Upcoming(job, due, slot, _open_dates(job, state, slot, now))
    schedule, zone = in_force(job, state)
    return Upcoming(job, due, slot, clock_note(schedule, slot, zone) if due == slot else "")


_MANY = 1000


def _open_dates(job: JobSpec, state: JobState | None, oldest: datetime, now: datetime) -> str:
    schedule, zone = in_force(job, state)
    passed = slots_until(schedule, oldest, now, zone)
    number = sum(1 for _ in islice(passed, _MANY))
    if number <= 1:
        return ""
    return f"{'more than ' if number == _MANY else ''}{number} dates, the oldest first"
