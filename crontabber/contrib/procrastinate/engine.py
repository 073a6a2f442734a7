"""The tick with this engine: it decides as usual, but hands over the due jobs."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from ...app import CronTabber
from ...errors import ConfigError
from ...process.signals import Signals
from ...schedule.model import JobSpec, Skip, SkipReason
from ...store import Snapshot
from ...tick.attempt import AppFactory
from ...tick.batch import Batch
from ...tick.claim import Scope, States
from ...tick.context import TickContext
from ...tick.jobs import Jobs
from ...tick.results import JobResult, RunOutcome, TickResult
from .due_job import DueJob, misplaced, place_of


def run(
    tabber: CronTabber,
    candidates: Sequence[JobSpec],
    snapshot: Snapshot,
    jobs: Jobs,
    faults: Sequence[ConfigError] = (),
) -> TickResult:
    """Hand over those of *candidates* that are due; the rest of a tick is as usual.

    Raises `ConfigError` if Procrastinate is not installed, `StoreError` if it cannot be
    reached, `Stopped` by a signal.
    """
    try:
        from .queue import give
    except ImportError as error:
        raise ConfigError(
            f"engine=procrastinate: {error}; pip install 'crontabber[procrastinate]'"
        ) from error

    with Signals() as signals:
        context = tabber.context(snapshot, tabber.reporter, signals)
        result, due = find_due(context, candidates, snapshot, jobs, faults)
        give(tabber.database, due)
        signals.check()
    return result


def find_due(
    context: TickContext,
    candidates: Iterable[JobSpec],
    snapshot: Snapshot,
    jobs: Jobs,
    faults: Sequence[ConfigError] = (),
    *,
    behind: bool = False,
) -> tuple[TickResult, list[DueJob]]:
    """Those of *candidates* that are due; their classes are imported, and new jobs get rows.

    With *behind* also those that are claimed at the moment, to wait for that run: it
    may end without beginning, because a parent was running then.
    """
    noted = _Noted(jobs.catalogue.class_of, behind)
    result = Batch(context, snapshot, jobs, _prepare, noted).run(list(candidates), faults)
    return result, noted.due


class _Noted:
    """Instead of running a job, notes that it is due."""

    def __init__(self, class_of: Callable[[str], type], behind: bool) -> None:
        self._class_of = class_of
        self._behind = behind
        self.due: list[DueJob] = []

    def __call__(
        self,
        context: TickContext,
        job: JobSpec,
        make: AppFactory,
        states: States,
        now: datetime,
        scope: Scope,
    ) -> JobResult:
        """Note *job*, unless a run of it is in progress."""
        seen = states.get(job.app_name)
        crash = ""
        if seen and seen.ongoing and not context.store.claimed([job.app_name]):
            crash = seen.ongoing.isoformat()  # a worker will record it
        elif seen and seen.ongoing and not self._behind:
            context.reporter.skipped(job, Skip(SkipReason.ONGOING, f"by {seen.claim}"))
            return JobResult(job.app_name, RunOutcome.HANDED_OVER)  # earlier: workers run it
        queue, priority = place_of(self._class_of(job.class_path))
        context.reporter.handed_over(job)
        self.due.append(DueJob(job.app_name, job.class_path, queue, priority, crash))
        return JobResult(job.app_name, RunOutcome.HANDED_OVER)


def _prepare(classes: Mapping[str, type]) -> tuple[AppFactory, Mapping[str, ConfigError]]:
    """Workers make the apps; here only what a queue has to know is checked."""
    return _unmade, faults(classes)


def _unmade(job: JobSpec, state: Any) -> Any:
    raise NotImplementedError


def faults(classes: Mapping[str, type]) -> dict[str, ConfigError]:
    """Why some app *classes*, by class path, cannot be handed over."""
    found = ((path, misplaced(*place_of(cls))) for path, cls in classes.items())
    return {path: ConfigError(f"{path}: {wrong}") for path, wrong in found if wrong}
