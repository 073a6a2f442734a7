"""The jobs that may be due: put in order, prepared in one go, and run one after the other."""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from ..errors import (
    ClaimLost,
    ConfigError,
    CrontabberError,
    DatabaseUnavailable,
    JobLineError,
    SessionShared,
    StoreError,
)
from ..schedule.decide import decide
from ..schedule.model import JobSpec, JobState, Replan, RunNow, Skip
from ..schedule.transition import CRASHED, noticed
from ..store import Snapshot
from .attempt import AppFactory
from .claim import States, claim_and_run
from .context import TickContext
from .jobs import Jobs, in_order
from .results import JobResult, RunOutcome, TickResult

Prepare = Callable[[Mapping[str, type]], tuple[AppFactory, Mapping[str, ConfigError]]]
"""Given the classes, by class path, that may be run: how to make their apps, and which cannot."""


class RunJob(Protocol):
    """What is done with a job that is due: `claim_and_run`, or an engine's handing over."""

    def __call__(
        self,
        context: TickContext,
        job: JobSpec,
        make: AppFactory,
        states: States,
        now: datetime,
        *,
        force: bool,
    ) -> JobResult:
        """Run *job* if a claim on it can be had, and keep *states* up to date."""
        ...


class Batch:
    """Decides by one snapshot of the store, and keeps that picture up to date as jobs end."""

    def __init__(
        self,
        context: TickContext,
        snapshot: Snapshot,
        jobs: Jobs,
        prepare: Prepare,
        run_job: RunJob = claim_and_run,
    ) -> None:
        self._context = context
        self._now = snapshot.now
        self._states = dict(snapshot.states)
        self._jobs = jobs
        self._prepare = prepare
        self._run_job = run_job
        self._results: list[JobResult] = []
        self._faults: list[CrontabberError] = []

    def run(
        self,
        candidates: Sequence[JobSpec],
        faults: Sequence[CrontabberError] = (),
        *,
        force: bool = False,
    ) -> TickResult:
        """Run those that are due, with *force* all; their classes are imported.

        *faults* are told to the reporters, and returned with our own. Raises `StoreError`
        if the store is lost, `Stopped` by a signal.
        """
        try:
            for fault in faults:
                self._tell(fault)
            self._run(candidates, force)
        finally:
            self._context.reporter.finished()
        return TickResult(self._results, self._faults)

    def _run(self, candidates: Sequence[JobSpec], force: bool) -> None:
        candidates = self._with_rows(candidates)
        jobs, circles = in_order(candidates, last=self._crashed(candidates))
        for circle in circles:
            self._tell(circle)
        classes = self._jobs.catalogue.classes
        make, faults = self._prepare({job.class_path: classes[job.class_path] for job in jobs})
        for fault in faults.values():
            self._tell(fault)
        for job in jobs:
            self._context.signals.check()
            try:
                self._do(job, None if job.class_path in faults else make, force)
            except (DatabaseUnavailable, SessionShared):
                raise
            except StoreError as error:
                self._tell(StoreError(f"{job.app_name}: {error}"))

    def _with_rows(self, candidates: Sequence[JobSpec]) -> list[JobSpec]:
        """Those whose app_name is theirs; the rows that the snapshot lacks are read.

        It lacks those of moved classes, of parents elsewhere, and of jobs that wait.
        """
        names = {name for job in candidates for name in (job.app_name, *job.depends_on)}
        for name in names - self._states.keys():
            if state := self._context.store.read(name):
                self._states[name] = state
        ours = []
        for job in candidates:
            row = self._states.get(job.app_name)
            try:
                if row and row.class_path != job.class_path:
                    self._jobs.check_owner(job, row)
                ours.append(job)
            except JobLineError as error:
                self._tell(error)
        return ours

    def _crashed(self, jobs: Sequence[JobSpec]) -> list[str]:
        """Those whose last run crashed, or is about to be found so."""
        states = ((job.app_name, self._states.get(job.app_name)) for job in jobs)
        return [name for name, state in states if state and _has_crashed(state)]

    def _do(self, job: JobSpec, make: AppFactory | None, force: bool) -> None:
        """Run *job* if it is due; without *make*, its options have a fault."""
        state = self._states.get(job.app_name)
        decision = decide(job, state, self._states, self._now, force=force)
        if isinstance(decision, RunNow) and make:
            result = self._run_job(self._context, job, make, self._states, self._now, force=force)
            self._results.append(result)
            if job.app_name not in self._states:
                self._notice(job)
            return
        if isinstance(decision, Skip):
            self._results.append(JobResult(job.app_name, RunOutcome.SKIPPED, decision))
            self._context.reporter.skipped(job, decision)
        if state is None:
            self._notice(job)
        elif not state.ongoing:
            self._keep(job, state, decision if isinstance(decision, Replan) else None)

    def _notice(self, job: JobSpec) -> None:
        """Write down a job that was never seen before, so that its first slot is not lost."""
        if state := self._context.store.add(noticed(job, self._now)):
            self._states[job.app_name] = state

    def _keep(self, job: JobSpec, state: JobState, replan: Replan | None) -> None:
        """Remember what is new about a job that is not run now."""
        after = (replan.state if replan else state)._replace(
            class_path=job.class_path,
            depends_on=job.depends_on,
            backfill=job.backfill,
        )
        if after == state:
            return
        with contextlib.suppress(ClaimLost):  # another crontabber did so at this moment
            self._states[job.app_name] = self._context.store.save(state, after)
            if replan:
                self._context.reporter.replanned(job, replan)

    def _tell(self, fault: CrontabberError) -> None:
        self._faults.append(fault)
        self._context.reporter.trouble(str(fault))


def _has_crashed(state: JobState) -> bool:
    if state.ongoing and state.claim:
        return True
    return state.last_error is not None and state.last_error.type == CRASHED
