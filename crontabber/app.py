"""CronTabber: what the command can do, each of it one method."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .errors import ExitCode
from .generic_app import Answer, GenericApp, not_run
from .reporters import Reporter, Reporters
from .schedule.model import JobSpec, Skip, SkipReason
from .store import Snapshot
from .tick.jobs import JobCatalogue
from .tick.lookup import find_job

if TYPE_CHECKING:
    from .process.signals import Signals


class CronTabber(GenericApp):
    """The jobs of one configuration, and what people ask of them."""

    signals: "Signals | None" = None
    """Installed already, by a caller that lives longer than a tick; None: we have our own."""

    def tick(self) -> ExitCode:
        """Run the jobs that are due."""
        from .tick.select import Tick

        look = self.look()
        catalogue = self.catalogue(look.zone, look.states)

        def run(jobs: Sequence[JobSpec]) -> ExitCode:
            if self.settings.engine:
                return self._hand_over(jobs, look, catalogue)
            return self._run(jobs, look, catalogue, self.reporter)

        return Tick(look, catalogue, self.reporter, verbose=self.verbose).run(run)

    def run_job(self, name: str, *, force: bool = False) -> Answer:
        """Run one job, by app_name or class path, if it is due; with *force* come what may.

        The answer says why it was not run. A backfill app is left alone: its dates have
        an order. Raises `UnknownJobError`, or what is wrong with the job's line.
        """
        look = self.look()
        catalogue = self.catalogue(look.zone, look.states)
        job = find_job(name, catalogue)
        catalogue.faults.clear()  # those of others, which were not asked for
        if job.backfill:
            return not_run(job, Skip(SkipReason.BACKFILL, "which only runs by its own schedule"))
        heard = _Heard()
        reporter = Reporters(lambda: [self.reporter, heard])
        code = self._run([job], look, catalogue, reporter, force=force)
        return not_run(job, heard.skip, code) if heard.skip else Answer("", code)

    def run_due(self, class_path: str, listener: Reporter) -> ExitCode:
        """Run the job of one class if it is due, as a tick would: backfill apps too.

        *listener* is told of it, besides our own reporters. Raises `UnknownJobError`, or
        what is wrong with the job's line.
        """
        look = self.store.look([class_path])
        catalogue = self.catalogue(look.zone, look.states)
        job = find_job(class_path, catalogue)
        catalogue.faults.clear()  # those of others
        reporter = Reporters(lambda: [self.reporter, listener])
        return self._run([job], look, catalogue, reporter)

    def find(self, job: str | type) -> tuple[JobSpec, type]:
        """A listed job by its class, app_name or class path; and its class, imported.

        No database is asked. Raises `UnknownJobError`, or what is wrong with the job's line.
        """
        name = job if isinstance(job, str) else f"{job.__module__}.{job.__qualname__}"
        catalogue = self.catalogue("UTC", {})
        spec = find_job(name, catalogue)
        return spec, catalogue.classes[spec.class_path]

    def _hand_over(
        self, jobs: Sequence[JobSpec], look: Snapshot, catalogue: JobCatalogue
    ) -> ExitCode:
        """Have the engine of the settings do what `_run` does."""
        from importlib import import_module

        from .config.converters import ENGINES

        engine = import_module(ENGINES[self.settings.engine])
        return engine.run(self, jobs, look, catalogue)  # type: ignore[no-any-return]

    def _run(
        self,
        jobs: Sequence[JobSpec],
        look: Snapshot,
        catalogue: JobCatalogue,
        reporter: Reporter,
        *,
        force: bool = False,
    ) -> ExitCode:
        from contextlib import nullcontext

        from .process.clock import ServerClock
        from .process.signals import Signals
        from .tick.batch import Batch
        from .tick.claim import Runner

        middleware, faults = self.middleware()
        catalogue.faults += faults
        clock = ServerClock(look.now)
        with nullcontext(self.signals) if self.signals else Signals() as signals:
            runner = Runner(self.store, clock, reporter, signals, self.redact, middleware)
            return Batch(look, catalogue, runner, self.prepare).run(jobs, force=force)


class _Heard(Reporter):
    """Remembers why a job was not run."""

    def __init__(self) -> None:
        self.skip: Skip | None = None

    def skipped(self, job: JobSpec, skip: Skip) -> None:
        self.skip = skip
