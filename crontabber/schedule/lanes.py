"""The last and the next day of each job: what ran, what did not, and what is to come.

Pure, for pictures: times that are closer together than a picture can show are one.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice, takewhile
from typing import NamedTuple

from .calendar import slots_until
from .forecast import upcoming
from .history import Trace
from .model import JobSpec, JobState
from .moment_past import slot_at
from .plan import in_force

GRAIN = timedelta(minutes=10)
"""What is closer together is one."""
_MOST = 3000
"""How many slots of a day are looked at: there are 1440 minutes."""


class Lane(NamedTuple):
    """The two days of one job."""

    ran: Sequence[Trace]
    missing: Sequence[datetime]
    """The slots that came up without a run in their time."""
    ahead: Sequence[datetime]
    """When its next runs are due."""
    running: datetime | None = None
    """Since when a run is under way."""


def lane(
    job: JobSpec, row: JobState | None, runs: Sequence[Trace], now: datetime, span: timedelta
) -> Lane:
    """The time *span* before *now*, whose *runs* are given, and the same after it."""
    ahead = takewhile(lambda each: each.at <= now + span, upcoming(job, row, now))
    times = (max(each.at, now) for each in islice(ahead, _MOST))
    running = row.ongoing if row else None
    missing = _missing(job, row, runs, now, now - span)
    return Lane(runs, [*_coarse(missing)], [*_coarse(times)], running)


def _missing(
    job: JobSpec, row: JobState | None, runs: Sequence[Trace], now: datetime, first: datetime
) -> Iterator[datetime]:
    """The slots in whose time, until the next one, nothing ran."""
    began = row and (row.first_slot or row.first_run)
    if row is None or began is None:
        return
    schedule, zone = in_force(job, row)
    start = max(first, began)
    anchor = slot_at(job, row, start)
    came_up = slots_until(schedule, anchor, now, zone)
    found = [slot for slot in islice(came_up, _MOST) if slot >= start]
    ran = sorted((run.began, run.ended) for run in runs)
    at = 0
    for slot, end in zip(found, [*found[1:], now], strict=False):
        while at < len(ran) and ran[at][1] < slot:
            at += 1
        is_new = now - slot < GRAIN  # the next tick may run it yet
        if (at == len(ran) or ran[at][0] > end) and not is_new and not _runs_at(row, slot):
            yield slot


def _runs_at(row: JobState, slot: datetime) -> bool:
    return row.ongoing is not None and row.ongoing >= slot and row.next_slot == slot


def _coarse(times: Iterable[datetime]) -> Iterator[datetime]:
    """*times* without those that follow another one by less than `GRAIN`."""
    last = None
    for each in times:
        if last is None or each - last >= GRAIN:
            yield each
            last = each
