"""What all pages share: the frame with the links, states, times, and small parts."""

import functools
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import NamedTuple
from urllib.parse import quote

from ..datetimeutil import timesince, timeuntil
from ..schedule.status import JobStatus, State
from .html import Element, Node, Raw, render, tag
from .times import clock

PAGES = {
    "./": "Jobs",
    "timeline": "Timeline",
    "graph": "Graph",
    "backfills": "Backfills",
    "ghosts": "Ghosts",
}
"""Where each page is, relative to the others, and its title.

All links are relative, so the pages work below any prefix without knowing it.
"""

_KINDS = {
    **dict.fromkeys([State.FAILED, State.CRASHED, State.GAVE_UP], "bad"),
    **dict.fromkeys([State.BLOCKED, State.LATE, State.PAUSED], "warn"),
    State.RUNNING: "run",
    State.WAITING: "idle",
    State.OK: "good",
}
_SIGNS = {"bad": "✗", "warn": "!", "run": "▶", "idle": "·", "good": "✓"}
"""For those who cannot tell the colours."""

Link = Callable[[str], str | None]
"""From the name of a job to the link to its page; None: it has none."""


POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
"""What a browser may do with a page: the ``Content-Security-Policy``."""


class Frame(NamedTuple):
    """What surrounds the body of a live page."""

    title: str
    here: str = ""
    """The page that it is, or belongs to: a key of `PAGES`."""
    now: str = ""
    """When the database was read, in words."""
    nav: Mapping[str, str] = PAGES
    person: Node = None
    """The user, and how to log out."""
    is_form: bool = False
    """Whether it has a form, and must not be refreshed."""
    up: str = ""
    """The link to the first page from one that lies deeper: ``../``."""


def person_node(name: str, *, may_leave: bool) -> Node:
    """The user, and the logout if there is one; nothing without a user."""
    leave = [" ", tag("a", "Log out", href="logout")] if may_leave else None
    return [tag("span", name), leave] if name else None


def job_link(name: str) -> str:
    """Where the page of a job is."""
    return f"job?name={quote(name, safe='')}"


def live(frame: Frame, *body: Node, redact: Callable[[str], str] = str) -> str:
    """A live page as HTML."""
    up = frame.up
    head = [
        tag("link", rel="stylesheet", href=f"{up}static/crontabber.css"),
        tag("link", rel="icon", href=f"{up}static/crontabber.svg", type="image/svg+xml"),
        None if frame.is_form else tag("script", src=f"{up}static/crontabber.js", defer=True),
    ]
    items = [
        tag("li", tag("a", name, href=f"{up}{href}", aria_current=href == frame.here and "page"))
        for href, name in frame.nav.items()
    ]
    header = tag(
        "header",
        tag("a", "crontabber", class_="brand", href=up or "./"),
        tag("nav", tag("ul", *items), aria_label="Pages"),
        tag("div", frame.person, class_="person") if frame.person else None,
    )
    main = tag("main", tag("h1", frame.title), *body, id="main", tabindex="-1")
    now = f"As of {frame.now}." if frame.now else None
    footer = tag("footer", tag("p", now, id="as-of"))
    skip = tag("a", "Skip to the content", class_="skip", href="#main")
    return document(frame.title, head, [skip, header, main, footer], redact)


def document(
    title: str, head: Sequence[Node], body: Sequence[Node], redact: Callable[[str], str] = str
) -> str:
    """A whole document as HTML."""
    root = tag(
        "html",
        tag(
            "head",
            tag("meta", charset="utf-8"),
            tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
            tag("meta", name="color-scheme", content="light dark"),
            tag("title", f"{title} · crontabber"),
            *head,
        ),
        tag("body", *body),
        lang="en",
    )
    return "<!DOCTYPE html>\n" + render(root, redact)


def kind_of(state: State) -> str:
    """The class of CSS for a state."""
    return _KINDS[state]


@functools.cache
def badge(state: State) -> Element:
    """A state, for those who see colours and for those who do not."""
    kind = _KINDS[state]
    sign = tag("span", _SIGNS[kind], aria_hidden="true")
    return tag("span", sign, " ", state.value, class_=f"badge {kind}")


def linked(name: str, link: Link) -> Node:
    """The name of a job, with a link to it."""
    href = link(name)
    return tag("a", name, href=href) if href else name


def moment(when: datetime | None, zone: tzinfo, now: datetime) -> Node:
    """A time, with how far away it is; a dash if there is none."""
    if when is None:
        return "-"
    if when > now:
        text = f"in {_short(timeuntil(when, now))}"
    else:
        text = f"{_short(timesince(when, now))} ago"
    local = when.astimezone(zone)
    whole = clock(local, zone, now)
    return tag("time", text, datetime=local.isoformat(timespec="seconds"), title=whole)


def _short(words: str) -> str:
    return words.partition(",")[0]


class Part(NamedTuple):
    """The part of a long list of jobs that a page shows."""

    jobs: Sequence[JobStatus]
    found: int
    """How many jobs the list has."""
    number: int
    """Which part it is: the first is 1."""
    pages: int

    @classmethod
    def of(cls, found: Sequence[JobStatus], wanted: int, size: int) -> "Part":
        """The part that is *wanted*, of *size* jobs; the last one if there are fewer."""
        pages = max(-(-len(found) // size), 1)
        number = min(max(wanted, 1), pages)
        return cls(found[(number - 1) * size :][:size], len(found), number, pages)

    def more(self, address: Callable[[int], str]) -> Element | None:
        """The links to the other parts, each at its *address*; None: there are no others."""
        if self.pages == 1:
            return None
        parts: list[Node] = [f"Page {self.number} of {self.pages}, {self.found} jobs "]
        if self.number > 1:
            parts.append(tag("a", "← worse", href=address(self.number - 1), rel="prev"))
        if self.number < self.pages:
            parts += [" ", tag("a", "better →", href=address(self.number + 1), rel="next")]
        return tag("nav", *parts, class_="pages", aria_label="More jobs")


def facts(rows: Sequence[tuple[str, Node]]) -> Element:
    """Facts, each with a label."""
    parts = [tag("div", tag("dt", label), tag("dd", value)) for label, value in rows]
    return tag("dl", *parts, class_="facts")


def table(
    caption: str, heads: Sequence[str], rows: Sequence[Node], class_: str | None = None
) -> Element:
    """A table; its *caption* is for those who cannot see it."""
    return tag(
        "table",
        tag("caption", caption, class_="unseen"),
        tag("thead", tag("tr", *(tag("th", head, scope="col") for head in heads))),
        tag("tbody", *rows),
        class_=class_,
    )


def wide(content: Node) -> Element:
    """Content that may be broader than the screen, and then scrolls by itself."""
    return tag("div", content, class_="wide", tabindex="0")


def warning(text: str) -> Element | None:
    """What to know before the rest; nothing if *text* is empty."""
    return tag("p", text, class_="note warn") if text else None


def section(title: str, *body: Node, id_: str | None = None) -> Element:
    """A part of a page, with a heading."""
    return tag("section", tag("h2", title), *body, id=id_)


def style(css: str) -> Element:
    """A style sheet within the document."""
    return tag("style", Raw(css))
