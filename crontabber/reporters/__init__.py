"""TELL: reporters report to people what happens in a tick; they stop nothing.

Others use `Reporter`, the base class with a method for each event, and `Reporters`, which calls
several; the app chooses among `log`, `terminal` and `sentry`. A reporter may fail: that is
logged, and all else continues. The program itself learns what happened from return values,
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
    """Why the tick failed; then nothing else is known."""
    now: datetime | None = None
    """The time on the server when it began."""
    jobs: Sequence[JobSpec] = ()
    states: States = MappingProxyType({})
    """The rows as it left them."""
    runs: Sequence[Run] = ()
    """The last run of each job that it ran."""
    faults: int = 0
    """How many faults a person has to fix."""


class Reporter:
    """Gets what happens in a tick. A subclass overrides the methods of its events."""

    def selected(self, jobs: Sequence[JobSpec]) -> None:
        """A tick for a person begins: these are all its *jobs*."""

    def started(self, job: JobSpec, run: Run) -> None:
        """A slot of *job* begins; the *run* has no duration yet."""

    def succeeded(self, job: JobSpec, run: Run) -> None:
        """The *run* succeeded, and is recorded."""

    def failed(self, job: JobSpec, run: Run, error: BaseException | None) -> None:
        """The *run* raised *error*, or crashed (then there is none), and is recorded."""

    def changed(self, job: JobSpec, change: "Change") -> None:
        """There is news about *job*; news about a run comes before the run."""

    def skipped(self, job: JobSpec, skip: Skip) -> None:
        """*job* does not run in this tick."""

    def replanned(self, job: JobSpec, replan: Replan) -> None:
        """The plan of *job*'s next run was out of date, and is replaced by that of *replan*."""

    def handed_over(self, job: JobSpec) -> None:
        """*job* is due, and was handed over to a worker of the engine."""

    def idle(self, upcoming: "Upcoming | None", now: datetime) -> None:
        """There is nothing to do in this tick, *now*; *upcoming* is what runs next, if anything."""

    def trouble(self, message: str) -> None:
        """One line about something that a person has to fix."""

    def ticked(self, tick: Tick) -> None:
        """The tick did its work, even an idle one; called only if the settings ask for it."""

    def finished(self) -> None:
        """The tick is over."""


class Reporters(Reporter):
    """Several reporters as one. If one of them raises, that is logged, and the others are called.

    *make* makes them, when there is something to report for the first time.
    """

    def __init__(self, make: Callable[[], Iterable[Reporter]]) -> None:
        self._make = make
        self._reporters: list[Reporter] | None = None
        self._about: dict[str, list[Reporter]] = {}
        """The reporters whose class overrides the method of an event."""

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
            self._about.clear()  # computed while they were made
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

    # no traceback: printing one calls the exceptions in it
    why = f"{full_name_of(error)}: {text_of(error)}"
    with suppress(Exception):  # a handler that a project has may raise
        logging.getLogger("crontabber").warning("a reporter failed: %s: %s", what, why)
