"""The account of a job: of each of its slots, what became of it.

The log says what ran; the ledger, what was passed over; the row, what is open; and the schedule,
what is to come. Pure: the runs and the spans are arguments.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from .calendar import MOMENT, count_slots, latest_slot, next_slot, slots_until
from .grammar import Schedule
from .ledger import Span, Verdict
from .missed import pause_text
from .model import JobSpec, JobState, LastError, Outcome, Run
from .plan import in_force, plan, schedule_of
from .ranges import slots_between
from .status import error_text

DONE, FAILED, CRASHED, MARKED = "done", "failed", "crashed", "marked"
OPEN, TO_COME = "open", "to come"
_VERDICTS = {
    Outcome.SUCCEEDED: DONE,
    Outcome.FAILED: FAILED,
    Outcome.CRASHED: CRASHED,
    Outcome.MARKED: MARKED,
}


class Entry(NamedTuple):
    """Consecutive slots with one verdict."""

    first: datetime
    last: datetime
    number: int
    """How many slots there are."""
    verdict: str
    """``open`` or ``to come``; that of a `Span`; or that of the run that counts, as ``done``."""
    reason: str = ""
    by: str | None = None
    """Who caused it; None for slots that were run, or are open."""
    runs: tuple[Run, ...] = ()
    """The runs, oldest first."""

    @property
    def durations(self) -> list[timedelta]:
        """How long the runs with this verdict took, the shortest first."""
        runs = (run for run in self.runs if _VERDICTS[run.outcome] == self.verdict)
        return sorted(run.duration for run in runs if run.duration is not None)

    @property
    def lateness(self) -> timedelta | None:
        """How long after its slot the latest successful run began; None without one."""
        good = (run for run in self.runs if run.outcome is Outcome.SUCCEEDED)
        return max((run.started - run.slot for run in good), default=None)


def account(  # noqa: PLR0913  the four sources, the range, and what is known of them
    job: JobSpec,
    state: JobState | None,
    spans: Iterable[Span],
    runs: Iterable[Run],
    first: datetime,
    last: datetime,
    now: datetime | None = None,
    *,
    whole: bool = True,
) -> list[Entry]:
    """What became of the slots from *first* to *last*, the oldest first: no gap and no overlap.

    - *state* is the row of the job, if it has one; *spans* are those of the ledger, in the order
      of their writing, and *runs* those of the log, in any order.
    - *now* tells what is open from what is to come; left out, it is *last*.
    - A requested date that is not done is open, or failed.
    - Slots between the first and the open one that are neither in the log nor in the ledger were
      done before the log begins; or at any time, if *runs* are only some, which is not *whole*.
      For a job without dates whose row an older crontabber made, which had no ledger, this is not
      known: such slots are left out.
    """
    known = [*_known(job, state, spans, runs, first, last, now or last)]
    filled = _Filler(job, state, now or last, known, first, last, whole=whole).entries()
    found = sorted([*known, *filled], key=lambda entry: entry.first)
    return [*_merged(found, *in_force(job, state))]


def _known(
    job: JobSpec,
    state: JobState | None,
    spans: Iterable[Span],
    runs: Iterable[Run],
    first: datetime,
    last: datetime,
    now: datetime,
) -> Iterator[Entry]:
    """An entry for each slot that is in the log or the ledger, or requested."""
    said: dict[datetime, Span] = {}
    holes: set[datetime] = set()
    """Those that the schedule passed over, so that the row does not say that they are done."""
    for span in spans:
        for slot in _slots_in(span.first, span.last, span.plan, job, first, last):
            said[slot] = span
            if span.verdict not in (Verdict.BACKFILLED, Verdict.GIVEN_UP):
                holes.add(slot)
    tried: defaultdict[datetime, list[Run]] = defaultdict(list)
    for run in sorted(runs, key=lambda run: run.started):
        if first <= run.slot <= last:
            tried[run.slot].append(run)
    wanted = {
        slot: f"requested: backfill {asked.number}"
        for asked in (state.asked if state and job.backfill else ())
        for begin, end in asked.dates
        for slot in _slots_in(begin, end, asked.plan, job, first, last)
    }
    begin, end = _done_by_row(job, state, now) if job.backfill else (None, now)
    for slot in {*said, *tried, *wanted}:
        is_done = begin is not None and begin <= slot < end and slot not in holes
        runs_of, asked = tried.get(slot, []), wanted.get(slot, "")
        yield _entry(job, slot, runs_of, said.get(slot), asked, is_done=is_done)


def _slots_in(
    begin: datetime, end: datetime, plan_text: str, job: JobSpec, first: datetime, last: datetime
) -> Iterator[datetime]:
    """The slots from *begin* to *end* by a plan, as far as they lie between *first* and *last*."""
    schedule, zone = schedule_of(plan_text, job)
    begin = latest_slot(schedule, begin, first, zone)  # there may be a year of minutes before
    found = slots_until(schedule, begin, min(end, last), zone)
    return (slot for slot in found if slot >= first)


def _entry(
    job: JobSpec,
    slot: datetime,
    runs: list[Run],
    span: Span | None,
    asked: str,
    *,
    is_done: bool,
) -> Entry:
    one = Entry(slot, slot, 1, DONE, runs=tuple(runs))
    done = [run for run in runs if run.outcome is Outcome.SUCCEEDED]
    marked = [run for run in runs if run.outcome is Outcome.MARKED]
    # a date that is done may be run again, and fail, and stays done; of others the last run counts
    if job.backfill and (done or (is_done and not marked)):
        return one
    if asked and not runs:
        return one._replace(verdict=OPEN, reason=asked)
    if span and not done and not asked:
        verdict = DONE if span.verdict is Verdict.BACKFILLED else span.verdict.value
        return one._replace(verdict=verdict, reason=span.reason, by=span.by)
    counts = ((job.backfill and marked) or runs)[-1]
    reason = error_of(counts.error) if counts.error else ""
    return one._replace(verdict=_VERDICTS[counts.outcome], reason=reason)


def error_of(error: LastError) -> str:
    """An error in a line; for a crash only its text."""
    return error.value if not error.traceback and "JobCrashed" in error.type else error_text(error)


class _Filler:
    """The slots between those that are in the log or the ledger."""

    def __init__(
        self,
        job: JobSpec,
        state: JobState | None,
        now: datetime,
        known: Sequence[Entry],
        first: datetime,
        last: datetime,
        *,
        whole: bool,
    ) -> None:
        self._schedule, self._zone = in_force(job, state)
        self._job = job._replace(schedule=self._schedule, zone=self._zone)
        self._state, self._now, self._last = state, now, last
        self._begin, self._open = _done_by_row(self._job, state, now)
        self._marks = sorted({entry.first for entry in known})
        self._first = first
        self._log_begin = _log_begin(known) if whole else None

    def entries(self) -> Iterator[Entry]:
        """Those that are done, as the row says; those that are open; and those to come."""
        if begin := self._begin:
            end = self._open - MOMENT
            if self._log_begin:
                end = min(end, self._log_begin - MOMENT)
            yield from self._between(max(begin, self._first), min(end, self._last), DONE)
        begin, end = max(self._open, self._first), min(self._now, self._last)
        pause = self._state.pause if self._state else None
        why = self._why()
        if pause and not self._job.backfill:  # which would catch up
            until = min(pause.until - MOMENT, end) if pause.until else end
            paused = self._between(begin, until, Verdict.PAUSED.value, why)
            yield from (entry._replace(by=pause.by) for entry in paused)
            begin, why = max(begin, until + MOMENT), ""
        yield from self._between(begin, end, OPEN, why)
        yield from self._between(max(begin, self._now + MOMENT), self._last, TO_COME)

    def _why(self) -> str:
        state = self._state
        if state and state.pause:
            return pause_text(state.pause)
        return f"waits for {state.waits_for}" if state and state.waits_for else ""

    def _between(
        self, first: datetime, last: datetime, verdict: str, reason: str = ""
    ) -> Iterator[Entry]:
        """The slots from *first* to *last* that are not known otherwise."""
        marks = [mark for mark in self._marks if first <= mark <= last]
        for one, following in pairwise([first - MOMENT, *marks, last + MOMENT]):
            yield from self._row(one + MOMENT, following - MOMENT, verdict, reason)

    def _row(self, first: datetime, last: datetime, verdict: str, reason: str) -> Iterator[Entry]:
        if first > last:
            return
        begin = next(slots_between(self._job, self._state, first, last, self._now), None)
        if begin is not None:
            end = latest_slot(self._schedule, begin, last, self._zone)
            number = count_slots(self._schedule, begin, last, self._zone)
            yield Entry(begin, end, number, verdict, reason)


def _done_by_row(
    job: JobSpec, state: JobState | None, now: datetime
) -> tuple[datetime | None, datetime]:
    """From which slot on the row says what was done, None if it does not; and the open slot."""
    end = plan(job, state, now).slot
    if state is None:
        return None, end
    if state.first_slot or not job.backfill:
        return state.first_slot, end
    if state.last_success is None:
        return None, end
    # a row that an older crontabber made: the slot of its first run, or that which is done
    began = min(state.first_run or state.last_success, state.last_success)
    before = began - 2 * in_force(job, state)[0].frequency.period
    return max(slots_between(job, state, before, began, now), default=began), end


def _log_begin(known: Iterable[Entry]) -> datetime | None:
    """When the first successful run of the log began: before that it may have been trimmed."""
    good = (run for entry in known for run in entry.runs if run.outcome is Outcome.SUCCEEDED)
    return min((run.started for run in good), default=None)


def _merged(found: Iterable[Entry], schedule: Schedule, zone: ZoneInfo) -> Iterator[Entry]:
    """Entries, with those that are alike as one, unless a slot without an entry is between them."""
    row: list[Entry] = []
    for entry in found:
        if row and not (
            _alike(row[-1], entry) and next_slot(schedule, row[-1].last, zone) >= entry.first
        ):
            yield _joined(row)
            row = []
        row.append(entry)
    if row:
        yield _joined(row)


def _joined(row: Sequence[Entry]) -> Entry:
    runs = tuple(run for entry in row for run in entry.runs)
    number = sum(entry.number for entry in row)
    return row[0]._replace(last=row[-1].last, number=number, runs=runs)


def _alike(one: Entry, other: Entry) -> bool:
    return (one.verdict, one.reason, one.by) == (other.verdict, other.reason, other.by)
