"""What a job waits for: the time of its next run, and the slot that the run is about."""

from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from ..errors import JobLineError
from .calendar import first_slot, floor_minute, latest_slot, next_slot, slot_after
from .grammar import Schedule
from .model import JobSpec, JobState, Replan, plan_text
from .spread import offset_of


class Plan(NamedTuple):
    """When to try next, and what."""

    when: datetime
    slot: datetime

    def due_at(self, job: JobSpec) -> datetime:
        """When it is due; a backfill app never gets a date in the future.

        The ``spread`` of a job delays its slots, but not a retry, or what a person set by hand.
        """
        if self.when == self.slot:
            return self.slot + offset_of(job, self.slot) if job.spread else self.slot
        return max(self.when, self.slot) if job.backfill else self.when

    def slot_at(self, job: JobSpec, state: JobState | None, now: datetime) -> datetime:
        """The slot to run, if it is run now.

        A backfill app gets the oldest that is open; any other runs once for all slots that
        it missed, for the latest. A run ahead of the plan (forced, or ``next_run`` was
        set by hand) is about this minute.
        """
        if self.slot > now:
            return floor_minute(now)
        if job.backfill:
            return self.slot
        schedule, zone = in_force(job, state)
        return latest_slot(schedule, self.slot, now, zone)


def plan(job: JobSpec, state: JobState | None, now: datetime) -> Plan:
    """What *job* waits for, by its row."""
    if state is None or _begins_at_start(job, state):
        slot = _first(job, now)
        return Plan(slot, slot)
    if state.next_slot is None:
        return _inherited(job, state, now)
    return Plan(state.next_run or state.next_slot, state.next_slot)


def _begins_at_start(job: JobSpec, state: JobState) -> bool:
    """Whether ``start`` says where the dates of *job* begin, as it never ran."""
    if not (job.backfill and job.start):
        return False
    return state.last_run is None and state.last_success is None and state.ongoing is None


def _first(job: JobSpec, now: datetime) -> datetime:
    """The slot of a job that never ran."""
    if not (job.backfill and job.start):
        return first_slot(job.schedule, now, job.zone)
    slot = first_slot(job.schedule, job.start, job.zone)
    return slot if slot >= job.start else next_slot(job.schedule, slot, job.zone)


def has_given_up(job: JobSpec, state: JobState) -> bool:
    """Whether *job* stays at its open slot, without trying it, until a person steps in."""
    return job.backfill and state.gave_up


def _inherited(job: JobSpec, state: JobState, now: datetime) -> Plan:
    """The plan of a row that an older crontabber wrote, which has no slot."""
    if job.backfill:
        slot = _open_slot(job, state, now)
    elif state.next_run:
        slot = floor_minute(state.next_run)
    else:
        slot = first_slot(job.schedule, now, job.zone)
    return Plan(state.next_run or slot, slot)


def _open_slot(job: JobSpec, state: JobState, now: datetime) -> datetime:
    """The first date that a backfill app has not done, by an older crontabber's row."""
    if state.last_success:
        return next_slot(job.schedule, floor_minute(state.last_success), job.zone)
    began = state.first_run or state.next_run or now
    return min(first_slot(job.schedule, began, job.zone), floor_minute(began))


def in_force(job: JobSpec, state: JobState | None) -> tuple[Schedule, ZoneInfo]:
    """The schedule by which the open slots of *job* are counted.

    That is the one in its row as long as slots of it are open: an edited schedule
    counts from now on, and invents no past slots.
    """
    if state and state.plan and not is_by_schedule(job, state):
        return schedule_of(state.plan, job)
    return job.schedule, job.zone


def schedule_of(text: str, job: JobSpec) -> tuple[Schedule, ZoneInfo]:
    """The schedule that a plan, *text*, remembers, and its zone."""
    try:
        schedule, zone = _read(text)
        return schedule, ZoneInfo(zone) if zone else job.zone
    except (JobLineError, KeyError, ValueError, OSError):
        return job.schedule, job.zone  # a zone that this host does not know: the new one has to do


def is_by_schedule(job: JobSpec, state: JobState) -> bool:
    """Whether *state* waits by the present schedule of *job*, or remembers no schedule.

    It may be remembered in another form, such as ``24h|3:00`` for ``1d|03:00``.
    """
    return state.plan in (None, job.plan) or _normal(state.plan) == job.plan


def _normal(text: str) -> str:
    try:
        return plan_text(*_read(text))
    except JobLineError:
        return text


def _read(text: str) -> tuple[Schedule, str]:
    """The schedule and the zone, if any, of which `plan_text` made *text*. Raises `JobLineError`.

    A schedule may have blanks in it; the name of a zone has none.
    """
    schedule, blank, zone = text.rpartition(" ")
    return (Schedule.parse(schedule), zone) if blank else (Schedule.parse(text), "")


def replanned(job: JobSpec, state: JobState, now: datetime) -> Replan | None:
    """The plan to replace that of *state*, if that is out of date; else None.

    Only for a job that waits for a future slot; a failed one keeps its retry,
    unless that was computed by a clock that was stepped back since.
    """
    if _retried_too_late(job, state, now):
        return Replan(state._replace(next_run=now), "its last run was at a time yet to come")
    if state.next_slot is None:
        return _replanned_inherited(job, state, now)
    if state.next_slot <= now or state.plan is None:
        return None
    if not is_by_schedule(job, state):
        why = f"its schedule was {state.plan}, and is now {job.plan}"
    elif not job.backfill and state.next_slot - now > 3 * job.schedule.frequency.period:
        # The clock was wrong when it was computed. A backfill app waits even so:
        # otherwise it could be given a date that it has done.
        why = "its next run was further away than its schedule can say"
    else:
        return None
    slot = slot_after(job.schedule, _done(job, state, now), now, job.zone)
    if state.next_run and state.next_run != state.next_slot:  # set by hand, or a retry
        return Replan(_waiting(job, state, slot, min(state.next_run, slot)), why)
    return Replan(_waiting(job, state, slot, slot), why)


def _retried_too_late(job: JobSpec, state: JobState, now: datetime) -> bool:
    if not (state.last_error and state.last_run and state.next_run):
        return False
    return state.next_run > now and state.last_run - now > job.error_retry


def _done(job: JobSpec, state: JobState, now: datetime) -> datetime:
    """What the next slot is counted from; only a date that is done may be in the future."""
    done = state.last_success or state.last_run or now
    return done if job.backfill else min(done, now)


def _replanned_inherited(job: JobSpec, state: JobState, now: datetime) -> Replan | None:
    """An older crontabber does not notice that a schedule was edited; we do."""
    if state.last_run is None or state.next_run is None or state.last_error:
        return None
    slot = slot_after(job.schedule, _done(job, state, now), now, job.zone)
    if state.next_run - slot <= timedelta(minutes=1):  # it did not cut to the minute
        return None
    return Replan(_waiting(job, state, slot, slot), "an older crontabber had an older schedule")


def _waiting(job: JobSpec, state: JobState, slot: datetime, when: datetime) -> JobState:
    return state._replace(next_slot=slot, next_run=when, plan=job.plan)
