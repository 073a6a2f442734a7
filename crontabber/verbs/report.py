"""The verb ``--report``: all there is to see in one file of HTML that needs nothing else."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from ..errors import ConfigError
from ..generic_app import Answer, GenericApp
from ..schedule.status import worst_first
from ..store import Snapshot
from ..views import page_jobs
from ..views.html import tag
from ..views.page import document, style
from ..views.static import read
from ..views.times import heading
from .gather import Seen, recent_runs
from .survey import survey


def report(app: GenericApp, path: str) -> Answer:
    """Write the report; raises `ConfigError` if the file cannot be written."""
    try:
        write(Path(path), text_of(app))
    except OSError as error:
        raise ConfigError(
            f"--report={path} cannot be written: {error.strerror or error}; name a file in a "
            "directory that exists and is yours"
        ) from None
    return Answer("")


def text_of(app: GenericApp, snapshot: Snapshot | None = None) -> str:
    """The report as HTML, without secrets."""
    found = survey(app, snapshot)
    seen = Seen(app, found, found.overview(app))
    overview = seen.overview
    body = [
        tag("h1", "Jobs"),
        *page_jobs.notes(overview),
        page_jobs.table(
            overview,
            worst_first(overview.statuses),
            recent_runs(seen, overview.statuses)[0],
            lambda _name: None,
        ),
    ]
    main = tag("main", *body, id="main")
    footer = tag("footer", tag("p", f"As of {heading(seen.survey.now, overview.zone)}."))
    return document("Report", [style(read("crontabber.css"))], [main, footer], app.redact)


def write(path: Path, text: str) -> None:
    """Replace the file, so that what reads it never sees a part of it."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            os.fchmod(handle, 0o644)  # a web server has a user of its own
            file.write(text)
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
