"""JSON: one shape for all documents; ``crontabber-1.schema.json`` describes it.

A document names its ``schema``, its ``kind`` (the verb), when and for which zone it was made, and
has a list of jobs. A new optional field keeps the version of the schema, other changes raise it.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from ..schedule.model import JobSpec, LastError

SCHEMA = "crontabber/1"
OWN_WORDS = frozenset({"schema", "kind", "state", "status", "problem", "outcome", "verdict"})
"""The fields whose values are our own words, which hold no secret."""
Document = Mapping[str, Any]


def document(
    kind: str, now: datetime | None, zone: str | None, jobs: Iterable[Document], **more: Any
) -> str:
    """The text of a document of this *kind*; *zone* is the name of that of the schedules.

    *more* are further fields of the document, which the schema has to know.
    """
    head = {"schema": SCHEMA, "kind": kind, "generated_at": utc(now), "zone": zone}
    return _to_text({**head, **more, "jobs": [*jobs]})


Origin = Callable[[JobSpec], tuple[str, str]]
"""Where a job comes from: a label such as ``Class:``, and its text."""


def class_of(job: JobSpec) -> tuple[str, str]:
    """The `Origin` of a job that a class makes."""
    return "Class:", job.class_path


def job_fields(
    job: JobSpec, state: str, reason: str = "", *, origin: Origin = class_of, **more: Any
) -> dict[str, Any]:
    """A job in a document: its identity, its *state* and why; *more* by the verb."""
    label, source = origin(job)
    return {
        "app_name": job.app_name,
        **({"command": source} if label == "Command:" else {"class_path": job.class_path}),
        "schedule": str(job.schedule),
        "depends_on": [*job.depends_on],
        "backfill": job.backfill,
        "state": state,
        "reason": reason,
        **more,
    }


def error_fields(error: LastError | None) -> dict[str, str] | None:
    """Why a run failed."""
    return error and error._asdict()


def utc(moment: datetime | None) -> str | None:
    """A time in UTC, such as ``2026-11-24T02:00:00Z``; with microseconds if it has any."""
    if moment is None:
        return None
    return moment.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")


def seconds(span: timedelta | None) -> float | None:
    """A length of time as a number of seconds."""
    return None if span is None else span.total_seconds()


def masked(text: str, redact: Callable[[str], str]) -> str:
    """A document without secrets: *redact* gets each text in it, but not the JSON around it."""
    return _to_text(_masked(json.loads(text), redact))


def _masked(value: Any, redact: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, list):
        return [_masked(each, redact) for each in value]
    if isinstance(value, dict):
        return {
            name: each if name in OWN_WORDS else _masked(each, redact)
            for name, each in value.items()
        }
    return value


def _to_text(value: Any) -> str:
    return json.dumps(value, indent=2)
