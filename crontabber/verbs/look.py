"""The verbs that read: ``--list-jobs``, ``--nagios`` and ``--audit-ghosts``."""

from collections.abc import Mapping, Sequence
from typing import TextIO

from ..generic_app import Answer, GenericApp
from ..schedule.model import JobSpec, JobState
from ..schedule.transition import crashed
from ..store import Snapshot


def list_jobs(app: GenericApp, stream: TextIO) -> Answer:
    """The state of each job, in the order listed; coloured if *stream* shows colours."""
    from ..views.colour import style_for
    from ..views.listing import listing
    from ..views.text import one_line

    snapshot = app.look()
    jobs, faults = app.jobs(snapshot).all()
    states = _with_crashes(app, jobs, snapshot)
    text = listing(jobs, states, snapshot.now, style_for(stream), app.origin)
    return Answer("\n\n".join([*(one_line(str(fault)) for fault in faults), text]))


def nagios(app: GenericApp) -> Answer:
    """The health of all jobs, as Nagios wants it."""
    from ..schedule.health import judge
    from ..views.nagios import report

    snapshot = app.look()
    jobs, faults = app.jobs(snapshot).all()
    findings = judge(jobs, _with_crashes(app, jobs, snapshot), snapshot.now)
    return Answer(*report(findings, faults, len(jobs)))


def audit_ghosts(app: GenericApp) -> Answer:
    """The jobs in the database that are not in the configuration."""
    from ..views.ghosts import ghosts

    snapshot = app.store.look(None)
    known = app.jobs(snapshot)
    jobs = known.all().jobs
    listed = {line.class_path for line in app.catalogue.lines}
    unusable = listed - {job.class_path for job in jobs}
    return Answer(ghosts(snapshot.states, jobs, unusable=unusable, zone=known.zone))


def _with_crashes(
    app: GenericApp, jobs: Sequence[JobSpec], snapshot: Snapshot
) -> Mapping[str, JobState]:
    """The rows as the next tick will find them, if processes are gone that ran jobs."""
    rows = ((job, snapshot.states.get(job.app_name)) for job in jobs)
    marked = {job.app_name: (job, row) for job, row in rows if row and row.ongoing and row.claim}
    if not marked:
        return snapshot.states
    states, claimed = dict(snapshot.states), app.store.claimed(marked)
    for name, (job, row) in marked.items():
        # the run may have been recorded, and its claim given back, since the snapshot
        if name not in claimed and app.store.read(name) == row:
            states[name] = crashed(job, row, snapshot.now)
    return states
