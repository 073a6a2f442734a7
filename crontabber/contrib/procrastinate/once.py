"""One-off runs: an app is run once, whatever its schedule, with arguments of one's own."""

import functools
import os
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ...app import CronTabber
from ...clock import ServerClock
from ...errors import CrontabberError
from ...failures import last_error
from ...middleware import run_within
from ...schedule.calendar import floor_minute
from ...schedule.grammar import parse_moment
from ...schedule.model import JobSpec, JobState, Outcome, Run
from ...signals import Signals

DATE = "date"
"""The argument that a backfill app is given as its date."""


def run_once(tabber: CronTabber, class_path: str, arguments: Mapping[str, Any]) -> None:
    """Run an app once, with *arguments* by name. Its state stays as it is.

    A backfill app is given the ``date`` among them, a time as text; if there is none,
    this minute. The reporters are told of the run, the tables are not: no slot is done
    by it. Raises `CrontabberError` if the run fails.
    """
    look = tabber.store.look([class_path])
    clock = ServerClock(look.now)
    job, cls = tabber.find(class_path)
    job = job._replace(zone=tabber.roster(look.zone, look.states).zone)
    make, faults = tabber.prepare({class_path: cls})
    for fault in faults.values():
        raise fault
    more = dict(arguments)
    date = more.pop(DATE, None) if job.backfill else None
    slot = parse_moment(date, job.zone) if date else floor_minute(clock.now())
    run = Run(job.app_name, slot, clock.now(), None, Outcome.SUCCEEDED, os.uname().nodename)
    tabber.reporter.started(job, run)
    app: Any = make(job, look.states.get(job.app_name) or JobState(job.app_name))
    app.run = functools.partial(app.run, **more)
    error = _run(tabber, app, job, slot.astimezone(job.zone))
    run = run._replace(duration=clock.now() - run.started)
    if error is None:
        tabber.reporter.succeeded(job, run)
        return
    known = last_error(error, tabber.redact)
    tabber.reporter.failed(job, run._replace(outcome=Outcome.FAILED, error=known), error)
    raise CrontabberError(f"{job.app_name}: {known.type}: {known.value}") from error


def _run(tabber: CronTabber, app: Any, job: JobSpec, slot: datetime) -> BaseException | None:
    """What the run raises, if it does; within the middleware, and its own limit of time."""
    middleware, faults = tabber.middleware()
    for fault in faults:
        tabber.reporter.trouble(str(fault))

    def call() -> None:
        signals.limit(job.timeout)
        try:
            for _ in app.main([slot]):
                pass
        finally:
            signals.unlimit()

    try:
        with Signals() as signals, signals.interruptible():
            run_within(middleware, call, job, slot, tabber.reporter.trouble)
    except BaseException as error:  # noqa: BLE001  the caller tells
        return error
    return None
