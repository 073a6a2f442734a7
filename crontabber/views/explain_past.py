"""What ``--explain --at=TIME`` prints: what became of a slot, and of the parents' slots."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from ..schedule.account import DONE
from ..schedule.calendar import slot_text
from ..schedule.missed import OURS
from ..schedule.model import Run
from ..schedule.moment_past import Account, good_run
from .envelope import utc
from .fields import run_fields
from .status import wrapped
from .text import one_line
from .times import clock, schedule_text, short, took


def explain_past(account: Account, moment: datetime, now: datetime, *, width: int = 80) -> str:
    """What became of the slot of a job that was up at *moment*, and why, down to the root."""
    job = account.job
    backfill = ", backfill" if job.backfill else ""
    lines = [f"{one_line(job.app_name)}  {schedule_text(job.schedule)} {job.zone}{backfill}"]
    slot = slot_text(account.slot, job.schedule, job.zone)
    lines.append(f"AT {clock(moment, job.zone, now)} its slot was {slot}")
    return "\n".join([*lines, *_lines(account, now, width, 0)])


def _lines(account: Account, now: datetime, width: int, depth: int) -> Iterator[str]:
    name = one_line(account.job.app_name)
    indent = "  " * (depth + 1)
    slot = slot_text(account.slot, account.job.schedule, account.job.zone)
    text = f"{f'{name}, slot {slot}: ' if depth else ''}{_became(account, now)}"
    label = f"{indent}{account.verdict.upper():8}  "
    first, *others = wrapped(one_line(text), width, " " * len(label))
    yield label + first.strip()
    yield from others
    for parent in account.parents:
        yield from _lines(parent, now, width, depth + 1)


def _became(account: Account, now: datetime) -> str:
    runs = account.entry.runs if account.entry else ()
    by = account.entry.by if account.entry else None
    if not runs:
        told = f"by {by}" if by and by != OURS else ""
        return "; ".join(filter(None, [account.reason, told]))
    good = good_run(account)
    failed = [run for run in runs if run.error]
    parts = []
    if account.verdict == DONE and good:
        late = short(good.started - account.slot)
        parts.append(f"it ran {_when(good, account, now)}, {late} after its slot{_took(good)}")
    if failed:
        tries = "1 try" if len(failed) == 1 else f"{len(failed)} tries"
        span = _when(failed[0], account, now)
        if len(failed) > 1:
            span += f" to {_when(failed[-1], account, now)}"
        parts.append(f"{tries} failed, {span}")
    if account.reason:
        parts.append(account.reason)
    return "; ".join(parts)


def _when(run: Run, account: Account, now: datetime) -> str:
    return clock(run.started.replace(second=0, microsecond=0), account.job.zone, now)


def _took(run: Run) -> str:
    return f", and took {took(run.duration)}" if run.duration is not None else ""


def account_fields(account: Account, moment: datetime) -> dict[str, Any]:
    """The same as a document."""
    return {"asked_about": utc(moment), "past": _past_fields(account)}


def _past_fields(account: Account) -> dict[str, Any]:
    runs = account.entry.runs if account.entry else ()
    return {
        "app_name": account.job.app_name,
        "slot": utc(account.slot),
        "verdict": account.verdict,
        "reason": account.reason,
        "by": account.entry.by if account.entry else None,
        "runs": [run_fields(run) for run in runs],
        "parents": [_past_fields(parent) for parent in account.parents],
    }
