"""The beginning of all verbs that look at jobs: the jobs, their rows, and their health."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from ..errors import ConfigError, JobLineError, TablesNotReady
from ..generic_app import GenericApp
from ..schedule.findings import Access, Health
from ..schedule.grammar import JobLine
from ..schedule.model import JobSpec, JobState
from ..schedule.transition import crashed
from ..store import Snapshot
from ..tick.jobs import Jobs, Listing

if TYPE_CHECKING:
    from ..schedule.status import Overview


class Survey(NamedTuple):
    """All that is known of the jobs of a configuration, at one moment; nothing was written."""

    now: datetime
    specs: list[JobSpec]
    """In the listed order."""
    faults: list[ConfigError]
    """What is wrong with the lines that cannot be used."""
    states: Mapping[str, JobState]
    """The rows as the next tick will find them."""
    health: Health
    jobs: Jobs
    access: Access
    has_tables: bool = True
    """Whether the tables exist."""

    def overview(self, app: GenericApp, *, briefly: bool = False) -> "Overview":
        """The status of each job, in the listed order.

        *briefly*: reads from the log only since when failed jobs have been failing.
        """
        from ..schedule.status import Overview, statuses
        from ..store.reading import last_runs_if_quick

        rows = (self.states.get(job.app_name) for job in self.specs)
        names = [row.app_name for row in rows if row and (row.last_error or not briefly)]
        runs = last_runs_if_quick(app.store, names)
        found = statuses(self.specs, self.states, self.health, self.now, runs)
        return Overview(
            self.now, self.jobs.zone, found, self.health, [str(fault) for fault in self.faults]
        )


def survey(
    app: GenericApp, snapshot: Snapshot | None = None, *, imports: bool = True, name: str = ""
) -> Survey:
    """Look at all jobs, and judge them, or the one that *name* means. Creates no tables.

    Without *imports* no code of jobs is imported, so what only classes know is missing.
    Raises `UnknownJobError`.
    """
    from ..schedule.health import judge

    unseen = ""
    if snapshot is None:
        snapshot, unseen = look_only(app)
    jobs = app.jobs(snapshot)
    access = app.store.access(app.settings.nagios.role)
    among, faults = (
        with_own_limits(app, snapshot) if imports else jobs.without_imports(_is_ours(app))
    )
    specs = among
    if name:
        specs, faults = _chosen(name, among, jobs)
    states = with_crashes(app, among, snapshot, standby=access.standby)
    health = judge(
        specs,
        states,
        snapshot.now,
        faults=[str(fault) for fault in faults],
        access=access,
        among=among,
        unseen=unseen,
    )
    return Survey(snapshot.now, specs, faults, states, health, jobs, access, not unseen)


def _chosen(
    name: str, among: Sequence[JobSpec], jobs: Jobs
) -> tuple[list[JobSpec], list[ConfigError]]:
    """The one job that *name* means, or what is wrong with its line."""
    from ..tick.lookup import find_job

    found = [job for job in among if name in (job.app_name, job.class_path)]
    if found:
        return found, []
    try:
        return [find_job(name, jobs)], []
    except JobLineError as error:
        return [], [error]


def look_only(app: GenericApp) -> tuple[Snapshot, str]:
    """A look that creates no tables, and why there was nothing to see."""
    try:
        return app.look(migrate=False), ""
    except TablesNotReady as error:
        where = f" ({app.database.describe()})" if hasattr(app.database, "describe") else ""
        return Snapshot(error.now, error.zone, {}), f"{error}{where}"


def _is_ours(app: GenericApp) -> Callable[[JobLine], bool]:
    """Whether the job of a line is a command, whose class is crontabber's own."""
    sections = app.settings.sections
    return lambda line: line.is_named and sections.runs(line.class_path)[0] == "command"


def with_own_limits(app: GenericApp, snapshot: Snapshot) -> Listing:
    """All jobs; those that are due as their classes say.

    Whether these are late depends on the ``late`` of the class. A class that cannot be imported
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
    """The rows as the next tick will find them, after crashes.

    On a *standby* crashes are unknown, because locks are not replicated.
    """
    rows = ((job, snapshot.states.get(job.app_name)) for job in jobs)
    marked = {job.app_name: (job, row) for job, row in rows if row and row.ongoing and row.claim}
    if standby or not marked:
        return snapshot.states
    states, claimed = dict(snapshot.states), app.store.claimed(marked)
    for name, (job, row) in marked.items():
        # the run may have been recorded, and its claim released, since the snapshot
        if name not in claimed and app.store.read(name) == row:
            states[name] = crashed(job, row, snapshot.now)
    return states
