"""The live pages: what each shows is gathered here, and drawn by `crontabber.views`.

No framework is needed: a `Request` comes in, a `Page` goes out. Nothing is written, and no code
of jobs is imported.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from ..errors import StoreError
from ..generic_app import GenericApp
from ..schedule.status import JobStatus, Overview
from ..views import page_jobs
from ..views.html import Node, tag
from ..views.page import Frame, job_link, live
from ..views.times import heading
from .survey import Survey, survey

if TYPE_CHECKING:
    from ..schedule.history import Trace

BARS = 24
"""How many runs of a job the bars show."""


class Request(NamedTuple):
    """Which page is asked for, and by whom; the same request gets the same page for a moment."""

    path: str
    """Relative to where the pages are: ``""``, ``"job"``."""
    query: tuple[tuple[str, str], ...] = ()
    person: str = ""
    """Who asks; empty: it is not known."""
    may_act: bool = False
    """Whether there are to be buttons."""

    def get(self, name: str) -> str:
        """What the query says of *name*; empty: nothing."""
        return dict(self.query).get(name, "")


class Page(NamedTuple):
    """The answer: a status of HTTP, and HTML."""

    status: int
    html: str


class Seen(NamedTuple):
    """One look at the jobs, that several pages may show."""

    app: GenericApp
    survey: Survey
    overview: Overview


def look(app: GenericApp) -> Seen:
    """Look at the jobs; imports nothing of theirs."""
    found = survey(app, imports=False)
    return Seen(app, found, found.overview(app))


def page(seen: Seen, request: Request) -> Page:
    """The page that is asked for."""
    make = _PAGES.get(request.path)
    if make is None:
        return problem(404, "There is no such page", "The pages are listed above.")
    return make(seen, request)


def problem(status: int, title: str, text: str, *more: Node) -> Page:
    """A page that says why there is no other."""
    frame = Frame(title, "", "now")
    return Page(status, live(frame, tag("p", text, class_="note bad"), *more))


def framed(seen: Seen, request: Request, title: str, here: str, *body: Node) -> Page:
    """A page with its frame, and without secrets."""
    person = tag("span", request.person) if request.person else None
    frame = Frame(title, here, heading(seen.survey.now, seen.overview.zone), person=person)
    return Page(200, live(frame, *body, redact=seen.app.redact))


def recent_runs(seen: Seen, jobs: Sequence[JobStatus]) -> "Mapping[str, Sequence[Trace]]":
    """The last runs of *jobs*; none if they cannot be read, or not quickly."""
    names = [each.job.app_name for each in jobs if each.row]
    with suppress(StoreError):
        return seen.app.store.recent_runs(names, BARS) if names else {}
    return {}


def _jobs(seen: Seen, request: Request) -> Page:
    number = request.get("page")
    wish = page_jobs.Wish(
        request.get("q")[:200],
        request.get("state"),
        int(number) if number.isascii() and number.isdecimal() and len(number) < 6 else 1,
    )
    shown = page_jobs.chosen(seen.overview, wish)
    runs = recent_runs(seen, shown.jobs)
    return framed(
        seen, request, "Jobs", "./", *page_jobs.body(seen.overview, wish, shown, runs, job_link)
    )


_PAGES: dict[str, Callable[[Seen, Request], Page]] = {"": _jobs}
