"""What became of the slots of a job: consecutive ones of one verdict are one entry.

Pure: the runs of the log and the spans of the ledger come in, in any order.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby, islice, takewhile
from typing import NamedTuple

from .calendar import slots
from .ledger import Span
from .model import JobSpec, JobState, LastError, Outcome, Run
from .plan import in_force, plan
from .status import MOST_OPEN, error_text

DONE, FAILED, CRASHED, MARKED, OPEN = "done", "failed", "crashed", "marked", "open"
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
    """``open``; that of a `Span`; or that of the run that counts, such as ``done``."""
    reason: str = ""
    by: str | None = None
    """Who had it so; None for slots that were run."""
    runs: tuple[Run, ...] = ()
    """The tries, oldest first."""

    @property
    def durations(self) -> list[timedelta]:
        """How long the tries took that had this verdict, the shortest first."""
        runs = (run for run in self.runs if _VERDICTS[run.outcome] == self.verdict)
        return sorted(run.duration for run in runs if run.duration is not None)

    @property
    def lateness(self) -> timedelta | None:
        """How long after its slot the latest of the good runs began; None without one."""
        good = (run for run in self.runs if run.outcome is Outcome.SUCCEEDED)
        return max((run.started - run.slot for run in good), default=None)


def entries(
    runs: Sequence[Run], spans: Iterable[Span] = (), others: Iterable[Entry] = ()
) -> list[Entry]:
    """What became of the slots of one job, the oldest first; *others* are such as are open."""
    tried: defaultdict[datetime, list[Run]] = defaultdict(list)
    for run in runs:
        tried[run.slot].append(run)
    found = [_entry(slot, of_slot) for slot, of_slot in tried.items()]
    found += [
        Entry(span.first, span.last, span.slots, span.verdict.value, span.reason, span.by)
        for span in spans
    ]
    found += others
    return [*_merged(sorted(found, key=lambda entry: (entry.first, entry.last)))]


def open_entry(
    job: JobSpec, row: JobState | None, runs: Iterable[Run], now: datetime
) -> list[Entry]:
    """The dates of a backfill app that came up and were not tried yet, as one entry; or none."""
    if not job.backfill:
        return []
    tried = {run.slot for run in runs}
    schedule, zone = in_force(job, row)
    passed = takewhile(lambda slot: slot <= now, slots(schedule, plan(job, row, now).slot, zone))
    found = [slot for slot in islice(passed, MOST_OPEN) if slot not in tried]
    waits = f"waits for {row.waits_for}" if row and row.waits_for else ""
    return [Entry(found[0], found[-1], len(found), OPEN, waits)] if found else []


def _entry(slot: datetime, runs: list[Run]) -> Entry:
    runs.sort(key=lambda run: run.started)
    # a date that is done may be run again, and fail, and stays done
    done = [run for run in runs if run.outcome in (Outcome.SUCCEEDED, Outcome.MARKED)]
    last = (done or runs)[-1]
    reason = error_of(last.error) if last.error else ""
    return Entry(slot, slot, 1, _VERDICTS[last.outcome], reason, None, tuple(runs))


def error_of(error: LastError) -> str:
    """An error in a line; of a crash its own text only."""
    return error.value if not error.traceback and "JobCrashed" in error.type else error_text(error)


def _merged(found: Iterable[Entry]) -> Iterator[Entry]:
    for _, group in groupby(found, key=lambda entry: (entry.verdict, entry.reason, entry.by)):
        alike = [*group]
        yield alike[0]._replace(
            last=max(entry.last for entry in alike),
            number=sum(entry.number for entry in alike),
            runs=tuple(run for entry in alike for run in entry.runs),
        )
