"""The verb ``--explain``: why a job runs now or not, or did not run at a time of the past."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, TextIO

from ..config.command import Command
from ..errors import ConfigError
from ..generic_app import Answer, GenericApp
from ..schedule.ledger import Span
from ..schedule.model import Run
from ..schedule.moments import parse_moment_near
from ..schedule.status import JobStatus, Overview
from .look import JSON, only, width_of
from .survey import Survey, survey

if TYPE_CHECKING:
    from ..schedule.explain import Held
    from ..schedule.moment_past import Account


def explain(app: GenericApp, command: Command, stream: TextIO) -> Answer:
    """Each check between a job and its run; or what became of its slot ``--at`` a time.

    Writes nothing. Raises `UnknownJobError`, and `ConfigError` for a time that cannot be read.
    """
    from ..schedule.explain import explain
    from ..views.colour import style_for
    from ..views.explain import explain as to_text
    from ..views.explain import explanation_fields

    seen = survey(app)
    overview = seen.overview(app)
    one = only(overview, seen, command.explain)
    if command.at:
        return _explain_past(app, seen, one, command, stream)
    status = _with_class(seen, one.statuses[0])
    found = explain(status, overview.statuses, seen.states, seen.now, held(app, seen, status))
    if command.format == JSON:
        return _document(app, one, explanation_fields(found, seen.now))
    text = to_text(found, seen.now, style=style_for(stream), width=width_of(stream))
    return Answer(text)


def _document(app: GenericApp, one: Overview, fields: dict[str, object]) -> Answer:
    from ..views.fields import status_document

    document = status_document(one, kind="explain", origin=app.origin, more=lambda _each: fields)
    return Answer(document)


def _with_class(seen: Survey, status: JobStatus) -> JobStatus:
    """*status* with what only the class knows, such as the lock; unchanged if that fails."""
    for line in seen.jobs.catalogue.lines:
        if line.class_path == status.job.class_path:
            with suppress(ConfigError):
                return status._replace(job=seen.jobs.from_class(line))
    return status


def held(app: GenericApp, seen: Survey, status: JobStatus) -> "Held":
    """What the store knows of claims and locks; nothing if it does not know."""
    from ..schedule.explain import Held

    if seen.access.standby or not seen.has_tables:  # locks are not replicated
        return Held()
    job = status.job
    locks = app.store.held_locks([job.lock]) if job.lock else set()
    return Held(app.store.claimed([job.app_name]), locks)


def _explain_past(
    app: GenericApp, seen: Survey, one: Overview, command: Command, stream: TextIO
) -> Answer:
    from ..views.explain_past import account_fields, explain_past

    status = one.statuses[0]
    moment = parse_moment_near(command.at, status.job.zone, seen.now)
    if moment > seen.now:
        raise ConfigError(
            f"--at={command.at} is yet to come: --explain without --at says what stands in the way"
        )
    account = _account(app, seen, status.job.app_name, moment, frozenset())
    assert account, "the job is one of this configuration"
    if command.format == JSON:
        return _document(app, one, account_fields(account, moment))
    return Answer(explain_past(account, moment, seen.now, width=width_of(stream)))


def _account(
    app: GenericApp, seen: Survey, name: str, moment: datetime, above: frozenset[str]
) -> "Account | None":
    """What became of a job's slot, and of those of its parents if it was not done in time."""
    from ..schedule.moment_past import account_at, was_in_time

    job = next((job for job in seen.specs if job.app_name == name), None)
    if job is None or name in above:
        return None
    found = account_at(job, seen.states.get(name), moment, lambda *what: _said(app, seen, *what))
    if was_in_time(found, moment):
        return found
    parents = (_account(app, seen, each, moment, above | {name}) for each in job.depends_on)
    return found._replace(
        parents=[each for each in parents if each and not was_in_time(each, moment)]
    )


def _said(
    app: GenericApp, seen: Survey, app_name: str, slot: datetime
) -> tuple[Sequence[Run], Sequence[Span]]:
    if not seen.has_tables:
        return (), ()
    return app.store.history(app_name, slot, slot), app.store.spans(app_name, slot, slot)
