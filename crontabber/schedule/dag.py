"""The order in which jobs run: parents first, otherwise as listed."""

import heapq
from collections.abc import Collection, Mapping
from graphlib import CycleError, TopologicalSorter

from ..errors import CircularDependencyError


def order(
    depends_on: Mapping[str, Collection[str]], last: Collection[str] = ()
) -> tuple[list[str], list[CircularDependencyError]]:
    """Put the keys of *depends_on* (app_name to its parents) in the order to run them.

    The listed order is kept as far as parents allow; the jobs in *last* go after all
    others that do not depend on them. Parents that are no keys are ignored.
    Jobs of a circle are left out; the second list has an error for each circle, which
    names it.
    """
    graph = {name: [p for p in parents if p in depends_on] for name, parents in depends_on.items()}
    circles = []
    while True:
        sorter = TopologicalSorter(graph)
        try:
            sorter.prepare()
            break
        except CycleError as error:
            circle = error.args[1]
            # graphlib names each job before the one that waits for it
            text = " -> ".join(reversed(circle))
            circles.append(
                CircularDependencyError(f"jobs depend on each other in a circle: {text}")
            )
            for name in circle[1:]:
                del graph[name]
            graph = {n: [p for p in parents if p in graph] for n, parents in graph.items()}
    return _by_listing(sorter, {n: (n in last, i) for i, n in enumerate(graph)}), circles


def _by_listing(
    sorter: "TopologicalSorter[str]", rank: Mapping[str, tuple[bool, int]]
) -> list[str]:
    ordered: list[str] = []
    ready: list[tuple[tuple[bool, int], str]] = []
    while sorter.is_active():
        for name in sorter.get_ready():
            heapq.heappush(ready, (rank[name], name))
        _, name = heapq.heappop(ready)
        ordered.append(name)
        sorter.done(name)
    return ordered
