"""The verbs that look back: ``--history`` and ``--dates``."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TextIO

from ..config.command import Command
from ..errors import ConfigError
from ..generic_app import Answer, GenericApp
from ..schedule.calendar import MOMENT
from ..schedule.ledger import Span
from ..schedule.model import JobSpec, JobState, Run
from ..schedule.moments import parse_last_moment_near, parse_moment_near
from ..schedule.status import Overview
from ..tick.lookup import EVERYTHING
from .look import JSON, can_print, only, width_of
from .survey import Survey, survey

if TYPE_CHECKING:
    from ..schedule.account import Entry

_YEAR = timedelta(days=365)
_LINES = 20
"""How many lines a history has by default."""
_MOST = 100_000
"""How many runs from before a job's first slot are read."""
_ENOUGH = 5000
"""How many runs are read if nothing says how far back to go: of all jobs together."""
_LEAST = 100
"""How many runs of each job are read even so."""


def history(app: GenericApp, command: Command, stream: TextIO) -> Answer:
    """What became of the slots of a job, by app_name or class path; or how long all jobs took.

    Writes nothing. Raises `UnknownJobError`, and `ConfigError` for what cannot be read.
    """
    from ..views.colour import style_for
    from ..views.fields import run_fields, status_document
    from ..views.history import entry_fields, history, unread

    count = _count(command.count_)
    seen = survey(app)
    if command.history == EVERYTHING:
        return _of_all(app, seen, command)
    overview = only(seen.overview(app), seen, command.history)
    job = overview.statuses[0].job
    entries, more_are = _entries(app, seen, overview, command)
    found = entries[-count:]
    if command.format == JSON:
        shown = [run for entry in found for run in entry.runs]
        more = {
            "slots": [entry_fields(entry) for entry in found],
            "runs": [run_fields(run) for run in shown],
            **({"older_unread": True} if more_are else {}),
        }
        document = status_document(
            overview, kind="history", origin=app.origin, more=lambda _each: more
        )
        return Answer(document)
    text = history(
        job,
        found,
        seen.now,
        output=command.output,
        style=style_for(stream),
        width=width_of(stream),
    )
    return Answer(f"{text}\n{unread(job.app_name, _ENOUGH)}" if more_are else text)


def _of_all(app: GenericApp, seen: Survey, command: Command) -> Answer:
    from ..views.fields import run_fields, status_document
    from ..views.history import durations, unread

    most = max(_ENOUGH // max(len(seen.specs), 1), _LEAST)
    read = {job.app_name: _runs(app, job, seen, command, most) for job in seen.specs}
    runs = {name: found for name, (found, _) in read.items()}
    more_are = {name for name, (_, more) in read.items() if more}
    if command.format == JSON:
        document = status_document(
            seen.overview(app),
            kind="history",
            origin=app.origin,
            more=lambda each: {
                "runs": [run_fields(run) for run in runs[each.job.app_name]],
                **({"older_unread": True} if each.job.app_name in more_are else {}),
            },
        )
        return Answer(document)
    text = durations(runs, {job.app_name: job for job in seen.specs}, seen.now)
    return Answer(f"{text}\n{unread(EVERYTHING, most)}" if more_are else text)


def _runs(
    app: GenericApp, job: JobSpec, seen: Survey, command: Command, most: int
) -> tuple[list[Run], bool]:
    """The runs to show, and whether there are older ones than the newest *most*."""
    if not seen.has_tables:
        return [], False
    first, last = span_of(command, job, seen.now)
    limit = None if command.from_ else most + 1
    found = app.store.history(job.app_name, first, last, failed=command.failed, limit=limit)
    more_are = limit is not None and len(found) > most
    return (found[1:], True) if more_are else (found, False)


def _entries(
    app: GenericApp, seen: Survey, overview: Overview, command: Command
) -> "tuple[list[Entry], bool]":
    """The account of the job; with ``--failed`` only of those slots whose runs failed.

    And whether there are runs that are older.
    """
    from ..schedule.account import account

    [status] = overview.statuses
    job = status.job
    runs, more_are = _runs(app, job, seen, command, _ENOUGH)
    if not seen.has_tables:
        return [], False
    first, last = span_of(command, job, overview.now)
    begin = first or min((run.slot for run in runs), default=overview.now - _YEAR)
    end = min(last or overview.now, overview.now)
    if command.failed:
        found = account(job, None, (), runs, begin, end)  # what failed, done since or not
        return [entry for entry in found if entry.runs], more_are
    spans = app.store.spans(job.app_name, begin, end)
    return account(job, status.row, spans, runs, begin, end), more_are


def span_of(
    command: Command, job: JobSpec, now: datetime
) -> tuple[datetime | None, datetime | None]:
    """The first and the last slot to show; a date alone as the last means the whole day."""
    first = parse_moment_near(command.from_, job.zone, now) if command.from_ else None
    last = parse_last_moment_near(command.to, job.zone, now) if command.to else None
    if first and last and last < first:
        raise ConfigError(f"--from={command.from_} is after --to={command.to}: exchange them")
    return first, last


def _count(text: str) -> int:
    if not text:
        return _LINES
    if not (text.isascii() and text.isdigit() and int(text[:9]) > 0 and len(text) < 10):
        raise ConfigError(f"--count={text[:20]} is not a number of lines: write one such as 20")
    return int(text)


def dates(app: GenericApp, command: Command, stream: TextIO) -> Answer:
    """The calendar of a backfill app, by app_name or class path; by default the last year.

    Writes nothing. Raises `UnknownJobError`, and `ConfigError` for a job without dates.
    """
    from ..schedule.dates import dates
    from ..views.dates import ASCII, SIGNS, stretch_fields
    from ..views.dates import dates as to_text
    from ..views.fields import status_document

    seen = survey(app)
    overview = only(seen.overview(app), seen, command.dates)
    job, row = overview.statuses[0].job, overview.statuses[0].row
    if not job.backfill:
        raise ConfigError(
            f"{job.app_name} is not a backfill app, so it has no dates: "
            f"see --history={job.app_name}"
        )
    first, last = span_of(command, job, seen.now)
    first, last = first or seen.now - _YEAR, min(last or seen.now, seen.now)
    known = tried(app, job, row, first, last) if seen.has_tables else ([], [])
    found = dates(job, row, *known, first, last)
    if command.format == JSON:
        more = {"slots": [stretch_fields(each) for each in found.stretches]}
        return Answer(
            status_document(overview, kind="dates", origin=app.origin, more=lambda _each: more)
        )
    signs = SIGNS if can_print(stream, "".join(SIGNS.values())) else ASCII
    return Answer(to_text(found, seen.now, signs=signs, width=width_of(stream)))


def tried(
    app: GenericApp,
    job: JobSpec,
    row: JobState | None,
    first: datetime,
    last: datetime,
    limit: int | None = None,
) -> tuple[list[Run], list[Span]]:
    """The failed runs, those that later did what was passed over, and the ledger.

    With *limit* at most this many runs of each kind, the newest.
    """
    spans = app.store.spans(job.app_name, first, last)
    runs = app.store.history(job.app_name, first, last, failed=True, limit=limit)
    for span in spans:
        runs += app.store.history(job.app_name, span.first, span.last, limit=limit)
    if row and row.first_slot and first < row.first_slot:  # requested dates before it
        end = row.first_slot - MOMENT
        runs += app.store.history(job.app_name, first, end, limit=limit or _MOST)
    return runs, spans
