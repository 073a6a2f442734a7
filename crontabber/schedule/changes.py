"""What is news about a job: what is wrong with it now, compared with what was reported last.

Pure. `crontabber.schedule.health` judges what is wrong; this module decides whether to report
it, so that people hear of a change and not of each repetition. The job's row remembers, as
text, what was reported.
"""

import enum
import json
import re
import zlib
from datetime import datetime, timedelta
from typing import NamedTuple

from .backfill import asked_of
from .findings import Finding, Problem
from .health import failure, is_due, standing, waits_since
from .model import JobSpec, JobState, LastError, Outcome, Run, States
from .plan import has_given_up
from .transition import CRASHED

_MOST = 8
"""How many different errors are reported between two reminders: some texts are always new."""
_VARIABLE = re.compile(r"0x[0-9a-fA-F]+|\d+")
"""The parts of an error's text that do not make it another error."""


class Event(enum.Enum):
    """What people are told of a job."""

    FAILED = "failed"
    """Its run failed, or failed with another error than before."""
    CRASHED = "crashed"
    """The process of its run is gone."""
    GAVE_UP = "gave_up"
    """The slot that failed is not tried again."""
    LATE = "late"
    """It is late, or blocked by a parent, for longer than its ``late``."""
    RECOVERED = "recovered"
    """It is well again."""


class Change(NamedTuple):
    """One thing to tell people about one job."""

    event: Event
    app_name: str
    time: datetime
    """When it was noticed."""
    since: datetime
    """When the problem began."""
    why: str = ""
    """What is wrong, in words; empty if ``error`` says it, or if the job is well."""
    error: LastError | None = None
    reminder: bool = False
    """Whether this was reported before, and lasts."""
    run: Run | None = None
    """The run that this is about; None: it did not run."""


class Told(NamedTuple):
    """What people were told of a job that is not well."""

    since: datetime
    at: datetime
    """When they were told last."""
    of: tuple[str, ...]
    """Which problems they know of; see `_signature`."""

    @classmethod
    def parse(cls, text: str | None) -> "Told | None":
        """Read the text form; None for nothing, and for what is none."""
        try:
            value = json.loads(text or "null")
            since, at = (_moment(value[name]) for name in ("since", "at"))
            of = tuple(str(sign) for sign in value["of"])
            for sign in of:
                Event(sign.partition(":")[0])
            return cls(since, at, of) if of else None
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return None

    def __str__(self) -> str:
        times = {"since": self.since.isoformat(), "at": self.at.isoformat()}
        return json.dumps({**times, "of": self.of})


def after_run(
    job: JobSpec,
    before: JobState,
    after: JobState,
    run: Run,
    now: datetime,
    remind: timedelta,
    *,
    gave_up: bool,
) -> tuple[Change | None, str | None]:
    """What to report at *now* of a *run* that failed or crashed, and what was reported then.

    *gave_up*: the slot is not tried again. *remind* is how often to remind; zero: never.
    """
    if before.asked_slot:
        return _of_asked(before, run, now, gave_up=gave_up), before.told
    finding = failure(job, after)
    assert finding is not None, "the run failed"
    change = Change(_event_of(job, after, finding), job.app_name, now, run.started, run=run)
    change = change._replace(error=run.error)
    if gave_up:
        change = change._replace(event=Event.GAVE_UP)
    return _news(change, before.told, remind)


def _of_asked(before: JobState, run: Run, now: datetime, *, gave_up: bool) -> Change | None:
    """What to report of a requested date: its first failure, and that it is given up."""
    asked = asked_of(before)
    if gave_up:
        return first_failure(run, now)._replace(event=Event.GAVE_UP)
    if asked and asked.attempts:
        return None
    change = first_failure(run, now)
    return change._replace(event=Event.CRASHED) if run.outcome is Outcome.CRASHED else change


def recovered(job: JobSpec, before: JobState, run: Run, now: datetime) -> Change | None:
    """That a successful *run* of *job* made it well again, if a problem was reported before."""
    told = Told.parse(before.told)
    if told is None:
        return None
    return Change(Event.RECOVERED, job.app_name, now, told.since, run=run)


def without_run(
    job: JobSpec, states: States, now: datetime, remind: timedelta
) -> tuple[Change | None, str | None]:
    """What to report of a *job* that does not run now, and what was reported then."""
    state = states.get(job.app_name)
    if state is None or state.ongoing or _is_paused(state, now):
        return None, state.told if state else None
    finding = standing(job, states, now)
    if finding is None:
        told = Told.parse(state.told)
        if told is None or is_due(job, states, now):
            return None, state.told
        return Change(Event.RECOVERED, job.app_name, now, told.since), None
    event = _event_of(job, state, finding)
    if event is not Event.LATE:
        change = Change(event, job.app_name, now, state.last_run or now, error=state.last_error)
        known = Told.parse(state.told)
        if known and known.of[-1] != Event.LATE.value:  # of the run that failed
            return _reminder(change, known, state.told, remind)
        return _news(change, state.told, remind)
    why = ", ".join(finding.parts[1:])
    since = min(waits_since(job, states, now), now)
    return _news(Change(event, job.app_name, now, since, why), state.told, remind)


def _is_paused(state: JobState, now: datetime) -> bool:
    """Whether a person who paused it knows that it does not run."""
    pause = state.pause
    return pause is not None and (pause.until is None or pause.until > now)


def first_failure(run: Run, now: datetime) -> Change:
    """What to report of a *run* that failed, and of which nothing is remembered."""
    return Change(Event.FAILED, run.app_name, now, run.started, error=run.error, run=run)


def _news(
    change: Change, told_text: str | None, remind: timedelta
) -> tuple[Change | None, str | None]:
    """*change* if it is news, else None; and what was reported then."""
    told, sign = Told.parse(told_text), _signature(change)
    if told is None:
        return change, str(Told(change.since, change.time, (sign,)))
    if sign not in told.of and len(told.of) < _MOST:
        told = told._replace(at=change.time, of=(*told.of, sign))
        return change._replace(since=told.since), str(told)
    return _reminder(change, told._replace(of=(sign,)), told_text, remind)


def _reminder(
    change: Change, told: Told, told_text: str | None, remind: timedelta
) -> tuple[Change | None, str | None]:
    """*change* as a reminder, if it is time for one; and what was reported then."""
    if not remind or change.time - told.at < remind:
        return None, told_text
    event = Event(told.of[-1].partition(":")[0])
    change = change._replace(event=event, since=told.since, reminder=True)
    return change, str(told._replace(at=change.time, of=told.of[-1:]))


def _signature(change: Change) -> str:
    """What two changes have in common if only one is news: numbers in a text do not count."""
    if change.error is None or change.event is Event.CRASHED:
        return change.event.value
    text = _VARIABLE.sub("0", f"{change.error.type}: {change.error.value}")
    return f"{change.event.value}:{zlib.crc32(text.encode('utf-8', 'replace')):08x}"


def _event_of(job: JobSpec, state: JobState, finding: Finding) -> Event:
    if finding.problem is not Problem.FAILED:
        return Event.LATE
    if has_given_up(job, state):
        return Event.GAVE_UP
    crashed = state.last_error is not None and state.last_error.type == CRASHED
    return Event.CRASHED if crashed else Event.FAILED


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(text)
    return moment
