"""One job's turn: claim it, judge what is read under the claim, run it, release the claim."""

from collections.abc import MutableMapping
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from ..errors import JobCrashed, LockHeld, StoreError
from ..schedule.backfill import asked_of, next_asked, next_date, wait_of_date
from ..schedule.decide import decide
from ..schedule.dependencies import Wait, free_until, wait_of
from ..schedule.model import JobSpec, JobState, Run, RunNow, Skip, SkipReason
from ..schedule.plan import plan
from ..schedule.transition import claimed, crash_of, crashed, passed_by_crash, withdrawn
from ..store import ClaimResult
from .attempt import AppFactory, Attempt, Spans
from .context import TickContext
from .results import JobResult, RunOutcome

if TYPE_CHECKING:
    from ..schedule.changes import Change

States = MutableMapping[str, JobState]


class Scope(NamedTuple):
    """Which slots a turn is about."""

    force: bool = False
    """Whether to ignore time and parents."""
    until: datetime | None = None
    """Later slots are left for another turn."""
    asked: bool = False
    """Whether to run requested dates, instead of those of the schedule."""


_ALL = Scope()


def claim_and_run(
    context: TickContext,
    job: JobSpec,
    make: AppFactory,
    states: States,
    now: datetime,
    scope: Scope = _ALL,
) -> JobResult:
    """Claim *job* and run what is open; *states* is kept up to date.

    *now* is the tick's moment, at which parents are judged. Raises `StoreError` if the
    outcome could not be recorded, `Stopped` after a signal; in both cases the bookkeeping
    is done as far as possible.
    """
    return _Turn(context, job, states, now, scope).take(make)


class _Verdict(NamedTuple):
    """What the claim showed: the row to run from, or the result without a run."""

    state: JobState | None
    result: JobResult | None = None


class _Turn:
    """The turn of one job in a tick."""

    def __init__(
        self, context: TickContext, job: JobSpec, states: States, now: datetime, scope: Scope
    ) -> None:
        self._context = context
        self._job = job
        self._states = states
        self._now = now
        self._scope = scope
        self._seen = states.get(job.app_name)
        claim = context.store.holder(context.clock.now())
        self._claim = claim
        self._wanted = claimed(job, self._seen, claim, now)
        if self._seen and scope.asked:
            found = next_asked(job, self._seen, states, now)
            date = next_date(found) if found else None
            self._wanted = self._wanted._replace(asked_slot=date)

    def take(self, make: AppFactory) -> JobResult:
        """Claim, judge, run, release."""
        job, store = self._job, self._context.store
        try:
            got = store.claim(self._wanted, job.depends_on, job.lock)
        except LockHeld:
            return self._skipped(Skip(SkipReason.LOCKED, f"{job.lock!r}, by another job"))
        except StoreError:
            store.release(job.app_name)  # it may have been taken before that went wrong
            raise
        if got is None:
            return self._taken()
        try:
            return self._run(got, make)
        finally:
            store.release(job.app_name)

    def _run(self, got: ClaimResult, make: AppFactory) -> JobResult:
        for parent in self._job.depends_on:
            self._states.pop(parent, None)  # it may have been reset since the snapshot
        self._states.update(got.parents)
        self._states[self._job.app_name] = got.state or self._wanted
        verdict = self._judge(got)
        state, result = verdict.state, verdict.result
        if result is None and state:
            attempt = Attempt(self._context, self._job, make, state, self._claim, self._until())
            state, run = attempt.run()
            outcome = RunOutcome.FAILED if run and run.error else RunOutcome.SUCCEEDED
            result = JobResult(self._job.app_name, outcome, run=run)
        if state:
            self._states[self._job.app_name] = state
        return result or self._race_lost()

    def _judge(self, got: ClaimResult) -> _Verdict:
        """Whether to run by the row that was read under the claim, and from where."""
        state = got.state
        if state is None:  # reset since the snapshot
            return _Verdict(None)
        if not got.marked:
            return self._judge_again(state)
        wait = None if self._scope.force else self._wait(state)
        if not wait:
            return _Verdict(state)
        after = withdrawn(state)
        if isinstance(wait, Wait):
            after = after._replace(waits_for=wait.parent, waits_since=self._now)
        result = self._skipped(Skip(SkipReason.BLOCKED, str(wait)))
        return _Verdict(self._context.store.save(state, after), result)

    def _wait(self, state: JobState) -> Wait | str | None:
        """Why the slot of *state* is not free, by the parents' rows as the claim read them."""
        if not state.asked_slot:
            slot = plan(self._job, state, self._now).slot
            return wait_of(self._job, self._states, slot, self._now)
        asked = asked_of(state)
        if asked is None:
            return "the backfill was cancelled"
        return wait_of_date(self._job, asked, self._states, self._now)

    def _until(self) -> datetime:
        """The last moment whose slot may be run: as far as the parents have got."""
        bounds = (self._claim.time, self._scope.until)
        free = free_until(self._job, self._states, self._claim.time)
        return min(free, *(bound for bound in bounds if bound))

    def _judge_again(self, state: JobState) -> _Verdict:
        """Handle a row that is not as it was seen, or is marked by a process that is gone."""
        job, after, crash, change = self._job, state, None, None
        spans: Spans = ()
        decision = self._decide(state)
        if state.ongoing and isinstance(decision, RunNow):
            after, crash, change, spans = self._crashed(state)
            decision = self._decide(after)
        if isinstance(decision, RunNow) and self._wanted.claim and not self._scope.asked:
            after = claimed(job, after, self._claim, self._now)
        if after is not state:
            after = self._context.store.save(state, after, crash, spans=spans)
        self._context.tell(job, change)
        if crash:
            self._context.reporter.failed(job, crash, None)
        if isinstance(decision, RunNow) and not self._scope.asked:
            return _Verdict(after)
        skip = decision if isinstance(decision, Skip) else None
        if skip:
            self._context.reporter.skipped(job, skip)
        if crash:
            return _Verdict(after, JobResult(job.app_name, RunOutcome.FAILED, None, crash))
        ongoing = skip is not None and skip.reason is SkipReason.ONGOING
        outcome = RunOutcome.SKIPPED if ongoing else RunOutcome.RACE_LOST
        return _Verdict(after, JobResult(job.app_name, outcome, skip))

    def _decide(self, state: JobState) -> object:
        return decide(self._job, state, self._states, self._now, force=self._scope.force)

    def _crashed(self, state: JobState) -> "tuple[JobState, Run, Change | None, Spans]":
        """The row after a run whose process is gone, the record of that run, news and spans."""
        run = crash_of(self._job, state)
        advice = self._context.advice(self._job, state, run.slot, run.started, JobCrashed())
        after = crashed(self._job, state, self._now, advice)
        spans = passed_by_crash(self._job, state, after, advice)
        change, after = self._context.news(self._job, state, after, run, advice)
        return after, run, change, spans

    def _taken(self) -> JobResult:
        """Another session has the claim."""
        seen = self._seen
        who = f"by {seen.claim}" if seen and seen.claim else "by another crontabber"
        skip = Skip(SkipReason.ONGOING, who)
        self._context.reporter.skipped(self._job, skip)
        if seen and seen.ongoing:
            return JobResult(self._job.app_name, RunOutcome.SKIPPED, skip)
        return self._race_lost(skip)

    def _skipped(self, skip: Skip) -> JobResult:
        self._context.reporter.skipped(self._job, skip)
        return JobResult(self._job.app_name, RunOutcome.SKIPPED, skip)

    def _race_lost(self, skip: Skip | None = None) -> JobResult:
        return JobResult(self._job.app_name, RunOutcome.RACE_LOST, skip)
