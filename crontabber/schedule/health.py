"""What is wrong with the jobs, if anything: what ``--nagios`` says.

Pure: the states come in, with the time at which they were read, and findings come out.
"""

import enum
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from .dag import order
from .decide import blocked_by
from .model import JobSpec, JobState, States
from .plan import has_given_up, is_by_schedule, plan

PATIENCE = timedelta(hours=1)
"""How late a job may be before it counts as overdue: ticks are minutes apart, and jobs queue."""


class Status(enum.IntEnum):
    """How bad it is; the numbers are the exit statuses of a Nagios plugin."""

    OK = 0
    """All is well."""
    WARNING = 1
    """Somebody should look at it, but need not get out of bed."""
    CRITICAL = 2
    """Something that should be done is not being done."""
    UNKNOWN = 3
    """Nobody can tell: the configuration or the database is out of reach."""


class Finding(NamedTuple):
    """What is wrong with a job."""

    status: Status
    app_name: str
    class_path: str
    parts: tuple[str, ...]
    """What it is, from the general to the particular; an exception's texts as they were."""

    @property
    def class_name(self) -> str:
        """The last part of the class path."""
        return self.class_path.rpartition(".")[2]


def judge(jobs: Sequence[JobSpec], states: States, now: datetime) -> list[Finding]:
    """The findings about *jobs* in their order, at most one a job: the worst.

    Not overdue are a job that has no row yet (it is new), one that is ongoing, and one
    that is blocked by a parent of which something is said already, or that is ongoing.
    """
    findings: dict[str, Finding] = {}
    for job in jobs:
        state = states.get(job.app_name)
        # none of the later is worse than an earlier
        if state and (
            found := _failed(job, state) or _stuck(job, state, now) or _astray(job, state, now)
        ):
            findings[job.app_name] = found
    # most often nothing is due, and then there is no order to be found
    due = [job for job in jobs if job.app_name not in findings and _is_due(job, states, now)]
    if due:
        busy = any(_is_running(states.get(j.app_name), j.max_ongoing_age, now) for j in jobs)
        findings |= _overdue(due, findings, states, now, busy=busy)
    return [findings[job.app_name] for job in jobs if job.app_name in findings]


def _failed(job: JobSpec, state: JobState) -> Finding | None:
    """The last run failed; a backfill app, which loses no date by that, may do so once."""
    if state.last_error is None:
        return None
    if has_given_up(job, state) and state.next_slot:
        what = f"gave up on {_time(state.next_slot, job.zone)} after {state.attempts} attempts"
        return _finding(Status.CRITICAL, job, what, state.last_error.type, state.last_error.value)
    once = job.backfill and state.error_count <= 1
    status = Status.WARNING if once else Status.CRITICAL
    return _finding(status, job, state.last_error.type, state.last_error.value)


def _stuck(job: JobSpec, state: JobState, now: datetime) -> Finding | None:
    """It is ongoing for longer than it may be."""
    if state.ongoing is None or now - state.ongoing <= job.max_ongoing_age:
        return None
    since = f"since {_time(state.ongoing, job.zone)}, by {state.claim or 'an older crontabber'}"
    return _finding(Status.WARNING, job, "ongoing for too long", since)


def _astray(job: JobSpec, state: JobState, now: datetime) -> Finding | None:
    """A backfill app waits for a date that its schedule cannot have led to.

    Others are planned anew by the next tick, as is one whose schedule was edited.
    """
    if not job.backfill or not is_by_schedule(job, state):
        return None
    slot = plan(job, state, now).slot
    if slot - now <= 3 * job.schedule.frequency.period:
        return None
    why = f"{_time(slot, job.zone)}: the clock was wrong when a run was recorded"
    return _finding(Status.WARNING, job, "its next date is too far away", why)


def _is_due(job: JobSpec, states: States, now: datetime) -> bool:
    state = states.get(job.app_name)
    ongoing = state is not None and state.ongoing is not None
    return not ongoing and plan(job, state, now).due_at(job) < now


def _is_running(state: JobState | None, max_age: timedelta, now: datetime) -> bool:
    """Whether it is ongoing; a mark that is too old is no excuse for others."""
    return bool(state and state.ongoing and now - state.ongoing <= max_age)


def _overdue(
    due: Iterable[JobSpec],
    findings: Mapping[str, Finding],
    states: States,
    now: datetime,
    *,
    busy: bool,
) -> dict[str, Finding]:
    """The findings about those of the jobs *due* that are too late without an excuse."""
    jobs = {job.app_name: job for job in due}
    ordered, _ = order({name: job.depends_on for name, job in jobs.items()})
    overdue: dict[str, Finding] = {}
    explained = set(findings)
    for name in dict.fromkeys([*ordered, *jobs]):  # those of a circle are not in the order
        job, state = jobs[name], states.get(name)
        if _is_excused(job, states, explained, now):
            explained.add(name)
        elif state and (found := _late(job, state, states, now, busy=busy)):
            explained.add(name)
            overdue[name] = found
    return overdue


def _is_excused(job: JobSpec, states: States, explained: set[str], now: datetime) -> bool:
    """Whether a parent stands in its way that is *explained*, or running."""
    state = states.get(job.app_name)
    slot = plan(job, state, now).slot_at(job, state, now)
    return any(
        blocked_by(job._replace(depends_on=(parent,)), states, slot, now)
        for parent in job.depends_on
        if parent in explained or _is_running(states.get(parent), job.max_ongoing_age, now)
    )


def _late(
    job: JobSpec, state: JobState, states: States, now: datetime, *, busy: bool
) -> Finding | None:
    """It is overdue; while another job runs (*busy*) it may only be waiting for its turn."""
    planned = plan(job, state, now)
    late = now - planned.due_at(job)
    if late <= PATIENCE:
        return None
    bad = late > job.schedule.frequency.period and not busy
    since = f"due since {_time(planned.due_at(job), job.zone)}"
    parts = ["overdue", since]
    if blocked := blocked_by(job, states, planned.slot_at(job, state, now), now):
        parts.append(f"blocked: {blocked}")
    return _finding(Status.CRITICAL if bad else Status.WARNING, job, *parts)


def _finding(status: Status, job: JobSpec, *parts: str) -> Finding:
    return Finding(status, job.app_name, job.class_path, parts)


def _time(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M:%S %Z}"
