"""The jobs that may be due: put in order, prepared in one go, and run one after the other."""

import contextlib
from collections import ChainMap
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import zip_longest

from ..errors import (
    ClaimLost,
    ConfigError,
    CrontabberError,
    DatabaseUnavailable,
    ExitCode,
    StoreError,
)
from ..schedule.decide import decide
from ..schedule.model import (
    Decision,
    JobSpec,
    JobState,
    Replan,
    RunNow,
    Skip,
    SkipReason,
)
from ..schedule.transition import CRASHED
from ..store import ClaimRequest, Snapshot
from .attempt import AppFactory
from .claim import Runner, RunOutcome
from .jobs import JobCatalogue

Prepare = Callable[[Mapping[str, type]], tuple[AppFactory, Mapping[str, ConfigError]]]
"""Given the classes, by class path, that may be run: how to make their apps, and which cannot."""

_CODES = {
    RunOutcome.RACE_LOST: ExitCode.RACE_LOST,
    RunOutcome.ONGOING: ExitCode.ONGOING,
    RunOutcome.LOCKED: ExitCode.ONGOING,
}


class Batch:
    """Decides by one look at the store, and keeps that picture up to date as jobs end."""

    def __init__(
        self, look: Snapshot, catalogue: JobCatalogue, runner: Runner, prepare: Prepare
    ) -> None:
        self._now = look.now
        self._states = dict(look.states)
        self._catalogue = catalogue
        self._runner = runner
        self._prepare = prepare
        self._codes: set[ExitCode] = set()
        self._makes: dict[str, AppFactory] = {}
        """How to make the apps that can be made, by app_name."""

    def run(self, candidates: Sequence[JobSpec], *, force: bool = False) -> ExitCode:
        """Run those that are due, with *force* all; their classes are imported.

        Raises `StoreError` if the store is lost, `Stopped` by a signal.
        """
        try:
            self._run(candidates, force)
        finally:
            self._runner.reporter.finished()
        # the gravest of all that happened
        return min(self._codes, default=ExitCode.OK)

    def _run(self, candidates: Sequence[JobSpec], force: bool) -> None:
        self._read_missing(candidates)
        jobs = self._catalogue.ordered(candidates, last=self._crashed(candidates))
        classes = {job.class_path: self._catalogue.classes[job.class_path] for job in jobs}
        make, faults = self._prepare(classes)
        for fault in (*self._catalogue.faults, *faults.values()):
            self._trouble(fault)
        self._makes = {job.app_name: make for job in jobs if job.class_path not in faults}
        for job, upcoming in zip_longest(jobs, jobs[1:]):
            self._runner.check()
            try:
                self._do(job, upcoming, force)
            except DatabaseUnavailable:
                raise
            except StoreError as error:
                self._trouble(StoreError(f"{job.app_name}: {error}"))

    def _read_missing(self, jobs: Sequence[JobSpec]) -> None:
        """Read the rows that the look could not know of: moved classes, parents elsewhere."""
        names = {name for job in jobs for name in (job.app_name, *job.depends_on)}
        for name in names - self._states.keys():
            if state := self._runner.store.read(name):
                self._states[name] = state

    def _crashed(self, jobs: Sequence[JobSpec]) -> list[str]:
        """Those whose last run crashed, or is about to be found so."""
        states = ((job.app_name, self._states.get(job.app_name)) for job in jobs)
        return [name for name, state in states if state and _has_crashed(state)]

    def _do(self, job: JobSpec, upcoming: JobSpec | None, force: bool) -> None:
        make = self._makes.get(job.app_name)
        state = self._states.get(job.app_name)
        decision: Decision = RunNow()
        if not self._runner.is_foreseen(job):
            decision = decide(job, state, self._states, self._now, force=force)
        if isinstance(decision, RunNow) and make:
            foresee = partial(self._foresee, upcoming, force)
            ended = self._runner.run(
                job, make, self._states, self._now, force=force, foresee=foresee
            )
            if ended in _CODES:
                self._codes.add(_CODES[ended])
            if ended is RunOutcome.LOCKED and state is None:
                self._runner.remember(job, self._states, self._now)
            return
        if isinstance(decision, Skip):
            self._skip(job, decision)
        if state is None:
            self._runner.remember(job, self._states, self._now)
        elif not state.ongoing:
            self._keep(job, state, decision)

    def _foresee(
        self, upcoming: JobSpec | None, force: bool, done: JobState
    ) -> ClaimRequest | None:
        """The claim on the job that is next, if it is to be run when the last one is *done*."""
        if upcoming is None or upcoming.app_name not in self._makes:
            return None
        state = self._states.get(upcoming.app_name)
        states = ChainMap({done.app_name: done}, self._states)
        if not isinstance(decide(upcoming, state, states, self._now, force=force), RunNow):
            return None
        return self._runner.foresee(upcoming, state, self._now)

    def _keep(self, job: JobSpec, state: JobState, decision: Decision) -> None:
        """Remember what is new about a job that is not run now."""
        replan = decision if isinstance(decision, Replan) else None
        after = (replan.state if replan else state)._replace(
            class_path=job.class_path,
            depends_on=job.depends_on,
            backfill=job.backfill,
        )
        if after == state:
            return
        with contextlib.suppress(ClaimLost):  # somebody else did so at this moment
            self._states[job.app_name] = self._runner.store.save(state, after)
            if replan:
                self._runner.reporter.replanned(job, replan)

    def _skip(self, job: JobSpec, skip: Skip) -> None:
        if skip.reason is SkipReason.ONGOING:
            self._codes.add(ExitCode.ONGOING)
        self._runner.reporter.skipped(job, skip)

    def _trouble(self, error: CrontabberError) -> None:
        self._codes.add(ExitCode.ERROR)
        self._runner.reporter.trouble(str(error))


def _has_crashed(state: JobState) -> bool:
    if state.ongoing and state.claim:
        return True
    return state.last_error is not None and state.last_error.type == CRASHED
