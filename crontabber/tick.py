"""One tick: of the jobs that are listed, run those that are due, parents first."""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from .errors import (
    ClaimLost,
    ConfigError,
    CrontabberError,
    DatabaseUnavailable,
    ExitCode,
    StoreError,
)
from .reporters import Reporter
from .roster import Roster
from .runner import App, Ended, Runner
from .schedule.decide import decide
from .schedule.grammar import JobLine
from .schedule.model import Decision, JobSpec, JobState, Replan, RunNow, Skip, SkipReason
from .schedule.transition import CRASHED
from .signals import Signals
from .store import Look, StateStore

Make = Callable[[JobSpec, JobState], App]
"""Makes the app of a job, ready to run."""
Prepare = Callable[[Mapping[str, type]], tuple[Make, Mapping[str, ConfigError]]]
"""Given the classes, by class path, that may be run: how to make their apps, and which cannot."""

_CODES = {
    Ended.RACE_LOST: ExitCode.RACE_LOST,
    Ended.ONGOING: ExitCode.ONGOING,
}


class Tick:
    """Decides by one look at the store, and keeps that picture up to date as jobs end."""

    def __init__(
        self,
        look: Look,
        roster: Roster,
        store: StateStore,
        reporter: Reporter,
        signals: Signals,
        make_runner: Callable[[Make], Runner],
        prepare: Prepare,
    ) -> None:
        self._now = look.now
        self._states = dict(look.states)
        self._roster = roster
        self._store = store
        self._reporter = reporter
        self._signals = signals
        self._make_runner = make_runner
        self._prepare = prepare
        self._codes: set[ExitCode] = set()

    def run(self) -> ExitCode:
        """Run what is due. Raises `StoreError` if the store is lost, `Stopped` by a signal."""
        try:
            candidates = map(self._candidate, self._roster.lines)
            self._run([job for job in candidates if job])
        finally:
            self._reporter.finished()
        return self._code()

    def run_one(self, job: JobSpec, *, force: bool) -> ExitCode:
        """Run this job, of an imported class, if it is due, or with *force* come what may."""
        try:
            self._run([job], force=force)
        finally:
            self._reporter.finished()
        return self._code()

    def _candidate(self, line: JobLine) -> JobSpec | None:
        """The job of *line*, unless what is remembered is enough to say that it has to wait."""
        job = self._roster.remembered(line)
        if job:
            decision = decide(job, self._states[job.app_name], self._states, self._now)
            # a blocked job may be free when its parents have run
            if isinstance(decision, Skip) and decision.reason is not SkipReason.BLOCKED:
                self._skip(job, decision)
                return None
        return self._roster.imported(line)

    def _run(self, candidates: Sequence[JobSpec], *, force: bool = False) -> None:
        self._read_missing(candidates)
        jobs = self._roster.ordered(candidates, last=self._crashed(candidates))
        classes = {job.class_path: self._roster.classes[job.class_path] for job in jobs}
        make, faults = self._prepare(classes)
        for fault in (*self._roster.faults, *faults.values()):
            self._trouble(fault)
        runner = self._make_runner(make)
        for job in jobs:
            self._signals.check()
            try:
                self._do(runner, job, force, usable=job.class_path not in faults)
            except DatabaseUnavailable:
                raise
            except StoreError as error:
                self._trouble(error)

    def _read_missing(self, jobs: Sequence[JobSpec]) -> None:
        """Read the rows that the look could not know of: moved classes, parents elsewhere."""
        names = {name for job in jobs for name in (job.app_name, *job.depends_on)}
        for name in names - self._states.keys():
            if state := self._store.read(name):
                self._states[name] = state

    def _crashed(self, jobs: Sequence[JobSpec]) -> list[str]:
        """Those whose last run crashed, or is about to be found so."""
        states = ((job.app_name, self._states.get(job.app_name)) for job in jobs)
        return [name for name, state in states if state and _has_crashed(state)]

    def _do(self, runner: Runner, job: JobSpec, force: bool, *, usable: bool) -> None:
        state = self._states.get(job.app_name)
        decision = decide(job, state, self._states, self._now, force=force)
        if isinstance(decision, RunNow) and usable:
            code = _CODES.get(runner.run(job, self._states, self._now, force=force))
            if code:
                self._codes.add(code)
            return
        if isinstance(decision, Skip):
            self._skip(job, decision)
        if state is None:
            runner.remember(job, self._states)
        elif not state.ongoing:
            self._keep(job, state, decision)

    def _keep(self, job: JobSpec, state: JobState, decision: Decision) -> None:
        """Remember what is new about a job that is not run now."""
        replan = decision if isinstance(decision, Replan) else None
        after = replace(
            replan.state if replan else state,
            class_path=job.class_path,
            depends_on=job.depends_on,
            backfill=job.backfill,
        )
        if after == state:
            return
        with contextlib.suppress(ClaimLost):  # somebody else did so at this moment
            self._states[job.app_name] = self._store.save(state, after)
            if replan:
                self._reporter.replanned(job, replan)

    def _skip(self, job: JobSpec, skip: Skip) -> None:
        if skip.reason is SkipReason.ONGOING:
            self._codes.add(ExitCode.ONGOING)
        self._reporter.skipped(job, skip)

    def _trouble(self, error: CrontabberError) -> None:
        self._codes.add(ExitCode.ERROR)
        self._reporter.trouble(str(error))

    def _code(self) -> ExitCode:
        """The gravest of all that happened."""
        return min(self._codes, default=ExitCode.OK)


def _has_crashed(state: JobState) -> bool:
    if state.ongoing and state.claim:
        return True
    return state.last_error is not None and state.last_error.type == CRASHED
