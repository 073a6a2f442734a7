"""The rows of the table: what is measured, the floor beside it, and the goal."""

from collections.abc import Iterator
from typing import NamedTuple

from .arena import COMMAND, FLOOR, Installation, Server, by_hand, commits
from .measure import Figure, in_turns

_CONNECT = "connect, SELECT, exit"
_IDLE = {1: 1.3, 100: 1.3, 1000: 1.3, 10_000: 2.0}
"""What an idle tick may cost, as a multiple of its floor, by the number of jobs."""


class Row(NamedTuple):
    """A figure that was measured, and the floor beside it."""

    work: str
    cost: Figure
    beside: str
    floor: Figure
    goal: float
    """The goal: the highest cost, as a multiple of the floor."""


class Count(NamedTuple):
    """A number that was counted, and its goal."""

    work: str
    found: float
    goal: float


def measured(
    server: Server, memory: Server | None, rounds: int, log: int, states: int
) -> Iterator[Row | Count]:
    """Every row of the table, one after the other; *memory* is a server whose disk is none."""
    sites = {count: Installation(server, f"idle{count}", count) for count in (1, 100, 1000, 10_000)}
    yield from _starts(sites, rounds)
    yield from _processor(sites, rounds)
    yield from _runs(server, sites[1000], rounds, "a disk")
    if memory:
        yield from _runs(memory, Installation(memory, "idle1000", 1000), rounds, "memory")
    yield from _traffic(sites)
    yield from _memory(sites[1000], rounds)
    yield from _large(server, sites[1000], rounds, log, states)


def _starts(sites: dict[int, Installation], rounds: int) -> Iterator[Row]:
    most, run = sites[1000], sites[1].run
    figures = in_turns(
        {
            "configman": run(FLOOR),
            "--version": run([*COMMAND, "--version"]),
            "--help": run([*COMMAND, "--help"]),
            "floor": run(sites[1].floor),
            **{str(count): site.run(site.tick) for count, site in sites.items()},
            "--nagios": most.run([*most.tick, "--nagios"]),
            "--list-jobs": most.run([*most.tick, "--list-jobs"]),
        },
        rounds,
    )
    for count, goal in _IDLE.items():
        work = f"idle tick, N = {count:,}"
        yield Row(work, figures[str(count)], _CONNECT, figures["floor"], goal)
    for option, goal in (("--nagios", 1.2), ("--list-jobs", 1.5)):
        yield Row(f"{option}, N = 1,000", figures[option], "idle tick", figures["1000"], goal)
    for option in ("--version", "--help"):
        yield Row(option, figures[option], "import configman", figures["configman"], 1.2)


def _processor(sites: dict[int, Installation], rounds: int) -> Iterator[Row]:
    works = {str(count): site.processor(site.tick) for count, site in sites.items()}
    figures = in_turns({"floor": sites[1].processor(sites[1].floor), **works}, rounds)
    for count, goal in _IDLE.items():
        work = f"its processor time, N = {count:,}"
        yield Row(work, figures[str(count)], _CONNECT, figures["floor"], goal)


def _runs(server: Server, most: Installation, rounds: int, where: str) -> Iterator[Row]:
    backfill = Installation(server, "backfill", 1, backfill=True)
    figures = in_turns(
        {
            "idle": most.run(most.tick),
            "busy": most.busy(1000),
            "by hand": by_hand(server.create("hand")),
            "pgbench -N": commits(server.create("commits")),
            "idle backfill": backfill.run(backfill.tick),
            "backfill": backfill.busy(1, slots=1000),
        },
        rounds,
    )
    job = figures["busy"].beyond(figures["idle"], 1000)
    slot = figures["backfill"].beyond(figures["idle backfill"], 1000)
    for beside, of_job, of_slot in (("by hand", 3.0, 1.7), ("pgbench -N", 3.0, 1.7)):
        yield Row(f"a job of 1,000, on {where}", job, beside, figures[beside], of_job)
        yield Row(f"a slot of 1,000, on {where}", slot, beside, figures[beside], of_slot)


def _traffic(sites: dict[int, Installation]) -> Iterator[Count]:
    for count, site in sites.items():
        idle = site.traffic()
        yield Count(f"statements of an idle tick, N = {count:,}", idle.statements, 1)
        yield Count(f"connections of an idle tick, N = {count:,}", idle.connections, 1)
    site = sites[1000]
    site.make_due(1000)
    busy = site.traffic()
    yield Count("statements of a run, of 1,000", (busy.statements - 1) / 1000, 4)
    yield Count("synchronous commits of a run, of 1,000", busy.syncs / 1000, 1)


def _memory(site: Installation, rounds: int) -> Iterator[Row]:
    works = {"floor": site.memory(site.floor), "tick": site.memory(site.tick)}
    figures = in_turns(works, min(rounds, 7))
    work = "memory of an idle tick, N = 1,000"
    yield Row(work, figures["tick"], _CONNECT, figures["floor"], 1.3)


def _large(
    server: Server, small: Installation, rounds: int, log: int, states: int
) -> Iterator[Row]:
    large = Installation(server, "large", 1000)
    large.remember(states, first=1000)
    large.fill_log(log)
    figures = in_turns({"small": small.run(small.tick), "large": large.run(large.tick)}, rounds)
    work = f"idle tick, {log:,} rows of log, {states:,} of state"
    yield Row(work, figures["large"], "on small tables", figures["small"], 1.1)
