"""TELL: reporters are told what happens in a tick, for the sake of people; they stop nothing.

Others use `Reporter`, the base class with a method for each event, and `Reporters`, which tells
several; the app chooses among `log`, `terminal` and `sentry`. A reporter may fail: that is
logged, and all else goes on. The program itself learns what happened from what calls return,
never from a reporter.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import full_name_of, text_of
from ..schedule.model import JobSpec, Replan, Run, Skip, States

if TYPE_CHECKING:  # an idle tick has no news
    from ..schedule.changes import Change
    from ..schedule.forecast import Upcoming


class Tick(NamedTuple):
    """What a tick knows at its end."""

    error: str = ""
    """Why it could not do its work; then nothing else is known."""
    now: datetime | None = None
    """The time on the server when it began."""
    jobs: Sequence[JobSpec] = ()
    states: States = MappingProxyType({})
    """The rows as it left them."""
    runs: Sequence[Run] = ()
    """The last run of each job that it ran."""
    faults: int = 0
    """How many things a person has to mend."""


class Reporter:
    """Is told what happens in a tick. A subclass overrides the methods of events it is about."""

    def selected(self, jobs: Sequence[JobSpec]) -> None:
        """A tick for a person begins: these are all its *jobs*."""

    def started(self, job: JobSpec, run: Run) -> None:
        """A slot of *job* begins; the *run* has no duration yet."""

    def succeeded(self, job: JobSpec, run: Run) -> None:
        """The *run* did what it should, and is recorded."""

    def failed(self, job: JobSpec, run: Run, error: BaseException | None) -> None:
        """The *run* raised *error*, or crashed (then there is none), and is recorded."""

    def changed(self, job: JobSpec, change: "Change") -> None:
        """There is news about *job*; if it is about a run, it is told before that."""

    def skipped(self, job: JobSpec, skip: Skip) -> None:
        """*job* is not run in this tick."""

    def replanned(self, job: JobSpec, replan: Replan) -> None:
        """The plan of *job*'s next run was out of date, and is replaced by that of *replan*."""

    def handed_over(self, job: JobSpec) -> None:
        """*job* is due, and a worker of the engine is to run it."""

    def idle(self, upcoming: "Upcoming | None", now: datetime) -> None:
        """There is nothing to do in this tick, *now*; *upcoming* is what runs next, if anything."""

    def trouble(self, message: str) -> None:
        """Something is wrong that a person has to mend; one line."""

    def ticked(self, tick: Tick) -> None:
        """The tick did its work, an idle one too; told only if the settings ask for it."""

    def finished(self) -> None:
        """The tick is over."""


class Reporters(Reporter):
    """Several reporters as one. If one of them raises, this is logged, and the others are told.

    *make* makes them, when there is something to tell for the first time.
    """

    def __init__(self, make: Callable[[], Iterable[Reporter]]) -> None:
        self._make = make
        self._reporters: list[Reporter] | None = None
        self._about: dict[str, list[Reporter]] = {}
        """Those whose class has a method of its own for an event."""

    def _tell(self, event: str, *what: Any) -> None:
        if event not in self._about:
            self._about[event] = self._those_about(event)
        for reporter in self._about[event]:
            try:
                getattr(reporter, event)(*what)
            except BaseException as error:  # noqa: BLE001  it may be what a job's exception raised
                _log_failure(type(reporter).__name__, error)

    def _those_about(self, event: str) -> list[Reporter]:
        if self._reporters is None:
            self._reporters = []
            try:
                self._reporters.extend(self._make())
            except BaseException as error:  # noqa: BLE001  the others are told
                _log_failure("it could not be made", error)
            self._about.clear()  # of what was told while they were made
        silent = getattr(Reporter, event)
        return [each for each in self._reporters if getattr(type(each), event, None) is not silent]

    def selected(self, jobs: Sequence[JobSpec]) -> None:
        self._tell("selected", jobs)

    def started(self, job: JobSpec, run: Run) -> None:
        self._tell("started", job, run)

    def succeeded(self, job: JobSpec, run: Run) -> None:
        self._tell("succeeded", job, run)

    def failed(self, job: JobSpec, run: Run, error: BaseException | None) -> None:
        self._tell("failed", job, run, error)

    def changed(self, job: JobSpec, change: "Change") -> None:
        self._tell("changed", job, change)

    def skipped(self, job: JobSpec, skip: Skip) -> None:
        self._tell("skipped", job, skip)

    def replanned(self, job: JobSpec, replan: Replan) -> None:
        self._tell("replanned", job, replan)

    def handed_over(self, job: JobSpec) -> None:
        self._tell("handed_over", job)

    def idle(self, upcoming: "Upcoming | None", now: datetime) -> None:
        self._tell("idle", upcoming, now)

    def trouble(self, message: str) -> None:
        self._tell("trouble", message)

    def ticked(self, tick: Tick) -> None:
        self._tell("ticked", tick)

    def finished(self) -> None:
        if self._reporters is not None:
            self._tell("finished")


def _log_failure(what: str, error: BaseException) -> None:
    import logging  # an idle tick has nothing to log

    # no traceback: to print one asks the exceptions in it
    why = f"{full_name_of(error)}: {text_of(error)}"
    with suppress(Exception):  # a handler that a project has may raise
        logging.getLogger("crontabber").warning("a reporter failed: %s: %s", what, why)
