"""The verbs ``--pause`` and ``--resume``: keep jobs from running for a while."""

from datetime import datetime, timedelta, tzinfo

from ..errors import ConfigError
from ..generic_app import Answer, GenericApp
from ..schedule.calendar import local_text
from ..schedule.grammar import parse_duration
from ..schedule.missed import is_paused
from ..schedule.model import JobSpec, JobState, Pause
from ..schedule.moments import parse_moment_near
from ..store import Snapshot
from ..tick import marking
from ..tick.lookup import EVERYTHING, find_all

EVER = "ever"
"""The length of a pause without an end."""
_USUAL = timedelta(days=1)
_LONGEST = 500
"""The longest reason, in characters: each view and record of the pause repeats it."""


def pause(app: GenericApp, names: str, wait: str = "", until: str = "", why: str = "") -> Answer:
    """Pause jobs, by app_name or class path, for a day, *wait*, or *until* a time.

    ``all`` means all that are configured; a *wait* of ``ever`` ends when a person resumes them. A
    run in progress continues, but a backfill app stops after its date. Raises `UnknownJobError`
    before anything is done, and `ConfigError` for a time that cannot be read or has passed.
    """
    snapshot = app.look()
    jobs = app.jobs(snapshot)
    end = _end(wait, until, snapshot.now, jobs.zone)
    why, lines = " ".join(why.split()), []
    asked = Pause(snapshot.now, end, app.asker, why[:_LONGEST])
    if len(why) > _LONGEST:
        lines.append(f"the reason has {len(why):,} characters: the first {_LONGEST} are kept")
    for job in find_all(names.split(","), jobs):
        marking.pause(app.store, job, _row(app, job, snapshot), asked, snapshot.now)
        lines.append(_paused(job, end))
    return Answer("\n".join(lines))


def resume(app: GenericApp, names: str) -> Answer:
    """End the pause of jobs, by app_name or class path; ``all`` means all that are configured.

    A backfill app catches up, any other runs next by its schedule. Raises `UnknownJobError`.
    """
    snapshot = app.look()
    found = find_all(names.split(","), app.jobs(snapshot))
    lines = []
    for job in found:
        row = _row(app, job, snapshot)
        if row is None or row.pause is None:
            if names.strip() != EVERYTHING:  # most of all jobs are not paused
                lines.append(f"{job.app_name} is not paused")
            continue
        lines.append(_resumed(app, job, row, snapshot.now))
    return Answer("\n".join(lines) or "no job is paused")


def _resumed(app: GenericApp, job: JobSpec, row: JobState, now: datetime) -> str:
    was = "was paused" if is_paused(row, now) else "was paused, which had ended"
    after = marking.resume(app.store, job, row, now, app.asker)
    if after is None:
        return f"{job.app_name} {was}: it goes on"
    slot = max(after.next_run or now, after.next_slot or now)
    when = "at once" if slot <= now else f"at {local_text(slot, job.zone)}"
    return f"{job.app_name} {was}: its next run is {when}"


def _row(app: GenericApp, job: JobSpec, snapshot: Snapshot) -> JobState | None:
    return snapshot.states.get(job.app_name) or app.store.read(job.app_name)


def _end(wait: str, until: str, now: datetime, zone: tzinfo) -> datetime | None:
    if wait and until:
        raise ConfigError("give only one of --for and --until")
    if wait == EVER:
        return None
    end = now + (parse_duration(wait) if wait else _USUAL)
    if until:
        end = parse_moment_near(until, zone, now)
    if end <= now:
        what = until.strip() or wait
        raise ConfigError(f"a pause until {what} is over already: give a later time")
    return end


def _paused(job: JobSpec, end: datetime | None) -> str:
    ends = f"--resume={job.app_name} ends it"
    if end is None:
        return f"{job.app_name} is paused until it is resumed: {ends}"
    return f"{job.app_name} is paused until {end.astimezone(job.zone):%Y-%m-%d %H:%M %Z}; {ends}"
