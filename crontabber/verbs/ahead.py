"""The verbs ``--preview`` and ``--graph``: what is to come, and what waits for what."""

from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, TextIO

from ..errors import ConfigError
from ..generic_app import Answer, GenericApp
from ..schedule.moments import parse_moment_near
from .look import JSON, can_print, only, width_of, with_notes
from .survey import survey

if TYPE_CHECKING:
    from ..config.command import Command

_COUNT = 10
_MOST = 10_000


def preview(app: GenericApp, command: "Command", stream: TextIO) -> Answer:
    """The next runs of all jobs, or of the one that *command* names, by app_name or class path.

    Writes nothing. Raises `UnknownJobError`, and `ConfigError` for a count or time that cannot
    be read.
    """
    from ..schedule.forecast import preview as forecast
    from ..views.preview import calendar, preview_document
    from ..views.preview import preview as to_text

    seen = survey(app)
    overview = seen.overview(app)
    if isinstance(command.preview, str):
        overview = only(overview, seen, command.preview)
    jobs = [each.job for each in overview.statuses]
    end = _until(command.until, seen.now, seen.jobs.zone) if command.until else None
    most = _count(command.count_) if command.count_ else (_MOST if end else _COUNT)
    asked = command.format != "ics"  # their times are not known
    found = forecast(jobs, seen.states, seen.now, count=most, until=end, asked=asked)
    if command.format == "ics":
        return Answer(calendar(found, seen.now))
    if command.format == JSON:
        return Answer(preview_document(overview, found, app.origin))
    return Answer(with_notes(to_text(overview, found, width=width_of(stream)), overview))


def graph(app: GenericApp, command: "Command", stream: TextIO) -> Answer:
    """Which job waits for which: all, or the job that *command* names and its relatives.

    Writes nothing. Raises `UnknownJobError`.
    """
    from ..views import graph as view
    from ..views.colour import style_for

    seen = survey(app)
    overview = seen.overview(app)
    if isinstance(command.graph, str):
        [one] = only(overview, seen, command.graph).statuses
        overview = overview._replace(statuses=view.kin(overview.statuses, one.job.app_name))
    if command.format == JSON:
        return Answer(view.graph_document(overview, app.origin))
    if command.format in ("mermaid", "dot"):
        return Answer((view.dot if command.format == "dot" else view.mermaid)(overview))
    branches = view.LINES if can_print(stream, "".join(view.LINES)) else view.ASCII
    text = view.graph(overview, branches=branches, style=style_for(stream), width=width_of(stream))
    return Answer(with_notes(text, overview))


def _count(text: str) -> int:
    """How many runs to show; raises `ConfigError`."""
    if not (text.isascii() and text.isdecimal() and len(text) < 9 and 0 < int(text) <= _MOST):
        raise ConfigError(
            f"--count={text[:40]} is not a number from 1 to {_MOST}: write --count=10"
        )
    return int(text)


def _until(text: str, now: datetime, zone: tzinfo) -> datetime:
    """Up to when to show runs; raises `ConfigError`."""
    end = parse_moment_near(text, zone, now)
    if end <= now:
        raise ConfigError(f"--until={text[:40]} is in the past: write a time that is to come")
    return end
