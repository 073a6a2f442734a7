"""Helpers that crontabber 0.18 had in ``crontabber.base``, for the code of others."""

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any, TypeVar

from ..errors import CircularDependencyError, JobLineError
from .grammar import Frequency

FrequencyDefinitionError = JobLineError
CircularDAGError = CircularDependencyError

T = TypeVar("T")
Name = TypeVar("Name", bound=Hashable)


def convert_frequency(frequency: str) -> int:
    """How many seconds ``5m``, ``1h`` or ``3d`` are. Raises `FrequencyDefinitionError`."""
    return round(Frequency.parse(frequency).period.total_seconds())


def toposort(data: Mapping[Name, Collection[Name]]) -> Iterator[set[Name]]:
    """Yield sets of items, each of which depends on earlier sets only; an item's own name is
    no dependency. Raises ValueError if there is a circle.
    """
    sorter = TopologicalSorter({name: set(needed) - {name} for name, needed in data.items()})
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
    """*sequence* with each item after those that it depends on, else in the order of the names.

    Raises `CircularDAGError`.
    """
    items = {name_getter(item): item for item in sequence}
    needed = {name: _names(depends_getter(item)) for name, item in items.items()}
    try:
        names = [name for level in toposort(needed) for name in sorted(level)]
    except CycleError as error:
        circle = " -> ".join(map(str, reversed(error.args[1])))
        raise CircularDAGError(f"jobs depend on each other in a circle: {circle}") from None
    return [items[name] for name in names if name in items]


def _names(depends_on: Any) -> Collection[str]:
    if not depends_on:
        return ()
    return (depends_on,) if isinstance(depends_on, str) else tuple(depends_on)
