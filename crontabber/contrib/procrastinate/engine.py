"""What a tick does with this engine: it decides as ever, and hands over what is due."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from ...app import CronTabber
from ...errors import ConfigError, ExitCode
from ...process.clock import ServerClock
from ...process.signals import Signals
from ...schedule.model import JobSpec, Skip, SkipReason
from ...store import Snapshot
from ...tick.attempt import AppFactory
from ...tick.batch import Batch
from ...tick.claim import Runner, RunOutcome, States
from ...tick.jobs import JobCatalogue
from .handover import Handover, misplaced, place_of


def run(
    tabber: CronTabber, jobs: Sequence[JobSpec], look: Snapshot, catalogue: JobCatalogue
) -> ExitCode:
    """Hand over those of *jobs* that are due; the rest of a tick is as ever.

    Raises `ConfigError` if Procrastinate is not installed, `StoreError` if it cannot be
    reached, `Stopped` by a signal.
    """
    try:
        from .giving import give
    except ImportError as error:
        raise ConfigError(
            f"engine=procrastinate: {error}; pip install 'crontabber[procrastinate]'"
        ) from error

    with Signals() as signals:
        clock = ServerClock(look.now)
        finder = Finder(tabber.store, clock, tabber.reporter, signals, tabber.redact)
        code, due = finder.find(jobs, look, catalogue)
        give(tabber.database, due)
        signals.check()
    return code


class Finder(Runner):
    """In place of running a job, writes down that it is due."""

    def find(
        self,
        jobs: Iterable[JobSpec],
        look: Snapshot,
        catalogue: JobCatalogue,
        *,
        behind: bool = False,
    ) -> tuple[ExitCode, list[Handover]]:
        """Those of *jobs*, whose classes are imported, that are due; what is new is remembered.

        With *behind* those too that are claimed at the moment, to wait behind that run: it
        may be over before it began, as a parent was running then.
        """
        self._classes: Mapping[str, type] = catalogue.classes
        self._behind = behind
        self._due: list[Handover] = []
        return Batch(look, catalogue, self, _prepare).run(list(jobs)), self._due

    def run(  # of what may come with it nothing matters
        self, job: JobSpec, make: AppFactory, states: States, now: datetime, **options: object
    ) -> RunOutcome:
        """Note *job*, unless a run of it is in progress."""
        seen = states.get(job.app_name)
        crash = ""
        if seen is None:
            self.remember(job, states, now)  # its first slot does not wait for a worker
        elif seen.ongoing and not self.store.claimed([job.app_name]):
            # what is to be recorded of it a worker will
            crash = seen.ongoing.isoformat()
        elif seen.ongoing and not self._behind:
            self.reporter.skipped(job, Skip(SkipReason.ONGOING, f"by {seen.claim}"))
            return RunOutcome.SKIPPED  # which is as it should be, where others do the work
        queue, priority = place_of(self._classes[job.class_path])
        self._due.append(Handover(job.app_name, job.class_path, queue, priority, crash))
        return RunOutcome.RAN


def _prepare(
    classes: Mapping[str, type],
) -> tuple[Callable[..., Any], Mapping[str, ConfigError]]:
    """The apps are made where they run; here only what a queue has to know is checked."""
    return _unmade, faults(classes)


def _unmade(job: JobSpec, state: Any) -> Any:
    raise NotImplementedError


def faults(classes: Mapping[str, type]) -> dict[str, ConfigError]:
    """Why some app *classes*, by class path, cannot be handed over."""
    found = ((path, misplaced(*place_of(cls))) for path, cls in classes.items())
    return {path: ConfigError(f"{path}: {wrong}") for path, wrong in found if wrong}
