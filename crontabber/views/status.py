"""What ``--status`` prints: a line for each job, the worst first, and a total."""

import textwrap
from collections.abc import Iterator, Sequence
from datetime import datetime

from ..datetimeutil import timesince, timeuntil
from ..schedule.calendar import slot_text
from ..schedule.model import Run
from ..schedule.status import MOST_OPEN, JobStatus, Overview, State, worst_first
from .envelope import Origin, class_of
from .text import Style, escaped, one_line, plain
from .times import clock, heading, schedule_text, short, took

KINDS = {
    **dict.fromkeys([State.FAILED, State.CRASHED, State.GAVE_UP], "error"),
    **dict.fromkeys([State.BLOCKED, State.LATE, State.PAUSED], "overdue"),
    State.RUNNING: "ongoing",
}
"""The style of each state; the others are plain."""
_HEADINGS = ("STATE", "JOB", "SCHEDULE", "LAST RUN", "NEXT")
_GAP = "  "
_INDENT = " " * 4


def status(overview: Overview, *, style: Style = plain, width: int = 80) -> str:
    """A line for each job, its reason below if the line is full, and a line for all jobs."""
    now, found = overview.now, worst_first(overview.statuses)
    if not found:
        return "There are no jobs."
    rows = [_cells(each, now) for each in found]
    widths = _widths([_HEADINGS, *rows], width)
    lines = [heading(now, overview.zone), "", _joined(_HEADINGS, widths)]
    for each, row in zip(found, rows, strict=True):
        lines += _job(row, each, now, widths, style, width)
    return "\n".join([*lines, "", *wrapped(summary(overview), width, "")])


def _cells(each: JobStatus, now: datetime) -> tuple[str, ...]:
    row = each.row
    last = f"{short(now - row.last_run)} ago" if row and row.last_run else "-"
    if each.last.duration is not None:
        last += f", {took(each.last.duration)}"
    name = one_line(each.job.app_name)
    return each.state.value, name, schedule_text(each.job.schedule), last, _next(each, now)


def _next(each: JobStatus, now: datetime) -> str:
    if each.next is None or each.state is State.RUNNING:
        return "-"
    return f"in {short(each.next - now)}" if each.next > now else "due"


def _widths(rows: Sequence[Sequence[str]], width: int) -> list[int]:
    """The width of each column; very long names and schedules do not widen theirs."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    widths[2] = min(widths[2], 24)
    others = sum(widths) - widths[1] + len(_GAP) * (len(widths) - 1)
    widths[1] = min(widths[1], max(width - others, len("JOB")))
    return widths


def _joined(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (cell.ljust(size) for cell, size in zip(cells, widths, strict=True))
    return _GAP.join(padded).rstrip()


def _job(
    cells: Sequence[str],
    each: JobStatus,
    now: datetime,
    widths: Sequence[int],
    style: Style,
    width: int,
) -> Iterator[str]:
    """The line of a job, and its reason: in the line if there is room, or else below."""
    state, name, *rest = cells
    line = _joined(cells, widths)
    if len(name) > widths[1]:
        yield _painted(f"{state:{widths[0]}}{_GAP}{name}", each, style)
        line = _joined(["", "", *rest], widths)
    reason = one_line(_reason(each, now))
    full = sum(widths) + len(_GAP) * len(widths) + len(reason)
    if reason and full <= width:
        line = f"{line:{sum(widths) + len(_GAP) * (len(widths) - 1)}}{_GAP}{reason}"
        reason = ""
    yield line if len(name) > widths[1] else _painted(line, each, style)
    yield from wrapped(reason, width)


def _painted(line: str, each: JobStatus, style: Style) -> str:
    """*line* with the state at its beginning in the style of that state."""
    kind, word = KINDS.get(each.state), each.state.value
    return style(kind, word) + line[len(word) :] if kind else line


def wrapped(text: str, width: int, indent: str = _INDENT) -> list[str]:
    """*text* in lines of at most *width* columns, indented; words that are longer stay whole."""
    return textwrap.wrap(
        text,
        width,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _reason(each: JobStatus, now: datetime) -> str:
    """Why it is so, how many dates are open, and since when."""
    parts = [each.reason] if each.reason else []
    if each.open and each.open.number > 1:
        parts.append(open_dates(each))
    if each.since and each.state not in (State.OK, State.WAITING):
        parts.append(f"since {clock(each.since.replace(second=0), each.job.zone, now)}")
    return "; ".join(parts)


def open_dates(each: JobStatus) -> str:
    """How many dates are open, in words."""
    assert each.open
    more = "more than " if each.open.number >= MOST_OPEN else ""
    dates = "1 date" if each.open.number == 1 else f"{more}{each.open.number} dates"
    return f"{dates} open, oldest {slot_text(each.open.oldest, each.job.schedule, each.job.zone)}"


def summary(overview: Overview) -> str:
    """One line for all jobs: how many there are in each state, and which runs next."""
    found = overview.statuses
    counts = overview.counts()
    ok = counts.pop(State.OK, 0)
    parts = [f"{count} {state.value}" for state, count in counts.items()]
    text = f"{len(found)} job{'s' if found[1:] else ''}: {', '.join([f'{ok} ok', *parts])}"
    others = sum(not finding.app_name for finding in overview.health.findings)
    if others:
        text += f"; {others} more finding{'s' if others > 1 else ''}, see --nagios"
    return text + _next_of_all(found, overview.now)


def _next_of_all(found: Sequence[JobStatus], now: datetime) -> str:
    waiting = [each for each in found if each.state is not State.BLOCKED and _is_to_come(each, now)]
    if not waiting:
        return ""
    first = min(waiting, key=lambda each: each.next or now)
    assert first.next
    name, local = one_line(first.job.app_name), first.next.astimezone(first.job.zone)
    return f"; next: {name} in {timeuntil(first.next, now)}, at {local:%H:%M}"


def _is_to_come(each: JobStatus, now: datetime) -> bool:
    return each.next is not None and each.next > now and each.state is not State.RUNNING


# -- one job -------------------------------------------------------------------------


def details(
    each: JobStatus, runs: Sequence[Run], now: datetime, *, origin: Origin = class_of, width: int
) -> str:
    """The details of one job, and its last *runs*."""
    lines = [heading(now, each.job.zone), ""]
    for label, text in _facts(each, now, origin):
        first, *others = wrapped(one_line(text), width, " " * 14) or [""]
        lines += [f"{label:13} {first.strip()}", *others]
    return "\n".join([*lines, *_last_runs(each, runs, now)])


def _facts(each: JobStatus, now: datetime, origin: Origin) -> Iterator[tuple[str, str]]:
    job, row = each.job, each.row
    yield "job", job.app_name
    label, source = origin(job)
    yield label.lower().rstrip(":"), source
    backfill = ", backfill" if job.backfill else ""
    yield "schedule", f"{schedule_text(job.schedule)}{backfill}"
    if job.depends_on:
        yield "depends on", ", ".join(job.depends_on)
    yield "state", each.state.value
    if each.reason:
        yield "reason", each.reason
    if each.since:
        yield "since", _moment(each.since, each, now)
    if each.open:
        yield "dates", open_dates(each)
    if row:
        yield "last run", _moment(row.last_run, each, now)
        yield "last success", _moment(row.last_success, each, now)
    if each.next and each.next > now:
        yield "next", f"{clock(each.next, job.zone, now)}, in {timeuntil(each.next, now)}"
    elif each.next and each.state is not State.RUNNING:
        yield "next", f"due since {clock(each.next, job.zone, now)}"


def _moment(moment: datetime | None, each: JobStatus, now: datetime) -> str:
    if moment is None:
        return "none"
    return f"{clock(moment, each.job.zone, now)}, {timesince(moment, now)} ago"


def _last_runs(each: JobStatus, runs: Sequence[Run], now: datetime) -> Iterator[str]:
    for label, run in zip(["last runs", *[""] * len(runs)], reversed(runs), strict=False):
        slot = slot_text(run.slot, each.job.schedule, each.job.zone)
        began = clock(run.started, each.job.zone, now)
        text = f"{began}  {slot}  {run.outcome.value} {took(run.duration)}".rstrip()
        yield f"{label:13} {escaped(text)}"
