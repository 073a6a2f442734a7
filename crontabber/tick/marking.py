"""Change the row of a job for a person: under its claim, so that it does not run."""

from collections.abc import Callable, Mapping
from datetime import datetime, timezone

from ..errors import ConfigError, JobDoneError, JobOngoingError, StoreError
from ..schedule.asked import AskedBackfill
from ..schedule.backfill import backfilled, failing
from ..schedule.decide import marked_by_older
from ..schedule.ledger import Span, Verdict, note_of
from ..schedule.missed import OURS, Passing, span_of, unpaused
from ..schedule.model import JobSpec, JobState, Outcome, Pause, Run
from ..schedule.ranges import done_rows
from ..schedule.transition import (
    claimed,
    crash_of,
    crashed,
    marked_slot,
    marked_successful,
    noticed,
    passed_by_crash,
    run_at,
    tried_again,
)
from ..store import StateStore

Spans = tuple[Span, ...]
Change = Callable[[JobState], tuple[JobState, Run | None, Spans]]
"""From the state of a job to the new one, and to its lines in log and ledger."""


def mark_success(
    store: StateStore,
    job: JobSpec,
    seen: JobState | None,
    moment: datetime,
    now: datetime,
    by: str = OURS,
) -> JobState:
    """Mark *job* as having succeeded at *moment*, and return its new state.

    *by* is who asked for it. *seen* is its row as a look at the store found it, *now* the
    store's time. The meaning is that of
    `crontabber.schedule.transition.marked_successful`; the log gets a line. A run that
    crashed does not prevent it: the log gets that first. Raises `JobOngoingError` if the
    job is being run, `JobDoneError` if it has succeeded since *moment*, and `ConfigError` if
    that is in the future.
    """
    if moment > now:
        raise ConfigError(
            f"{job.app_name} cannot have succeeded at {moment.astimezone(job.zone)}: "
            f"it is {now.astimezone(job.zone)}"
        )
    utc = moment.astimezone(timezone.utc)
    _refuse_done(job, seen, moment)

    def mark(state: JobState) -> tuple[JobState, Run, Spans]:
        _refuse_done(job, state, moment)  # it may have run since it was seen
        after = marked_successful(job, state, utc, now)
        slot = marked_slot(job, state, after, utc)
        host = store.holder(now).host
        passing = Passing(Verdict.MARKED, "marked as successful", now, by)
        spans = span_of(job, state, state.next_slot or slot, utc, passing)
        return after, Run(job.app_name, slot, now, None, Outcome.MARKED, host), spans

    return _change(store, job, seen, now, mark, "mark as successful", by)


def run_next_at(
    store: StateStore,
    job: JobSpec,
    seen: JobState | None,
    moment: datetime,
    now: datetime,
    by: str = OURS,
) -> JobState:
    """Have *job*, no backfill app, run next at *moment*; its slots stay as planned.

    For the rest, see `mark_success`; but a run that crashed is left to the next tick, and
    this too is a `JobOngoingError`.
    """
    _refuse_crashed(job, seen)
    return _change(
        store, job, seen, now, lambda state: (run_at(state, moment), None, ()), "run", by
    )


def has_failed(state: JobState) -> bool:
    """Whether there is something to `try_again`: the last run, or a requested date."""
    return state.last_error is not None or failing(state) is not None


def try_again(
    store: StateStore, job: JobSpec, seen: JobState | None, now: datetime, by: str = OURS
) -> JobState:
    """Have the next tick try again what failed, even if a backfill app gave up.

    For the rest, see `run_next_at`.
    """
    _refuse_crashed(job, seen)
    return _change(
        store, job, seen, now, lambda state: (tried_again(state, now), None, ()), "retry", by
    )


def pause(
    store: StateStore, job: JobSpec, seen: JobState | None, wanted: Pause, now: datetime
) -> None:
    """Pause *job*, also while it is being run; a `StoreError` if it was reset meanwhile."""
    if seen is None:
        store.add(noticed(job, now))
    what = f"pause: {wanted.why}" if wanted.why else "pause"
    if not store.pause(job.app_name, wanted, _noted(job.app_name, what, wanted.by, now)):
        raise StoreError(_reset(job.app_name))


def resume(
    store: StateStore, job: JobSpec, seen: JobState, now: datetime, by: str = OURS
) -> JobState | None:
    """End the pause of *job*, and return what is remembered then; None: it is being run."""

    def end(state: JobState) -> tuple[JobState, Run | None, Spans]:
        if state.pause is None:  # it was resumed at this moment
            return state, None, ()
        replan = unpaused(job, state, now)
        return replan.state, None, replan.spans

    try:
        _refuse_crashed(job, seen)
        return _change(store, job, seen, now, end, "resume", by)
    except JobOngoingError:  # its run moves it on
        store.pause(job.app_name, None, _noted(job.app_name, "resume", by, now))
        return None


def ask(
    store: StateStore, wanted: Mapping[str, AskedBackfill], now: datetime, by: str = OURS
) -> None:
    """Have backfills done, by app_name; a `StoreError`, and none, if a job was reset meanwhile."""
    notes = [note for name in wanted for note in _noted(name, "backfill", by, now)]
    if not store.ask(wanted, notes):
        raise StoreError(_reset(" or ".join(wanted)))


def cancel(
    store: StateStore,
    job: JobSpec | None,
    state: JobState,
    asked: AskedBackfill,
    now: datetime,
    by: str = OURS,
) -> bool:
    """Forget what is still to be done of *asked*; False if it was done, or cancelled, meanwhile.

    *job* is None for a ghost.
    """
    spans = backfilled(job, state, asked, done_rows(job, asked), now) if job else ()
    what = f"cancel backfill {asked.number}"
    notes = _noted(state.app_name, what, by, now)
    return store.cancel(state.app_name, asked.number, (*spans, *notes))


def _change(
    store: StateStore,
    job: JobSpec,
    seen: JobState | None,
    now: datetime,
    change: Change,
    what: str,
    by: str,
) -> JobState:
    """Make a change under a claim, and note in its transaction *what* it is, and *by* whom."""
    # without the mark: another tick would take a mark without a run for a crash
    got = store.claim(claimed(job, seen, store.holder(now))._replace(ongoing=None), ())
    if got is None:
        raise JobOngoingError(_ongoing(job))
    try:
        state = got.state
        if state is None:
            raise StoreError(_reset(job.app_name))
        if marked_by_older(state, now, job.max_ongoing_age):
            raise JobOngoingError(_ongoing(job))
        if state.ongoing:  # it crashed: the log has that before the change
            after = crashed(job, state, now)
            passed = passed_by_crash(job, state, after)
            state = store.save(state, after, crash_of(job, state), spans=passed)
        after, run, spans = change(state)
        return store.save(state, after, run, spans=(*spans, *_noted(state.app_name, what, by, now)))
    finally:
        store.release(job.app_name)


def _noted(app_name: str, what: str, by: str, now: datetime) -> Spans:
    """What the ledger is to say of a change, in its transaction, if a person asked for it."""
    return () if by == OURS else (note_of(app_name, what, by, now),)


def _refuse_crashed(job: JobSpec, seen: JobState | None) -> None:
    """Refuse a marked job: it is running, or it crashed and the crash is not recorded yet."""
    if seen and seen.ongoing:
        raise JobOngoingError(
            f"{job.app_name} is running, or it crashed, and the next tick runs it again"
        )


def _refuse_done(job: JobSpec, state: JobState | None, moment: datetime) -> None:
    if state and state.last_success and moment < state.last_success:
        times = (state.last_success.astimezone(job.zone), moment.astimezone(job.zone))
        done, wanted = (f"{time:%Y-%m-%d %H:%M:%S}" for time in times)
        raise JobDoneError(
            f"{job.app_name} has succeeded at {done}, after {wanted}: there is nothing to mark"
        )


def _reset(names: str) -> str:
    return f"{names} was reset at this moment; try again"


def _ongoing(job: JobSpec) -> str:
    return f"{job.app_name} is running now; do this when it has finished"
