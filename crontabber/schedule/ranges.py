"""The dates of a range that a person gives, and which of them to do."""

import enum
import itertools
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from .asked import AskedBackfill, Dates, is_among
from .calendar import floor_minute, slots, slots_until, wall_clock
from .grammar import Frequency, Schedule, TimeOfDay, Unit
from .ledger import Span, Verdict
from .missed import number_of
from .model import JobSpec, JobState
from .plan import plan, schedule_of


class Redo(enum.Enum):
    """Which dates of a range are meant."""

    MISSING = "missing"
    """Those that were never done."""
    FAILED = "failed"
    """Those that were tried, and given up."""
    ALL = "all"
    """All of them, done or not."""


def slots_between(
    job: JobSpec, state: JobState | None, first: datetime, last: datetime, now: datetime
) -> Iterator[datetime]:
    """The slots of *job* from *first* to *last*, both included, in their order.

    The schedule leads from them to the open slot, and on.
    """
    anchor = plan(job, state, now).slot
    begin = _slot_before(job.schedule, anchor, first, job.zone)
    for slot in slots(job.schedule, begin, job.zone):
        if slot > last:
            return
        if slot >= first:
            yield slot


def _slot_before(
    schedule: Schedule, anchor: datetime, moment: datetime, zone: ZoneInfo
) -> datetime:
    """A slot not after *moment*, of those that lead to *anchor*; for a calendar any moment."""
    frequency = schedule.frequency
    if not isinstance(frequency, Frequency):
        return moment - timedelta(minutes=1)
    periods = max(-((moment - anchor) // frequency.period), 0) + 1
    if frequency.unit is not Unit.DAYS:
        return anchor - periods * frequency.period
    local = anchor.astimezone(zone)
    time = schedule.time if isinstance(schedule.time, TimeOfDay) else None
    time = time or TimeOfDay(local.hour, local.minute)
    return wall_clock((local - periods * frequency.period).date(), time, zone)


def chosen(
    job: JobSpec,
    state: JobState,
    found: Iterable[datetime],
    spans: Sequence[Span],
    redo: Redo,
    now: datetime,
) -> Iterator[datetime]:
    """Those of the slots *found* that *redo* selects and that may be requested.

    The schedule does those from the open slot on. What another backfill is to do, or has done,
    is not requested twice, unless *redo* says so. *spans* is what the ledger says
    of them, in the order of its writing.
    """
    limit, first = open_slot(job, state, now), state.first_slot or state.first_run
    again = redo is Redo.ALL
    taken = [row for each in state.asked for row in (each.dates if again else each.wanted)]
    for slot in itertools.takewhile(lambda slot: slot < limit, found):
        if is_among(slot, taken):
            continue
        if again or _is_meant(slot, first, spans, redo):
            yield slot


def open_slot(job: JobSpec, state: JobState, now: datetime) -> datetime:
    """The first slot that the schedule will do."""
    return plan(job, state, now).slot


def _is_meant(slot: datetime, first: datetime | None, spans: Sequence[Span], redo: Redo) -> bool:
    verdicts = [span.verdict for span in spans if span.first <= slot <= span.last]
    if redo is Redo.FAILED:
        ends = [each for each in verdicts if each in (Verdict.BACKFILLED, Verdict.GIVEN_UP)]
        return ends[-1:] == [Verdict.GIVEN_UP]
    if Verdict.BACKFILLED in verdicts:
        return False
    # of the dates of a schedule those were given up that were done before, or passed over
    passed = [each for each in verdicts if each is not Verdict.GIVEN_UP]
    return bool(passed) or first is None or slot < floor_minute(first)


def in_rows(found: Iterable[datetime], all_slots: Iterable[datetime]) -> Dates:
    """The slots *found*, which are among *all_slots*, as rows of consecutive ones."""
    wanted = set(found)
    rows: list[tuple[datetime, datetime]] = []
    follows = False
    for slot in all_slots:
        if slot in wanted:
            rows.append((rows.pop()[0], slot) if follows else (slot, slot))
        follows = slot in wanted
    return tuple(rows)


class Progress(NamedTuple):
    """How far a backfill is that was asked for."""

    done: int
    given_up: int
    total: int
    """How many dates it had."""

    def text(self, end: str = " done") -> str:
        """In words; *end* is what the dates are."""
        more = f", {self.given_up} given up" if self.given_up else ""
        return f"{self.done} of {self.total} dates{end}{more}"


def progress(job: JobSpec | None, asked: AskedBackfill) -> Progress:
    """How many of the dates of *asked* are done; *job* is None for a ghost."""
    job = job or _GHOST
    left, wanted = (
        sum(number_of(job, asked.plan, first, last) for first, last in rows)
        for rows in (asked.dates, asked.wanted)
    )
    wanted = wanted if asked.wanted else asked.total
    return Progress(wanted - left, asked.total - wanted, asked.total)


_GHOST = JobSpec("", "", Schedule.parse("1d"), ZoneInfo("UTC"))
"""For dates whose own plan says all that counts."""


def done_rows(job: JobSpec, asked: AskedBackfill) -> Dates:
    """Those of the dates of *asked* that are done, or given up, as rows of consecutive slots."""
    schedule, zone = schedule_of(asked.plan, job)  # which may not be the present one
    every = [slot for row in asked.wanted for slot in slots_until(schedule, *row, zone)]
    return in_rows((slot for slot in every if not is_among(slot, asked.dates)), every)
