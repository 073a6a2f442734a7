"""What ``--dates`` prints: the calendar of a backfill app, a month a row, a sign a day."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from ..schedule.calendar import slot_text
from ..schedule.dates import Dates, Mark, Stretch
from ..schedule.missed import OURS
from .envelope import utc
from .status import wrapped
from .text import one_line
from .times import heading, schedule_text

SIGNS = {Mark.DONE: "✓", Mark.FAILED: "✗", Mark.OPEN: "·", Mark.SKIPPED: "~"}
ASCII = {Mark.DONE: "+", Mark.FAILED: "x", Mark.OPEN: ".", Mark.SKIPPED: "~"}
"""The same for an ASCII locale."""
_RULER = " " * 9 + "".join(f"{'' if day % 5 else day:>2}" for day in range(1, 31))
MEANINGS = {
    Mark.DONE: "done",
    Mark.FAILED: "failed, and tried again",
    Mark.OPEN: "not run yet",
    Mark.SKIPPED: "not run on purpose",
}


def dates(
    found: Dates, now: datetime, *, signs: Mapping[Mark, str] = SIGNS, width: int = 80
) -> str:
    """A row for each month, the meaning of the signs, and a line for dates that are not done."""
    job = found.job
    lines = [f"{one_line(job.app_name)}  {schedule_text(job.schedule)}"]
    lines += [heading(now, job.zone), ""]
    if not found.days:
        return "\n".join([*lines, "It has no dates then."])
    lines.append(_RULER)
    lines += [_month(first, found.days, signs) for first in months_of(found)]
    lines += ["", "  ".join(f"{signs[mark]} {text}" for mark, text in MEANINGS.items()), ""]
    missing = [each for each in found.stretches if each.mark is not Mark.DONE]
    if not missing:
        return "\n".join([*lines, "All dates are done."])
    for each in missing:
        lines += wrapped(stretch_text(each, found), width, "")
    return "\n".join(lines)


def months_of(found: Dates) -> list[date]:
    """The first days of all months from the first day to the last."""
    if not found.days:
        return []
    month, last, months = min(found.days).replace(day=1), max(found.days), []
    while month <= last:
        months.append(month)
        month = (month + timedelta(days=31)).replace(day=1)
    return months


def _month(first: date, days: Mapping[date, Mark], signs: Mapping[Mark, str]) -> str:
    marks = (days.get(first + timedelta(days=number)) for number in range(31))
    following = (first + timedelta(days=31)).replace(day=1)
    shown = (
        signs[mark] if mark and first + timedelta(days=number) < following else " "
        for number, mark in enumerate(marks)
    )
    return f"{first:%Y-%m}  {''.join(f' {sign}' for sign in shown)}".rstrip()


def stretch_text(each: Stretch, found: Dates) -> str:
    """Consecutive dates with one mark, on one line."""
    schedule, zone = found.job.schedule, found.job.zone
    first, last = (slot_text(slot, schedule, zone) for slot in (each.first, each.last))
    span = first if first == last else f"{first} .. {last} ({each.number})"
    by = f", by {each.by}" if each.by and each.by != OURS else ""
    return f"{each.mark.value:8} {span}{f'  {one_line(each.reason)}{by}' if each.reason else ''}"


def stretch_fields(each: Stretch) -> dict[str, Any]:
    """What a document says of consecutive dates with one mark."""
    return {
        "first": utc(each.first),
        "last": utc(each.last),
        "count": each.number,
        "verdict": each.mark.value,
        "reason": each.reason,
        "by": each.by,
    }
