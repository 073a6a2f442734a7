"""What limits the runs of an app: ``lock``, ``retry`` and ``timeout``, as they are written."""

import functools
from datetime import timedelta
from typing import Any

from ..errors import ConfigError, JobLineError
from ..schedule.grammar import parse_duration
from ..schedule.model import Retry
from .loader import check_name


def lock_of(cls: type) -> str | None:
    """The ``lock`` of an app; a `JobLineError` if it is no name."""
    return lock_from(getattr(cls, "lock", None), f"lock of {cls.__name__}")


def retry_of(cls: type) -> Retry | None:
    """The ``retry`` of an app; a `JobLineError` if it says nothing about tries."""
    return retry_from(getattr(cls, "retry", None), f"retry of {cls.__name__}")


def timeout_of(cls: type) -> timedelta | None:
    """The ``timeout`` of an app; a `JobLineError` if it is no length of time."""
    return timeout_from(getattr(cls, "timeout", None), f"timeout of {cls.__name__}")


def lock_from(lock: object, what: str) -> str | None:
    """A ``lock`` as it is written; a `JobLineError` about *what* if it is no name."""
    if lock is None:
        return None
    if isinstance(lock, str) and lock.strip():
        check_name(lock, what)
        return lock
    raise JobLineError(f"{what} is {lock!r}, not a name such as 'warehouse'")


def retry_from(retry: Any, what: str) -> Retry | None:
    """A ``retry`` as it is written; a `JobLineError` about *what* if it says nothing of tries."""
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


def timeout_from(timeout: object, what: str) -> timedelta | None:
    """A ``timeout`` as it is written; a `JobLineError` about *what* if it is no length of time."""
    if timeout is None:
        return None
    try:
        return _duration(timeout)
    except (ConfigError, OverflowError, ValueError) as error:
        why = f": {error}" if isinstance(error, ConfigError) else ""
        raise JobLineError(
            f"{what} is {timeout!r}, not a length of time such as '2h'{why}"
        ) from None


def _duration(value: object) -> timedelta:
    if isinstance(value, str):
        value = parse_duration(value)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        value = timedelta(seconds=value)
    if not isinstance(value, timedelta) or not timedelta() < value <= timedelta(days=36525):
        raise ValueError
    return value
