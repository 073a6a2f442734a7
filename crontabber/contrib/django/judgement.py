"""How the jobs are, for the pages of one request: the same judgement as in ``cronlist``."""

import io
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple, TextIO

from ...config.command import Command
from ...errors import CrontabberError
from ...generic_app import Answer
from ...process.clock import utc_now
from ...schedule.status import JobStatus
from ...verbs import past, why
from ...verbs.backfills import list_backfills
from ...verbs.survey import survey
from .cron import DjangoCron
from .looking import looking
from .models import Job
from .words import in_django

_KEPT = "_crontabber_judgement"


class Judgement(NamedTuple):
    """How each job of the settings is, by its name."""

    now: datetime
    statuses: Mapping[str, JobStatus] = {}
    fault: str = ""
    """Why it cannot be told."""


def judgement(request: Any) -> Judgement:
    """Judge the jobs, once in a *request*; makes no tables."""
    known: Judgement | None = getattr(request, _KEPT, None)
    if known is None:
        known = _judge()
        setattr(request, _KEPT, known)
    return known


def with_status(request: Any, rows: Iterable[Job]) -> list[Job]:
    """*rows*, each with how its job is."""
    found, statuses = list(rows), judgement(request).statuses
    for job in found:
        job.status = statuses.get(job.app_name)
    return found


def explained(name: str) -> str:
    """Each check that stands between a job and its run, as ``--explain`` has it."""
    return _shown(lambda cron, page: why.explain(cron, Command(explain=name), page))


def calendar(name: str) -> str:
    """The dates of a backfill job, as ``--dates`` has them."""
    return _shown(lambda cron, page: past.dates(cron, Command(dates=name), page))


def backfills(name: str) -> str:
    """How far the backfills of a job are, as ``--list-backfills`` has it."""
    return _shown(lambda cron, _: list_backfills(cron, only=name))


def _judge() -> Judgement:
    try:
        with looking() as cron:
            overview = survey(cron).overview(cron)
    except CrontabberError as error:
        return Judgement(utc_now(), {}, str(error))
    return Judgement(overview.now, {each.job.app_name: each for each in overview.statuses})


def _shown(verb: Callable[[DjangoCron, TextIO], Answer]) -> str:
    try:
        with looking() as cron:
            text = cron.redact(verb(cron, io.StringIO()).text)
    except CrontabberError as error:
        return str(error)
    return in_django(text, quotes=True)
