"""Writes metrics to a file for Prometheus' node_exporter, atomically, after every tick."""

import logging
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from ..process.files import is_free, replace
from ..schedule.figures import Figures, figures
from ..schedule.findings import Status
from ..schedule.health import judge
from ..schedule.model import JobSpec, JobState
from . import Reporter, Tick

_logger = logging.getLogger("crontabber")

PREFIX = "crontabber_"
_LAST_RUN = "job_last_run_timestamp_seconds"
_DURATION = "job_last_run_duration_seconds"
_SAMPLE = re.compile(r'crontabber_(\w+)\{job="((?:[^"\\]|\\.)*)"\} (\S+)')
_HELP = {
    "tick_timestamp_seconds": "When the last tick began, by the clock of the database server.",
    "jobs": "How many jobs are configured.",
    "faults": "How many things the last tick found that a person has to mend.",
    "job_status": "What --nagios says of the job: 0 OK, 1 WARNING, 2 CRITICAL.",
    "job_last_success_timestamp_seconds": (
        "When the last run began that succeeded; for an app with dates, the last date done."
    ),
    _LAST_RUN: "When the last run began.",
    _DURATION: "How long the last run took, where this host knows it.",
    "job_next_run_timestamp_seconds": "When the job is tried next.",
    "job_failures_in_a_row": "How many runs failed since the last that succeeded.",
    "job_open_slots": "How many slots came up and are not done.",
    "job_late_seconds": "For how long the job is due and not running.",
    "job_blocked": "Whether the job is due and waits for a parent.",
    "job_ongoing": "Whether the job is running.",
}
"""Each metric, all of them gauges, and its meaning."""


class Job(NamedTuple):
    """The metrics of a job."""

    spec: JobSpec
    state: JobState | None
    figures: Figures
    status: Status
    duration: float | None


class TextfileReporter(Reporter):
    """Writes *path* at the end of each tick that did its work."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)

    def ticked(self, tick: Tick) -> None:
        if tick.error or tick.now is None:
            return  # the old file ages, which monitoring should notice
        try:
            jobs = _judged(tick, durations_of(_read(self._path), tick))
            replace(self._path, exposition(jobs, tick.now, tick.faults))
        except OSError as error:
            extra = {"action": "tell", "app_name": ""}
            why = error.strerror or error
            _logger.warning("textfile %s cannot be written: %s", self._path, why, extra=extra)


def exposition(jobs: Sequence[Job], now: datetime, faults: int = 0) -> str:
    """The metrics in Prometheus' text format."""
    lines: list[str] = []
    values = [(f'{{job="{_escaped(job.spec.app_name)}"}}', _values(job)) for job in jobs]
    ours = {"tick_timestamp_seconds": now.timestamp(), "jobs": len(jobs), "faults": faults}
    for name, help_text in _HELP.items():
        samples: list[tuple[str, float | None]] = [("", ours[name])] if name in ours else []
        samples += [(labels, each[name]) for labels, each in values if each.get(name) is not None]
        if samples:
            lines += [f"# HELP {PREFIX}{name} {help_text}", f"# TYPE {PREFIX}{name} gauge"]
            lines += [f"{PREFIX}{name}{labels} {_number(value)}" for labels, value in samples]
    return "\n".join([*lines, ""])


def durations_of(text: str, tick: Tick) -> dict[str, float]:
    """How many seconds the last run of each job took: by this *tick*, or by the older *text*.

    The rows do not have it. For a job that ran elsewhere meanwhile it is not known.
    """
    found: dict[str, dict[str, float]] = {_LAST_RUN: {}, _DURATION: {}}
    for name, job, value in _SAMPLE.findall(text):
        if name in found:
            with suppress(ValueError):
                found[name][_unescaped(job)] = float(value)
    known = {}
    for job, duration in found[_DURATION].items():
        state = tick.states.get(job)
        began = state.last_run.timestamp() if state and state.last_run else None
        if began is not None and abs(found[_LAST_RUN].get(job, 0.0) - began) < 0.01:
            known[job] = duration
    ran = {run.app_name: run.duration for run in tick.runs}
    return {**known, **{job: took.total_seconds() for job, took in ran.items() if took is not None}}


def _judged(tick: Tick, durations: Mapping[str, float]) -> list[Job]:
    assert tick.now is not None, "the tick did its work"
    health = judge(tick.jobs, tick.states, tick.now)
    statuses = {finding.app_name: finding.status for finding in health.findings}
    return [
        Job(
            job,
            tick.states.get(job.app_name),
            figures(job, tick.states, tick.now),
            statuses.get(job.app_name, Status.OK),
            durations.get(job.app_name),
        )
        for job in tick.jobs
    ]


def _values(job: Job) -> dict[str, float | None]:
    state = job.state or JobState(job.spec.app_name)
    return {
        "job_status": job.status,
        "job_last_success_timestamp_seconds": _seconds(state.last_success),
        _LAST_RUN: _seconds(state.last_run),
        _DURATION: job.duration,
        "job_next_run_timestamp_seconds": _seconds(state.next_run),
        "job_failures_in_a_row": state.error_count,
        "job_open_slots": job.figures.open_slots,
        "job_late_seconds": job.figures.late.total_seconds(),
        "job_blocked": job.figures.blocked,
        "job_ongoing": state.ongoing is not None,
    }


def _seconds(moment: datetime | None) -> float | None:
    return moment.timestamp() if moment else None


def _number(value: float | None) -> str:
    value = float(value or 0)
    return f"{value:.0f}" if value == int(value) else f"{value:.3f}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _unescaped(text: str) -> str:
    signs = {"n": "\n"}
    return re.sub(r"\\(.)", lambda match: signs.get(match[1], match[1]), text)


def _read(path: Path) -> str:
    if not is_free(path):  # to read a pipe could take for ever
        return ""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""
