"""The verbs that show jobs: ``--status``, ``--list-jobs`` and ``--audit-ghosts``."""

import os
from typing import TYPE_CHECKING, TextIO

from ..errors import UnknownJobError
from ..generic_app import Answer, GenericApp
from ..tick.lookup import find_job
from .survey import Survey, survey

if TYPE_CHECKING:
    from ..schedule.status import Overview

JSON = "json"
NARROW = 80
_ASCII_LOCALES = frozenset({"", "C", "POSIX"})
_RECENT = 5
"""How many runs the status of one job shows."""


def status(app: GenericApp, name: bool | str, stream: TextIO, form: str = "") -> Answer:
    """The state of each job, or of the one that *name* means, by app_name or class path.

    Writes nothing. Raises `UnknownJobError`.
    """
    from ..views.colour import style_for
    from ..views.fields import status_document
    from ..views.status import status

    seen = survey(app)
    overview = seen.overview(app)
    if isinstance(name, str):
        return _status_of_one(app, only(overview, seen, name), form, width_of(stream))
    if form == JSON:
        return Answer(status_document(overview, origin=app.origin))
    text = status(overview, style=style_for(stream), width=width_of(stream))
    return Answer(with_notes(text, overview))


def _status_of_one(app: GenericApp, overview: "Overview", form: str, width: int) -> Answer:
    from ..views.fields import run_fields, status_document
    from ..views.status import details

    [one] = overview.statuses
    runs = app.store.history(one.job.app_name, limit=_RECENT) if one.row else []
    if form == JSON:
        fields = {"runs": [run_fields(run) for run in runs]}
        return Answer(status_document(overview, origin=app.origin, more=lambda _each: fields))
    return Answer(details(one, runs, overview.now, origin=app.origin, width=width))


def list_jobs(app: GenericApp, stream: TextIO, name: bool | str = True, form: str = "") -> Answer:
    """The state of each job, in the order listed, or of one; coloured if *stream* shows colours.

    Raises `UnknownJobError`.
    """
    from ..views.colour import style_for
    from ..views.fields import status_document
    from ..views.listing import listing

    seen = survey(app, app.look())
    overview = seen.overview(app)
    if isinstance(name, str):
        overview = only(overview, seen, name)
    if form == JSON:
        return Answer(status_document(overview, kind="list-jobs", origin=app.origin))
    jobs = [each.job for each in overview.statuses]
    text = listing(jobs, seen.states, seen.now, style_for(stream), app.origin)
    return Answer(with_notes(text, overview))


def with_notes(text: str, overview: "Overview") -> str:
    """*text* below what to know about all jobs."""
    from ..views.text import STANDBY, fault_line

    notes = [STANDBY] if overview.health.standby else []
    return "\n\n".join([*notes, *map(fault_line, overview.faults), text])


def audit_ghosts(app: GenericApp, form: str = "") -> Answer:
    """The jobs in the database that are not in the configuration."""
    from ..views.ghosts import ghosts, ghosts_document

    snapshot = app.store.look(None)
    known = app.jobs(snapshot)
    jobs = known.all().jobs
    listed = {line.class_path for line in app.catalogue.lines}
    unusable = listed - {job.class_path for job in jobs}
    if form == JSON:
        text = ghosts_document(
            snapshot.states, jobs, snapshot.now, str(known.zone), unusable=unusable
        )
        return Answer(text)
    return Answer(ghosts(snapshot.states, jobs, unusable=unusable, zone=known.zone))


def only(overview: "Overview", seen: Survey, name: str) -> "Overview":
    """The one job that *name* means. Raises `UnknownJobError`, or what is wrong with its line."""
    for each in overview.statuses:
        if name in (each.job.app_name, each.job.class_path):
            return overview._replace(statuses=[each], faults=())
    find_job(name, seen.jobs)  # says why it cannot be found
    raise UnknownJobError(f"there is no job {name!r}")


def width_of(stream: TextIO) -> int:
    """How many columns *stream* has, at least 80: those of the terminal, if it is one."""
    try:
        return max(os.get_terminal_size(stream.fileno()).columns, NARROW)
    except (OSError, ValueError, AttributeError):
        return NARROW


def can_print(stream: TextIO, text: str) -> bool:
    """Whether *stream*, and the locale of its reader, can show these characters."""
    environ = os.environ
    language = environ.get("LANG", "")
    ctype = environ.get("LC_CTYPE", "")
    if ctype == "C.UTF-8" and language in _ASCII_LOCALES:
        ctype = ""  # Python itself says so where the locale is C
    locale = environ.get("LC_ALL") or ctype or language
    if locale in _ASCII_LOCALES:
        return text.isascii()
    try:
        text.encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
