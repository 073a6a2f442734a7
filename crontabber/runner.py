"""Claim a job, run it, record what came of it: the only code that calls the code of jobs."""

import contextlib
import enum
import os
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from datetime import datetime
from typing import Any, Protocol

from .clock import Clock
from .errors import ClaimLost, CrontabberError, Stopped
from .failures import Redact, last_error, text_of
from .reporters import Reporter
from .schedule.decide import blocked_by, decide
from .schedule.model import Claim, JobSpec, JobState, Outcome, Run, RunNow, Skip, SkipReason
from .schedule.plan import plan
from .schedule.transition import claimed, crashed, crashed_slot, failed, released, succeeded
from .signals import Signals
from .store import Claimed, StateStore

States = MutableMapping[str, JobState]


class App(Protocol):
    """What the runner asks of an app; ``BaseCronApp`` has it."""

    before_commit: Callable[[Any], None] | None

    def main(self, slots: Iterable[datetime]) -> Iterator[datetime]:
        """Run each slot, and yield it when it is done."""
        ...


Make = Callable[[JobSpec, JobState], App]
"""Makes the app of a job, ready to run; what it raises is the job's failure."""


class Ended(enum.Enum):
    """How the attempt to run a job ended."""

    RAN = "ran"
    """It was run and recorded, whether it succeeded or not."""
    SKIPPED = "skipped"
    """Its parents do not permit it any more."""
    ONGOING = "ongoing"
    """It was marked ongoing, and its claim is taken indeed."""
    RACE_LOST = "race lost"
    """Somebody else claimed or ran it between our look and our claim."""


class Runner:
    """Runs one job after the other; *redact* takes secrets out of what exceptions say."""

    def __init__(
        self,
        store: StateStore,
        clock: Clock,
        reporter: Reporter,
        signals: Signals,
        redact: Redact = str,
    ) -> None:
        self.store = store
        self.clock = clock
        self.reporter = reporter
        self.signals = signals
        self.redact = redact

    def run(
        self, job: JobSpec, make: Make, states: States, now: datetime, *, force: bool = False
    ) -> Ended:
        """Claim *job* and run what is open; *states* is kept up to date.

        *now* is the tick's moment, at which parents are judged. Raises `StoreError` if
        the outcome could not be recorded, `Stopped` after a signal, both with the
        bookkeeping done as far as it can be.
        """
        seen = states.get(job.app_name)
        wanted = claimed(job, seen, self.store.holder(self.clock.now()))
        got = self.store.claim(wanted, job.depends_on)
        if got is None:
            return self._taken(job, seen)
        try:
            states.update(got.parents)
            states[job.app_name] = got.state or wanted
            state, ended = self._settle(job, wanted, got, states, now, force)
            if ended is Ended.RAN and state:
                assert wanted.claim is not None, "a claim names its holder"
                state = Attempt(self, job, make, state, wanted.claim).run()
            if state:
                states[job.app_name] = state
            return ended
        finally:
            self.store.release(job.app_name)

    def remember(self, job: JobSpec, states: States) -> None:
        """Write down a job that was never seen before, so that its first slot is not lost."""
        wanted = claimed(job, None, self.store.holder(self.clock.now()))
        got = self.store.claim(wanted, ())
        if got is None:
            return
        if got.marked and got.state:
            state = released(got.state)._replace(first_run=None)
            states[job.app_name] = self.store.save(got.state, state)
        self.store.release(job.app_name)

    def _taken(self, job: JobSpec, seen: JobState | None) -> Ended:
        who = f"by {seen.claim}" if seen and seen.claim else "by another crontabber"
        self.reporter.skipped(job, Skip(SkipReason.ONGOING, who))
        return Ended.ONGOING if seen and seen.ongoing else Ended.RACE_LOST

    def _settle(
        self,
        job: JobSpec,
        wanted: JobState,
        got: Claimed,
        states: States,
        now: datetime,
        force: bool,
    ) -> tuple[JobState | None, Ended]:
        """Judge what was read under the claim: is it still to be run, and from where?"""
        state = got.state
        if state is None:  # reset since we looked
            return None, Ended.RACE_LOST
        if not got.marked:
            return self._judge_again(job, wanted, state, states, now, force)
        blocked = None if force else blocked_by(job, states, plan(job, state, now).slot, now)
        if not blocked:
            return state, Ended.RAN
        self.reporter.skipped(job, Skip(SkipReason.BLOCKED, blocked))
        return self.store.save(state, released(state)), Ended.SKIPPED

    def _judge_again(
        self,
        job: JobSpec,
        wanted: JobState,
        state: JobState,
        states: States,
        now: datetime,
        force: bool,
    ) -> tuple[JobState, Ended]:
        """The row is not as it was seen; or it is marked, by a process that is gone."""
        decision, crash, after = decide(job, state, states, now, force=force), None, state
        if state.ongoing and isinstance(decision, RunNow):
            after = crashed(job, state, now)
            crash = self._crash_of(state, after)
            decision = decide(job, after, states, now, force=force)
        if isinstance(decision, RunNow) and wanted.claim:
            after = claimed(job, after, wanted.claim)
        if after is not state:
            after = self.store.save(state, after, crash)
        if crash:
            self.reporter.failed(job, crash, None)
        if isinstance(decision, RunNow):
            return after, Ended.RAN
        if isinstance(decision, Skip):
            self.reporter.skipped(job, decision)
            if decision.reason is SkipReason.ONGOING:
                return after, Ended.ONGOING
        return after, Ended.SKIPPED if crash else Ended.RACE_LOST

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


class Attempt:
    """One claim's worth of runs: the open slots of a job, each recorded before the next."""

    def __init__(
        self, runner: Runner, job: JobSpec, make: Make, state: JobState, claim: Claim
    ) -> None:
        self._runner = runner
        self._job = job
        self._make = make
        self._state = state
        """As it is in the store; ours while it is marked ongoing."""
        self._claim = claim
        self._run: Run | None = None
        """The run in progress; its duration and outcome are not known yet."""
        self._given: Run | None = None
        """The run whose slot the app has asked for."""
        self._written: JobState | None = None
        """What the job's own transaction wrote; true once that is committed."""
        self._running: Iterator[datetime] | None = None
        """The app's ``main``, once it has begun."""
        self._directory = _working_directory()

    def run(self) -> JobState:
        """Run until no slot is open or one fails; the state that it leaves.

        Raises `StoreError` if an outcome could not be recorded, `Stopped` after a signal.
        """
        while self._state.ongoing:
            self._begin()
            error = self._run_slot()
            if error is None:
                self._succeeded()
            else:
                self._failed(error)
            if isinstance(error, Stopped):
                raise error
            self._stop_between_slots()
        return self._state

    def _begin(self) -> None:
        started = self._runner.clock.now()
        planned = plan(self._job, self._state, self._claim.time)
        self._run = Run(
            app_name=self._job.app_name,
            slot=planned.slot_at(self._job, self._state, self._claim.time),
            started=started,
            duration=None,
            outcome=Outcome.SUCCEEDED,
            host=self._claim.host,
        )
        self._runner.reporter.started(self._job, self._run)

    def _run_slot(self) -> BaseException | None:
        """Have the app do one slot; whatever it raises, SystemExit too, is its failure."""
        pid = os.getpid()
        try:
            with self._runner.signals.interruptible():
                if self._running is None:
                    self._running = self._main()
                next(self._running)
        except StopIteration:
            pass
        except BaseException as error:  # noqa: BLE001  the caller records it
            return error
        else:
            if self._given is self._run:
                return None
        finally:
            self._mend(pid)
        return CrontabberError(
            f"main() of {self._job.class_path} has to yield each slot that it takes, when it is "
            "done"
        )

    def _main(self) -> Iterator[datetime]:
        app = self._make(self._job, self._state)
        app.before_commit = self._record_within
        return iter(app.main(self._slots()))

    def _slots(self) -> Iterator[datetime]:
        """The slots as the app sees them, in the zone of its schedule.

        The next one comes when the last one is recorded.
        """
        while self._run and self._run is not self._given:
            self._given = self._run
            yield self._run.slot.astimezone(self._job.zone)

    def _record_within(self, connection: Any) -> None:
        """Write the record of the run in the transaction that did its work, if it can be."""
        if self._runner.store.shares_database(connection):
            run, after = self._success()
            self._written = self._runner.store.save(self._state, after, run, within=connection)

    def _success(self) -> tuple[Run, JobState]:
        assert self._run is not None, "a run begins before it ends"
        run = self._run._replace(duration=self._runner.clock.now() - self._run.started)
        horizon = self._claim.time
        return run, succeeded(self._job, self._state, run.slot, run.started, horizon)

    def _succeeded(self) -> None:
        run, after = self._success()
        if self._written is None:
            self._state = self._runner.store.save(self._state, after, run)
        else:
            self._state, self._written = self._written, None
        self._run = self._run if self._state.ongoing else None
        self._runner.reporter.succeeded(self._job, run)
        if not self._state.ongoing:
            self._close()

    def _failed(self, error: BaseException) -> None:
        run, _ = self._success()
        known = last_error(error, self._runner.redact)
        run = run._replace(outcome=Outcome.FAILED, error=known)
        after = failed(self._job, self._state, run.slot, run.started, known)
        try:
            self._state = self._runner.store.save(self._state, after, run)
        except ClaimLost:
            # The commit of the job's own transaction, record and all, was made, and only
            # the answer to it was lost.
            if self._written is None or not self._is_committed(self._written):
                raise
            self._succeeded()
        else:
            self._runner.reporter.failed(self._job, run, error)

    def _is_committed(self, written: JobState) -> bool:
        found = self._runner.store.read(written.app_name)
        return found is not None and found.version == written.version

    def _stop_between_slots(self) -> None:
        """After a signal the rest of the slots waits, and none of them has failed."""
        try:
            self._runner.signals.check()
        except Stopped:
            if self._state.ongoing:
                self._state = self._runner.store.save(self._state, released(self._state))
            raise

    def _close(self) -> None:
        """End ``main`` where it stands: what it was to do is done, and recorded."""
        close = getattr(self._running, "close", None)
        try:
            if close:
                close()
        except Exception as error:  # noqa: BLE001  too late to be the job's failure
            what = f"{type(error).__name__}: {text_of(error)}"
            self._runner.reporter.trouble(
                f"{self._job.app_name} did its work, and then its main() raised {what}"
            )

    def _mend(self, pid: int) -> None:
        """Undo what a job did to the process."""
        if os.getpid() != pid:
            os._exit(1)  # a child that the job forked, and that came back from run()
        if self._directory:
            with contextlib.suppress(OSError):  # it was removed: nobody can go back
                os.chdir(self._directory)
        self._runner.signals.reinstall()


def _working_directory() -> str | None:
    try:
        return os.getcwd()  # noqa: PTH109  pathlib takes longer to import than a tick
    except OSError:  # it was removed
        return None
