"""What a tick returns: a result for each job that it looked at more closely, and the faults."""

import enum
from collections.abc import Sequence
from types import MappingProxyType
from typing import NamedTuple

from ..errors import CrontabberError, ExitCode
from ..schedule.model import JobSpec, Run, Skip, SkipReason, States


class RunOutcome(enum.Enum):
    """How the turn of a job in a tick ended."""

    SUCCEEDED = "succeeded"
    """Every slot that it ran is done."""
    FAILED = "failed"
    """Its last run raised, or crashed earlier and has not run again yet."""
    SKIPPED = "skipped"
    """It was not run; ``skip`` says why."""
    HANDED_OVER = "handed over"
    """It is due, and another engine runs it."""
    RACE_LOST = "race lost"
    """Another crontabber claimed or ran it between our look and our claim."""


class JobResult(NamedTuple):
    """What became of one job in this tick."""

    app_name: str
    outcome: RunOutcome
    skip: Skip | None = None
    """Why it was not run, or not run further."""
    run: Run | None = None
    """The last run of this tick."""

    @property
    def refusal(self) -> str:
        """Why the job is not run, for the person who asked for it; empty if it was."""
        if self.skip is None:
            return ""
        return f"{self.app_name} is not run: {self.skip.reason.value}, {self.skip.detail}"

    @property
    def exit_code(self) -> ExitCode:
        """The exit status that this result alone leads to."""
        if self.outcome is RunOutcome.RACE_LOST:
            return ExitCode.RACE_LOST
        if self.skip and self.skip.reason in _HELD:
            return ExitCode.ONGOING
        if self.skip and self.skip.reason is SkipReason.BACKFILL:
            return ExitCode.ERROR
        return ExitCode.OK


def left_alone(job: JobSpec) -> JobResult:
    """The answer to a person who asked for a backfill app by name."""
    detail = (
        "which only runs by its own schedule: the next tick gives it the dates that are open; "
        f"--retry={job.app_name} has it try a date again at once that failed"
    )
    return JobResult(job.app_name, RunOutcome.SKIPPED, Skip(SkipReason.BACKFILL, detail))


_HELD = (SkipReason.ONGOING, SkipReason.LOCKED)


class TickResult(NamedTuple):
    """What one tick did."""

    jobs: Sequence[JobResult] = ()
    """In the order of their turns; jobs that only wait for their time are left out."""
    faults: Sequence[CrontabberError] = ()
    """What a person has to fix; the reporters got each of them."""
    states: States = MappingProxyType({})
    """The rows that it knows, as it left them."""

    @property
    def exit_code(self) -> ExitCode:
        """The exit status of the command: the lowest that is not 0."""
        codes = {result.exit_code for result in self.jobs} | {
            ExitCode.ERROR for fault in self.faults
        }
        return min(codes - {ExitCode.OK}, default=ExitCode.OK)
