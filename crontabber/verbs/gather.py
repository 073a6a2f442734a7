"""What pages show besides the statuses of jobs: read from the store, within limits."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from ..errors import StoreError
from ..generic_app import GenericApp
from ..schedule.account import Entry, account
from ..schedule.backfill import next_date, wait_of_date
from ..schedule.dates import Dates, dates
from ..schedule.explain import explain
from ..schedule.forecast import upcoming
from ..schedule.lanes import GRAIN, Lane, lane
from ..schedule.model import JobState, Run, States
from ..schedule.ranges import progress
from ..schedule.status import JobStatus, Overview
from ..views.ghosts import found_in
from ..views.page_backfills import Shown
from ..views.page_job import JobView
from ..views.svg_timeline import SPAN
from .past import tried
from .survey import Survey
from .why import held

if TYPE_CHECKING:
    from ..schedule.history import Trace

BARS = 24
"""How many runs of a job the bars show."""
_RUNS = 40
_ENTRIES = 20
_AHEAD = 10
_DATES = timedelta(days=365)
_MOST = 2000
"""How many runs of one kind are read for a calendar."""


class Seen(NamedTuple):
    """One look at the jobs, that several pages may show."""

    app: GenericApp
    survey: Survey
    overview: Overview


def recent_runs(
    seen: Seen, jobs: Sequence[JobStatus]
) -> "tuple[Mapping[str, Sequence[Trace]], str]":
    """The last runs of *jobs*, and why they cannot be read, if they cannot."""
    names = [each.job.app_name for each in jobs if each.row]
    try:
        return (seen.app.store.recent_runs(names, BARS) if names else {}), ""
    except StoreError as error:  # such as a role that may not read it
        return {}, str(error)


def lanes(seen: Seen, jobs: Sequence[JobStatus]) -> dict[str, Lane]:
    """The last and the next day of *jobs*."""
    names = [each.job.app_name for each in jobs if each.row]
    now, seconds = seen.overview.now, int(GRAIN.total_seconds())
    runs: Mapping[str, Sequence[Trace]] = {}
    if names:
        runs = seen.app.store.runs_since(names, now - SPAN, seconds)
    return {
        each.job.app_name: lane(each.job, each.row, runs.get(each.job.app_name, ()), now, SPAN)
        for each in jobs
    }


def job_view(seen: Seen, status: JobStatus) -> JobView:
    """All that the page of a job shows."""
    app, found, now = seen.app, seen.survey, seen.overview.now
    job, row = status.job, status.row
    explanation = explain(
        status, seen.overview.statuses, found.states, now, held(app, found, status)
    )
    view = JobView(
        explanation, now, app.origin(job), ahead=[*islice(upcoming(job, row, now), _AHEAD)]
    )
    try:
        runs = app.store.history(job.app_name, limit=_RUNS) if row else []
        past = _entries(seen, status, runs)
        return view._replace(runs=runs, history=past, dates=calendar(seen, status))
    except StoreError as error:  # such as a log without an index
        return view._replace(trouble=str(error))


def _entries(seen: Seen, status: JobStatus, runs: list[Run]) -> list[Entry]:
    if status.row is None:
        return []
    now, name = seen.overview.now, status.job.app_name
    begin = min((run.slot for run in runs), default=now - _DATES)
    spans = seen.app.store.spans(name, begin, now)
    return account(status.job, status.row, spans, runs, begin, now)[-_ENTRIES:]


def calendar(seen: Seen, status: JobStatus) -> Dates | None:
    """The year of a backfill app; None: it gets no dates."""
    job, row, now = status.job, status.row, seen.overview.now
    if not job.backfill or row is None:
        return None
    first = now - _DATES
    return dates(job, row, *tried(seen.app, job, row, first, now, _MOST), first, now)


def rows(seen: Seen) -> States:
    """All rows by app_name, also of jobs that are not configured here; see the next two."""
    return seen.app.store.look(None, migrate=False).states


def backfills(seen: Seen, states: States) -> list[Shown]:
    """How far the requested backfills are, in the order of their numbers."""
    jobs = {each.job.app_name: each.job for each in seen.overview.statuses}
    found = [
        Shown(
            state.app_name,
            job := jobs.get(state.app_name),
            asked,
            progress(job, asked),
            next_date(asked),
            state.asked_slot is not None and state.asked_slot == next_date(asked),
            str((job and wait_of_date(job, asked, states, seen.overview.now)) or ""),
        )
        for state in states.values()
        for asked in state.asked
    ]
    return sorted(found, key=lambda each: (each.asked.number, each.app_name))


def ghosts(seen: Seen, states: States) -> Iterator[JobState]:
    """Those of *states* that belong to no job of this configuration."""
    jobs = seen.survey.specs
    listed = {line.class_path for line in seen.survey.jobs.catalogue.lines}
    unusable: Collection[str] = listed - {job.class_path for job in jobs}
    return found_in(states, jobs, unusable=unusable)
