"""Claim a job, run it, record what came of it."""

import enum
from collections.abc import MutableMapping, Sequence
from datetime import datetime

from ..errors import JobCrashed, LockHeld, Redact, StoreError, text_of
from ..process.clock import Clock
from ..process.signals import Signals
from ..reporters import Reporter
from ..schedule.decide import blocked_by, decide
from ..schedule.model import JobSpec, JobState, Outcome, Run, RunNow, Skip, SkipReason
from ..schedule.plan import plan
from ..schedule.retry import Advice, attempts_at
from ..schedule.transition import claimed, crashed, crashed_slot, noticed, withdrawn
from ..store import ClaimRequest, ClaimResult, StateStore
from .attempt import AppFactory, Attempt, Foresee
from .middleware import Middleware

States = MutableMapping[str, JobState]


class RunOutcome(enum.Enum):
    """How the attempt to run a job ended."""

    RAN = "ran"
    """It was run and recorded, whether it succeeded or not."""
    SKIPPED = "skipped"
    """Its parents do not permit it any more."""
    ONGOING = "ongoing"
    """It was marked ongoing, and its claim is taken indeed."""
    LOCKED = "locked"
    """A job that is running has its lock."""
    RACE_LOST = "race lost"
    """Somebody else claimed or ran it between our look and our claim."""


class Runner:
    """Runs one job after the other; *redact* takes secrets out of what exceptions say.

    *middleware* wraps every run, the first outermost.
    """

    def __init__(
        self,
        store: StateStore,
        clock: Clock,
        reporter: Reporter,
        signals: Signals,
        redact: Redact = str,
        middleware: Sequence[Middleware] = (),
    ) -> None:
        self.store = store
        self.clock = clock
        self.reporter = reporter
        self.signals = signals
        self.redact = redact
        self.middleware = middleware
        self._foreseen: ClaimRequest | None = None
        """The claim on the job that is next, if the store was asked for it already."""

    def run(
        self,
        job: JobSpec,
        make: AppFactory,
        states: States,
        now: datetime,
        *,
        force: bool = False,
        foresee: Foresee | None = None,
    ) -> RunOutcome:
        """Claim *job* and run what is open; *states* is kept up to date.

        *now* is the tick's moment, at which parents are judged. *foresee* tells which job is
        run next. Raises `StoreError` if the outcome could not be recorded, `Stopped` after a
        signal, both with the bookkeeping done as far as it can be.
        """
        seen = states.get(job.app_name)
        claiming, self._foreseen = self._foreseen or self._claiming(job, seen, now), None
        wanted = claiming.wanted
        try:
            got = self.store.claim(*claiming)
        except LockHeld:
            self.reporter.skipped(job, Skip(SkipReason.LOCKED, f"{job.lock!r}, by another job"))
            return RunOutcome.LOCKED
        except StoreError:
            self.store.release(job.app_name)  # it may have been taken before that went wrong
            raise
        if got is None:
            return self._taken(job, seen)
        try:
            for parent in job.depends_on:
                states.pop(parent, None)  # it may have been reset since we looked
            states.update(got.parents)
            states[job.app_name] = got.state or wanted
            state, ended = self._settle(job, wanted, got, states, now, force)
            if ended is RunOutcome.RAN and state:
                assert wanted.claim is not None, "a claim names its holder"
                state = Attempt(self, job, make, state, wanted.claim, foresee).run()
            if state:
                states[job.app_name] = state
            return ended
        finally:
            self.store.release(job.app_name)

    def foresee(self, job: JobSpec, state: JobState | None, now: datetime) -> ClaimRequest:
        """The claim on *job*, which from now on `is_foreseen`."""
        self._foreseen = self._claiming(job, state, now)
        return self._foreseen

    def is_foreseen(self, job: JobSpec) -> bool:
        """Whether the store was asked to claim *job*: then it has to be what is `run` next."""
        return self._foreseen is not None and self._foreseen.wanted.app_name == job.app_name

    def check(self) -> None:
        """Raise `Stopped` after a signal; what is foreseen gives back its claim and does so."""
        if self._foreseen is None:
            self.signals.check()

    def _claiming(self, job: JobSpec, state: JobState | None, now: datetime) -> ClaimRequest:
        wanted = claimed(job, state, self.store.holder(self.clock.now()), now)
        return ClaimRequest(wanted, job.depends_on, job.lock)

    def remember(self, job: JobSpec, states: States, now: datetime) -> None:
        """Write down a job that was never seen before, so that its first slot is not lost."""
        if state := self.store.add(noticed(job, now)):
            states[job.app_name] = state

    def advice(
        self, job: JobSpec, state: JobState, slot: datetime, started: datetime, error: BaseException
    ) -> Advice | None:
        """What the app's own ``retry`` says of a run of *slot* that failed; None: nothing."""
        if job.retry is None:
            return None
        try:
            delay = job.retry(attempts_at(state, slot, started), error)
        except BaseException as broken:  # noqa: BLE001  it is a user's, and may raise anything
            what = f"{type(broken).__name__}: {text_of(broken)}"
            self.reporter.trouble(
                f"{job.app_name} is tried again as usual: its retry raised {what}"
            )
            return None
        return Advice(None if delay is None else self.clock.now() + delay)

    def _taken(self, job: JobSpec, seen: JobState | None) -> RunOutcome:
        who = f"by {seen.claim}" if seen and seen.claim else "by another crontabber"
        self.reporter.skipped(job, Skip(SkipReason.ONGOING, who))
        return RunOutcome.ONGOING if seen and seen.ongoing else RunOutcome.RACE_LOST

    def _settle(
        self,
        job: JobSpec,
        wanted: JobState,
        got: ClaimResult,
        states: States,
        now: datetime,
        force: bool,
    ) -> tuple[JobState | None, RunOutcome]:
        """Judge what was read under the claim: is it still to be run, and from where?"""
        state = got.state
        if state is None:  # reset since we looked
            return None, RunOutcome.RACE_LOST
        if not got.marked:
            return self._judge_again(job, wanted, state, states, now, force)
        blocked = None if force else blocked_by(job, states, plan(job, state, now).slot, now)
        if not blocked:
            return state, RunOutcome.RAN
        self.reporter.skipped(job, Skip(SkipReason.BLOCKED, blocked))
        return self.store.save(state, withdrawn(state)), RunOutcome.SKIPPED

    def _judge_again(
        self,
        job: JobSpec,
        wanted: JobState,
        state: JobState,
        states: States,
        now: datetime,
        force: bool,
    ) -> tuple[JobState, RunOutcome]:
        """The row is not as it was seen; or it is marked, by a process that is gone."""
        decision, crash, after = decide(job, state, states, now, force=force), None, state
        if state.ongoing and isinstance(decision, RunNow):
            crash_error = JobCrashed()
            began, slot = state.ongoing, crashed_slot(state)
            after = crashed(job, state, now, self.advice(job, state, slot, began, crash_error))
            crash = self._crash_of(state, after)
            decision = decide(job, after, states, now, force=force)
        if isinstance(decision, RunNow) and wanted.claim:
            after = claimed(job, after, wanted.claim, now)
        if after is not state:
            after = self.store.save(state, after, crash)
        if crash:
            self.reporter.failed(job, crash, None)
        if isinstance(decision, RunNow):
            return after, RunOutcome.RAN
        if isinstance(decision, Skip):
            self.reporter.skipped(job, decision)
            if decision.reason is SkipReason.ONGOING:
                return after, RunOutcome.ONGOING
        return after, RunOutcome.SKIPPED if crash else RunOutcome.RACE_LOST

    def _crash_of(self, state: JobState, after: JobState) -> Run:
        """The record of a run that nobody finished."""
        return Run(
            app_name=state.app_name,
            slot=crashed_slot(state),
            started=state.ongoing or self.clock.now(),
            duration=None,
            outcome=Outcome.CRASHED,
            host=state.claim.host if state.claim else "",
            error=after.last_error,
        )
