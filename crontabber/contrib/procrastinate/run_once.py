"""One-off runs: runs an app once, beside its schedule, with the caller's arguments."""

import functools
import os
from collections.abc import Callable, Mapping
from datetime import datetime, tzinfo
from typing import Any

from ...app import CronTabber
from ...errors import ConfigError, CrontabberError, LockHeld
from ...process.clock import ServerClock
from ...process.signals import Signals
from ...process.state import ProcessState
from ...schedule.calendar import floor_minute
from ...schedule.changes import first_failure
from ...schedule.model import JobSpec, JobState, Outcome, Run, Skip, SkipReason
from ...schedule.moments import parse_moment
from ...secrecy import given
from ...tick.attempt import AppFactory
from ...tick.failures import last_error
from ...tick.lookup import find_job
from ...tick.middleware import run_within

Call = Callable[[Signals], None]
"""A call of the app, under installed signals."""

DATE = "date"
"""The argument that a backfill app gets as its date."""
_NEVER_SEEN = "never"
"""A version that no row has, so that the claim marks nothing."""


def run_once(tabber: CronTabber, class_path: str, arguments: Mapping[str, Any]) -> None:
    """Run an app once, with *arguments* by name. Its state stays as it is.

    A backfill app gets the ``date`` among them, a time as text; if there is none,
    this minute. The reporters get the run, but the tables do not: no slot is done
    by it. Raises `LockHeld`, before it begins, if a run of the app or another job with its
    lock is in progress; `CrontabberError` if the run fails.
    """
    tabber.hide(given(arguments))
    snapshot = tabber.store.look([class_path])
    clock = ServerClock(snapshot.now)
    job = find_job(class_path, tabber.jobs(snapshot))
    make, faults = tabber.prepare({class_path: tabber.catalogue.class_of(class_path)})
    for fault in faults.values():
        raise fault
    more = dict(arguments)
    date = more.pop(DATE, None) if job.backfill else None
    slot = slot_of(date, job.zone) if date else floor_minute(clock.now())
    _hold(tabber, job, clock.now())
    state = snapshot.states.get(job.app_name) or JobState(job.app_name)
    call = functools.partial(_call, make, job, state, slot.astimezone(job.zone), more)
    _run(tabber, job, slot, clock, call)


def slot_of(date: object, zone: tzinfo) -> datetime:
    """The date of a backfill app, from the text that says it. Raises `ConfigError`."""
    if not isinstance(date, str):
        raise ConfigError(f"the date {date!r} is not text, such as '2026-11-20'")
    return parse_moment(date, zone)


def _hold(tabber: CronTabber, job: JobSpec, now: datetime) -> None:
    """Keep runs of the app, and jobs with its lock, from beginning until the store is closed."""
    unmarked = JobState(job.app_name, claim=tabber.store.holder(now), version=_NEVER_SEEN)
    try:
        if tabber.store.claim(unmarked, (), job.lock):
            return
        skip = Skip(SkipReason.ONGOING, "by another run")
    except LockHeld:
        skip = Skip(SkipReason.LOCKED, f"{job.lock!r}, by another job")
    tabber.reporter.skipped(job, skip)
    raise LockHeld


def _run(tabber: CronTabber, job: JobSpec, slot: datetime, clock: ServerClock, call: Call) -> None:
    """Make the call, and report it. Raises `CrontabberError` if it fails."""
    run = Run(job.app_name, slot, clock.now(), None, Outcome.SUCCEEDED, os.uname().nodename)
    tabber.reporter.started(job, run)
    try:
        error = _error_of(tabber, job, slot, call)
        run = run._replace(duration=clock.now() - run.started)
        if error is None:
            tabber.reporter.succeeded(job, run)
            return
        known = last_error(error, tabber.redact)
        run = run._replace(outcome=Outcome.FAILED, error=known)
        tabber.reporter.changed(job, first_failure(run, clock.now()))
        tabber.reporter.failed(job, run, error)
    finally:
        tabber.reporter.finished()
    raise CrontabberError(f"{job.app_name}: {known.type}: {known.value}") from error


def _error_of(tabber: CronTabber, job: JobSpec, slot: datetime, call: Call) -> BaseException | None:
    """What the call, within the middleware, raises; None if nothing."""
    middleware, faults = tabber.middleware()
    for fault in faults:
        tabber.reporter.trouble(str(fault))
    process_state = ProcessState()
    process_state.remember()
    try:
        with Signals() as signals, signals.interruptible():
            step = functools.partial(call, signals)
            run_within(middleware, step, job, slot.astimezone(job.zone), tabber.reporter.trouble)
    except BaseException as error:  # noqa: BLE001  the caller tells
        return error
    finally:
        process_state.restore()
    return None


def _call(
    make: AppFactory,
    job: JobSpec,
    state: JobState,
    slot: datetime,
    arguments: Mapping[str, Any],
    signals: Signals,
) -> None:
    """Make the app and run it, within its time limit."""
    signals.limit(job.timeout)
    try:
        app: Any = make(job, state)
        app.run = functools.partial(app.run, **arguments)
        for _ in app.main([slot]):
            pass
    finally:
        signals.unlimit()
