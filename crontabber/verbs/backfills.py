"""The verbs ``--list-backfills`` and ``--cancel-backfill``: requested dates that are not done."""

from collections.abc import Iterable

from ..errors import ConfigError
from ..generic_app import Answer, GenericApp
from ..schedule.asked import AskedBackfill
from ..schedule.backfill import next_date, wait_of_date
from ..schedule.calendar import local_text
from ..schedule.explain import ends_by_hand
from ..schedule.model import JobSpec, JobState
from ..schedule.ranges import progress
from ..schedule.status import JobStatus, failures
from ..store import Snapshot
from ..tick import marking
from .survey import survey


def list_backfills(app: GenericApp, form: str = "", only: str = "") -> Answer:
    """The requested backfills that are not done, a line for each of their jobs.

    *only* is the app_name of one job; empty: all.
    """
    if form == "json":
        return Answer(_document(app))
    snapshot = app.store.look(None)
    jobs = {job.app_name: job for job in app.jobs(snapshot).all().jobs}
    lines = [
        _progress(each, state, jobs.get(state.app_name), snapshot)
        for state in snapshot.states.values()
        for each in state.asked
        if only in ("", state.app_name)
    ]
    return Answer("\n".join(sorted(lines)) or "no backfill is under way")


def _document(app: GenericApp) -> str:
    from ..views.fields import status_document

    overview = survey(app).overview(app)
    found = [each for each in overview.statuses if each.row and each.row.asked]
    return status_document(
        overview._replace(statuses=found),
        kind="list-backfills",
        origin=app.origin,
        more=lambda each: {"backfills": [*_fields_of(each)]},
    )


def _fields_of(status: JobStatus) -> Iterable[dict[str, object]]:
    return (_fields(asked, status.job) for asked in (status.row.asked if status.row else ()))


def _fields(asked: AskedBackfill, job: JobSpec) -> dict[str, object]:
    from ..views.envelope import utc

    far = progress(job, asked)
    return {
        "number": asked.number,
        "total": far.total,
        "done": far.done,
        "given_up": far.given_up,
        "next": utc(next_date(asked)),
        "retry_at": utc(asked.retry_at),
        "error": asked.error or None,
        "by": asked.by,
        "asked_at": utc(asked.asked_at),
    }


def cancel(app: GenericApp, number: str) -> Answer:
    """Forget what is left to do of a backfill; a date in progress is finished."""
    if not number.isascii() or not number.isdecimal():
        raise ConfigError(f"{number[:40]!r} is not the number of a backfill: see --list-backfills")
    snapshot = app.store.look(None)
    jobs = {job.app_name: job for job in app.jobs(snapshot).all().jobs}
    lines = []
    for state in snapshot.states.values():
        for each in state.asked:
            if each.number == int(number):
                job = jobs.get(state.app_name)
                what = f"backfill {each.number} of {state.app_name}"
                if not marking.cancel(app.store, job, state, each, snapshot.now, app.asker):
                    lines.append(f"{what} was done at this moment, or cancelled")
                    continue
                lines.append(f"{what} is cancelled: {progress(job, each).text(' were done')}")
    if not lines:
        raise ConfigError(f"there is no backfill {number} under way: see --list-backfills")
    return Answer("\n".join(lines))


def _progress(
    asked: AskedBackfill, state: JobState, job: JobSpec | None, snapshot: Snapshot
) -> str:
    text = f"{asked.number} {state.app_name}: {progress(job, asked).text()}"
    if job is None:
        return f"{text}; it is not in this configuration"
    if not job.backfill:
        return f"{text}; {ends_by_hand(asked)}"
    what = f"next {local_text(next_date(asked), job.zone)}"
    if state.asked_slot == next_date(asked):
        what = f"running {local_text(next_date(asked), job.zone)}"
    elif asked.retry_at:
        again = local_text(asked.retry_at, job.zone)
        what += f", {failures(asked.attempts)} ({asked.error}), again {again}"
    elif wait := wait_of_date(job, asked, snapshot.states, snapshot.now):
        what += f", waits: {wait}"
    return f"{text}; {what}; asked by {asked.by}"
