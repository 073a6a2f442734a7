"""What an app class says of its job: its name, parents, lock, retry and limits, checked."""

import functools
import inspect
import re
from datetime import date, datetime, timedelta, timezone
from typing import Any, NamedTuple

from ..errors import ConfigError, JobLineError
from ..process.contained import Contained
from ..schedule.grammar import CENTURY, parse_duration
from ..schedule.model import Missed, Retry, Tells
from ..schedule.moments import parse_moment
from .loader import LONGEST_NAME
from .messages import said_by

_UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""What no table can hold, or what disguises a line: control characters, line
and paragraph separators, the characters that turn the direction of writing, lone surrogates."""

_OURS = frozenset({"crontabber.base", "crontabber.mixins"})
_LAZY = {
    inspect.isgeneratorfunction: "it has a yield, so that calling it does nothing",
    inspect.iscoroutinefunction: "it is async, so that calling it does nothing",
    inspect.isasyncgenfunction: "it is async, so that calling it does nothing",
}


class AppSpec(NamedTuple):
    """What a class says of its job; see the fields of `JobSpec`."""

    cls: type
    app_name: str
    depends_on: tuple[str, ...]
    backfill: bool
    lock: str | None
    retry: Retry | None
    timeout: timedelta | None
    late: timedelta | None
    missed: Missed | None = None
    too_late: timedelta | None = None
    start: str | None = None
    """A date or a time, in the zone of the schedules unless it has an offset."""
    spread: timedelta = timedelta()
    queue: str | None = None
    priority: int = 0
    parallel: int = 1
    keep_output: int = 0
    is_command: bool = False
    tells: Tells | None = None

    @classmethod
    def of(cls, app: type) -> "AppSpec":
        """Read an app class; a `JobLineError` says what it lacks to be a cron app."""
        try:
            with Contained():
                return cls._of(app)
        except ConfigError:
            raise
        except Exception as error:
            raise JobLineError(f"its class cannot be looked at: {said_by(error)}") from error

    @classmethod
    def _of(cls, app: type) -> "AppSpec":
        if not callable(getattr(app, "main", None)):
            raise JobLineError(
                f"{app.__name__} is not a cron app: derive it from crontabber.base.BaseCronApp"
            )
        app_name = getattr(app, "app_name", None)
        if not isinstance(app_name, str) or not app_name.strip():
            raise JobLineError(
                f"{app.__name__} has no app_name: give it one, such as app_name = 'my-app'"
            )
        check_name(app_name, f"app_name of {app.__name__}")
        spec = cls(
            app,
            app_name,
            depends_on_of(app),
            bool(getattr(app, "is_backfill", False)),
            lock_of(app),
            retry_of(app),
            timeout_of(app),
            late_of(app),
            missed_from(_said(app, "missed"), f"missed of {app.__name__}"),
            duration_from(_said(app, "too_late"), f"too_late of {app.__name__}"),
            start_from(_said(app, "start"), f"start of {app.__name__}"),
            duration_from(_said(app, "spread"), f"spread of {app.__name__}") or timedelta(),
            # an engine with queues checks these; to others they mean nothing
            _if_a(str, _said(app, "queue"), None),
            _if_a(int, _said(app, "priority"), 0),
            number_from(_said(app, "parallel"), f"parallel of {app.__name__}", 1, default=1),
            keep_output_of(app),
            bool(getattr(app, "is_command", False)),
            tells=tells_of(app),
        )
        _check_run(app)
        return spec


def depends_on_of(cls: type) -> tuple[str, ...]:
    """The app_names in ``depends_on``, each once; a `JobLineError` if it is something else."""
    depends_on = getattr(cls, "depends_on", None) or ()
    names = (depends_on,) if isinstance(depends_on, str) else depends_on
    if not isinstance(names, tuple | list) or not all(
        isinstance(name, str) and name for name in names
    ):
        raise JobLineError(
            f"depends_on of {cls.__name__} is not an app_name, or a tuple or list of app_names"
        )
    for name in names:
        check_name(name, f"depends_on of {cls.__name__}")
    return tuple(dict.fromkeys(names))


def check_name(name: str, what: str) -> None:
    """Check that *name* can be stored and shown; a `JobLineError` about *what* if it cannot."""
    if _UNFIT.search(name):
        shown = ascii(name[:100])
        raise JobLineError(
            f"{what} is {shown}: a name has no control characters, nor any that turn the direction "
            "of writing"
        )
    if (size := len(name.encode())) > LONGEST_NAME:
        raise JobLineError(
            f"{what} has {size} bytes, and a name {LONGEST_NAME} at most: {name[:40]!r}..."
        )


def _check_run(cls: type) -> None:
    """Check that ``run`` exists and does something when it is called.

    An app with a ``main`` of its own need not have it, or may use it differently.
    """
    if any(_is_own(cls, name) for name in ("main", "_run_proxy")):
        return
    if not _is_own(cls, "run"):
        raise JobLineError(
            f"{cls.__name__} has no run(): write what the job does in a method run(self)"
        )
    for is_lazy, why in _LAZY.items():
        if is_lazy(cls.run):  # type: ignore[attr-defined]  # as just seen
            raise JobLineError(f"run() of {cls.__name__} cannot be used: {why}")


def _is_own(cls: type, name: str) -> bool:
    """Whether the method is the user's, and not of crontabber's own classes."""
    return getattr(getattr(cls, name, None), "__module__", "") not in _OURS


def lock_of(cls: type) -> str | None:
    """The ``lock`` of an app; a `JobLineError` if it is not a name."""
    return lock_from(getattr(cls, "lock", None), f"lock of {cls.__name__}")


def retry_of(cls: type) -> Retry | None:
    """The ``retry`` of an app; a `JobLineError` if it is not a retry policy."""
    return retry_from(getattr(cls, "retry", None), f"retry of {cls.__name__}")


def timeout_of(cls: type) -> timedelta | None:
    """The ``timeout`` of an app; a `JobLineError` if it is not a length of time."""
    return duration_from(getattr(cls, "timeout", None), f"timeout of {cls.__name__}")


def late_of(cls: type) -> timedelta | None:
    """The ``late`` of an app; a `JobLineError` if it is not a length of time."""
    return duration_from(getattr(cls, "late", None), f"late of {cls.__name__}")


def keep_output_of(cls: type) -> int:
    """The ``keep_output`` of an app; a `JobLineError` if it is not a number of bytes."""
    return number_from(_said(cls, "keep_output"), f"keep_output of {cls.__name__}", 0)


def _said(cls: type, name: str) -> Any:
    """An attribute of an app; None for a method of this name, which an older app may have."""
    value = getattr(cls, name, None)
    return None if value is None or callable(value) or isinstance(value, property) else value


def _if_a(kind: type, value: Any, default: Any) -> Any:
    return value if isinstance(value, kind) else default


def missed_from(missed: object, what: str) -> Missed | None:
    """Read ``missed``; a `JobLineError` about *what* if it is none of its values."""
    if missed is None or isinstance(missed, Missed):
        return missed
    try:
        return Missed(missed)
    except ValueError:
        known = ", ".join(each.value for each in Missed)
        raise JobLineError(f"{what} is {missed!r}, and not one of: {known}") from None


_FIRST_YEAR, _LAST_YEAR = 1970, 2199
"""The limits of a ``start``: an earlier one means millions of dates, a later one never comes."""


def start_from(start: object, what: str) -> str | None:
    """A date or a time, as text; a `JobLineError` about *what* if it is none.

    The zone is that of the schedules, which is known later.
    """
    if start is None:
        return None
    text = start.isoformat() if isinstance(start, date | datetime) else start
    unreadable = JobLineError(
        f"{what} is {start!r}, not a date such as 2026-11-21 or a time such as 2026-11-21T03:00"
    )
    if not isinstance(text, str):
        raise unreadable
    try:
        moment = parse_moment(text, timezone.utc)
    except ConfigError:
        raise unreadable from None
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        known = f"the years from {_FIRST_YEAR} to {_LAST_YEAR}"
        raise JobLineError(f"{what} is {text!r}: write a date in {known}")
    return text


def number_from(number: object, what: str, least: int, default: int = 0) -> int:
    """A whole number; a `JobLineError` about *what* if it is not, or less than *least*."""
    if number is None:
        return default
    if not isinstance(number, int) or isinstance(number, bool) or number < least:
        raise JobLineError(f"{what} is {number!r}, not a whole number from {least} on")
    return number


def lock_from(lock: object, what: str) -> str | None:
    """Read a ``lock``; a `JobLineError` about *what* if it is not a name."""
    if lock is None:
        return None
    if isinstance(lock, str) and lock.strip():
        check_name(lock, what)
        return lock
    raise JobLineError(f"{what} is {lock!r}, not a name such as 'warehouse'")


def retry_from(retry: Any, what: str) -> Retry | None:
    """Read a ``retry``; a `JobLineError` about *what* if it is not a retry policy."""
    if retry is None:
        return None
    from ..retry import RetryStrategy, delay_of  # most apps have none

    if isinstance(retry, bool):
        retry = RetryStrategy(max_attempts=None if retry else 1)
    elif isinstance(retry, int) and retry > 0:
        retry = RetryStrategy(max_attempts=retry)
    if isinstance(retry, type) or not callable(getattr(retry, "get_schedule_in", None)):
        raise JobLineError(
            f"{what} is {_shown(retry)}: it has to be a number of attempts, True, "
            "a RetryStrategy(…), or an object with a method get_schedule_in(attempts, exception)"
        )
    return functools.partial(delay_of, retry)


def _shown(retry: object) -> str:
    return f"the class {retry.__name__}" if isinstance(retry, type) else f"{retry!r}"


def duration_from(value: object, what: str) -> timedelta | None:
    """Read a length of time; a `JobLineError` about *what* if it is not one."""
    if value is None:
        return None
    try:
        return _duration(value)
    except (ConfigError, OverflowError, ValueError) as error:
        why = f": {error}" if isinstance(error, ConfigError) else ""
        raise JobLineError(f"{what} is {value!r}, not a length of time such as '2h'{why}") from None


def _duration(value: object) -> timedelta:
    if isinstance(value, str):
        value = parse_duration(value)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        value = timedelta(seconds=value)
    if not isinstance(value, timedelta) or not timedelta() < value <= CENTURY:
        raise ValueError
    return value


def tells_of(cls: type) -> Tells | None:
    """What an app says about reports. Raises `JobLineError`."""
    said = {name: _telling(cls, name) for name in Tells._fields}
    if all(value is None for value in said.values()):
        return None
    from .telling import tell_from  # most apps say nothing

    what = f"of {cls.__name__}"
    return Tells(**{name: tell_from(name, said[name], f"{name} {what}") for name in said})


def _telling(cls: type, name: str) -> Any:
    """An attribute of an app that may be an option of ours; others are its own."""
    value = _said(cls, name)
    return value if isinstance(value, str | bool | list | tuple) else None
