"""One claim's worth of runs: the job's code is called here, and nowhere else."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from types import GeneratorType
from typing import TYPE_CHECKING, Any, Protocol

from ..errors import ClaimLost, CrontabberError, Stopped, StoreError, text_of
from ..process.state import ProcessState
from ..schedule.model import Claim, JobSpec, JobState, Outcome, Run
from ..schedule.plan import plan
from ..schedule.transition import failed, succeeded, withdrawn
from ..store import ClaimRequest
from .failures import last_error
from .middleware import run_within

if TYPE_CHECKING:
    from .claim import Runner


class App(Protocol):
    """What the runner asks of an app; ``BaseCronApp`` has it."""

    before_commit: Callable[[Any], None] | None

    def main(self, slots: Iterable[datetime]) -> Iterator[datetime]:
        """Run each slot, and yield it when it is done."""
        ...


AppFactory = Callable[[JobSpec, JobState], App]
"""Makes the app of a job, ready to run; what it raises is the job's failure."""


Foresee = Callable[[JobState], ClaimRequest | None]
"""Given what a job will leave, the claim on the next one; then it has to be tried next."""

_OURS = "crontabber.base"
"""The module whose ``main`` does nothing more after the last slot."""


class Attempt:
    """One claim's worth of runs: the open slots of a job, each recorded before the next."""

    def __init__(
        self,
        runner: "Runner",
        job: JobSpec,
        make: AppFactory,
        state: JobState,
        claim: Claim,
        foresee: Foresee | None = None,
    ) -> None:
        self._runner = runner
        self._job = job
        self._make = make
        self._state = state
        """As it is in the store; ours while it is marked ongoing."""
        self._claim = claim
        self._foresee = foresee
        self._run: Run | None = None
        """The run in progress; its duration and outcome are not known yet."""
        self._given: Run | None = None
        """The run whose slot the app has asked for."""
        self._written: JobState | None = None
        """What the job's own transaction wrote; true once that is committed."""
        self._running: Iterator[datetime] | None = None
        """The app's ``main``, once it has begun."""

    def run(self) -> JobState:
        """Run until no slot is open or one fails; the state that it leaves.

        Raises `StoreError` if an outcome could not be recorded, `Stopped` after a signal.
        """
        while self._state.ongoing:
            self._stop_between_slots()
            self._begin()
            error = self._run_slot()
            if error is None:
                self._succeeded()
            else:
                self._failed(error)
        self._runner.check()
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
        process_state = ProcessState()
        try:
            with self._runner.signals.interruptible():
                self._run_within_middleware()
        except BaseException as error:  # noqa: BLE001  the caller records it
            # a signal or an alarm may come when the work is done, and before we know
            return None if self._is_done() else error
        else:
            if self._given is self._run:
                return None
        finally:
            process_state.restore()
            self._runner.signals.reinstall()
        return CrontabberError(self._must_yield)

    @property
    def _must_yield(self) -> str:
        return f"main() of {self._job.class_path} has to yield each slot that it takes, when done"

    def _is_done(self) -> bool:
        """Whether ``main`` waits where it yielded the slot: then it was no error of its own."""
        return (
            self._given is self._run
            and isinstance(self._running, GeneratorType)
            and self._running.gi_frame is not None
        )

    def _run_within_middleware(self) -> None:
        runner, job = self._runner, self._job
        assert self._run is not None, "a run begins before its code is called"
        slot = self._run.slot.astimezone(job.zone)
        run_within(runner.middleware, self._call_job, job, slot, runner.reporter.trouble)

    def _call_job(self) -> None:
        """Call the job's own code, up to the end of the slot, for as long as it may take."""
        self._runner.signals.limit(self._job.timeout)
        try:
            if self._running is None:
                self._running = self._main()
            next(self._running, None)
        finally:
            self._runner.signals.unlimit()

    def _main(self) -> Iterator[datetime]:
        app = self._make(self._job, self._state)
        app.before_commit = self._record_within
        slots = app.main(self._slots())
        if not isinstance(slots, Iterable):
            raise CrontabberError(self._must_yield)
        return iter(slots)

    def _slots(self) -> Iterator[datetime]:
        """The slots as the app sees them, in the zone of its schedule.

        The next one comes when the last one is recorded.
        """
        while self._run and self._run is not self._given:
            self._given = self._run
            yield self._run.slot.astimezone(self._job.zone)

    def _record_within(self, connection: Any) -> None:
        """Write the record of the run in the transaction that did its work, if it can be.

        An executor may try again. What an earlier try wrote went with its transaction, or is
        in the way of this one, as its commit was made and only the answer to it was lost.
        """
        if not self._runner.store.shares_database(connection):
            self._written = None
            return
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
            self._state = self._record(after, run, self._then(after))
        else:
            self._state, self._written = self._written, None
            self._keep_lock()
        self._run = self._run if self._state.ongoing else None
        self._runner.reporter.succeeded(self._job, run)
        if not self._state.ongoing:
            self._close()

    def _then(self, after: JobState) -> ClaimRequest | None:
        """The claim on the next job, if nothing of this one is to come but its record."""
        if after.ongoing or not self._foresee or not self._runs_our_main:
            return None
        try:
            return self._foresee(after)
        except StoreError:
            return None  # the record is to be tried all the same, and for longer

    @property
    def _runs_our_main(self) -> bool:
        """Whether ``main`` is crontabber's own, so that its end runs no code of the user's."""
        frame = getattr(self._running, "gi_frame", None)  # a name could be copied, as wraps() does
        return frame is not None and frame.f_globals.get("__name__") == _OURS

    def _record(self, after: JobState, run: Run, then: ClaimRequest | None = None) -> JobState:
        try:
            return self._runner.store.save(self._state, after, run, then=then)
        except StoreError as error:
            if not (isinstance(error, ClaimLost) and self._written):
                self._lost(run)
            raise

    def _lost(self, run: Run) -> None:
        """Tell what came of a run that the tables will call a crash."""
        what = "succeeded"
        if run.error:
            what = f"failed ({' '.join(f'{run.error.type}: {run.error.value}'.split())})"
        self._runner.reporter.trouble(
            f"{run.app_name} {what}, and this could not be recorded: it counts as "
            "crashed, and will be run again"
        )

    def _keep_lock(self) -> None:
        """See that our session, which did not write the record, lives: our lock lives in it."""
        if self._job.lock and self._state.ongoing:
            self._state = self._runner.store.save(self._state, self._state)

    def _failed(self, error: BaseException) -> None:
        run, _ = self._success()
        known = last_error(error, self._runner.redact)
        run = run._replace(outcome=Outcome.FAILED, error=known)
        advice = self._runner.advice(self._job, self._state, run.slot, run.started, error)
        after = failed(self._job, self._state, run.slot, run.started, known, advice)
        try:
            self._state = self._record(after, run)
        except ClaimLost:
            # The commit of the job's own transaction, record and all, was made, and only
            # the answer to it was lost.
            if self._written is None or not self._is_committed(self._written):
                raise
            self._succeeded()
            self._running = None  # it ended with the error; the slots that are open want another
        else:
            self._runner.reporter.failed(self._job, run, error)

    def _is_committed(self, written: JobState) -> bool:
        found = self._runner.store.read(written.app_name)
        return found is not None and found.version == written.version

    def _stop_between_slots(self) -> None:
        """After a signal the slots that did not begin wait, and none of them has failed."""
        try:
            self._runner.signals.check()
        except Stopped:
            self._state = self._runner.store.save(self._state, withdrawn(self._state))
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
