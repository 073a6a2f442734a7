"""The runs of one claim: a tick calls the job's code here, and nowhere else."""

from collections.abc import Callable, Iterable, Iterator
from contextvars import copy_context
from datetime import datetime
from types import GeneratorType
from typing import Any, Protocol

from ..errors import ClaimLost, CrontabberError, Stopped, StoreError, name_of, text_of
from ..process.state import ProcessState
from ..process.threads import NotingThreads
from ..schedule import backfill
from ..schedule.ledger import Span
from ..schedule.missed import is_paused
from ..schedule.model import Claim, JobSpec, JobState, Outcome, Run
from ..schedule.plan import plan
from ..schedule.transition import failed, succeeded, withdrawn
from .context import TickContext
from .failures import last_error
from .middleware import run_within
from .output import Output

Spans = tuple[Span, ...]


class App(Protocol):
    """What a tick needs of an app; ``BaseCronApp`` has it."""

    before_commit: Callable[[Any], None] | None

    def main(self, slots: Iterable[datetime]) -> Iterator[datetime]:
        """Run each slot, and yield it when it is done."""
        ...


AppFactory = Callable[[JobSpec, JobState], App]
"""Makes the app of a job, ready to run; what it raises is the job's failure."""


class Attempt:
    """The runs of one claim: the open slots of a job, each recorded before the next begins."""

    def __init__(
        self,
        context: TickContext,
        job: JobSpec,
        make: AppFactory,
        state: JobState,
        claim: Claim,
        until: datetime | None = None,
    ) -> None:
        self._context = context
        self._job = job
        self._make = make
        self._state = state
        """The state as it is in the store; ours while it is marked ongoing."""
        self._claim = claim
        self._until = until or claim.time
        """The last moment whose slot this claim may run."""
        self._run: Run | None = None
        """The run in progress; its duration and outcome are not known yet."""
        self._last: Run | None = None
        """The last run that was recorded."""
        self._given: Run | None = None
        """The run whose slot the app has asked for."""
        self._written: JobState | None = None
        """What the job's own transaction wrote; it counts once that is committed."""
        self._app: App | None = None
        self._output = Output(job, context.redact)
        self._running: Iterator[datetime] | None = None
        """The app's ``main``, once it has begun."""
        self._variables = copy_context()
        """Where the job sets context variables, so that the next job does not see them."""

    def run(self) -> tuple[JobState, Run | None]:
        """Run until no slot is open or one fails; the state that it leaves, and the last run.

        Raises `StoreError` if an outcome could not be recorded, `Stopped` after a signal.
        """
        while self._state.ongoing:
            self._stop_between_slots()
            if self._last and self._is_called_off():
                self._state = self._context.store.save(self._state, withdrawn(self._state))
                break
            self._begin()
            error = self._run_slot()
            if error is None:
                self._succeeded()
            else:
                self._failed(error)
        self._context.signals.check()
        return self._state, self._last

    def _is_called_off(self) -> bool:
        """Whether a person paused the job, or cancelled the backfill, since its last slot."""
        if self._state.asked_slot:
            return backfill.asked_of(self._state) is None
        return is_paused(self._state, self._context.clock.now())

    def _begin(self) -> None:
        started = self._context.clock.now()
        planned = plan(self._job, self._state, self._claim.time)
        slot = planned.slot_at(self._job, self._state, self._claim.time)
        self._run = Run(
            app_name=self._job.app_name,
            slot=self._state.asked_slot or slot,
            started=started,
            duration=None,
            outcome=Outcome.SUCCEEDED,
            host=self._claim.host,
        )
        self._variables.run(self._context.reporter.started, self._job, self._run)  # sets its span

    def _run_slot(self) -> BaseException | None:
        """Have the app do one slot; all that it raises, even SystemExit, is its failure."""
        error: BaseException | None = None
        process_state = self._context.process_state or ProcessState()
        process_state.remember()
        try:
            self._output.begin()
            with NotingThreads(self._job.app_name), self._context.signals.interruptible():
                self._variables.run(self._run_within_middleware)
        except BaseException as raised:  # noqa: BLE001  the caller records it
            error = raised
        finally:
            self._output.end()
            process_state.restore()
            self._context.signals.reinstall()
        if error is not None:
            # a signal or an alarm may come after the work is done, but before we know
            return None if self._is_done() else error
        return None if self._given is self._run else CrontabberError(self._must_yield)

    @property
    def _must_yield(self) -> str:
        return f"main() of {self._job.class_path} has to yield each slot that it takes, when done"

    def _is_done(self) -> bool:
        """Whether ``main`` waits where it yielded the slot: then the error is not its own."""
        return (
            self._given is self._run
            and type(self._running) is GeneratorType
            and self._running.gi_frame is not None
        )

    def _run_within_middleware(self) -> None:
        context, job = self._context, self._job
        assert self._run is not None, "a run begins before its code is called"
        slot = self._run.slot.astimezone(job.zone)
        run_within(context.middleware, self._call_job, job, slot, context.reporter.trouble)

    def _call_job(self) -> None:
        """Call the job's own code, up to the end of the slot, within its time limit."""
        self._context.signals.limit(self._job.timeout)
        try:
            if self._running is None:
                self._running = self._main()
            next(self._running, None)
        finally:
            self._context.signals.unlimit()

    def _main(self) -> Iterator[datetime]:
        self._app = app = self._make(self._job, self._state)
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

        An executor may try again. What an earlier try wrote was rolled back with it, or is
        in the way of this one, because it was committed and only the answer was lost.
        """
        if not self._context.store.shares_database(connection):
            self._written = None
            return
        run, after, spans = self._success()
        self._written = self._context.store.save(self._state, after, run, connection, spans)

    def _success(self) -> tuple[Run, JobState, Spans]:
        assert self._run is not None, "a run begins before it ends"
        ended = self._context.clock.now()
        output = self._output.text(self._app)
        run = self._run._replace(duration=ended - self._run.started, output=output)
        job, state = self._job, self._state
        if state.asked_slot:
            return run, *backfill.done(job, state, run.started, ended)
        horizon = self._claim.time
        after = succeeded(job, state, run.slot, run.started, horizon, self._until)
        return run, after, self._context.spans(job, state, after, run)

    def _succeeded(self) -> None:
        (run, after, spans), before = self._success(), self._state
        if self._written is None:
            self._state = self._record(after, run, spans)
        else:
            self._state, self._written = self._written, None
            self._keep_lock()
        self._run = self._run if self._state.ongoing else None
        self._last = run
        self._context.tell_recovered(self._job, before, self._state, run)
        self._context.reporter.succeeded(self._job, run)
        if not self._state.ongoing:
            self._close()

    def _record(self, after: JobState, run: Run, spans: Spans) -> JobState:
        try:
            return self._context.store.save(self._state, after, run, spans=spans)
        except (StoreError, Stopped) as error:
            if not (isinstance(error, ClaimLost) and self._written):
                self._lost(run)
            raise

    def _lost(self, run: Run) -> None:
        """Tell the outcome of a run that the tables will call a crash."""
        why = run.error and " ".join(f"{run.error.type}: {run.error.value}".split())
        what = f"failed ({why})" if why else "succeeded"
        self._context.reporter.trouble(
            f"{run.app_name} {what}, and this could not be recorded: it counts as "
            "crashed, and will be run again"
        )

    def _keep_lock(self) -> None:
        """Check that our session, which did not write the record, lives: our lock lives in it."""
        if self._job.lock and self._state.ongoing:
            self._state = self._context.store.save(self._state, self._state)

    def _failed(self, error: BaseException) -> None:
        run = self._success()[0]
        known = last_error(error, self._context.redact)
        run = run._replace(outcome=Outcome.FAILED, error=known)
        advice = self._context.advice(self._job, self._state, run.slot, run.started, error)
        if self._state.asked_slot:
            after, spans = backfill.failed(self._job, self._state, run, advice)
        else:
            after = failed(self._job, self._state, run.slot, run.started, known, advice)
            spans = self._context.spans(self._job, self._state, after, run)
        change, after = self._context.news(self._job, self._state, after, run, advice)
        try:
            self._state = self._record(after, run, spans)
        except ClaimLost:
            # The job's own transaction was committed, including the record, and only
            # the answer was lost.
            if self._written is None or not self._is_committed(self._written):
                raise
            self._succeeded()
            self._running = None  # it ended with the error; the slots that are open want another
        else:
            self._last = run
            self._context.tell(self._job, change)
            self._context.reporter.failed(self._job, run, error)

    def _is_committed(self, written: JobState) -> bool:
        found = self._context.store.read(written.app_name)
        return found is not None and found.version == written.version

    def _stop_between_slots(self) -> None:
        """After a signal, slots that did not begin wait, and have not failed."""
        try:
            self._context.signals.check()
        except Stopped:
            self._state = self._context.store.save(self._state, withdrawn(self._state))
            raise

    def _close(self) -> None:
        """End ``main`` where it is: its work is done and recorded."""
        if _is_our_main(self._running):
            return  # nothing of the user's comes after the last slot
        try:
            with ProcessState():
                self._variables.run(_close, self._running)
        except BaseException as error:  # noqa: BLE001  too late to be the job's failure
            what = f"{name_of(error)}: {text_of(error)}"
            self._context.reporter.trouble(
                f"{self._job.app_name} did its work, and then its main() raised {what}"
            )


def _is_our_main(running: object) -> bool:
    # by the module of its code: wraps() may have copied its name
    if type(running) is not GeneratorType or running.gi_frame is None:
        return False
    return running.gi_frame.f_globals.get("__name__") == "crontabber.base"


def _close(running: Any) -> None:
    close = getattr(running, "close", None)
    if close:
        close()
