"""The live pages, without a framework: from a `Request` to a `Page`.

Nothing is written, and no code of jobs is imported.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import NamedTuple, TypeVar

from ..errors import StoreError
from ..generic_app import GenericApp
from ..schedule.model import JobState
from ..schedule.status import JobStatus, worst_first
from ..store.onlyreading import LimitedStore, ReadingStore
from ..views import page_backfills, page_ghosts, page_graph, page_job, page_jobs, page_timeline
from ..views.html import Node, tag
from ..views.page import Frame, Part, job_link, live, person_node, section, warning
from ..views.times import clock, heading
from . import actions, gather
from .actions import Subject
from .gather import Seen
from .survey import survey

App = TypeVar("App", bound=GenericApp)

PATIENCE = 6.0
"""For how many seconds a browser waits: more than the server may take for one statement."""
_NOTES = 20
"""How many acts of people on a job are shown."""


class Request(NamedTuple):
    """Which page is asked for, and by whom; equal requests get the same page for a moment."""

    path: str
    """Relative to where the pages are: ``""``, ``"job"``."""
    query: tuple[tuple[str, str], ...] = ()
    person: str = ""
    """Who asks; empty: it is not known."""
    may_act: bool = False
    """Whether to show buttons."""
    may_leave: bool = False
    """Whether the person can log out."""

    def get(self, name: str) -> str:
        """What the query says of *name*; empty: nothing."""
        return dict(self.query).get(name, "")

    @property
    def page(self) -> int:
        """Which part of a long list to show."""
        text = self.get("page")
        return int(text) if text.isascii() and text.isdecimal() and len(text) < 6 else 1


class Page(NamedTuple):
    """The answer: a status of HTTP, and HTML."""

    status: int
    html: str


def only_reading(app: App) -> App:
    """*app* as used by all pages that change nothing."""
    app.store = ReadingStore(app.database, app.settings.tables_owner)
    return app


def in_time(app: GenericApp, seconds: float) -> AbstractContextManager[None]:
    """A context in which a silent server is given up after *seconds*: that is a `StoreError`."""
    return app.store.in_time(seconds) if isinstance(app.store, LimitedStore) else nullcontext()


def look(app: GenericApp, *, imports: bool = False) -> Seen:
    """Look at the jobs; without *imports* none of their code is imported."""
    found = survey(app, imports=imports)
    return Seen(app, found, found.overview(app, briefly=True))


def page(seen: Seen, request: Request) -> Page:
    """The page that is asked for."""
    make = _PAGES.get(request.path)
    if make is None:
        return problem(404, "There is no such page", "The pages are listed above.")
    return make(seen, request)


def problem(status: int, title: str, text: str, *more: Node) -> Page:
    """A page that says why there is none."""
    return Page(status, live(Frame(title), tag("p", text, class_="note bad"), *more))


def framed(seen: Seen, request: Request, title: str, here: str, *body: Node) -> Page:
    """A page with its frame, and without secrets."""
    person = person_node(request.person, may_leave=request.may_leave)
    frame = Frame(title, here, heading(seen.survey.now, seen.overview.zone), person=person)
    return Page(200, live(frame, *body, redact=seen.app.redactor()))


def _jobs(seen: Seen, request: Request) -> Page:
    wish = page_jobs.Wish(request.get("q")[:200], request.get("state"), request.page)
    shown = page_jobs.chosen(seen.overview, wish)
    runs, trouble = gather.recent_runs(seen, shown.jobs)
    body = page_jobs.body(seen.overview, wish, shown, runs, job_link)
    return framed(seen, request, "Jobs", "./", warning(trouble), *body)


def _job(seen: Seen, request: Request) -> Page:
    name = request.get("name")
    for status in seen.overview.statuses:
        if status.job.app_name == name:
            view = gather.job_view(seen, status)
            buttons = _buttons(seen, request, status)
            body = page_job.body(view, job_link, buttons)
            return framed(seen, request, name, "./", *body, _by_hand(seen, status))
    return problem(404, "There is no such job", f"{name[:200]} is not in this configuration.")


def _buttons(seen: Seen, request: Request, status: JobStatus) -> Node:
    if not (request.may_act and status.row):
        return None
    return actions.links(Subject(status.job.app_name, status.job, status.row, seen.survey.now))


def _by_hand(seen: Seen, status: JobStatus) -> Node:
    """What people did to a job: on these pages, or on the command line."""
    notes = []
    with suppress(StoreError):  # the ledger may be closed to a role that only reads
        notes = seen.app.store.notes(status.job.app_name, _NOTES) if status.row else []
    zone, now = status.job.zone, seen.survey.now
    items = [tag("li", clock(note.at, zone, now), f" {note.by}: {note.reason}") for note in notes]
    return section("By hand", tag("ul", *items)) if items else None


def _timeline(seen: Seen, request: Request) -> Page:
    jobs = worst_first(seen.overview.statuses)
    shown = Part.of(jobs, request.page, page_timeline.ON_A_PAGE)
    try:
        lanes, trouble = gather.lanes(seen, shown.jobs), ""
    except StoreError as error:
        lanes, trouble = {}, str(error)
    body = page_timeline.body(seen.overview, shown.jobs, lanes, job_link)
    more = page_timeline.more(shown)
    return framed(seen, request, "Timeline", "timeline", warning(trouble), *body, more)


def _graph(seen: Seen, request: Request) -> Page:
    overview = seen.overview
    body = page_graph.body(overview, overview.statuses, job_link)
    return framed(seen, request, "Graph", "graph", *body)


def _backfills(seen: Seen, request: Request) -> Page:
    def cancel(each: page_backfills.Shown) -> Node:
        return tag("a", "Cancel", href=actions.link(actions.CANCEL, number=str(each.asked.number)))

    found, now = gather.backfills(seen, gather.rows(seen)), seen.overview.now
    body = page_backfills.body(found, now, job_link, *([cancel] if request.may_act else []))
    return framed(seen, request, "Backfills", "backfills", *body)


def _ghosts(seen: Seen, request: Request) -> Page:
    def reset(ghost: JobState) -> Node:
        return tag("a", "Reset", href=actions.link("reset", job=ghost.app_name))

    found, overview = [*gather.ghosts(seen, gather.rows(seen))], seen.overview
    able = [reset] if request.may_act else []
    body = page_ghosts.body(found, overview.zone, overview.now, *able)
    return framed(seen, request, "Ghosts", "ghosts", *body)


_PAGES: dict[str, Callable[[Seen, Request], Page]] = {
    "": _jobs,
    "job": _job,
    "timeline": _timeline,
    "graph": _graph,
    "backfills": _backfills,
    "ghosts": _ghosts,
}
