"""What a tick reports of jobs that it did not run: late, blocked, reminders, well again."""

from collections.abc import Iterable, MutableMapping
from datetime import datetime

from ..errors import ConfigError, StoreError
from ..schedule.model import JobSpec, JobState
from .context import TickContext
from .jobs import Jobs

States = MutableMapping[str, JobState]


def tell_of_waiting(
    context: TickContext, waiting: Iterable[JobSpec], states: States, now: datetime, jobs: Jobs
) -> None:
    """Report what is news about jobs that were not run, by their *states* at *now*.

    It is saved before it is sent, so that no other tick reports it too. *states* is kept
    up to date.
    """
    from ..schedule.changes import without_run

    for job in waiting:
        state = states.get(job.app_name)
        change, told = without_run(job, states, now, context.remind)
        if change is None or state is None:
            continue
        try:
            states[job.app_name] = context.store.save(state, state._replace(told=told))
        except StoreError:
            continue  # another tick has changed the row since: it reports, or the next one does
        context.reporter.changed(_as_its_class_says(job, jobs), change)


def told_of(jobs: Jobs) -> list[JobSpec]:
    """The listed jobs with a problem that was reported, and no recovery yet."""
    found = (jobs.from_row(line) for line in jobs.told_lines())
    return [job for job in found if job]


def _as_its_class_says(job: JobSpec, jobs: Jobs) -> JobSpec:
    """The same with what its class says about reports, if it can be imported."""
    line = jobs.catalogue.listed(job.class_path)
    try:
        return jobs.from_class(line) if line else job
    except ConfigError:
        return job
