"""The verbs that read: ``--list-jobs`` and ``--audit-ghosts``; see `nagios` for the third."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TextIO

from ..errors import ConfigError
from ..generic_app import Answer, GenericApp
from ..schedule.model import JobSpec, JobState
from ..schedule.transition import crashed
from ..store import Snapshot
from ..tick.jobs import Listing


def list_jobs(app: GenericApp, stream: TextIO) -> Answer:
    """The state of each job, in the order listed; coloured if *stream* shows colours."""
    from ..views.colour import style_for
    from ..views.listing import listing
    from ..views.text import STANDBY, one_line

    snapshot = app.look()
    standby = app.store.access().standby
    jobs, faults = with_own_limits(app, snapshot)
    states = with_crashes(app, jobs, snapshot, standby=standby)
    text = listing(jobs, states, snapshot.now, style_for(stream), app.origin)
    notes = [STANDBY] if standby else []
    return Answer("\n\n".join([*notes, *(one_line(str(fault)) for fault in faults), text]))


def audit_ghosts(app: GenericApp) -> Answer:
    """The jobs in the database that are not in the configuration."""
    from ..views.ghosts import ghosts

    snapshot = app.store.look(None)
    known = app.jobs(snapshot)
    jobs = known.all().jobs
    listed = {line.class_path for line in app.catalogue.lines}
    unusable = listed - {job.class_path for job in jobs}
    return Answer(ghosts(snapshot.states, jobs, unusable=unusable, zone=known.zone))


def with_own_limits(app: GenericApp, snapshot: Snapshot) -> Listing:
    """All jobs; what the class alone can say is known of those that are due.

    Whether these are late depends on the ``late`` of the class. One that cannot be imported
    here is judged as if it had none.
    """
    from ..schedule.health import is_due

    known = app.jobs(snapshot)
    jobs, faults = known.all()
    due = {job.class_path for job in jobs if is_due(job, snapshot.states, snapshot.now)}
    lines = {line.class_path: line for line in reversed(app.catalogue.lines)}
    for number, job in enumerate(jobs):
        if job.class_path in due:
            with suppress(ConfigError):
                jobs[number] = known.from_class(lines[job.class_path])
    return Listing(jobs, faults)


def with_crashes(
    app: GenericApp, jobs: Sequence[JobSpec], snapshot: Snapshot, *, standby: bool
) -> Mapping[str, JobState]:
    """The rows as the next tick will find them, if processes are gone that ran jobs.

    On a *standby* that cannot be told: the locks that would tell are not replicated.
    """
    rows = ((job, snapshot.states.get(job.app_name)) for job in jobs)
    marked = {job.app_name: (job, row) for job, row in rows if row and row.ongoing and row.claim}
    if standby or not marked:
        return snapshot.states
    states, claimed = dict(snapshot.states), app.store.claimed(marked)
    for name, (job, row) in marked.items():
        # the run may have been recorded, and its claim given back, since the snapshot
        if name not in claimed and app.store.read(name) == row:
            states[name] = crashed(job, row, snapshot.now)
    return states
