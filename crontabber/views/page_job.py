"""The page of one job: why it runs or not, what became of its slots, its error, what is to come."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from ..schedule.account import Entry
from ..schedule.calendar import slot_text
from ..schedule.dates import Dates, Mark
from ..schedule.explain import Check, Explanation
from ..schedule.forecast import Upcoming
from ..schedule.history import trace
from ..schedule.missed import OURS
from ..schedule.model import Outcome, Run
from ..schedule.status import JobStatus, State, failure_of_asked
from . import svg_bars, svg_calendar
from .dates import stretch_text
from .explain import LABELS, shown_checks, when
from .html import Element, Node, tag
from .page import Link, badge, facts, linked, moment, section, table, warning, wide
from .status import open_dates
from .times import clock, schedule_text, short, took

_ROOM = 24
"""The least number of bars that there is room for: few would be too broad."""
_TABLE = 12
"""How many runs are listed; the bars show more."""
_LETTERS = 20_000
"""How much of a traceback, and of a run's output, is shown."""


class JobView(NamedTuple):
    """All that the page of a job shows."""

    found: Explanation
    now: datetime
    origin: tuple[str, str]
    """What it comes from: a word for it, and its name."""
    runs: Sequence[Run] = ()
    """Its last runs, the oldest first."""
    history: Sequence[Entry] = ()
    """What became of its slots, the oldest first."""
    dates: Dates | None = None
    """Its calendar; None: it gets no dates."""
    ahead: Sequence[Upcoming] = ()
    trouble: str = ""
    """Why the log cannot be read; empty: it can."""

    @property
    def status(self) -> JobStatus:
        """Its state."""
        return self.found.status


def body(view: JobView, link: Link, actions: Node = None) -> list[Node]:
    """The page below its heading; *actions* are what the user may do."""
    return [*_how(view), warning(view.trouble), actions, _facts(view, link), *parts(view, link)]


def parts(view: JobView, link: Link) -> list[Node]:
    """The sections of the page."""
    return [
        _why(view, link),
        section("Last error", *shown) if (shown := error(view)) else None,
        section("Dates", *dates(view.dates)) if view.dates else None,
        _history(view),
        _ahead(view),
        _runs(view),
    ]


def _how(view: JobView) -> Iterator[Node]:
    status = view.status
    since = ""
    if status.since and status.state is not State.OK:
        since = f" since {clock(status.since.replace(second=0), status.job.zone, view.now)}"
    yield tag("p", badge(status.state), since)
    if status.reason:
        yield tag("p", status.reason, class_="reason")


def _facts(view: JobView, link: Link) -> Element:
    status, now = view.status, view.now
    job, row, zone = status.job, status.row, status.job.zone
    label, source = view.origin
    rows: list[tuple[str, Node]] = [
        ("Schedule", f"{schedule_text(job.schedule)}{', backfill' if job.backfill else ''}"),
        (label.rstrip(":"), tag("code", source)),
    ]
    if job.depends_on:
        parents = [[", " if n else None, linked(p, link)] for n, p in enumerate(job.depends_on)]
        rows.append(("Waits for", parents))
    if status.open:
        rows.append(("Dates", open_dates(status)))
    if status.next and status.state is not State.RUNNING:
        label_ = "Next run" if status.next > now else "Due since"
        rows.append((label_, _with_clock(status.next, view)))
    if row:
        rows.append(("Last run", _with_clock(row.last_run, view)))
        rows.append(("Last success", _with_clock(row.last_success, view)))
    if view.runs and view.runs[-1].duration is not None:
        rows.append(("Took", took(view.runs[-1].duration)))
    if row and row.pause:
        rows.append(("Paused until", moment(row.pause.until, zone, now)))
    return facts(rows)


def _with_clock(when_: datetime | None, view: JobView) -> Node:
    if when_ is None:
        return "-"
    zone = view.status.job.zone
    at = clock(when_, zone, view.now)
    return [moment(when_, zone, view.now), tag("small", f" {at}")]


# -- why -----------------------------------------------------------------------------


def _why(view: JobView, link: Link) -> Element:
    found, now = view.found, view.now
    checks = [_check(check, view) for check in shown_checks(found)]
    more: list[Node] = []
    if found.causes:
        items = [tag("li", linked(c.job.app_name, link), f": {_cause(c)}") for c in found.causes]
        more.append(tag("ul", *items, class_="causes"))
    more += [tag("p", note, class_="soft") for note in found.notes]
    more.append(tag("p", tag("b", "It can run "), when(found, now)))
    if found.commands:
        lines = "\n".join(f"crontabber {command}" for command in found.commands)
        more.append(tag("pre", lines))
    return section("Why", tag("ul", *checks, class_="checks"), *more)


def _check(check: Check, view: JobView) -> Element:
    zone, now = view.status.job.zone, view.now
    is_early = check.name == "schedule"  # nothing is wrong with a job before its time
    text = check.reason
    if check.since:
        text += f", since {clock(check.since.replace(second=0), zone, now)}"
    if check.until:
        text += f", until {clock(check.until, zone, now)}"
    word = "ok" if check.ok else LABELS[check.name].lower()
    kind, mark = ("good", "✓") if check.ok else ("idle", "·") if is_early else ("bad", "✗")
    sign = tag("span", mark, title=word, class_=kind)
    return tag("li", sign, tag("span", check.name), tag("span", text))


def _cause(cause: JobStatus) -> str:
    return cause.reason or cause.state.value


# -- errors, runs --------------------------------------------------------------------


def error(view: JobView) -> list[Node]:
    """The last error, with its traceback; nothing if the job is well."""
    row, parts = view.status.row, list[Node]()
    if row and (failure := failure_of_asked(view.status.job, row)):
        parts.append(tag("p", failure, class_="note bad"))
    if row is None or row.last_error is None:
        return parts
    last = row.last_error
    name = last.type.removeprefix("<class '").removesuffix("'>")
    parts.append(tag("p", tag("code", name), ": ", last.value, class_="note bad"))
    if last.traceback:
        parts.append(tag("pre", _end(last.traceback), tabindex="0"))
    return parts


def _end(text: str) -> str:
    """The end of a long text, which says most."""
    return text if len(text) <= _LETTERS else f"…{text[-_LETTERS:]}"


def _runs(view: JobView) -> Element | None:
    if not view.runs:
        return None
    newest = view.runs[::-1]
    heads = ("Began", "For", "Result", "Took", "Host")
    rows = [_run(run, view) for run in newest[:_TABLE]]
    picture = svg_bars.bars(tuple(map(trace, newest)), max(len(newest), _ROOM), large=True)
    return section("Last runs", picture, wide(table("Last runs", heads, rows)))


def _run(run: Run, view: JobView) -> Element:
    job = view.status.job
    kind = svg_bars.CLASSES[run.outcome]
    began = clock(run.started, job.zone, view.now)
    result: list[Node] = [tag("span", run.outcome.value, class_=f"badge {kind}")]
    if run.error:
        result.append(tag("p", run.error.value or run.error.type, class_="why"))
    if run.output:
        opened = run.outcome is not Outcome.SUCCEEDED and run is view.runs[-1]
        summary = tag("summary", "Output")
        result.append(
            tag("details", summary, tag("pre", _end(run.output), tabindex="0"), open=opened)
        )
    return tag(
        "tr",
        tag("td", began, class_="time"),
        tag("td", slot_text(run.slot, job.schedule, job.zone), class_="time"),
        tag("td", *result, class_="job"),
        tag("td", took(run.duration) or "-"),
        tag("td", run.host or "-"),
    )


# -- dates, slots --------------------------------------------------------------------


def dates(found: Dates) -> list[Node]:
    """The calendar, and what is not done."""
    missing = [each for each in found.stretches if each.mark is not Mark.DONE][-30:]
    if not found.days:
        return [tag("p", "It has no dates yet.", class_="empty")]
    items = [tag("li", stretch_text(each, found)) for each in missing]
    rest = tag("ul", *items, class_="stretches") if items else tag("p", "All dates are done.")
    return [svg_calendar.calendar(found), svg_calendar.key(), rest]


def _history(view: JobView) -> Element | None:
    if not view.history:
        return None
    job = view.status.job
    rows = []
    for entry in reversed(view.history):
        first, last = (slot_text(s, job.schedule, job.zone) for s in (entry.first, entry.last))
        slots = first if first == last else f"{first} to {last} ({entry.number})"
        by = f", by {entry.by}" if entry.by and entry.by != OURS else ""
        cells = (
            tag("td", slots, class_="time"),
            tag("td", entry.verdict),
            tag("td", str(len(entry.runs) or "-"), class_="number"),
            tag("td", "-" if entry.lateness is None else short(entry.lateness)),
            tag("td", f"{entry.reason}{by}", class_="job"),
        )
        rows.append(tag("tr", *cells))
    heads = ("Slots", "Verdict", "Tries", "Late", "Why")
    return section("Slots", wide(table("What became of its slots", heads, rows)))


def _ahead(view: JobView) -> Element:
    job = view.status.job
    items = [
        tag(
            "li",
            "" if each.at > view.now else "due since ",
            clock(each.at, job.zone, view.now),
            tag("small", f" {each.note}" if each.note else ""),
        )
        for each in view.ahead
    ]
    empty = tag("p", "It runs when a person says so.", class_="empty")
    return section("Ahead", tag("ul", *items, class_="ahead") if items else empty)
