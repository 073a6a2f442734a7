"""The status of each job: its state, the reason in words, since when, and what comes next.

`crontabber.schedule.health` judges what is wrong, as for ``--nagios``; here it becomes one
word a job, for a view of all of them. Pure: values in, values out.
"""

import enum
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import NamedTuple
from zoneinfo import ZoneInfo

from .backfill import failing, next_date
from .calendar import local_text, slots_until
from .dependencies import wait_of
from .findings import Finding, Health, Problem
from .history import LastRun
from .missed import is_paused, pause_text
from .model import JobSpec, JobState, LastError, States
from .plan import has_given_up, in_force, plan
from .transition import CRASHED


class State(enum.Enum):
    """How a job is; the worst first."""

    FAILED = "failed"
    """Its last run failed, or a date that a person asked for; it is tried again."""
    BLOCKED = "blocked"
    """It is due, and a job that it depends on stands in the way."""
    LATE = "late"
    """It is due for longer than its ``late`` allows."""
    CRASHED = "crashed"
    """The process that ran it is gone."""
    PAUSED = "paused"
    """A person has stopped it for a time."""
    GAVE_UP = "gave up"
    """It stays at a date that failed, until a person steps in."""
    RUNNING = "running"
    """A run is under way."""
    WAITING = "waiting"
    """It is due, and the next tick runs it; or it never ran, and waits for its first time."""
    OK = "ok"
    """Its last run succeeded, and its next time is yet to come."""


class OpenDates(NamedTuple):
    """The dates that came up, and that a backfill app has not done."""

    oldest: datetime
    number: int
    """Not more than `MOST_OPEN`."""


MOST_OPEN = 100_000
"""How many open dates are counted; the exact number of more does not matter."""


class JobStatus(NamedTuple):
    """How one job is."""

    job: JobSpec
    state: State
    reason: str = ""
    """Why, in words; empty if there is nothing to say."""
    since: datetime | None = None
    """Since when it is in this state, if that is known."""
    next: datetime | None = None
    """When it is due next; in the past if it is due; None if it waits for a person."""
    row: JobState | None = None
    last: LastRun = LastRun()
    open: OpenDates | None = None
    """None if there are none, as for apps that get no dates."""
    finding: Finding | None = None
    """What `judge` found, so that this and ``--nagios`` never differ."""


class Overview(NamedTuple):
    """How all jobs of a configuration are, at one moment."""

    now: datetime
    zone: ZoneInfo
    """That of the schedules."""
    statuses: Sequence[JobStatus]
    """In the listed order; or only the one that was asked for."""
    health: Health
    faults: Sequence[str] = ()
    """What is wrong with the lines that cannot be used."""

    def counts(self) -> dict[State, int]:
        """How many jobs are in each state that any is in; the worst first."""
        found = Counter([each.state for each in self.statuses])
        return {state: found[state] for state in State if found[state]}


def statuses(
    jobs: Sequence[JobSpec],
    states: States,
    health: Health,
    now: datetime,
    last_runs: Mapping[str, LastRun] | None = None,
) -> list[JobStatus]:
    """The status of each of *jobs*, in their order; *health* is the judgement on all of them."""
    findings = {finding.app_name: finding for finding in health.findings}
    runs, no_run = last_runs or {}, LastRun()
    return [
        _status(job, states, now, runs.get(job.app_name, no_run), findings.get(job.app_name))
        for job in jobs
    ]


def worst_first(found: Sequence[JobStatus]) -> list[JobStatus]:
    """The worst findings first, then by state; otherwise in their order."""
    rank = {state: number for number, state in enumerate(State)}

    def gravity(status: JobStatus) -> tuple[int, int]:
        return -(status.finding.status if status.finding else 0), rank[status.state]

    return sorted(found, key=gravity)


def _status(
    job: JobSpec, states: States, now: datetime, last: LastRun, finding: Finding | None
) -> JobStatus:
    row = states.get(job.app_name)
    planned = plan(job, row, now)
    due = planned.due_at(job)
    word = _word(job, states, now, last, finding, planned.slot, due)
    state, reason, since = _with_asked(job, row, word)
    upcoming = None if state is State.GAVE_UP else due
    if state is State.PAUSED and row and row.pause:
        upcoming = row.pause.until and max(due, row.pause.until)
    dates = _open(job, row, planned.slot, now)
    return JobStatus(job, state, reason, since, upcoming, row, last, dates, finding)


def _open(job: JobSpec, row: JobState | None, oldest: datetime, now: datetime) -> OpenDates | None:
    if not job.backfill or oldest > now:
        return None
    schedule, zone = in_force(job, row)
    passed = slots_until(schedule, oldest, now, zone)
    return OpenDates(oldest, sum(1 for _ in islice(passed, MOST_OPEN)))


_Word = tuple[State, str, datetime | None]


def _word(
    job: JobSpec,
    states: States,
    now: datetime,
    last: LastRun,
    finding: Finding | None,
    slot: datetime,
    due: datetime,
) -> _Word:
    row = states.get(job.app_name)
    if row and row.ongoing:
        return _running(row, finding)
    if row and row.pause and is_paused(row, now):
        return State.PAUSED, pause_text(row.pause).removeprefix("paused "), row.pause.since
    if row and row.last_error:
        return _failing(job, row, row.last_error, last)
    if due <= now:
        return _due(job, states, now, finding, slot, due)
    return _idle(row, finding)


def _with_asked(job: JobSpec, row: JobState | None, word: _Word) -> _Word:
    """*word*, and that a date failed which a person asked for, if so."""
    state, reason, since = word
    failure = failure_of_asked(job, row) if row else ""
    if not failure:
        return word
    if state in (State.WAITING, State.OK):
        return State.FAILED, "; ".join(filter(None, (failure, reason))), None
    return state, f"{reason}; {failure}", since


def failure_of_asked(job: JobSpec, row: JobState) -> str:
    """That a date failed which a person asked for, and is not done since; empty if none did."""
    asked = failing(row)
    if asked is None:
        return ""
    date = local_text(next_date(asked), job.zone)
    return f"backfill {asked.number} {failures(asked.attempts)} at {date}: {asked.error}"


def _idle(row: JobState | None, finding: Finding | None) -> _Word:
    if finding and finding.problem is Problem.ASTRAY:
        return State.WAITING, ": ".join(finding.parts), None
    if ran := row and (row.last_run or row.last_success):
        return State.OK, "", ran
    return State.WAITING, "has not run yet", None


def _due(
    job: JobSpec,
    states: States,
    now: datetime,
    finding: Finding | None,
    slot: datetime,
    due: datetime,
) -> _Word:
    row = states.get(job.app_name)
    if wait := wait_of(job, states, slot, now):
        since = row.waits_since if row and row.waits_for == wait.parent else None
        return State.BLOCKED, str(wait), since or due
    if finding and finding.problem is Problem.LATE:
        return State.LATE, "no tick has run it", due
    return State.WAITING, "due: the next tick runs it", due


def _running(row: JobState, finding: Finding | None) -> _Word:
    reason = f"by {row.claim or 'an older crontabber'}"
    if finding and finding.problem is Problem.STUCK:
        reason = f"for too long, {reason}"
    if row.last_error:
        reason += f"; {failures(row.error_count)} before: {error_text(row.last_error)}"
    return State.RUNNING, reason, row.ongoing


def _failing(job: JobSpec, row: JobState, error: LastError, last: LastRun) -> _Word:
    since = last.failing_since or row.last_run
    if has_given_up(job, row):
        return State.GAVE_UP, f"after {tries(row.attempts)}: {error_text(error)}", since
    if error.type == CRASHED:
        return State.CRASHED, error.value, since
    return State.FAILED, f"{failures(row.error_count)}: {error_text(error)}", since


def error_text(error: LastError) -> str:
    """An error in a line: ``OSError: [Errno 111] Connection refused``."""
    name = error.type.removeprefix("<class '").removesuffix("'>").removeprefix("builtins.")
    return ": ".join(filter(None, (name, " ".join(error.value.split()))))


def failures(count: int) -> str:
    """How often it failed, in words."""
    return "failed once" if count <= 1 else f"failed {count} times"


def tries(count: int) -> str:
    """How many runs there were, in words."""
    return "1 try" if count == 1 else f"{count} tries"
