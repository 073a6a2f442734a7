"""What ``--audit-ghosts`` prints: the jobs in the database that are not configured."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timezone, tzinfo
from typing import Any

from ..schedule.model import JobSpec, JobState, States
from .envelope import document, utc
from .text import one_line

ADVICE = (
    "If no other configuration runs it either, --reset-job=NAME makes crontabber forget a ghost."
)


def ghosts(
    states: States,
    jobs: Sequence[JobSpec],
    *,
    unusable: Collection[str] = (),
    zone: tzinfo = timezone.utc,
) -> str:
    """A line for each ghost, by name, and what to do about it; times are in *zone*.

    *unusable* are the class paths of job lines that cannot be used at present. Such a job is no
    ghost: it is configured, but its app_name is not known.
    """
    found = [_line(state, zone) for state in found_in(states, jobs, unusable)]
    if not found:
        return "No ghosts: every job in the database is configured."
    return "\n".join([*found, ADVICE])


def ghosts_document(
    states: States,
    jobs: Sequence[JobSpec],
    now: datetime,
    zone: str,
    *,
    unusable: Collection[str] = (),
) -> str:
    """The same ghosts as a document."""
    return document(
        "audit-ghosts", now, zone, [_fields(state) for state in found_in(states, jobs, unusable)]
    )


def found_in(
    states: States, jobs: Sequence[JobSpec], unusable: Collection[str]
) -> Iterator[JobState]:
    """The rows that belong to no job, by name; see `ghosts`."""
    configured = {job.app_name for job in jobs}
    for name in sorted(states.keys() - configured):
        if states[name].class_path not in unusable:
            yield states[name]


def _fields(state: JobState) -> dict[str, Any]:
    return {
        "app_name": state.app_name,
        "class_path": state.class_path,
        "schedule": state.plan and state.plan.partition(" ")[0],
        "state": "ghost",
        "reason": "it is in the database, and not in this configuration",
        "last_run": utc(state.last_run),
        "last_success": utc(state.last_success),
    }


def _line(state: JobState, zone: tzinfo) -> str:
    path = f" ({state.class_path})" if state.class_path else ""
    return one_line(f"{state.app_name}{path}: {_last_run(state.last_run, zone)}")


def _last_run(moment: datetime | None, zone: tzinfo) -> str:
    if moment is None:
        return "never ran"
    return f"last run {moment.astimezone(zone):%Y-%m-%d %H:%M:%S %Z}"
