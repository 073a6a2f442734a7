"""What ``--history`` prints: what became of the slots of a job, and how long its runs took."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from ..schedule.account import Entry
from ..schedule.calendar import slot_text
from ..schedule.missed import OURS
from ..schedule.model import JobSpec, Run
from .envelope import seconds, utc
from .status import wrapped
from .text import Style, escaped, one_line, plain
from .times import clock, heading, schedule_text, short, took

_HEADINGS = ("SLOTS", "VERDICT", "TRIES", "TOOK", "LATE")
_KINDS = {"failed": "error", "crashed": "error", "given up": "error", "open": "overdue"}
_GAP = "  "


def history(
    job: JobSpec,
    found: Sequence[Entry],
    now: datetime,
    *,
    output: bool = False,
    style: Style = plain,
    width: int = 80,
) -> str:
    """A line for consecutive slots with one verdict, the oldest first; with kept *output*."""
    backfill = ", backfill" if job.backfill else ""
    lines = [f"{one_line(job.app_name)}  {schedule_text(job.schedule)}{backfill}"]
    lines += [heading(now, job.zone), ""]
    if not found:
        return "\n".join([*lines, "The log has nothing of it."])
    rows = [_cells(job, entry) for entry in found]
    widths = [max(map(len, column)) for column in zip(_HEADINGS, *rows, strict=True)]
    lines.append(_joined(_HEADINGS, widths))
    for entry, row in zip(found, rows, strict=True):
        kind, line = _KINDS.get(entry.verdict), _joined(row, widths)
        lines.append(style(kind, line) if kind else line)
        lines += wrapped(one_line(_why(entry)), width)
        if output:
            lines += _outputs(job, entry.runs, now)
    return "\n".join(lines)


def unread(name: str, most: int) -> str:
    """That the newest *most* runs were read, and how to see older ones."""
    each = "of each job " if name == "all" else ""
    return (
        f"Only the newest {most} runs {each}were read; for older ones: "
        f"--history={one_line(name)} --from=TIME"
    )


def _cells(job: JobSpec, entry: Entry) -> tuple[str, ...]:
    first, last = (slot_text(slot, job.schedule, job.zone) for slot in (entry.first, entry.last))
    slots = first if first == last else f"{first} .. {last} ({entry.number})"
    tries = str(len(entry.runs)) if entry.runs else "-"
    late = "-" if entry.lateness is None else short(entry.lateness)
    return slots, entry.verdict, tries, _took(entry), late


def _took(entry: Entry) -> str:
    if not entry.durations:
        return "-"
    shortest, longest = took(entry.durations[0]), took(entry.durations[-1])
    return shortest if shortest == longest else f"{shortest} to {longest}"


def _why(entry: Entry) -> str:
    is_told = not entry.by or entry.by == OURS or f"by {entry.by}" in entry.reason
    by = "" if is_told else f"by {entry.by}"
    return "; ".join(filter(None, [entry.reason, by]))


def _joined(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (cell.ljust(size) for cell, size in zip(cells, widths, strict=True))
    return _GAP.join(padded).rstrip()


def _outputs(job: JobSpec, runs: Sequence[Run], now: datetime) -> Iterator[str]:
    for run in runs:
        if run.output:
            began = clock(run.started, job.zone, now)
            yield f"    output of the run at {began}, {run.outcome.value}:"
            yield from (f"    | {line}" for line in escaped(run.output).splitlines())


def entry_fields(entry: Entry) -> dict[str, Any]:
    """Consecutive slots with one verdict, in a document."""
    return {
        "first": utc(entry.first),
        "last": utc(entry.last),
        "count": entry.number,
        "verdict": entry.verdict,
        "reason": entry.reason,
        "by": entry.by,
        "tries": len(entry.runs),
        "shortest": seconds(entry.durations[0]) if entry.durations else None,
        "longest": seconds(entry.durations[-1]) if entry.durations else None,
        "late": seconds(entry.lateness),
    }


# -- all jobs ------------------------------------------------------------------------

_ALL = ("JOB", "RUNS", "FAILED", "USUALLY", "LONGEST", "AT")


def durations(
    runs: Mapping[str, Sequence[Run]], job_of: Mapping[str, JobSpec], now: datetime
) -> str:
    """A line for each job, by name: how many *runs* there were, and how long they took.

    The slowest come first.
    """
    zone = next(iter(job_of.values())).zone
    slowest = sorted(runs, key=lambda name: -_longest(runs[name])[0])
    rows = [_summary(name, runs[name], job_of[name], now) for name in slowest if runs[name]]
    if not rows:
        return f"{heading(now, zone)}\n\nThe log has nothing of that time."
    widths = [max(map(len, column)) for column in zip(_ALL, *rows, strict=True)]
    return "\n".join([heading(now, zone), "", *(_joined(row, widths) for row in (_ALL, *rows))])


def _longest(runs: Sequence[Run]) -> tuple[timedelta, Run | None]:
    timed = [run for run in runs if run.duration is not None]
    slowest = max(timed, key=lambda run: run.duration or timedelta(), default=None)
    return (slowest.duration or timedelta() if slowest else timedelta()), slowest


def _summary(name: str, runs: Sequence[Run], job: JobSpec, now: datetime) -> tuple[str, ...]:
    failed = sum(run.error is not None for run in runs)
    times = sorted(run.duration for run in runs if run.duration is not None)
    usual = took(times[len(times) // 2]) if times else "-"
    longest, slowest = _longest(runs)
    at = clock(slowest.started, job.zone, now) if slowest else "-"
    return one_line(name), str(len(runs)), str(failed), usual, took(longest), at
