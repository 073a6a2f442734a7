"""What ``--audit-ghosts`` prints: the jobs in the database that are not configured."""

from collections.abc import Collection, Sequence
from datetime import datetime, timezone, tzinfo

from ..schedule.model import JobSpec, JobState, States
from .text import one_line

_ADVICE = (
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
    configured = {job.app_name for job in jobs}
    found = [
        _line(states[name], zone)
        for name in sorted(states.keys() - configured)
        if states[name].class_path not in unusable
    ]
    if not found:
        return "No ghosts: every job in the database is configured."
    return "\n".join([*found, _ADVICE])


def _line(state: JobState, zone: tzinfo) -> str:
    path = f" ({state.class_path})" if state.class_path else ""
    return one_line(f"{state.app_name}{path}: {_last_run(state.last_run, zone)}")


def _last_run(moment: datetime | None, zone: tzinfo) -> str:
    if moment is None:
        return "never ran"
    return f"last run {moment.astimezone(zone):%Y-%m-%d %H:%M:%S %Z}"
