"""The verbs that change the rows of jobs: ``--reset-job``, ``--mark-success``, ``--retry`` …"""

from collections.abc import Iterable
from datetime import datetime, timezone

from ..errors import ExitCode, JobDoneError, JobOngoingError
from ..generic_app import Answer, GenericApp
from ..schedule.backfill import backfilled
from ..schedule.decide import marked_by_older
from ..schedule.grammar import parse_duration
from ..schedule.ledger import Verdict, note_of
from ..schedule.missed import Passing, is_paused, span_of
from ..schedule.model import JobSpec, JobState, Run
from ..schedule.moments import parse_moment_near
from ..schedule.ranges import done_rows
from ..schedule.transition import crash_of
from ..tick import marking
from ..tick.lookup import EVERYTHING, app_name_of, find_all, find_job
from ..tick.marking import Spans
from ..tick.results import left_alone


def reset_job(app: GenericApp, name: str) -> Answer:
    """Forget the state of one job, by app_name or class path; its log stays.

    A crash that no tick has found yet is logged first, because the slot may run again.
    Raises `UnknownJobError`, and `JobOngoingError` if the job is running.
    """
    snapshot = app.store.look(None)
    jobs = app.jobs(snapshot)
    app_name = app_name_of(name, snapshot, jobs)
    listed = {job.app_name: job for job in jobs.all().jobs}
    row = snapshot.states.get(app_name)
    too = "; its pause is forgotten, too" if row and is_paused(row, snapshot.now) else ""

    def settle(state: JobState) -> tuple[Run | None, Spans]:
        if marked_by_older(state, snapshot.now, app.settings.max_ongoing_age):
            raise JobOngoingError(
                f"an older crontabber runs {app_name} since {state.ongoing}; reset it when it "
                "has finished"
            )
        job = listed.get(app_name)
        crash = crash_of(job, state) if state.ongoing else None
        note = note_of(app_name, "reset", app.asker, snapshot.now)
        return crash, (*reset_spans(job, state, snapshot.now, app.asker), note)

    if not app.store.reset(app_name, settle):
        return Answer(f"{app_name} has no state: there is nothing to reset")
    if app_name in listed:
        return Answer(f"{app_name} is reset: it will run as if for the first time{too}")
    return Answer(f"{app_name} is reset: nothing is remembered of it but its log{too}")


def reset_spans(job: JobSpec | None, state: JobState, now: datetime, by: str) -> Spans:
    """The spans of the slots that were open when *job* was forgotten,

    and of the dates that a forgotten backfill had done, as if it were cancelled.
    """
    if job is None:
        return ()
    done = (
        span
        for each in state.asked
        for span in backfilled(job, state, each, done_rows(job, each), now)
    )
    if state.next_slot is None:
        return tuple(done)
    passing = Passing(Verdict.RESET, "reset", now, by)
    return (*done, *span_of(job, state, state.next_slot, now, passing))


def app_names(app: GenericApp, names: Iterable[str]) -> list[str]:
    """The app_names that *names* mean, which may be class paths, each once.

    ``all`` means all jobs that are configured; others may be those of ghosts. Raises
    `UnknownJobError`.
    """
    snapshot = app.store.look(None)
    jobs = app.jobs(snapshot)
    if EVERYTHING in names:
        return [job.app_name for job in jobs.all().jobs]
    return list(dict.fromkeys(app_name_of(name, snapshot, jobs) for name in names))


def mark_success(app: GenericApp, names: Iterable[str], at: str = "") -> Answer:
    """Mark jobs, by app_name or class path, as having succeeded now, or *at* a time.

    ``all`` means all that are configured. The meaning for a job is that of
    `crontabber.schedule.transition.marked_successful`; a running job is left
    alone, as is one that has succeeded since, which is a `JobDoneError` if it was the only
    one. Raises `UnknownJobError` before anything is done, and `ConfigError` for a time
    that cannot be read, or is in the future.
    """
    snapshot = app.look()
    jobs = app.jobs(snapshot)
    moment = parse_moment_near(at, jobs.zone, snapshot.now) if at else snapshot.now
    found = find_all(names, jobs)
    lines, codes = [], set()
    for job in found:
        seen = snapshot.states.get(job.app_name) or app.store.read(job.app_name)
        try:
            after = marking.mark_success(app.store, job, seen, moment, snapshot.now, app.asker)
        except (JobDoneError, JobOngoingError) as error:
            if isinstance(error, JobDoneError) and len(found) == 1:
                raise
            lines.append(str(error))
            codes.add(error.exit_code)
        else:
            lines.append(_marked(job, moment, after))
    return Answer("\n".join(lines), min(codes, default=ExitCode.OK))  # the worst


def run_at(app: GenericApp, name: str, at: str = "", wait: str = "") -> Answer:
    """Set when a job, by app_name or class path, runs next: *at* a time, or in a *wait*.

    Its slots stay as they are planned. A backfill app is left alone: its dates have
    an order. Raises `UnknownJobError`, `JobOngoingError` if it is being run, and
    `ConfigError` for a time that cannot be read.
    """
    snapshot = app.look()
    jobs = app.jobs(snapshot)
    job = find_job(name, jobs)
    if at:
        moment = parse_moment_near(at, jobs.zone, snapshot.now)
    else:
        moment = snapshot.now + parse_duration(wait)
    if job.backfill:
        refused = left_alone(job)
        return Answer(refused.refusal, refused.exit_code)
    seen = snapshot.states.get(job.app_name) or app.store.read(job.app_name)
    utc = moment.astimezone(timezone.utc)
    marking.run_next_at(app.store, job, seen, utc, snapshot.now, app.asker)
    return Answer(f"{job.app_name} runs next at {moment.astimezone(job.zone):%Y-%m-%d %H:%M:%S}")


def retry(app: GenericApp, name: str) -> Answer:
    """Have the next tick retry a failed job, by app_name or class path.

    A backfill app that gave up on a date goes on with it. Raises `UnknownJobError`,
    and `JobOngoingError` if it is being run.
    """
    snapshot = app.look()
    job = find_job(name, app.jobs(snapshot))
    seen = snapshot.states.get(job.app_name) or app.store.read(job.app_name)
    if seen is None or not marking.has_failed(seen):
        return Answer(f"{job.app_name} has not failed: there is nothing to try again")
    marking.try_again(app.store, job, seen, snapshot.now, app.asker)
    when = "by the next tick"
    if is_paused(seen, snapshot.now) and seen.last_error:
        when = f"when its pause ends: --resume={job.app_name}"
    return Answer(f"{job.app_name} is tried again {when}")


def _marked(job: JobSpec, moment: datetime, after: JobState) -> str:
    times = (after.last_success or moment, after.next_run or moment)
    success, upcoming = (f"{time.astimezone(job.zone):%Y-%m-%d %H:%M:%S}" for time in times)
    if after.pause:
        upcoming += ", unless it is paused then"
    return f"{job.app_name} counts as having succeeded at {success}: its next run is at {upcoming}"
