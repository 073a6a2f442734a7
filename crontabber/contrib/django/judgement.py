"""The states of the jobs, for the pages of one request, as in ``cronlist``."""

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
    """The status of each job of the settings, by its name."""

    now: datetime
    statuses: Mapping[str, JobStatus] = {}
    fault: str = ""
    """Why the jobs cannot be judged."""


def judgement(request: Any) -> Judgement:
    """Judge the jobs, once in a *request*; creates no tables."""
    known: Judgement | None = getattr(request, _KEPT, None)
    if known is None:
        known = _judge()
        setattr(request, _KEPT, known)
    return known


def with_status(request: Any, rows: Iterable[Job]) -> list[Job]:
    """*rows*, each with the status of its job."""
    found, statuses = list(rows), judgement(request).statuses
    for job in found:
        job.status = statuses.get(job.app_name)
    return found


def explained(name: str) -> str:
    """Each check between a job and its run, as in ``--explain``."""
    return _shown(lambda cron, page: why.explain(cron, Command(explain=name), page))


def calendar(name: str) -> str:
    """The dates of a backfill job, as in ``--dates``."""
    return _shown(lambda cron, page: past.dates(cron, Command(dates=name), page))


def backfills(name: str) -> str:
    """How far the backfills of a job are, as in ``--list-backfills``."""
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
