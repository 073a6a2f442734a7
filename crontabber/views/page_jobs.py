"""The page of all jobs: the state of each, why, its last runs, and when it runs next."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from urllib.parse import urlencode

from ..schedule.history import Trace
from ..schedule.status import JobStatus, Overview, State, worst_first
from .html import Element, Node, tag
from .page import Link, Part, badge, kind_of, linked, moment, warning
from .page import table as table_of
from .status import open_dates, summary
from .svg_bars import bars
from .text import STANDBY
from .times import clock, schedule_text, took

ON_A_PAGE = 100
"""The most jobs on a page: more would be slow on a phone."""


class Wish(NamedTuple):
    """Which jobs the user wants to see."""

    text: str = ""
    """Text that has to occur in the name, the reason or the class path."""
    state: str = ""
    """The only state to show; empty: all."""
    page: int = 1

    def address(self, **changes: str | int) -> str:
        """Where the page with these *changes* is."""
        names = {"text": "q", "state": "state", "page": "page"}
        wanted = self._replace(**changes)  # type: ignore[arg-type]
        said = {names[k]: v for k, v in wanted._asdict().items() if v not in ("", 1)}
        return f"./?{urlencode(said)}" if said else "./"


def chosen(overview: Overview, wish: Wish) -> Part:
    """The jobs that match, the worst first."""
    text = wish.text.casefold().strip()
    found = [
        each
        for each in worst_first(overview.statuses)
        if wish.state in ("", each.state.value)
        and (
            not text
            or text in f"{each.job.app_name} {each.job.class_path} {each.reason}".casefold()
        )
    ]
    return Part.of(found, wish.page, ON_A_PAGE)


def body(
    overview: Overview,
    wish: Wish,
    shown: Part,
    runs: Mapping[str, Sequence[Trace]],
    link: Link,
) -> list[Node]:
    """The live page."""
    return [
        *notes(overview),
        _filters(overview, wish),
        tag(
            "div",
            table(overview, shown.jobs, runs, link),
            shown.more(lambda page: wish.address(page=page)),
            id="live",
        ),
    ]


def notes(overview: Overview) -> list[Node]:
    """What to know about all jobs, first what is wrong."""
    found: list[Node] = [tag("p", summary(overview), class_="summary", id="summary")]
    if overview.health.standby:
        found.append(warning(STANDBY))
    found += [tag("p", fault, class_="note bad") for fault in overview.faults]
    found += [
        warning(": ".join(finding.parts))
        for finding in overview.health.findings
        if not finding.app_name and ": ".join(finding.parts) not in overview.faults
    ]
    return found


def _filters(overview: Overview, wish: Wish) -> Element:
    links = [_filter("all", len(overview.statuses), "", wish)]
    links += [_filter(s.value, n, s.value, wish) for s, n in overview.counts().items()]
    search = tag(
        "form",
        tag("label", "Search", for_="q"),
        tag("input", type="search", id="q", name="q", value=wish.text, autocomplete="off"),
        tag("input", type="hidden", name="state", value=wish.state) if wish.state else None,
        tag("button", "Search", type="submit"),
        method="get",
        action="./",
        role="search",
    )
    states = tag("ul", *(tag("li", each) for each in links), class_="chips")
    return tag(
        "div", tag("nav", states, aria_label="States"), search, class_="filters", id="filters"
    )


def _filter(name: str, count: int, state: str, wish: Wish) -> Element:
    here = wish.state == state
    href = wish.address(state=state, page=1)
    return tag("a", f"{name} ", tag("b", str(count)), href=href, aria_current=here and "true")


def table(
    overview: Overview, jobs: Sequence[JobStatus], runs: Mapping[str, Sequence[Trace]], link: Link
) -> Element:
    """A row for each of *jobs*."""
    if not jobs:
        return tag("p", "There are no such jobs.", class_="empty")
    heads = ("State", "Job", "Schedule", "Last runs", "Last", "Next")
    rows = [_row(each, overview, runs.get(each.job.app_name, ()), link) for each in jobs]
    return table_of("The jobs, the worst first", heads, rows, "jobs")


def _row(each: JobStatus, overview: Overview, runs: Sequence[Trace], link: Link) -> Element:
    job, row, now = each.job, each.row, overview.now
    why = "; ".join(filter(None, [each.reason, each.open and open_dates(each)]))
    if each.since and each.state not in (State.OK, State.WAITING):
        why += f"{'; ' if why else ''}since {clock(each.since.replace(second=0), job.zone, now)}"
    last: list[Node] = [moment(row and row.last_run, job.zone, now)]
    if runs and runs[0].duration is not None:
        last.append(tag("small", f" {took(runs[0].duration)}"))
    return tag(
        "tr",
        tag("td", badge(each.state), class_="state"),
        tag("th", linked(job.app_name, link), _reason(why), scope="row", class_="job"),
        tag("td", schedule_text(job.schedule), class_="schedule"),
        tag("td", bars(tuple(runs)), class_="runs"),
        tag("td", *last, class_="last"),
        tag("td", _next(each, overview), class_="next"),
        class_=kind_of(each.state),
    )


def _reason(why: str) -> Element | None:
    return tag("p", why, class_="why") if why else None


def _next(each: JobStatus, overview: Overview) -> Node:
    if each.state is State.RUNNING:
        return "running"
    if each.next is not None and each.next <= overview.now:
        return "due"
    return moment(each.next, each.job.zone, overview.now)
