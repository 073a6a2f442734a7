"""An object of a class that the configuration names: its code can end nothing but itself.

An error of it that is neither ours nor the driver's becomes one line, as one of a job's module.
"""

import functools
from collections.abc import Callable
from typing import Any

from ..errors import CrontabberError, DatabaseUnavailable, EndsProcess, is_a
from .contained import Contained, raises, where_of

ENDS = "a class that the configuration names ends the process"


class Foreign:
    """What *cls* makes of *arguments*.

    Making it and calling its methods raise `EndsProcess` for what ends us, *expected* errors and
    our own as they are, and `DatabaseUnavailable` for all others.
    """

    def __init__(self, cls: type, *arguments: Any, expected: type[Exception]) -> None:
        self._class = cls
        self._expected = (CrontabberError, expected)
        self._object = self._call(cls, *arguments)

    def __getattr__(self, name: str) -> Any:
        found = _contained(getattr, self._object, name)
        return functools.partial(self._call, found) if callable(found) else found

    def _call(self, function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        try:
            return _contained(function, *arguments, **options)
        except Exception as error:
            if is_a(error, self._expected):
                raise
            raise DatabaseUnavailable(
                f"cannot use the database: {self._class.__module__}.{self._class.__qualname__} "
                f"{raises(error)}{where_of(error)}"
            ) from error


def _contained(function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    try:
        with Contained():
            return function(*arguments, **options)
    except EndsProcess as error:
        raise EndsProcess(f"{ENDS}: {error}") from error.__cause__
