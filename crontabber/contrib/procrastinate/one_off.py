"""One-off runs: how to defer them, and which of them are tried again."""

import asyncio
import inspect
import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from typing import Any

import procrastinate
from procrastinate.jobs import Job, JobDeferrer

from ...config.appspec import AppSpec
from ...config.messages import did_you_mean
from ...errors import ConfigError, CrontabberError
from .queue import wait
from .run_once import DATE, slot_of

ARGUMENTS = "arguments"
"""The argument of the task that holds those of the app."""


class RunDeferrer(JobDeferrer):
    """*deferrer*, for runs of *app*."""

    def __init__(self, deferrer: JobDeferrer, app: AppSpec) -> None:
        vars(self).update(vars(deferrer))
        self._app = app

    def make_new_job(self, **arguments: Any) -> Job:
        """The queued arguments; raises `ConfigError` if the app cannot take *arguments*."""
        configured: Any = self.job.task_kwargs[ARGUMENTS]
        given = {**configured, **arguments}
        for wrong in self._faults(given):
            raise ConfigError(f"{self._app.app_name}: {wrong}")
        return self.job.evolve(task_kwargs={**self.job.task_kwargs, ARGUMENTS: given})

    def _faults(self, arguments: Mapping[str, Any]) -> Iterator[str]:
        try:
            json.dumps(arguments, allow_nan=False)
        except (TypeError, ValueError) as error:
            yield f"its arguments have to be what JSON can hold, such as dates as text: {error}"
        names = dict(arguments)
        if self._app.backfill and (date := names.pop(DATE, None)):
            slot_of(date, timezone.utc)
        known, more = _parameters(self._app.cls)
        for name in names:
            if name not in known and not more:
                yield f"its run() takes no argument {name!r}{did_you_mean(name, known)}"


def _parameters(cls: Any) -> tuple[set[str], bool]:
    """The names of the arguments of ``run``; and whether it takes any others."""
    parameters = inspect.signature(cls.run).parameters.values()
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    known = {each.name for each in parameters if each.kind in named} - {"self"}
    return known, any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters)


class RunFailed(CrontabberError):
    """A one-off run failed; the log says more."""


class RunHeld(CrontabberError):
    """A one-off run could not begin at *now*, the server's time, because of other runs."""

    def __init__(self, now: datetime) -> None:
        super().__init__()
        self.now = now


class RetryPolicy(procrastinate.BaseRetryStrategy):
    """Retries a run that could not begin, and one that a stopping worker ended."""

    def get_retry_decision(
        self, *, exception: BaseException, job: Job
    ) -> procrastinate.RetryDecision | None:
        """As Procrastinate calls it."""
        if isinstance(exception, RunHeld):
            return procrastinate.RetryDecision(retry_at=exception.now + wait(job.attempts))
        if isinstance(exception, asyncio.CancelledError):
            return procrastinate.RetryDecision()
        return None
