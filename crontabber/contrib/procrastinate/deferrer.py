"""What defers one-off runs of an app: it refuses at once what no worker could run."""

import inspect
import json
from collections.abc import Iterator, Mapping
from datetime import timezone
from typing import Any

from procrastinate.jobs import Job, JobDeferrer

from ...config.messages import did_you_mean
from ...errors import ConfigError
from ...schedule.model import JobSpec
from .once import DATE, slot_of

ARGUMENTS = "arguments"
"""The argument of the task that holds those of the app."""


class RunDeferrer(JobDeferrer):
    """*deferrer*, for runs of the app *cls*."""

    def __init__(self, deferrer: JobDeferrer, spec: JobSpec, cls: type) -> None:
        vars(self).update(vars(deferrer))
        self._spec = spec
        self._cls = cls

    def make_new_job(self, **arguments: Any) -> Job:
        """What is queued; raises `ConfigError` if the app cannot be run with *arguments*."""
        configured: Any = self.job.task_kwargs[ARGUMENTS]
        given = {**configured, **arguments}
        for wrong in self._faults(given):
            raise ConfigError(f"{self._spec.app_name}: {wrong}")
        return self.job.evolve(task_kwargs={**self.job.task_kwargs, ARGUMENTS: given})

    def _faults(self, arguments: Mapping[str, Any]) -> Iterator[str]:
        try:
            json.dumps(arguments, allow_nan=False)
        except (TypeError, ValueError) as error:
            yield f"its arguments have to be what JSON can hold, such as dates as text: {error}"
        names = dict(arguments)
        if self._spec.backfill and (date := names.pop(DATE, None)):
            slot_of(date, timezone.utc)
        known, more = _parameters(self._cls)
        for name in names:
            if name not in known and not more:
                yield f"its run() takes no argument {name!r}{did_you_mean(name, known)}"


def _parameters(cls: Any) -> tuple[set[str], bool]:
    """The names by which ``run`` can be given arguments; and whether it takes any others."""
    parameters = inspect.signature(cls.run).parameters.values()
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    known = {each.name for each in parameters if each.kind in named} - {"self"}
    return known, any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters)
