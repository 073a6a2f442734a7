"""One tick: who of the listed jobs is to be run; by what is remembered, as far as that can be."""

from collections.abc import Callable, Sequence

from ..errors import ExitCode
from ..reporters import Reporter
from ..schedule.decide import decide
from ..schedule.grammar import JobLine
from ..schedule.model import JobSpec, Skip, SkipReason
from ..store import Snapshot
from .jobs import JobCatalogue

Run = Callable[[Sequence[JobSpec]], ExitCode]
"""Runs those of the candidates that are due; see `crontabber.tick.batch.Batch`."""


class Tick:
    """Looks at the listed jobs once. What an idle tick does not need is not imported here.

    *verbose* tells the reporter of every job that is not due.
    """

    def __init__(
        self, look: Snapshot, catalogue: JobCatalogue, reporter: Reporter, *, verbose: bool = True
    ) -> None:
        self._look = look
        self._catalogue = catalogue
        self._reporter = reporter
        self._verbose = verbose
        self._code = ExitCode.OK

    def run(self, run: Run) -> ExitCode:
        """Have *run* do what is due. Raises what that raises."""
        candidates = [job for line in self._catalogue.lines if (job := self._candidate(line))]
        if not candidates and not self._catalogue.faults:
            return self._code
        code = run(candidates)
        return code or self._code

    def _candidate(self, line: JobLine) -> JobSpec | None:
        """The job of *line*, unless what is remembered is enough to say that it has to wait."""
        job = self._catalogue.from_row(line)
        if job:
            states = self._look.states
            decision = decide(job, states[job.app_name], states, self._look.now)
            # a blocked job may be free when its parents have run
            if isinstance(decision, Skip) and decision.reason is not SkipReason.BLOCKED:
                self._skip(job, decision)
                return None
        return self._catalogue.from_class(line)

    def _skip(self, job: JobSpec, skip: Skip) -> None:
        if skip.reason is SkipReason.ONGOING:
            self._code = ExitCode.ONGOING
        if self._verbose or skip.reason is not SkipReason.NOT_DUE:
            self._reporter.skipped(job, skip)
