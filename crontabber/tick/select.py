"""Which of the listed jobs may be due: judged by their rows, so that few classes are imported."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from ..errors import ConfigError
from ..reporters import Reporter
from ..schedule.backfill import may_be_tried
from ..schedule.decide import decide
from ..schedule.grammar import JobLine
from ..schedule.model import JobSpec, JobState, Skip, SkipReason
from ..store import Snapshot
from .jobs import Jobs
from .results import JobResult, RunOutcome


class Selection(NamedTuple):
    """The jobs that may be due, and what is known of the others."""

    candidates: list[JobSpec]
    """As their classes say, in the listed order."""
    skipped: list[JobResult]
    """Jobs that do not run although their time has come."""
    faults: list[ConfigError]


def select(
    snapshot: Snapshot, jobs: Jobs, reporter: Reporter, *, verbose: bool = True
) -> Selection:
    """Look at the listed jobs once. What an idle tick does not need is not imported here.

    *verbose* reports every job that is not due.
    """
    selection = Selection([], [], [*jobs.catalogue.faults])
    for line in jobs.catalogue.lines:
        if not snapshot.may_be_due(line.class_path):
            continue
        try:
            job = _candidate(line, snapshot, jobs)
        except ConfigError as error:
            selection.faults.append(error)
            continue
        if isinstance(job, JobSpec):
            selection.candidates.append(job)
            continue
        waiting, skip = job
        if skip.reason is not SkipReason.NOT_DUE:
            selection.skipped.append(JobResult(waiting.app_name, RunOutcome.SKIPPED, skip))
        elif not verbose:
            continue
        reporter.skipped(waiting, skip)
    return selection


def _candidate(line: JobLine, snapshot: Snapshot, jobs: Jobs) -> JobSpec | tuple[JobSpec, Skip]:
    """The job of *line*; with a reason if its row is enough to say that it has to wait."""
    job = jobs.from_row(line)
    if job:
        states, now = snapshot.states, snapshot.now
        decision = decide(job, states[job.app_name], states, now)
        # a blocked job may be free when its parents have run, and so may a requested date
        waits = isinstance(decision, Skip) and decision.reason is not SkipReason.BLOCKED
        asked = job.backfill and _may_do_asked(states[job.app_name], now)
        if isinstance(decision, Skip) and waits and not asked:
            return job, decision
    return jobs.from_class(line)


def are_known(names: Iterable[str], snapshot: Snapshot, jobs: Jobs) -> bool:
    """Whether each of *names* is the app_name of a listed job, as far as that is known.

    A row says so, until the class is imported to run the job: its app_name may be another by now.
    """
    return all(_is_known(name, snapshot, jobs) for name in names)


def _is_known(name: str, snapshot: Snapshot, jobs: Jobs) -> bool:
    row = snapshot.states.get(name)
    line = jobs.catalogue.listed(row.class_path) if row else None
    if line is None:
        return False
    try:
        job = _candidate(line, snapshot, jobs)
    except ConfigError:  # a section may be of a class that cannot be imported
        return True
    return (job if isinstance(job, JobSpec) else job[0]).app_name == name


def _may_do_asked(state: JobState, now: datetime) -> bool:
    """Whether a requested date may run, as far as its own row says."""
    return any(may_be_tried(asked, now) for asked in state.asked)
