"""The jobs that may be due: ordered, prepared at once, and run one after the other."""

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
from ..process.state import ProcessState
from ..schedule.backfill import next_asked
from ..schedule.chains import bound_of, in_chains
from ..schedule.decide import decide
from ..schedule.model import Decision, JobSpec, JobState, Replan, RunNow, Skip
from ..schedule.transition import CRASHED, noticed
from ..store import Snapshot
from .attempt import AppFactory
from .claim import Scope, States, claim_and_run
from .context import TickContext
from .jobs import Jobs, in_order
from .results import JobResult, RunOutcome, TickResult
from .telling import tell_of_waiting, told_of

Prepare = Callable[[Mapping[str, type]], tuple[AppFactory, Mapping[str, ConfigError]]]
"""From the classes that may run, by class path: how to make their apps, and which cannot."""


_ALL, _ASKED = Scope(), Scope(asked=True)
_MOST_REPLANS = 4
"""A pause that ended, slots that are passed over, and an edited schedule need fewer."""


class RunJob(Protocol):
    """What to do with a due job: `claim_and_run`, or hand it over to an engine."""

    def __call__(
        self,
        context: TickContext,
        job: JobSpec,
        make: AppFactory,
        states: States,
        now: datetime,
        scope: Scope,
    ) -> JobResult:
        """Run *job* if it can be claimed, and keep *states* up to date."""
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
        self._context = context._replace(process_state=context.process_state or ProcessState())
        self._now = snapshot.now
        self._states = dict(snapshot.states)
        self._jobs = jobs
        self._prepare = prepare
        self._run_job = run_job
        self._results: dict[str, JobResult] = {}
        self._unfit: frozenset[str] = frozenset()
        """The class paths of jobs whose options have a fault."""
        self._faults: list[CrontabberError] = []

    def run(
        self,
        candidates: Sequence[JobSpec],
        faults: Sequence[CrontabberError] = (),
        *,
        force: bool = False,
    ) -> TickResult:
        """Run the jobs that are due, with *force* all; their classes are imported.

        *faults* go to the reporters, and are returned with our own. Raises `StoreError`
        if the store is lost, `Stopped` by a signal.
        """
        for fault in faults:
            self._tell(fault)
        self._run(candidates, force)
        self._tell_of_waiting(candidates)
        return TickResult(list(self._results.values()), self._faults, self._states)

    def _tell_of_waiting(self, candidates: Sequence[JobSpec]) -> None:
        """Report what is news about jobs that were not run; on most ticks there are none."""
        done = {name for name, result in self._results.items() if result.run}
        waiting = {job.app_name: job for job in (*told_of(self._jobs), *candidates)}
        waiting = {name: job for name, job in waiting.items() if name not in done}
        if waiting:
            tell_of_waiting(self._context, waiting.values(), self._states, self._now, self._jobs)

    def _run(self, candidates: Sequence[JobSpec], force: bool) -> None:
        candidates = self._with_rows(candidates)
        jobs, circles = in_order(candidates, last=self._crashed(candidates))
        for circle in circles:
            self._tell(circle)
        class_of = self._jobs.catalogue.class_of
        make, faults = self._prepare({job.class_path: class_of(job.class_path) for job in jobs})
        for fault in faults.values():
            self._tell(fault)
        self._unfit = frozenset(faults)
        for chain in in_chains(jobs, self._states, self._now):
            if chain[1:] and not force:
                self._run_chain(chain, make)
            else:
                self._turn(chain[0], make, Scope(force=force))
        if not force:
            self._run_asked(jobs, make)

    def _run_chain(self, chain: Sequence[JobSpec], make: AppFactory) -> None:
        """Have backfill apps that depend on each other catch up date by date."""
        going = list(chain)
        while going:
            scope = Scope(until=bound_of(going, self._states, self._now))
            slots = {job.app_name: self._slot(job) for job in going}
            for job in going:
                if self._is_due(job, scope):
                    self._turn(job, make, scope)
            going = [job for job in going if self._slot(job) != slots[job.app_name]]
        for job in chain:
            if job.app_name not in self._results:
                self._turn(job, make)

    def _is_due(self, job: JobSpec, scope: Scope) -> bool:
        slot = self._slot(job)
        in_scope = slot is None or scope.until is None or slot <= scope.until
        return in_scope and isinstance(self._decided(job), RunNow)

    def _slot(self, job: JobSpec) -> datetime | None:
        state = self._states.get(job.app_name)
        return state.next_slot if state else None

    def _run_asked(self, jobs: Sequence[JobSpec], make: AppFactory) -> None:
        """Run requested dates, when all else is done; chains date by date."""
        going, ran = [job for job in jobs if job.backfill], True
        while ran:
            # a child may do its date as soon as its parent has done so
            turns = {
                job.app_name: self._turn(job, make, _ASKED) for job in going if self._has_asked(job)
            }
            ran = any(turns.values())
            going = [job for job in going if turns.get(job.app_name, True)]

    def _has_asked(self, job: JobSpec) -> bool:
        """Whether a requested date can run now, and none of the schedule is due."""
        state = self._states.get(job.app_name)
        if state is None or not state.asked or state.ongoing:
            return False
        now = self._context.clock.now()
        if isinstance(decide(job, state, self._states, now), RunNow | Replan):
            return False
        return next_asked(job, state, self._states, self._now) is not None

    def _turn(self, job: JobSpec, make: AppFactory, scope: Scope = _ALL) -> bool:
        """Run *job* if it is due, and say whether it ran well."""
        self._context.signals.check()
        fit = None if job.class_path in self._unfit else make
        try:
            if scope.asked:
                return fit is not None and self._claim_and_run(job, fit, scope)
            return self._do(job, fit, scope)
        except (DatabaseUnavailable, SessionShared):
            raise
        except StoreError as error:
            self._tell(StoreError(f"{job.app_name}: {error}"))
            return False

    def _with_rows(self, candidates: Sequence[JobSpec]) -> list[JobSpec]:
        """Those whose app_name is their own; reads the rows that the snapshot lacks.

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

    def _do(self, job: JobSpec, make: AppFactory | None, scope: Scope) -> bool:
        """Run *job* if it is due; without *make* its options have a fault."""
        decision = self._decided(job, force=scope.force)
        if isinstance(decision, RunNow) and make:
            ran = self._claim_and_run(job, make, scope)
            if job.app_name not in self._states:
                self._notice(job)
            return ran
        if isinstance(decision, Skip):
            result = JobResult(job.app_name, RunOutcome.SKIPPED, decision)
            self._results.setdefault(job.app_name, result)
            self._context.reporter.skipped(job, decision)
        if job.app_name not in self._states:
            self._notice(job)
        state = self._states.get(job.app_name)
        if state and not state.ongoing:
            self._keep(job, self._waiting(state, decision))
        return False

    def _claim_and_run(self, job: JobSpec, make: AppFactory, scope: Scope) -> bool:
        result = self._run_job(self._context, job, make, self._states, self._now, scope)
        self._results[job.app_name] = result
        return result.outcome is RunOutcome.SUCCEEDED

    def _decided(self, job: JobSpec, *, force: bool = False) -> Decision:
        """The decision about *job*, after its row was brought up to date."""
        for _ in range(_MOST_REPLANS):
            state = self._states.get(job.app_name)
            decision = decide(job, state, self._states, self._now, force=force)
            if not isinstance(decision, Replan):
                break
            if state is None:
                self._notice(job)
            elif not self._keep(job, decision.state, decision):
                break
        return decision

    def _waiting(self, state: JobState, decision: Decision) -> JobState:
        """*state* with the parent that the job waits for, and since when."""
        parent = (isinstance(decision, Skip) and decision.parent) or None
        if parent == state.waits_for:
            return state
        return state._replace(waits_for=parent, waits_since=self._now if parent else None)

    def _notice(self, job: JobSpec) -> None:
        """Write down a job that was never seen before, so that its first slot is not lost."""
        if state := self._context.store.add(noticed(job, self._now)):
            self._states[job.app_name] = state

    def _keep(self, job: JobSpec, after: JobState, replan: Replan | None = None) -> bool:
        """Save what is new about a job that is not run now; False if others did so meanwhile."""
        state = self._states[job.app_name]
        after = after._replace(
            class_path=job.class_path,
            depends_on=job.depends_on,
            backfill=job.backfill,
        )
        if after == state:
            return True
        spans = replan.spans if replan else ()
        try:
            self._states[job.app_name] = self._context.store.save(state, after, spans=spans)
        except ClaimLost:  # another crontabber did so at this moment
            return False
        if replan:
            self._context.reporter.replanned(job, replan)
        return True

    def _tell(self, fault: CrontabberError) -> None:
        self._faults.append(fault)
        self._context.reporter.trouble(str(fault))


def _has_crashed(state: JobState) -> bool:
    if state.ongoing and state.claim:
        return True
    return state.last_error is not None and state.last_error.type == CRASHED
