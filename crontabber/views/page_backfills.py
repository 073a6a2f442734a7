"""The page of requested backfills, and how far they are."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from ..schedule.asked import AskedBackfill
from ..schedule.calendar import slot_text
from ..schedule.explain import NO_DATES
from ..schedule.model import JobSpec
from ..schedule.ranges import Progress
from ..schedule.status import failures
from .html import Element, Node, tag
from .page import Link, linked, table, wide
from .times import clock


class Shown(NamedTuple):
    """How far one backfill of one job is."""

    app_name: str
    job: JobSpec | None
    """None: it is not in this configuration."""
    asked: AskedBackfill
    progress: Progress
    next: datetime | None
    is_running: bool = False
    waits: str = ""
    """What its next date waits for."""


def body(
    found: Sequence[Shown],
    now: datetime,
    link: Link,
    action: Callable[[Shown], Node] = lambda _each: None,
) -> list[Node]:
    """A row for each backfill; *action* is what the user may do to it."""
    if not found:
        return [tag("p", "No backfill is under way.", class_="empty")]
    heads = ("Number", "Job", "Progress", "Next", "Asked for", "")
    rows = [_row(each, now, link, action) for each in found]
    return [wide(table("Backfills", heads, rows, "cards"))]


def _row(each: Shown, now: datetime, link: Link, action: Callable[[Shown], Node]) -> Element:
    asked, words = each.asked, each.progress.text("")
    bar = tag("progress", words, value=each.progress.done, max=asked.total, aria_label=words)
    by = asked.by
    if asked.asked_at and each.job:
        by += f", {clock(asked.asked_at, each.job.zone, now)}"
    return tag(
        "tr",
        tag("td", str(asked.number), class_="number", data_label="Number"),
        tag("th", linked(each.app_name, link) if each.job else each.app_name, scope="row"),
        tag("td", bar, tag("small", words)),
        tag("td", _next(each, now), class_="job", data_label="Next"),
        tag("td", by, data_label="Asked for by"),
        tag("td", action(each)),
    )


def _next(each: Shown, now: datetime) -> Node:
    if each.job is None:
        return "it is not in this configuration"
    if not each.job.backfill:
        return NO_DATES
    job, asked = each.job, each.asked
    date = slot_text(each.next, job.schedule, job.zone) if each.next else "-"
    if each.is_running:
        return f"running {date}"
    if asked.retry_at:
        again = clock(asked.retry_at.replace(second=0, microsecond=0), job.zone, now)
        text = f"{failures(asked.attempts)}: {asked.error}; again {again}"
        return [date, tag("p", text, class_="why")]
    return [date, tag("p", f"waits: {each.waits}", class_="why") if each.waits else None]
