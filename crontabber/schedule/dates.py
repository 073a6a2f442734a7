"""The calendar of a backfill app: what became of its dates, a day at a time.

The row says which dates are done: all from the first slot to the open one, except the spans
of the ledger. The log says which failed, and which were done later after all.
"""

import enum
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from .account import CRASHED, DONE, FAILED, MARKED, OPEN, Entry, account
from .asked import is_among
from .calendar import next_slot
from .grammar import Schedule
from .ledger import Span
from .model import JobSpec, JobState, Run
from .plan import in_force


class Mark(enum.Enum):
    """What became of a date; a day with several has the first of these that one of them has."""

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
    """What became of the dates from *first* to *last*; *runs* has at least the failures."""
    found = account(job, row, spans, runs, first, last, whole=False)
    stretches = [*_stretches(found, row, *in_force(job, row))]
    days: dict[date, Mark] = {}
    rank = [*Mark]
    for entry in found:
        mark = _mark(entry, row)
        for slot in _slots_of(job, row, entry):
            day = slot.astimezone(job.zone).date()
            days[day] = min(days.get(day, mark), mark, key=rank.index)
    return Dates(job, days, stretches)


def _mark(entry: Entry, row: JobState | None) -> Mark:
    if entry.verdict in (DONE, MARKED) and not entry.by:
        return Mark.DONE
    if entry.verdict in (FAILED, CRASHED) and not _is_open(entry.first, row):
        return Mark.SKIPPED
    return {DONE: Mark.DONE, OPEN: Mark.OPEN, FAILED: Mark.FAILED, CRASHED: Mark.FAILED}.get(
        entry.verdict, Mark.SKIPPED
    )


def _is_open(slot: datetime, row: JobState | None) -> bool:
    """Whether *slot* is still to be done: by the schedule, or as a person asked for it."""
    if row is None or row.next_slot is None or slot >= row.next_slot:
        return True
    return any(is_among(slot, asked.dates) for asked in row.asked)


def _slots_of(job: JobSpec, row: JobState | None, entry: Entry) -> Iterator[datetime]:
    """The slots of *entry*, or at least one of each day; by the schedule that counts now."""
    yield entry.first
    schedule, zone = in_force(job, row)
    slot = entry.first
    while slot < entry.last:
        slot = min(next_slot(schedule, slot, zone), entry.last)
        yield slot


def _stretches(
    found: Iterable[Entry], row: JobState | None, schedule: Schedule, zone: ZoneInfo
) -> Iterator[Stretch]:
    last: Stretch | None = None
    for entry in found:
        mark = _mark(entry, row)
        skipped = mark is Mark.SKIPPED
        reason = f"{entry.verdict}: {entry.reason}" if skipped else ""
        stretch = Stretch(
            entry.first, entry.last, entry.number, mark, reason, entry.by if skipped else None
        )
        follows = last and next_slot(schedule, last.last, zone) >= stretch.first
        if last and follows and last[3:] == stretch[3:]:
            last = last._replace(last=stretch.last, number=last.number + stretch.number)
            continue
        if last:
            yield last
        last = stretch
    if last:
        yield last
