"""What JSON documents say of the status of jobs, and of their runs."""

from collections.abc import Callable
from typing import Any

from ..schedule.model import Run
from ..schedule.status import JobStatus, Overview, State
from .envelope import Document, Origin, class_of, document, error_fields, job_fields, seconds, utc


def status_document(
    overview: Overview,
    *,
    kind: str = "status",
    origin: Origin = class_of,
    more: Callable[[JobStatus], Document] = lambda _each: {},
) -> str:
    """The status of jobs as a document, in the order listed; *more* are more fields of a job."""
    found = overview.statuses
    return document(
        kind,
        overview.now,
        str(overview.zone),
        [{**status_fields(each, origin), **more(each)} for each in found],
        standby=overview.health.standby,
        counts={state.value: sum(each.state is state for each in found) for state in State},
        faults=[*overview.faults],
    )


def status_fields(each: JobStatus, origin: Origin = class_of) -> dict[str, Any]:
    """What a document says of the status of a job."""
    row = each.row
    return job_fields(
        each.job,
        each.state.value,
        each.reason,
        origin=origin,
        since=utc(each.since),
        next=utc(each.next),
        last_run=utc(row and row.last_run),
        last_success=utc(row and row.last_success),
        duration=seconds(each.last.duration),
        error_count=row.error_count if row else 0,
        last_error=error_fields(row.last_error if row else None),
        ongoing=utc(row and row.ongoing),
        open={"count": each.open.number, "oldest": utc(each.open.oldest)} if each.open else None,
    )


def run_fields(run: Run) -> dict[str, Any]:
    """What a document says of a run."""
    return {
        "slot": utc(run.slot),
        "started": utc(run.started),
        "duration": seconds(run.duration),
        "outcome": run.outcome.value,
        "host": run.host or None,
        "error": error_fields(run.error),
        "output": run.output,
    }
