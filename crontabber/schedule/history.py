"""What the log says of the past of a job: its runs, and how its last one went."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from .model import Run


class LastRun(NamedTuple):
    """What the log says of a job's last run."""

    duration: timedelta | None = None
    """None for a crash, and for a mark."""
    failing_since: datetime | None = None
    """When the first run was recorded that failed since the last success; None: none did."""


def ended(run: Run) -> datetime:
    """When *run* was recorded."""
    return run.started + (run.duration or timedelta())


def last_run(runs: Sequence[Run]) -> LastRun | None:
    """The last of *runs*, which are all that one job had, the oldest first."""
    since = None
    for run in reversed(runs):
        if not run.error:
            break
        since = ended(run)
    return LastRun(runs[-1].duration, since) if runs else None
