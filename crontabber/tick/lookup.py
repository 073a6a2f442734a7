"""Names as people type them, to jobs: an app_name, a class path, or ``all``."""

from collections.abc import Iterable

from ..config.messages import did_you_mean
from ..errors import UnknownJobError
from ..schedule.model import JobSpec
from ..store import Snapshot
from .jobs import JobCatalogue

EVERYTHING = "all"
"""What stands for the names of all jobs."""


def find_job(name: str, catalogue: JobCatalogue) -> JobSpec:
    """The job of this app_name or class path, of an imported class.

    Raises `UnknownJobError`, or what is wrong with the job's line.
    """
    for line in catalogue.lines:
        job = catalogue.from_row(line)
        if name in (line.class_path, job and job.app_name):
            job = catalogue.from_class(line)
            if job is None:
                raise catalogue.faults[-1]
            return job
    jobs = catalogue.checked()
    for job in jobs:
        if job.app_name == name:
            return job
    raise _unknown(name, catalogue, jobs)


def find_all(names: Iterable[str], catalogue: JobCatalogue) -> list[JobSpec]:
    """The jobs of these app_names or class paths, each once; with ``all``, all there are."""
    wanted = dict.fromkeys(filter(None, map(str.strip, names)))
    if EVERYTHING not in wanted:
        found = [find_job(name, catalogue) for name in wanted]
        return list({job.app_name: job for job in found}.values())
    jobs = catalogue.checked()
    if catalogue.faults:  # so they are not all
        raise catalogue.faults[0]
    return jobs


def app_name_of(name: str, look: Snapshot, catalogue: JobCatalogue) -> str:
    """The app_name that *name* means: of a row, or of a configured job."""
    if name in look.states:
        return name
    for state in look.states.values():
        if state.class_path == name:
            return state.app_name
    jobs = catalogue.all()
    for job in jobs:
        if name in (job.app_name, job.class_path):
            return job.app_name
    raise _unknown(name, catalogue, jobs, look.states)


def _unknown(
    name: str, catalogue: JobCatalogue, jobs: Iterable[JobSpec], app_names: Iterable[str] = ()
) -> UnknownJobError:
    known = {*app_names, *(job.app_name for job in jobs)}
    known |= {line.class_path for line in catalogue.lines}
    hint = did_you_mean(name, known) or ", nor one like it"
    return UnknownJobError(f"there is no job {name!r}{hint}")
