"""Names as people type them, to jobs: an app_name, a class path, or ``all``."""

from collections.abc import Iterable

from .config.messages import did_you_mean
from .errors import UnknownJobError
from .roster import Roster
from .schedule.model import JobSpec
from .store import Look

EVERYTHING = "all"
"""What stands for the names of all jobs."""


def find_job(name: str, roster: Roster) -> JobSpec:
    """The job of this app_name or class path, of an imported class.

    Raises `UnknownJobError`, or what is wrong with the job's line.
    """
    for line in roster.lines:
        job = roster.remembered(line)
        if name in (line.class_path, job and job.app_name):
            job = roster.imported(line)
            if job is None:
                raise roster.faults[-1]
            return job
    jobs = roster.checked()
    for job in jobs:
        if job.app_name == name:
            return job
    raise _unknown(name, roster, jobs)


def find_all(names: Iterable[str], roster: Roster) -> list[JobSpec]:
    """The jobs of these app_names or class paths, each once; with ``all``, all there are."""
    wanted = dict.fromkeys(filter(None, map(str.strip, names)))
    if EVERYTHING not in wanted:
        found = [find_job(name, roster) for name in wanted]
        return list({job.app_name: job for job in found}.values())
    jobs = roster.checked()
    if roster.faults:  # so they are not all
        raise roster.faults[0]
    return jobs


def app_name_of(name: str, look: Look, roster: Roster) -> str:
    """The app_name that *name* means: of a row, or of a configured job."""
    if name in look.states:
        return name
    for state in look.states.values():
        if state.class_path == name:
            return state.app_name
    jobs = roster.all()
    for job in jobs:
        if name in (job.app_name, job.class_path):
            return job.app_name
    raise _unknown(name, roster, jobs, look.states)


def _unknown(
    name: str, roster: Roster, jobs: Iterable[JobSpec], app_names: Iterable[str] = ()
) -> UnknownJobError:
    known = {*app_names, *(job.app_name for job in jobs)}
    known |= {line.class_path for line in roster.lines}
    hint = did_you_mean(name, known) or ", nor one like it"
    return UnknownJobError(f"there is no job {name!r}{hint}")
