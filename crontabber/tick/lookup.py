"""Names as people type them, to jobs: an app_name, a class path, or ``all``."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..config.messages import did_you_mean
from ..errors import ConfigError, JobLineError, UnknownJobError
from ..schedule.model import JobSpec
from ..store import Snapshot
from .jobs import JobCatalogue, Jobs

if TYPE_CHECKING:
    from ..config.appspec import AppSpec

EVERYTHING = "all"
"""What stands for the names of all jobs."""


def find_job(name: str, jobs: Jobs) -> JobSpec:
    """The job of this app_name or class path, as its class says.

    Raises `UnknownJobError`, or what is wrong with the job's line.
    """
    if listed := jobs.catalogue.listed(name):
        return jobs.from_class(listed)
    for line in jobs.catalogue.lines:
        job = jobs.from_row(line)
        if name in (line.class_path, job and job.app_name):
            return jobs.from_class(line)
    imported = jobs.imported().jobs
    for job in imported:
        if job.app_name == name:
            return job
    raise _unknown(name, jobs.catalogue, imported)


def find_app(name: str, catalogue: JobCatalogue) -> "tuple[str, AppSpec]":
    """The class path of a listed job, by app_name or class path, and what its class says.

    Asks no database. Raises `UnknownJobError`, or what is wrong with the job's line.
    """
    line = catalogue.listed(name)
    if line:
        return line.class_path, catalogue.app(line)
    apps = {}
    for line in catalogue.lines:
        try:
            apps[line.class_path] = catalogue.app(line)
        except JobLineError:
            continue  # another job's; a tick reports it
        if apps[line.class_path].app_name == name:
            return line.class_path, apps[line.class_path]
    raise _unknown(name, catalogue, (), [app.app_name for app in apps.values()])


def find_all(names: Iterable[str], jobs: Jobs) -> list[JobSpec]:
    """The jobs of these app_names or class paths, each once; with ``all``, all there are."""
    wanted = dict.fromkeys(filter(None, map(str.strip, names)))
    if not wanted:
        raise ConfigError(f"no job is named: write a name, names with commas, or {EVERYTHING}")
    if EVERYTHING not in wanted:
        found = [find_job(name, jobs) for name in wanted]
        return list({job.app_name: job for job in found}.values())
    listing = jobs.imported()
    if listing.faults:  # so they are not all
        raise listing.faults[0]
    return listing.jobs


def app_name_of(name: str, snapshot: Snapshot, jobs: Jobs) -> str:
    """The app_name that *name* means: of a row, or of a configured job."""
    if name in snapshot.states:
        return name
    for state in snapshot.states.values():
        if state.class_path == name:
            return state.app_name
    listed = jobs.all().jobs
    for job in listed:
        if name in (job.app_name, job.class_path):
            return job.app_name
    raise _unknown(name, jobs.catalogue, listed, snapshot.states)


def _unknown(
    name: str, catalogue: JobCatalogue, jobs: Iterable[JobSpec], app_names: Iterable[str] = ()
) -> UnknownJobError:
    known = {*app_names, *(job.app_name for job in jobs)}
    known |= {line.class_path for line in catalogue.lines}
    hint = did_you_mean(name, known) or ", nor one like it"
    return UnknownJobError(f"there is no job {name!r}{hint}")
