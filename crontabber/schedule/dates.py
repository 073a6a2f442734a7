"""The calendar of a backfill app: what became of its dates, a day at a time.

Which dates are done follows from the row: all from the first slot to the open one, less the spans
of the ledger. The log tells which failed, and which were done later after all.
"""

import enum
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from itertools import takewhile
from typing import NamedTuple

from .calendar import slots
from .ledger import Span
from .model import JobSpec, JobState, Outcome, Run
from .moment_past import slot_at
from .plan import in_force, plan


class Mark(enum.Enum):
    """What became of a date; of several on one day the first of these that one of them has."""

    FAILED = "failed"
    """It is open, and was tried."""
    OPEN = "open"
    """It came up, and has not been run."""
    SKIPPED = "not run"
    """It was passed over: the ledger says why."""
    DONE = "done"


class Stretch(NamedTuple):
    """Consecutive dates with one mark."""

    first: datetime
    last: datetime
    number: int
    mark: Mark
    reason: str = ""
    by: str | None = None


class Dates(NamedTuple):
    """What became of the dates of one app."""

    job: JobSpec
    days: dict[date, Mark]
    """By the day on a clock in the zone of the job."""
    stretches: Sequence[Stretch]
    """The oldest first."""


def dates(
    job: JobSpec,
    row: JobState | None,
    runs: Iterable[Run],
    spans: Sequence[Span],
    first: datetime,
    last: datetime,
) -> Dates:
    """What became of the dates from *first* to *last*; *runs* are the failures, at least."""
    marks = [*_marks(job, row, runs, spans, first, last)]
    days: dict[date, Mark] = {}
    rank = [*Mark]
    for slot, mark, _ in marks:
        day = slot.astimezone(job.zone).date()
        days[day] = min(days.get(day, mark), mark, key=rank.index)
    return Dates(job, days, [*_stretches(marks)])


_Marked = tuple[datetime, Mark, Span | None]


def _marks(
    job: JobSpec,
    row: JobState | None,
    runs: Iterable[Run],
    spans: Sequence[Span],
    first: datetime,
    last: datetime,
) -> Iterator[_Marked]:
    known = [*runs]
    failed = {run.slot for run in known if run.error}
    done = {run.slot for run in known if run.outcome in (Outcome.SUCCEEDED, Outcome.MARKED)}
    due_from = begin_of(job, row, spans, last)
    beginning = min([due_from, *failed, *done])
    schedule, zone = in_force(job, row)
    open_slot = plan(job, row, last).slot
    for slot in takewhile(lambda each: each <= last, slots(schedule, beginning, zone)):
        if slot < first:
            continue
        span = next((each for each in spans if each.first <= slot <= each.last), None)
        if slot in done:
            yield slot, Mark.DONE, None
        elif slot < due_from and slot not in failed:
            continue  # it was never due: a person had dates around it done
        elif slot >= open_slot:
            yield slot, Mark.FAILED if slot in failed else Mark.OPEN, None
        else:
            yield slot, Mark.SKIPPED if span else Mark.DONE, span


def begin_of(job: JobSpec, row: JobState | None, spans: Sequence[Span], now: datetime) -> datetime:
    """The first date that was due; that which is open if there is none before."""
    known = [span.first for span in spans]
    known.append(plan(job, row, now).slot)
    if row and row.first_slot:
        known.append(row.first_slot)
    elif row and row.first_run and row.last_success:  # a row that an older crontabber made
        known.append(slot_at(job, row, row.first_run))
    return min(known)


def _stretches(marks: Iterable[_Marked]) -> Iterator[Stretch]:
    last: Stretch | None = None
    for slot, mark, span in marks:
        reason, by = (f"{span.verdict.value}: {span.reason}", span.by) if span else ("", None)
        if last and (last.mark, last.reason, last.by) == (mark, reason, by):
            last = last._replace(last=slot, number=last.number + 1)
            continue
        if last:
            yield last
        last = Stretch(slot, slot, 1, mark, reason, by)
    if last:
        yield last
