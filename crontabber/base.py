"""The class that every app is derived from."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import TYPE_CHECKING, Any

from .config import compat  # noqa: F401  configman cannot be imported before

from configman import Namespace, RequiredConfig

if TYPE_CHECKING:
    from .retry import SupportsRetry


def __getattr__(name: str) -> Any:
    """A helper that 0.18 had here; most ticks need none."""
    if name not in _OLDER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .schedule import older

    return getattr(older, name)


_OLDER = {
    "CircularDAGError",
    "FrequencyDefinitionError",
    "convert_frequency",
    "reorder_dag",
    "toposort",
}
_NOT_RUN = (GeneratorType, CoroutineType, AsyncGeneratorType)
"""What a call returns if the function has not done anything yet."""


class BaseCronApp(RequiredConfig):  # type: ignore[misc]
    """A job's code: derive from this, give it an ``app_name``, and write ``run``.

    ``run`` takes no arguments, unless a decorator of `crontabber.mixins` promises
    some: first the connections, then, for a backfill app, the date. Returning is
    success; an exception is a failure, and the job is tried again.
    """

    app_name: str
    """The app's identity: the key of its row, and what others name in ``depends_on``."""
    depends_on: str | Sequence[str] = ()
    """The app_names, or the one, that must have succeeded first."""
    required_config = Namespace()
    """The app's options, which ``self.config`` holds when it runs."""

    lock: str | None = None
    """Of all jobs with the same lock, on all hosts, only one runs at a time."""
    retry: "bool | int | SupportsRetry | None" = None
    """How often, and when, a failed job is tried again; None: every ``error_retry_time``.

    A number of attempts, True, or a `crontabber.retry.RetryStrategy` or the like.
    """
    timeout: "str | float | timedelta | None" = None
    """How long one run may take: ``"2h"``, ``"90s"``, or a number of seconds."""

    late: "str | float | timedelta | None" = None
    """How late it may be before that is reported, in the form of ``timeout``; None: the option."""

    missed: str | None = None
    """What becomes of slots that were not run in time: ``"all"``, ``"latest"`` or ``"none"``; None:
    as is usual for its kind."""
    too_late: "str | float | timedelta | None" = None
    """Older slots are passed over; None: none is too old."""
    start: "str | date | None" = None
    """Where the dates of a backfill app that never ran begin: ``"2026-11-21"``; None: now."""
    spread: "str | float | timedelta | None" = None
    """Within which time after its slot it begins, always with the same delay."""
    queue: str
    """Which workers run it, if workers do."""
    priority: int
    """Which of the due jobs workers take first: the one with the highest."""
    parallel: int = 1
    """Without effect: the dates of one job are done one after the other."""
    keep_output: int = 0
    """How many bytes are kept of what a run writes to stdout and stderr."""

    is_backfill: bool = False
    """Whether ``run`` gets every date that was missed; see `as_backfill_cron_app`."""
    single_transaction: bool = False
    """Whether a whole run is one transaction; see `as_single_postgres_transaction`."""

    before_commit: Callable[[Any], None] | None = None
    """What an app that is a single transaction calls with its connection before the commit.

    The runner puts it here, so that the record of a run commits with its work. What it
    raises rolls the work back.
    """

    def __init__(self, config: Any, job_information: Any = None) -> None:
        self.config = config
        self.job_information = job_information

    def run(self, *args: Any) -> None:
        """Do the job's work, once. Override this."""
        raise NotImplementedError(
            f"{type(self).__name__} has no run(): write what the job does in "
            f"a method run(self{', date' if self.is_backfill else ''})"
        )

    def main(self, slots: Iterable[datetime]) -> Iterator[datetime]:
        """Run the job for each of *slots*, and yield each slot when it is done.

        The next slot is taken only after the last one was yielded and the caller
        came back: in between, the last one is recorded.
        """
        for slot in slots:
            if self.is_backfill:
                self._run_proxy(slot)
            else:
                self._run_proxy()
            yield slot

    def _run_proxy(self, *args: Any) -> None:
        """Call ``run``; decorators put here what comes before and after it."""
        result: object = self.run(*args)  # type: ignore[func-returns-value]  # a user's may
        if isinstance(result, _NOT_RUN):
            kind = "has a yield" if isinstance(result, GeneratorType) else "is async"
            if isinstance(result, CoroutineType):
                result.close()  # or Python warns, much later, that it was not awaited
            raise TypeError(f"run() of {type(self).__name__} {kind}: its code was not run")
