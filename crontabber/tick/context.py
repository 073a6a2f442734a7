"""What every step of a tick needs: the store, the clock, the reporters, the signals."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from ..errors import Redact, name_of, text_of
from ..process.clock import Clock
from ..process.signals import Signals
from ..process.state import ProcessState
from ..reporters import Reporter
from ..schedule.ledger import Span, note_of
from ..schedule.missed import passed_by_run
from ..schedule.model import JobSpec, JobState, Run
from ..schedule.retry import Advice, attempts_at
from ..store import StateStore
from .middleware import Middleware

if TYPE_CHECKING:  # most runs succeed, and then there is nothing to report
    from ..schedule.changes import Change


class TickContext(NamedTuple):
    """One tick's tools. *redact* takes secrets out of what exceptions say."""

    store: StateStore
    clock: Clock
    reporter: Reporter
    signals: Signals
    redact: Redact = str
    middleware: Sequence[Middleware] = ()
    """Functions that wrap every run, the first outermost."""
    process_state: ProcessState | None = None
    """The process state to restore after each run of a tick; None: each run has its own."""
    remind: timedelta = timedelta(days=1)
    """How often to remind of a job that is not well; zero: never."""
    by: str = ""
    """The person who asked for a run; empty: the schedules did."""

    def spans(self, job: JobSpec, state: JobState, after: JobState, run: Run) -> tuple[Span, ...]:
        """The spans of a *run* that leads to *after*: what it passes over, and who asked for it.

        They are written with the record.
        """
        spans = passed_by_run(job, state, after, run)
        if not self.by:
            return spans
        return (*spans, note_of(job.app_name, "run now", self.by, run.started))

    def advice(
        self, job: JobSpec, state: JobState, slot: datetime, started: datetime, error: BaseException
    ) -> Advice | None:
        """What the app's own ``retry`` says of a run of *slot* that failed; None: nothing."""
        if job.retry is None:
            return None
        try:
            delay = job.retry(attempts_at(state, slot, started), error)
        except BaseException as broken:  # noqa: BLE001  a user's code may raise anything
            what = f"{name_of(broken)}: {text_of(broken)}"
            self.reporter.trouble(
                f"{job.app_name} is tried again as usual: its retry raised {what}"
            )
            return None
        return Advice(None if delay is None else self.clock.now() + delay)

    def news(
        self,
        job: JobSpec,
        before: JobState,
        after: JobState,
        run: Run,
        advice: Advice | None,
    ) -> "tuple[Change | None, JobState]":
        """What to report of a *run* that failed, and *after* with what is then reported."""
        from ..schedule.changes import after_run

        gave_up = advice is not None and advice.again is None
        change, told = after_run(
            job, before, after, run, self.clock.now(), self.remind, gave_up=gave_up
        )
        return change, after._replace(told=told)

    def tell_recovered(self, job: JobSpec, before: JobState, after: JobState, run: Run) -> None:
        """Report that a successful *run* made *job* well again, if people know of a problem."""
        if before.told is None or after.told is not None:  # it was a date that was asked for
            return
        from ..schedule.changes import recovered

        self.tell(job, recovered(job, before, run, self.clock.now()))

    def tell(self, job: JobSpec, change: "Change | None") -> None:
        """Report a *change*, if there is one."""
        if change is not None:
            self.reporter.changed(job, change)
