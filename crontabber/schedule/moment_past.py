"""Why a job did not run at a moment of the past: what became of the slot that was up then.

Pure: the runs and spans in the store are arguments.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from .account import DONE, OPEN, Entry, account
from .calendar import first_slot, latest_slot, moment_of
from .grammar import Frequency, Schedule, TimeOfDay, Unit
from .ledger import Span
from .model import JobSpec, JobState, Outcome, Run
from .plan import in_force

Reader = Callable[[str, datetime], tuple[Sequence[Run], Sequence[Span]]]
"""From an app_name and a slot to what log and ledger say of this slot."""


class Account(NamedTuple):
    """What became of the slot of one job that was up at a moment."""

    job: JobSpec
    slot: datetime
    verdict: str
    """That of an `Entry`; ``open`` or ``unknown`` if there is none."""
    reason: str
    entry: Entry | None = None
    parents: Sequence["Account"] = ()
    """The parents that had not done their slot when this one was up."""


UNKNOWN = "unknown"
_MINUTE = timedelta(minutes=1)


def account_at(job: JobSpec, row: JobState | None, moment: datetime, read: Reader) -> Account:
    """What became of the slot of *job* that was up at *moment*; see `slot_at`."""
    slot = slot_at(job, row, moment)
    runs, spans = read(job.app_name, slot)
    if row is None and not (runs or spans):
        return Account(job, slot, UNKNOWN, "no tick has seen this job")
    for entry in account(job, row, spans, runs, slot, slot):
        return Account(job, slot, entry.verdict, _reason(entry, row), entry)
    if row and row.first_slot and slot < row.first_slot:
        return Account(job, slot, UNKNOWN, "that was before its first slot")
    return Account(job, slot, UNKNOWN, "the log has no run of it: a later slot was run instead")


def _reason(entry: Entry, row: JobState | None) -> str:
    if entry.verdict == OPEN and row and entry.reason == f"waits for {row.waits_for}":
        return f"it waits for {row.waits_for}"
    if entry.reason or entry.runs:
        return entry.reason
    return {OPEN: "it has not been run", DONE: "the log has no run of it any more"}.get(
        entry.verdict, ""
    )


def slot_at(job: JobSpec, row: JobState | None, moment: datetime) -> datetime:
    """The latest slot of *job* that is not after *moment*, by the schedule in force."""
    schedule, zone = in_force(job, row)
    anchor = next(
        (slot for slot in (row.first_slot, row.next_slot) if slot and slot <= moment)
        if row
        else iter(()),
        None,
    )
    if anchor is None:
        anchor = _before(schedule, row.next_slot if row else None, moment, zone)
    return latest_slot(schedule, anchor, moment, zone)


def _before(
    schedule: Schedule, known: datetime | None, moment: datetime, zone: ZoneInfo
) -> datetime:
    """A slot that is not after *moment*, counted back from the *known* one."""
    frequency, period = schedule.frequency, schedule.frequency.period
    if not isinstance(frequency, Frequency):  # a calendar is counted from nowhere
        return latest_slot(schedule, moment - 2 * period, moment, zone)
    if frequency.unit is not Unit.DAYS:
        start = known or moment
        return first_slot(schedule, start + (moment - start) // period * period, zone)
    local = (known or moment).astimezone(zone)
    if known is None and isinstance(schedule.time, TimeOfDay):
        local = local.replace(hour=schedule.time.hour, minute=schedule.time.minute)
    local = local.replace(second=0, microsecond=0)
    steps = max((local - moment) // period, 0) + 2
    return moment_of((local.replace(tzinfo=None) - steps * period).replace(tzinfo=zone))


def good_run(account: Account) -> Run | None:
    """The first run that did the slot."""
    runs = account.entry.runs if account.entry else ()
    return next((run for run in runs if run.outcome is Outcome.SUCCEEDED), None)


def was_in_time(account: Account, moment: datetime) -> bool:
    """Whether its slot was done within a minute after *moment*, as far as is known."""
    run = good_run(account)
    return account.verdict == DONE and (run is None or run.started - moment < _MINUTE)
