"""Functions that wrap every run. The job runs exactly once, and their faults are not its own."""

import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from types import TracebackType
from typing import NamedTuple

from ..config.loader import load_function
from ..errors import ConfigError, Stopped, name_of, text_of, traceback_of
from ..schedule.model import JobSpec

Step = Callable[[], None]
Tell = Callable[[str], None]


class Middleware(NamedTuple):
    """A function that the configuration names."""

    name: str
    function: Callable[[Step, JobSpec, datetime], object]
    """Gets ``call_next``, which runs the rest and raises what the job raised."""


def load(names: Iterable[str]) -> tuple[list[Middleware], list[ConfigError]]:
    """The functions with these dotted names, and why some of them cannot be imported."""
    loaded, faults = [], []
    for name in names:
        try:
            loaded.append(Middleware(name, load_function(name)))
        except ConfigError as error:
            faults.append(ConfigError(f"middleware {name} is left out: {error}"))
    return loaded, faults


def run_within(
    middleware: Sequence[Middleware], run: Step, job: JobSpec, slot: datetime, tell: Tell
) -> None:
    """Call *run* once, with all of *middleware* around it, the first outermost.

    Raises what *run* raises and nothing else, except `Stopped` if a signal comes before it
    begins. *tell* is called with what is wrong with a function.
    """
    if not middleware:
        return run()
    body = step = _Once(run)
    for each in reversed(middleware):
        step = _Once(_Around(each, step, job, slot, tell))
    try:
        step()
    except BaseException:
        if not body.ended:
            raise
    if body.error is not None:
        # without the steps on its way up here
        raise BaseException.with_traceback(body.error, body.stack)
    return None


class _Once:
    """A step that is taken once; each further call only repeats how it ended."""

    def __init__(self, step: Step) -> None:
        self._step = step
        self.calls = 0
        self.ended = False
        self.error: BaseException | None = None
        self.stack: TracebackType | None = None

    def __call__(self) -> None:
        self.calls += 1
        if self.calls == 1:
            try:
                self._step()
            except BaseException as error:
                self.error, self.stack = error, traceback_of(error)
                raise
            finally:
                self.ended = True
        elif self.error is not None:
            raise self.error


class _Around:
    """One middleware, and the steps that it has to call."""

    def __init__(
        self, middleware: Middleware, rest: _Once, job: JobSpec, slot: datetime, tell: Tell
    ) -> None:
        self._middleware = middleware
        self._rest = rest
        self._job = job
        self._slot = slot
        self._tell = tell
        self._thread = threading.get_ident()

    def __call__(self) -> None:
        fault = self._call()
        if not self._rest.calls:
            fault = fault or "never called call_next"
        if fault:
            app_name = self._job.app_name
            self._tell(
                f"middleware {self._middleware.name} {fault}; {app_name} is run all the same"
            )
        if not self._rest.calls:
            self._rest()
        if self._rest.error is not None:
            raise self._rest.error

    def _call(self) -> str:
        """Call the function, and say what is wrong with what it did."""
        rest = self._rest
        try:
            self._middleware.function(self._call_next, self._job, self._slot)
        except Stopped:
            if not rest.calls:
                raise
            return ""  # the job has ended; the tick stops before the next one
        except BaseException as error:  # noqa: BLE001  it is not the job's
            if error is not rest.error:
                return f"raised {name_of(error)}: {text_of(error)}"
        else:
            if rest.error is not None:
                return "kept to itself what the job raised"
        return "called call_next more than once" if rest.calls > 1 else ""

    def _call_next(self) -> None:
        if threading.get_ident() != self._thread:
            raise RuntimeError("call_next has to be called in the thread of the middleware")
        self._rest()
