"""The page of ghosts: the jobs in the database that are not in the configuration."""

from collections.abc import Callable, Sequence
from datetime import datetime, tzinfo

from ..schedule.model import JobState
from .ghosts import ADVICE
from .html import Node, tag
from .page import moment, table, wide


def body(
    found: Sequence[JobState],
    zone: tzinfo,
    now: datetime,
    action: Callable[[JobState], Node] = lambda _each: None,
) -> list[Node]:
    """A row for each ghost; *action* is what the user may do to it."""
    if not found:
        return [tag("p", "No ghosts: every job in the database is configured.", class_="empty")]
    heads = ("Job", "Class or section", "Last run", "")
    rows = [
        tag(
            "tr",
            tag("th", each.app_name, scope="row", class_="job"),
            tag("td", tag("code", each.class_path or "-"), class_="job"),
            tag("td", moment(each.last_run, zone, now), data_label="Last run"),
            tag("td", action(each)),
        )
        for each in found
    ]
    return [tag("p", ADVICE, class_="soft"), wide(table("Ghosts", heads, rows, "cards"))]
