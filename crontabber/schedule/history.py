"""What the log says of the past of a job: its runs, how the last one went, and their traces."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from .model import Outcome, Run


class LastRun(NamedTuple):
    """What the log says of a job's last run."""

    duration: timedelta | None = None
    """None for a crash, and for a slot that was marked as successful."""
    failing_since: datetime | None = None
    """When the first failure since the last success was recorded; None: there is none."""


def ended(run: Run) -> datetime:
    """When *run* was recorded."""
    return run.started + (run.duration or timedelta())


def last_run(runs: Sequence[Run]) -> LastRun | None:
    """The last of *runs*, which are all runs of one job, the oldest first."""
    since = None
    for run in reversed(runs):
        if not run.error:
            break
        since = ended(run)
    return LastRun(runs[-1].duration, since) if runs else None


class Trace(NamedTuple):
    """A run, or several alike that ended close together, for pictures."""

    ended: datetime
    """When the last of them was recorded."""
    duration: timedelta | None
    """From the beginning of the first to ``ended``; None for a crash, and for a mark."""
    outcome: Outcome
    number: int = 1
    """How many runs there were."""

    @property
    def began(self) -> datetime:
        """When the first of them began."""
        return self.ended - (self.duration or timedelta())


def traces(runs: Iterable[Run], seconds: int) -> list[Trace]:
    """The newest first; runs that ended alike within the same *seconds* are one."""
    alike: dict[tuple[float, Outcome, bool], list[Run]] = {}
    for run in runs:
        key = (ended(run).timestamp() // seconds, run.outcome, run.duration is None)
        alike.setdefault(key, []).append(run)
    found = [_trace(group) for group in alike.values()]
    return sorted(found, key=lambda each: each.ended, reverse=True)


def trace(run: Run) -> Trace:
    """One run, for pictures."""
    return Trace(ended(run), run.duration, run.outcome)


def _trace(runs: Sequence[Run]) -> Trace:
    last, one = max(map(ended, runs)), runs[0]
    took = None if one.duration is None else last - min(run.started for run in runs)
    return Trace(last, took, one.outcome, len(runs))
