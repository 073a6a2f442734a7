"""Which one-off runs are tried again, and when."""

import asyncio
from datetime import datetime

import procrastinate
from procrastinate.jobs import Job

from ...errors import CrontabberError
from .queue import wait


class RunFailed(CrontabberError):
    """A one-off run failed; the log says more."""


class RunHeld(CrontabberError):
    """A one-off run could not begin at *now*, the server's time: others kept it from that."""

    def __init__(self, now: datetime) -> None:
        super().__init__()
        self.now = now


class Again(procrastinate.BaseRetryStrategy):
    """Has a run that could not begin tried again, and one that a stopping worker ended."""

    def get_retry_decision(
        self, *, exception: BaseException, job: Job
    ) -> procrastinate.RetryDecision | None:
        """As Procrastinate asks for it."""
        if isinstance(exception, RunHeld):
            return procrastinate.RetryDecision(retry_at=exception.now + wait(job.attempts))
        if isinstance(exception, asyncio.CancelledError):
            return procrastinate.RetryDecision()
        return None
