"""What ``--graph`` prints: which job waits for which, as a tree, and for programs that draw."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from ..schedule.dag import order
from ..schedule.status import JobStatus, Overview
from .envelope import Origin
from .fields import status_document
from .status import KINDS, wrapped
from .text import Style, one_line, plain


class Branches(NamedTuple):
    """The lines of a tree."""

    child: str
    last: str
    """Before the last child."""
    down: str
    """Beside what is below a child."""
    space: str = "   "
    """Beside what is below the last child."""


LINES = Branches("├─ ", "└─ ", "│  ")
ASCII = Branches("|- ", "`- ", "|  ")
ABOVE = "see above"
_ABSENT = "not in this configuration"


class _Tree(NamedTuple):
    """The jobs by name, and who waits for whom."""

    jobs: Mapping[str, JobStatus]
    children: Mapping[str, Sequence[str]]
    roots: Sequence[str]
    """Jobs that wait for none, and parents that are not configured."""
    circles: Sequence[str]
    """The faults of jobs that wait for each other."""


def graph(
    overview: Overview, *, branches: Branches = LINES, style: Style = plain, width: int = 80
) -> str:
    """The jobs as a tree, each below one of its parents, with its state and why.

    A job that has several parents is shown below the first, and referred to below the others.
    """
    tree = _tree(overview.statuses)
    if not tree.roots and not tree.circles:
        return "There are no jobs."
    said: set[str] = set()
    rows: list[tuple[str, str, str]] = []
    for root in tree.roots:
        rows += _rows(tree, root, ("", ""), branches, said)
    column = min(max((len(left) for left, _, _ in rows), default=0), width // 2)
    lines = [line for row in rows for line in _lines(tree, row, column, style, width)]
    return "\n".join([*lines, *map(one_line, tree.circles)])


def graph_document(overview: Overview, origin: Origin) -> str:
    """The same as a JSON document, where each job names those that it depends on."""
    return status_document(overview, kind="graph", origin=origin)


def kin(statuses: Sequence[JobStatus], name: str) -> list[JobStatus]:
    """The job of this app_name, all that it waits for, and all that waits for it."""
    tree = _tree(statuses)
    parents = {each: status.job.depends_on for each, status in tree.jobs.items()}
    wanted = {name, *_reach(name, parents), *_reach(name, tree.children)}
    return [each for each in statuses if each.job.app_name in wanted]


def _reach(name: str, to: Mapping[str, Collection[str]]) -> set[str]:
    found: set[str] = set()
    open_ones = [name]
    while open_ones:
        more = {*to.get(open_ones.pop(), ())} - found
        found |= more
        open_ones += more
    return found


def _tree(statuses: Sequence[JobStatus]) -> _Tree:
    jobs = {each.job.app_name: each for each in statuses}
    children: defaultdict[str, list[str]] = defaultdict(list)
    for name, each in jobs.items():
        for parent in dict.fromkeys(each.job.depends_on):
            children[parent].append(name)
    _, circles = order({name: each.job.depends_on for name, each in jobs.items()})
    roots = [name for name in jobs if not jobs[name].job.depends_on]
    absent = [name for name in children if name not in jobs]
    return _Tree(jobs, children, [*roots, *absent], [str(circle) for circle in circles])


def _rows(
    tree: _Tree, name: str, prefixes: tuple[str, str], branches: Branches, said: set[str]
) -> Iterator[tuple[str, str, str]]:
    """The lines of a job and of those below it: the tree, its name, its state."""
    here, below = prefixes
    known = name in said
    said.add(name)
    children = () if known else tree.children.get(name, ())
    yield f"{here}{one_line(name)}", "" if known else name, below + branches.down * bool(children)
    for child in children:
        is_last = child == children[-1]
        mine = below + (branches.last if is_last else branches.child)
        beside = below + (branches.space if is_last else branches.down)
        yield from _rows(tree, child, (mine, beside), branches, said)


def _lines(
    tree: _Tree, row: tuple[str, str, str], column: int, style: Style, width: int
) -> Iterator[str]:
    left, name, below = row
    start = f"{left:{column}}  "
    if not name:
        yield f"{start}{ABOVE}"
        return
    if name not in tree.jobs:
        yield f"{start}{_ABSENT}"
        return
    each = tree.jobs[name]
    word = each.state.value
    kind = KINDS.get(each.state, "")
    shown = style(kind, word) if kind else word
    reason = one_line(each.reason)
    if not reason or len(start) + len(word) + 2 + len(reason) <= width:
        yield f"{start}{shown}{'  ' if reason else ''}{reason}"
        return
    yield f"{start}{shown}"
    yield from wrapped(reason, width, f"{below}    ")


# -- for programs that draw ----------------------------------------------------------

_COLOURS = {
    "error": "#f4c7c3",
    "overdue": "#fce8b2",
    "ongoing": "#c6dafc",
    "": "#e6f4ea",
}


def mermaid(overview: Overview) -> str:
    """The jobs as a flow chart in the language of Mermaid, which Markdown pages can hold."""
    tree, ids = _numbered(overview)
    lines = ["flowchart TD"]
    for name, number in ids.items():
        label = "<br/>".join(map(_mermaid_text, _label(tree, name)))
        lines.append(f'    {number}["{label}"]:::{_kind(tree, name) or "well"}')
    lines += [f"    {ids[parent]} --> {ids[child]}" for parent, child in _edges(tree)]
    for kind, colour in _COLOURS.items():
        lines.append(f"    classDef {kind or 'well'} fill:{colour},stroke:#555,color:#000")
    return "\n".join([*lines, "    classDef absent fill:#fff,stroke:#999,stroke-dasharray:4"])


def dot(overview: Overview) -> str:
    """The jobs as a graph in the language of Graphviz."""
    tree, ids = _numbered(overview)
    lines = ["digraph crontabber {", '    node [shape=box, style="rounded,filled"];']
    for name, number in ids.items():
        label = "\\n".join(map(_dot_text, _label(tree, name)))
        kind = _kind(tree, name)
        more = 'style="rounded,dashed"' if kind == "absent" else f'fillcolor="{_COLOURS[kind]}"'
        lines.append(f'    {number} [label="{label}", {more}];')
    lines += [f"    {ids[parent]} -> {ids[child]};" for parent, child in _edges(tree)]
    return "\n".join([*lines, "}"])


def _numbered(overview: Overview) -> tuple[_Tree, dict[str, str]]:
    """The tree, and an identifier for each job: a name may hold any character."""
    tree = _tree(overview.statuses)
    names = dict.fromkeys([*tree.jobs, *tree.roots])
    return tree, {name: f"job{number}" for number, name in enumerate(names, 1)}


def _edges(tree: _Tree) -> Iterator[tuple[str, str]]:
    return ((parent, child) for parent, found in tree.children.items() for child in found)


def _label(tree: _Tree, name: str) -> tuple[str, str]:
    each = tree.jobs.get(name)
    return one_line(name), each.state.value if each else _ABSENT


def _kind(tree: _Tree, name: str) -> str:
    each = tree.jobs.get(name)
    return KINDS.get(each.state, "") if each else "absent"


def _mermaid_text(text: str) -> str:
    return "".join(f"#{ord(each)};" if each in '#"<>[]{}()`;&' else each for each in text)


def _dot_text(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
