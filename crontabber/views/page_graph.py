"""The page of the graph: which job waits for which."""

from collections.abc import Sequence

from ..schedule.status import JobStatus, Overview
from .graph import graph as tree
from .html import Node, tag
from .page import Link
from .svg_graph import graph, related


def body(overview: Overview, jobs: Sequence[JobStatus], link: Link) -> list[Node]:
    """A drawing of the *jobs* that depend on others, and the same as a tree in text."""
    drawn = related(jobs)
    alone = len(jobs) - len(drawn)
    rest = f"{alone} more job{'s' if alone > 1 else ''} wait for none, and none waits for them."
    if not drawn:
        return [tag("p", "No job waits for another.", class_="empty")]
    words = tag("pre", tree(overview._replace(statuses=drawn), width=100), tabindex="0")
    return [
        tag("div", graph(drawn, link), class_="graphs", tabindex="0"),
        tag("p", rest, class_="soft") if alone else None,
        tag("details", tag("summary", "The same in words"), words),
    ]
