"""An object of a class that the configuration names: its code can end nothing but itself."""

import functools
from collections.abc import Callable
from typing import Any

from ..errors import EndsProcess
from .contained import Contained

ENDS = "a class that the configuration names ends the process"


class Foreign:
    """What *make* makes; making it and calling its methods raise `EndsProcess` for what ends us."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._object = _call(make)

    def __getattr__(self, name: str) -> Any:
        found = _call(functools.partial(getattr, self._object, name))
        return functools.partial(_call, found) if callable(found) else found


def _call(function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    try:
        with Contained():
            return function(*arguments, **options)
    except EndsProcess as error:
        raise EndsProcess(f"{ENDS}: {error}") from error.__cause__
