"""What ``--list-jobs`` prints: a block for each job, in the order listed."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from ..datetimeutil import timesince, timeuntil
from ..schedule.missed import is_paused, pause_text
from ..schedule.model import JobSpec, JobState, LastError, Pause, States
from ..schedule.plan import has_given_up, plan
from ..schedule.status import failure_of_asked
from .envelope import Origin, class_of
from .text import Style, escaped, one_line, plain

_HEADING = "=== JOB ".ljust(80, "=")
_TRACEBACK = "Traceback (most recent call last):"


def listing(
    jobs: Sequence[JobSpec],
    states: States,
    now: datetime,
    style: Style = plain,
    origin: Origin = class_of,
) -> str:
    """A block about each of *jobs*; times are in the zone of its schedule."""
    blocks = (_block(job, origin, states.get(job.app_name), now, style) for job in jobs)
    return "\n\n".join("\n".join(lines) for lines in blocks) or "There are no jobs."


def _block(
    job: JobSpec, origin: Origin, state: JobState | None, now: datetime, style: Style
) -> Iterator[str]:
    yield _HEADING
    yield _line(*origin(job))
    yield _line("App name:", one_line(job.app_name))
    yield _line("Frequency:", str(job.schedule).replace("|", " @ "))
    if job.depends_on:
        yield _line("Depends on:", ", ".join(job.depends_on))
    if state and state.pause and is_paused(state, now):
        yield style("overdue", _line("Paused:", _pause(job, state.pause)))
    if state is None or not (state.last_run or state.last_success or state.ongoing):
        yield "*NO PREVIOUS RUN INFO*"
        if state:  # it has not run yet, but waits for its time or a parent
            yield from _next_run(job, state, now, style)
        return
    yield from _ongoing(state, now, style)
    yield _line("Last run:", _past(job, state.last_run, now, "no previous run"))
    yield _line("Last success:", _past(job, state.last_success, now, "no previous successful run"))
    yield from _next_run(job, state, now, style)
    if state.last_error:
        yield style("error", _line("Error!!", f"({state.error_count} times)"))
        yield from _error(state.last_error, style)
    if failure := failure_of_asked(job, state):
        yield style("error", _line("Error!!", failure))


def _pause(job: JobSpec, pause: Pause) -> str:
    end = f"until {_time(job, pause.until)}" if pause.until else "until it is resumed"
    return f"{end}, {pause_text(pause).removeprefix('paused ')}"


def _ongoing(state: JobState, now: datetime, style: Style) -> Iterator[str]:
    if state.ongoing:
        yield style("ongoing", f"Ongoing now!   Started {timesince(state.ongoing, now)} ago")
        yield _line("Run by:", str(state.claim or "an older crontabber"))


def _held_up(job: JobSpec, state: JobState, now: datetime) -> Iterator[str]:
    """Which parent it waits for."""
    if state.waits_for and state.waits_since:
        since = _past(job, state.waits_since, now, "")
        yield _line("Waits for:", f"{state.waits_for}, since {since}")


def _next_run(job: JobSpec, state: JobState, now: datetime, style: Style) -> Iterator[str]:
    yield from _held_up(job, state, now)
    if has_given_up(job, state):
        gave_up = f"{_past(job, state.next_slot, now, '')}, after {state.attempts} attempts"
        yield style("error", _line("Gave up on:", gave_up))
        yield _line("To go on:", f"crontabber --retry={job.app_name}")
        return
    planned = plan(job, state, now)
    due = planned.due_at(job)
    if due > now:
        yield _line("Next run:", f"{_time(job, due)}  (in {timeuntil(due, now)})")
    else:
        line = _line("Next run:", f"{_time(job, due)}  (was {timesince(due, now)} ago)")
        overdue = now - due > job.late and not state.ongoing
        yield style("overdue", line) if overdue else line
    # a failed one is tried again later, but with the same date
    if job.backfill and planned.slot <= now and planned.slot != due:
        yield _line("Open slot:", _past(job, planned.slot, now, ""))


def _error(error: LastError, style: Style) -> Iterator[str]:
    """The traceback, and below it the exception in our own form."""
    name = error.type.removeprefix("<class '").removesuffix("'>")
    stack = error.traceback.rstrip("\n")
    for ending in (f"{name}: {error.value}".rstrip("\n"), name):
        if f"\n{stack}".endswith(f"\n{ending}"):
            stack = stack.removesuffix(ending).rstrip("\n")
            break
    if stack and _TRACEBACK not in stack:  # an older crontabber may have kept only the frames
        yield _TRACEBACK
    if stack:
        yield escaped(stack)
    yield style("error", escaped(": ".join(filter(None, (error.type, error.value)))))


def _line(label: str, value: str) -> str:
    return f"{label:15} {escaped(value)}"


def _past(job: JobSpec, moment: datetime | None, now: datetime, never: str) -> str:
    return f"{_time(job, moment)}  ({timesince(moment, now)} ago)" if moment else never


def _time(job: JobSpec, moment: datetime) -> str:
    return f"{moment.astimezone(job.zone):%Y-%m-%d %H:%M:%S}"
