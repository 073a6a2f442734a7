"""Aliases for code that imports helpers of crontabber 0.18 from ``crontabber.base``."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from graphlib import TopologicalSorter
from typing import Any, TypeVar

from ..errors import CircularDependencyError, JobLineError
from .dag import order
from .grammar import Frequency

FrequencyDefinitionError = JobLineError
CircularDAGError = CircularDependencyError

T = TypeVar("T")


def convert_frequency(frequency: str) -> int:
    """How many seconds ``5m``, ``1h`` or ``3d`` are. Raises `FrequencyDefinitionError`."""
    return round(Frequency.parse(frequency).period.total_seconds())


def toposort(data: Mapping[str, Collection[str]]) -> Iterator[set[str]]:
    """Yield sets of names, each of which depends on earlier sets only.

    Raises ValueError if there is a circle.
    """
    sorter = TopologicalSorter(data)
    sorter.prepare()
    while sorter.is_active():
        ready = sorter.get_ready()
        yield set(ready)
        sorter.done(*ready)


def reorder_dag(
    sequence: Iterable[T],
    depends_getter: Callable[[Any], Any] = lambda item: item.depends_on,
    name_getter: Callable[[Any], str] = lambda item: item.app_name,
) -> list[T]:
    """*sequence* with each item after those that it depends on, else in its order.

    Raises `CircularDAGError`.
    """
    items = {name_getter(item): item for item in sequence}
    names, circles = order({name: _names(depends_getter(item)) for name, item in items.items()})
    for circle in circles:
        raise circle
    return [items[name] for name in names]


def _names(depends_on: Any) -> Collection[str]:
    if not depends_on:
        return ()
    return (depends_on,) if isinstance(depends_on, str) else tuple(depends_on)
