"""Which job waits for which, as a drawing: parents on the left, their children on the right."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ..schedule.dag import order
from ..schedule.status import JobStatus
from .html import Element, Node, tag
from .page import Link, kind_of

_BOX, _HIGH, _ACROSS, _DOWN = 190, 40, 70, 14
_LETTERS = 26
"""How many letters of a name fit into a box."""


class Spot(NamedTuple):
    """Where a job is drawn."""

    column: int
    line: int

    @property
    def left(self) -> int:
        """The left edge of its box."""
        return 1 + self.column * (_BOX + _ACROSS)

    @property
    def top(self) -> int:
        """The upper edge of its box."""
        return 1 + self.line * (_HIGH + _DOWN)


def related(jobs: Sequence[JobStatus]) -> list[JobStatus]:
    """The *jobs* that wait for another, or that another waits for."""
    parents = {parent for each in jobs for parent in each.job.depends_on}
    return [each for each in jobs if each.job.depends_on or each.job.app_name in parents]


def graph(jobs: Sequence[JobStatus], link: Link) -> Element:
    """A box for each of *jobs*, and for the parents that they name and that are not among them."""
    known = {each.job.app_name: each for each in jobs}
    spots = places({name: each.job.depends_on for name, each in known.items()})
    width = max((spot.left for spot in spots.values()), default=0) + _BOX + 1
    height = max((spot.top for spot in spots.values()), default=0) + _HIGH + 1
    edges: list[Node] = []
    for name, each in known.items():
        for parent in dict.fromkeys(each.job.depends_on):
            edges += _edge(spots[parent], spots[name])
    boxes = [_box(name, known.get(name), spot, link) for name, spot in spots.items()]
    return tag(
        "svg",
        *edges,
        *boxes,
        class_="graph",
        width=width,
        height=height,
        viewBox=f"0 0 {width} {height}",
        role="group",
        aria_label="Which job waits for which",
    )


def places(depends_on: Mapping[str, Sequence[str]]) -> dict[str, Spot]:
    """Where each job is drawn: right of all its parents, and near the middle of them.

    Except in a circle, where no order is right.
    """
    ordered, _ = order(depends_on)
    columns: dict[str, int] = {}
    for name in [*ordered, *depends_on]:
        if name not in columns:
            parents = (parent for parent in depends_on[name] if parent != name)
            columns[name] = max((columns.setdefault(p, 0) + 1 for p in parents), default=0)
    lines: dict[str, int] = {}
    taken: dict[int, set[int]] = {}
    for name in sorted(columns, key=lambda each: columns[each]):
        above = [lines[p] for p in depends_on.get(name, ()) if p in lines]
        wish = sum(above) // len(above) if above else 0
        used = taken.setdefault(columns[name], set())
        lines[name] = next(n for n in range(wish, wish + len(columns) + 1) if n not in used)
        used.add(lines[name])
    return {name: Spot(columns[name], lines[name]) for name in columns}


def _edge(parent: Spot, child: Spot) -> list[Node]:
    x1, y1 = parent.left + _BOX, parent.top + _HIGH // 2
    x2, y2 = child.left - 7, child.top + _HIGH // 2
    bend = max((x2 - x1) // 2, 20)
    line = f"M{x1} {y1}C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}"
    tip = f"M{x2 + 7} {y2}l-8 -4v8z"
    return [tag("path", d=line, class_="edge"), tag("path", d=tip, class_="tip")]


def _box(name: str, each: JobStatus | None, spot: Spot, link: Link) -> Element:
    state = each.state.value if each else "not in this configuration"
    short = name if len(name) <= _LETTERS else f"{name[: _LETTERS - 1]}…"
    box = tag(
        "g",
        tag("title", f"{name}: {state}{f', {each.reason}' if each and each.reason else ''}"),
        tag("rect", x=spot.left, y=spot.top, width=_BOX, height=_HIGH, rx=6),
        tag("text", short, x=spot.left + 10, y=spot.top + 17),
        tag("text", state, x=spot.left + 10, y=spot.top + 32, class_="soft"),
        class_=f"node {kind_of(each.state) if each else 'absent'}",
    )
    href = link(name) if each else None
    return tag("a", box, href=href) if href else box
