"""What every step of a tick needs: the store, the clock, the reporters, the signals."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from ..errors import Redact, name_of, text_of
from ..process.clock import Clock
from ..process.signals import Signals
from ..process.state import ProcessState
from ..reporters import Reporter
from ..schedule.model import JobSpec, JobState
from ..schedule.retry import Advice, attempts_at
from ..store import StateStore
from .middleware import Middleware


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
    """What is put back after each run, for all runs of a tick; None: each run has its own."""

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
