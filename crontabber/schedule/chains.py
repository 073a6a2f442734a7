"""Chains of backfill apps that catch up: they go date by date, not job by job."""

from collections.abc import Sequence
from datetime import datetime

from .calendar import next_slot
from .dag import order
from .model import JobSpec, States
from .plan import plan


def in_chains(jobs: Sequence[JobSpec], states: States, now: datetime) -> list[list[JobSpec]]:
    """*jobs*, which come in the order to run them, with those of a chain next to each other.

    A chain is backfill apps that depend on each other, one of which has more than one date
    open. Every other job is a list of its own. If a job between two of them is no backfill app,
    it cannot wait for both, and they are no chain.
    """
    chain_of = _connected([job for job in jobs if job.backfill])
    behind = {
        chain_of[job.app_name] for job in jobs if job.backfill and _is_behind(job, states, now)
    }
    if not behind:  # as on most ticks
        return [[job] for job in jobs]
    node = {
        job.app_name: chain_of[job.app_name]
        if job.backfill and chain_of[job.app_name] in behind
        else job.app_name
        for job in jobs
    }
    graph: dict[str, set[str]] = {}
    for job in jobs:
        parents = (node[parent] for parent in job.depends_on if parent in node)
        own = graph.setdefault(node[job.app_name], set())
        own.update(parent for parent in parents if parent != node[job.app_name])
    ordered, circles = order(graph)
    if circles:
        return [[job] for job in jobs]
    members: dict[str, list[JobSpec]] = {name: [] for name in ordered}
    for job in jobs:
        members[node[job.app_name]].append(job)
    return list(members.values())


def bound_of(chain: Sequence[JobSpec], states: States, now: datetime) -> datetime:
    """Up to which slot each job of *chain* goes before the next one has its turn.

    It is the newest of their next slots, so that a parent with many slots for one of its child's
    does these in one go.
    """
    slots = (plan(job, states.get(job.app_name), now).slot for job in chain)
    return max((slot for slot in slots if slot <= now), default=now)


def _connected(jobs: Sequence[JobSpec]) -> dict[str, str]:
    """For each job, the name of one that stands for all jobs that it is connected with."""
    first = {job.app_name: job.app_name for job in jobs}

    def root(name: str) -> str:
        while first[name] != name:
            name = first[name]
        return name

    for job in jobs:
        for parent in job.depends_on:
            if parent in first:
                first[root(job.app_name)] = root(parent)
    return {name: root(name) for name in first}


def _is_behind(job: JobSpec, states: States, now: datetime) -> bool:
    """Whether more than one of its dates is open."""
    state = states.get(job.app_name)
    slot = plan(job, state, now).slot
    return next_slot(job.schedule, slot, job.zone) <= now
