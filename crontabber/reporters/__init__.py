"""Those who are told what happens. They may fail; they never stop a job."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from ..schedule.model import JobSpec, Replan, Run, Skip


class Reporter:
    """Is told what happens in a tick; overrides what it wants to hear of."""

    def started(self, job: JobSpec, run: Run) -> None:
        """A slot of *job* begins; the *run* has no duration yet."""

    def succeeded(self, job: JobSpec, run: Run) -> None:
        """The *run* did what it should, and is recorded."""

    def failed(self, job: JobSpec, run: Run, error: BaseException | None) -> None:
        """The *run* raised *error*, or crashed (then there is none), and is recorded."""

    def skipped(self, job: JobSpec, skip: Skip) -> None:
        """*job* is not run in this tick."""

    def replanned(self, job: JobSpec, replan: Replan) -> None:
        """What is remembered of *job*'s next run was not right any more, and is changed."""

    def trouble(self, message: str) -> None:
        """Something is wrong that a person has to mend; one line."""

    def finished(self) -> None:
        """The tick is over."""


class Reporters(Reporter):
    """Several reporters as one; what one of them raises is logged, and that is all.

    *make* makes them, when there is something to tell for the first time.
    """

    def __init__(self, make: Callable[[], Iterable[Reporter]]) -> None:
        self._make = make
        self._reporters: list[Reporter] | None = None

    def _tell(self, event: str, *what: Any) -> None:
        if self._reporters is None:
            self._reporters = []
            with _contained("it could not be made"):
                self._reporters.extend(self._make())
        for reporter in self._reporters:
            with _contained(type(reporter).__name__):
                getattr(reporter, event)(*what)

    def started(self, job: JobSpec, run: Run) -> None:
        self._tell("started", job, run)

    def succeeded(self, job: JobSpec, run: Run) -> None:
        self._tell("succeeded", job, run)

    def failed(self, job: JobSpec, run: Run, error: BaseException | None) -> None:
        self._tell("failed", job, run, error)

    def skipped(self, job: JobSpec, skip: Skip) -> None:
        self._tell("skipped", job, skip)

    def replanned(self, job: JobSpec, replan: Replan) -> None:
        self._tell("replanned", job, replan)

    def trouble(self, message: str) -> None:
        self._tell("trouble", message)

    def finished(self) -> None:
        if self._reporters is not None:
            self._tell("finished")


@contextmanager
def _contained(what: str) -> Iterator[None]:
    try:
        yield
    except Exception:
        import logging  # an idle tick has nothing to log

        logging.getLogger("crontabber").warning("a reporter failed: %s", what, exc_info=True)
