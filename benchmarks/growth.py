"""How the cost of a tick grows: with jobs, due jobs, slots, and the log."""

from collections.abc import Iterator

from .arena import Installation, Server
from .measure import in_turns
from .plot import Panel

_STEPS = (1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000)


def panels(server: Server, rounds: int, *, jobs: int, runs: int, log: int) -> Iterator[Panel]:
    """A curve for each thing that may grow, up to *jobs*, *runs* and rows of *log*."""
    site = Installation(server, "growth", max(runs, 10))
    yield _by_jobs(server, rounds, jobs)
    yield _by_due(site, rounds, runs)
    yield _by_slots(server, rounds, runs)
    yield _by_log(site, rounds, log)


def _up_to(most: int, first: int = 1) -> list[int]:
    return [step for step in _STEPS if first <= step <= most]


def _by_jobs(server: Server, rounds: int, jobs: int) -> Panel:
    sites = {count: Installation(server, f"jobs{count}", count) for count in _up_to(jobs)}
    ticks = {str(count): site.run(site.tick) for count, site in sites.items()}
    floors = {f"floor {count}": site.run(site.floor) for count, site in sites.items()}
    found = in_turns({**ticks, **floors}, rounds)
    return Panel(
        "jobs, none of them due",
        {
            "idle tick": [(count, found[str(count)].minimum) for count in sites],
            "connect, SELECT, exit": [(count, found[f"floor {count}"].minimum) for count in sites],
        },
    )


def _by_due(site: Installation, rounds: int, runs: int) -> Panel:
    found = in_turns({str(count): site.busy(count) for count in _up_to(runs)}, rounds)
    return Panel("jobs due", {"tick": [(int(name), each.minimum) for name, each in found.items()]})


def _by_slots(server: Server, rounds: int, runs: int) -> Panel:
    site = Installation(server, "slots", 1, backfill=True)
    found = in_turns({str(count): site.busy(1, slots=count) for count in _up_to(runs)}, rounds)
    curve = [(int(name), figure.minimum) for name, figure in found.items()]
    return Panel("slots of a backfill job", {"tick": curve})


def _by_log(site: Installation, rounds: int, log: int) -> Panel:
    busy: list[tuple[float, float]] = []
    idle: list[tuple[float, float]] = []
    for count in _up_to(log, first=1_000):
        site.fill_log(count)
        found = in_turns({"idle": site.run(site.tick), "busy": site.busy(10)}, rounds)
        busy.append((count, found["busy"].minimum))
        idle.append((count, found["idle"].minimum))
    return Panel("rows in the log", {"tick with 10 jobs due": busy, "idle tick": idle})
