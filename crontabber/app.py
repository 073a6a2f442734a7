"""CronTabber: runs the jobs of one configuration."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .errors import (
    ClaimLost,
    ConfigError,
    CrontabberError,
    JobLineError,
    JobOngoingError,
    StoreError,
    UnknownJobError,
)
from .generic_app import GenericApp
from .reporters import Reporter, Tick
from .schedule.model import JobSpec
from .store import Snapshot
from .tick.jobs import Jobs
from .tick.lookup import find_app, find_job
from .tick.results import TickResult, left_alone

if TYPE_CHECKING:
    from .config.appspec import AppSpec
    from .process.signals import Signals
    from .tick.context import TickContext


# as 0.18 called them
JobNotFoundError = UnknownJobError
JobDescriptionError = TimeDefinitionError = JobLineError
OngoingJobError = JobOngoingError
RowLevelLockError = ClaimLost


class CronTabber(GenericApp):
    """Runs the jobs of one configuration. The other verbs are in `crontabber.verbs`."""

    signals: "Signals | None" = None
    """Installed already, by a caller that lives longer than a tick; None: we install our own."""

    def tick(self) -> TickResult:
        """Run the jobs that are due."""
        with self._telling(beat=self.settings.tell.each_tick):
            result = self._tick_for_a_person() if self.has_terminal else self._tick_for_cron()
        if path := self.settings.tell.report:
            from .verbs.report import after_tick

            after_tick(self, path, has_news=any(each.run for each in result.jobs))
        return result

    def _tick_for_cron(self) -> TickResult:
        whole = self.verbose or self.settings.tell.textfile
        return self._tick(self._checked(self.look() if whole else self.look_for_due()))

    def _tick_for_a_person(self) -> TickResult:
        """Run the jobs that are due, and report what runs next if there are none."""
        snapshot = self._checked(self.look())
        jobs = self.jobs(snapshot).all().jobs
        self.reporter.selected(jobs)
        result = self._tick(snapshot)
        if not (result.jobs or result.faults):
            from .schedule.forecast import next_of_all

            self.reporter.idle(next_of_all(jobs, snapshot.states, snapshot.now), snapshot.now)
        return result

    def _tick(self, snapshot: Snapshot) -> TickResult:
        from .tick.select import select

        jobs = self.jobs(snapshot)
        candidates, skipped, faults = select(snapshot, jobs, self.reporter, verbose=self.verbose)
        result = TickResult(states=snapshot.states)
        if candidates or faults or jobs.told_lines():
            run = self._hand_over if self.settings.engine else self._run
            result = run(candidates, snapshot, jobs, faults)
        if self.settings.tell.each_tick:
            self.reporter.ticked(self._picture(snapshot, jobs, candidates, result))
        return result._replace(jobs=[*skipped, *result.jobs])

    def run_job(self, name: str, *, force: bool = False) -> TickResult:
        """Run one job, by app_name or class path, if it is due; with *force* run it anyway.

        A backfill app is left alone: its dates have an order. Raises `UnknownJobError`, or
        what is wrong with the job's line.
        """
        snapshot = self._checked(self.look())
        jobs = self.jobs(snapshot)
        job = find_job(name, jobs)
        if job.backfill:
            return TickResult([left_alone(job)])
        with self._telling():
            return self._run([job], snapshot, jobs, force=force, by=self.asker)

    def run_due(self, class_path: str) -> TickResult:
        """Run the job of one class if it is due, as a tick would: backfill apps too.

        The tick that handed it over has checked the sections: here the other rows are not read.
        Raises `UnknownJobError`, or what is wrong with the job's line.
        """
        snapshot = self._writable(self.store.look([class_path]))
        jobs = self.jobs(snapshot)
        with self._telling():
            return self._run([find_job(class_path, jobs)], snapshot, jobs)

    def find(self, job: str | type) -> "tuple[str, AppSpec]":
        """Find a listed job by class, app_name or class path; return its class path and class.

        Asks no database. Raises `UnknownJobError`, or what is wrong with the job's line.
        """
        name = job if isinstance(job, str) else f"{job.__module__}.{job.__qualname__}"
        return find_app(name, self.catalogue)

    @contextmanager
    def _telling(self, *, beat: bool = False) -> Iterator[None]:
        """Call the reporters at the end of the tick; with *beat* also if the tick failed."""
        try:
            yield
        except CrontabberError as error:
            if beat:
                self.reporter.ticked(Tick(error=self.redact(str(error))))
            raise
        finally:
            self.reporter.finished()

    def _picture(
        self, snapshot: Snapshot, jobs: Jobs, imported: Sequence[JobSpec], result: TickResult
    ) -> Tick:
        """What the tick knows at its end; everything about the jobs that were *imported*."""
        specs = {job.app_name: job for job in (*jobs.all().jobs, *imported)}
        runs = [each.run for each in result.jobs if each.run]
        return Tick("", snapshot.now, [*specs.values()], result.states, runs, len(result.faults))

    def _checked(self, snapshot: Snapshot) -> Snapshot:
        """*snapshot* of all that the sections need; what ends a tick before it begins is raised."""
        self._check_sections(self._writable(snapshot))
        return snapshot

    def _check_sections(self, snapshot: Snapshot) -> None:
        """Raise ConfigError if a section belongs to no job; usually the rows have all names.

        Classes are imported only if they do not.
        """
        if names := self.settings.sections.to_be_known:
            from .tick.select import are_known

            if not are_known(names, snapshot, self.jobs(snapshot)):
                self.settings.check_sections(self.classes())

    def _writable(self, snapshot: Snapshot) -> Snapshot:
        """Return *snapshot*; raise `StoreError` if no job can run on its server."""
        if snapshot.unwritable:
            raise StoreError(
                f"no job can be run: {snapshot.unwritable}; give crontabber a server that it can "
                f"write to, not {self.database.describe()}"
            )
        return snapshot

    def _hand_over(
        self,
        candidates: Sequence[JobSpec],
        snapshot: Snapshot,
        jobs: Jobs,
        faults: Sequence[ConfigError] = (),
    ) -> TickResult:
        """Have the engine of the settings do what `_run` does."""
        from importlib import import_module

        from .config.converters import ENGINES

        engine = import_module(ENGINES[self.settings.engine])
        return engine.run(self, candidates, snapshot, jobs, faults)  # type: ignore[no-any-return]

    def _run(
        self,
        candidates: Sequence[JobSpec],
        snapshot: Snapshot,
        jobs: Jobs,
        faults: Sequence[ConfigError] = (),
        *,
        force: bool = False,
        by: str = "",
    ) -> TickResult:
        """Run those of *candidates* that are due, with *force* all; *by* is who asked for it."""
        from contextlib import nullcontext

        from .process.signals import Signals
        from .tick.batch import Batch

        middleware, more = self.middleware()
        with nullcontext(self.signals) if self.signals else Signals() as signals:
            context = self.context(snapshot, self.reporter, signals)
            context = context._replace(middleware=middleware, by=by)
            batch = Batch(context, snapshot, jobs, self.prepare)
            return batch.run(candidates, [*faults, *more], force=force)

    def context(self, snapshot: Snapshot, reporter: Reporter, signals: "Signals") -> "TickContext":
        """What every step of a tick needs, except the middleware."""
        from .process.clock import ServerClock
        from .tick.context import TickContext

        context = TickContext(self.store, ServerClock(snapshot.now), reporter, signals, self.redact)
        return context._replace(remind=self.settings.tell.remind)
