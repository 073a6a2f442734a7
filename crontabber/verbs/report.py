"""The verb ``--report``: everything in one file of HTML that needs no other."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from itertools import islice
from pathlib import Path

from ..errors import ConfigError, CrontabberError, StoreError
from ..generic_app import Answer, GenericApp
from ..process.clock import utc_now
from ..process.files import replace
from ..schedule.backfill import failing
from ..schedule.explain import Explanation
from ..schedule.status import JobStatus, worst_first
from ..views import page_backfills, page_ghosts, page_graph, page_job, page_jobs, page_timeline
from ..views.html import Node, tag
from ..views.page import Link, document, section, style, warning
from ..views.static import read
from ..views.times import heading
from . import gather
from .gather import Seen
from .survey import survey

_MOST = 50
"""How many calendars and errors a report has at most: it should fit into a mail."""
_LANES = 300
_AGE = timedelta(minutes=5)
"""How old the report gets while ticks have nothing to do."""


def report(app: GenericApp, path: str) -> Answer:
    """Write the report; raises `ConfigError` if the file cannot be written."""
    text = text_of(app)
    try:
        replace(Path(path), text)
    except OSError as error:
        raise ConfigError(
            f"--report={path} cannot be written: {error.strerror or error}; name a file in a "
            "directory that exists and is yours"
        ) from None
    return Answer("")


def after_tick(app: GenericApp, path: str, *, has_news: bool) -> None:
    """Write the report of the ticks, if there is news or it is old; never raises."""
    file = Path(path)
    try:
        if has_news or utc_now().timestamp() - _written(file) >= _AGE.total_seconds():
            replace(file, text_of(app, imports=False))
    except (OSError, CrontabberError) as error:
        import logging

        why = (isinstance(error, OSError) and error.strerror) or error
        extra = {"action": "tell", "app_name": ""}
        text = app.redact(f"the report {path} cannot be written: {why}")
        logging.getLogger("crontabber").warning("%s", text, extra=extra)


def _written(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except (FileNotFoundError, ValueError):  # a NUL, of which the writer tells
        return 0.0


def text_of(app: GenericApp, *, imports: bool = True) -> str:
    """The report as HTML, without secrets."""
    found = survey(app, imports=imports)
    seen = Seen(app, found, found.overview(app, briefly=True))
    now = heading(found.now, seen.overview.zone)
    parts = dict(_parts(seen))
    items = [tag("li", tag("a", name, href=f"#{name.lower()}")) for name in parts]
    header = tag(
        "header",
        tag("span", "crontabber", class_="brand"),
        tag("nav", tag("ul", *items), aria_label="Parts"),
    )
    body = [section(name, *part, id_=name.lower()) for name, part in parts.items()]
    main = tag("main", tag("h1", f"The jobs on {now}"), *body, id="main")
    return document("Report", [style(read("crontabber.css"))], [header, main], app.redactor())


def _parts(seen: Seen) -> Iterator[tuple[str, list[Node]]]:
    """The parts of the report, by their names."""
    overview, jobs = seen.overview, worst_first(seen.overview.statuses)
    ids = {each.job.app_name: f"#job-{n}" for n, each in enumerate(jobs) if _has_more(each)}
    runs, trouble = gather.recent_runs(seen, jobs)
    table = page_jobs.table(overview, jobs, runs, ids.get)
    yield "Jobs", [warning(trouble), *page_jobs.notes(overview), table]
    with suppress(StoreError):
        shown = jobs[:_LANES]
        lanes = gather.lanes(seen, shown)
        yield "Timeline", page_timeline.body(overview, shown, lanes, ids.get)
    yield "Errors", [*_errors(seen, jobs, ids.get)] or [tag("p", "No job fails.", class_="empty")]
    with suppress(StoreError):
        if calendars := [*_calendars(seen, jobs)]:
            yield "Dates", calendars
    yield "Graph", page_graph.body(overview, jobs, ids.get)
    rows = gather.rows(seen)
    yield "Backfills", page_backfills.body(gather.backfills(seen, rows), overview.now, ids.get)
    yield "Ghosts", page_ghosts.body([*gather.ghosts(seen, rows)], overview.zone, overview.now)


def _has_more(each: JobStatus) -> bool:
    return bool(each.row and (each.row.last_error or failing(each.row)))


def _errors(seen: Seen, jobs: Sequence[JobStatus], link: Link) -> Iterator[Node]:
    for each in islice(filter(_has_more, jobs), _MOST):
        view = page_job.JobView(Explanation(each, ()), seen.overview.now, ("", ""))
        name = each.job.app_name
        anchor = (link(name) or "").removeprefix("#")
        yield tag("article", tag("h3", name), *page_job.error(view), id=anchor)


def _calendars(seen: Seen, jobs: Sequence[JobStatus]) -> Iterator[Node]:
    with_dates = (each for each in jobs if each.job.backfill and each.row)
    for each in islice(with_dates, _MOST):
        if found := gather.calendar(seen, each):
            yield tag("h3", each.job.app_name)
            yield page_job.dates(found)
