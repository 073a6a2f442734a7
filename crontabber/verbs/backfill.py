"""The verb ``--backfill``: requests past dates."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import islice
from typing import NamedTuple

from ..config.command import Command
from ..errors import ConfigError, LogNotIndexed
from ..generic_app import Answer, GenericApp
from ..schedule.asked import AskedBackfill, Dates, is_among
from ..schedule.calendar import local_text
from ..schedule.model import JobSpec, JobState, Outcome
from ..schedule.moments import parse_last_moment_near, parse_moment_near
from ..schedule.ranges import Redo, chosen, in_rows, open_slot, slots_between
from ..schedule.transition import noticed
from ..store import Snapshot
from ..tick import marking
from ..tick.lookup import find_job

_MOST = 100_000
"""The most dates of one backfill: more is a typing error, and could not be listed."""
_MOST_ROWS = 1_000
"""The most rows of consecutive dates that one row of the table may hold."""


class _Part(NamedTuple):
    """The part of one job."""

    job: JobSpec
    slots: list[datetime]
    rows: Dates
    open: int
    """How many dates of the range the schedule will do."""
    done: int
    """How many neither it nor a backfill will do, and are not among the slots."""
    queued: Sequence[int]
    """The numbers of the backfills that will do some of them."""


def ask(app: GenericApp, wish: Command) -> Answer:
    """Request past dates of a backfill app, and of its children if that is wanted.

    Ticks do them, when nothing of the schedule is due. Raises `UnknownJobError`, and
    `ConfigError` for a job without dates, a time that cannot be read, and a range that
    makes no sense.
    """
    snapshot = app.look()
    jobs = app.jobs(snapshot)
    job = find_job(wish.backfill, jobs)
    family = [job, *(_children(job, jobs.imported().jobs) if wish.with_children else ())]
    now, redo = snapshot.now, _redo(wish.redo)
    first, last = _range(wish, job, now)
    states = {each.app_name: _row(app, each, snapshot) for each in family}
    parts = [_part(app, each, states[each.app_name], (first, last), redo, now) for each in family]
    parts = [part for part in parts if part.slots or part.job is job]
    if wish.dry_run or not any(part.slots for part in parts):
        return Answer("\n".join(_listed(parts, wish, redo)))
    number = app.store.next_number()
    by, chained = app.asker, len(parts) > 1
    wanted = {
        part.job.app_name: AskedBackfill(
            number=number,
            dates=part.rows,
            wanted=part.rows,
            plan=part.job.plan,
            total=len(part.slots),
            newest_first=wish.newest_first,
            chained=chained,
            asked_at=now,
            by=by,
        )
        for part in parts
        if part.slots
    }
    marking.ask(app.store, wanted, now, by)
    return Answer("\n".join(_asked(number, parts)))


def _redo(text: str) -> Redo:
    try:
        return Redo(text or "missing")
    except ValueError:
        raise ConfigError(
            f"--redo={text[:40]} is not known: write missing, failed or all"
        ) from None


def _range(wish: Command, job: JobSpec, now: datetime) -> tuple[datetime, datetime]:
    """The first and last moment of the range; a date alone means the whole day."""
    if not job.backfill:
        raise ConfigError(
            f"{job.app_name} is not a backfill app, so it has no dates: "
            f"--job={job.app_name} --force runs it now"
        )
    if not (wish.from_ and wish.to):
        raise ConfigError("--backfill=NAME needs --from=DATE and --to=DATE, such as 2026-11-21")
    first, end = (parse_moment_near(text, job.zone, now) for text in (wish.from_, wish.to))
    last = parse_last_moment_near(wish.to, job.zone, now)
    if first > last:
        raise ConfigError(f"--from={wish.from_} is after --to={wish.to}: give the earlier first")
    if max(first, end) > now:
        raise ConfigError(
            f"--from={wish.from_} --to={wish.to} reaches into the future, whose dates come by "
            "the schedule: end it today"
        )
    return first, min(last, now)


def _part(
    app: GenericApp,
    job: JobSpec,
    state: JobState,
    between: tuple[datetime, datetime],
    redo: Redo,
    now: datetime,
) -> _Part:
    every = list(islice(slots_between(job, state, *between, now), _MOST + 1))
    if len(every) > _MOST:
        raise ConfigError(
            f"{job.app_name} has {_count(job, between)} dates in this range, and a backfill "
            f"{_MOST:,} at most: give a shorter one"
        )
    spans = app.store.spans(job.app_name, *between)
    found = list(chosen(job, state, every, spans, redo, now))
    if redo is Redo.MISSING and found:
        done = _logged(app, job, found)
        found = [slot for slot in found if slot not in done]
    rows = in_rows(found, every)
    if len(rows) > _MOST_ROWS:
        raise ConfigError(
            f"{job.app_name} has {len(found):,} dates in this range, in {len(rows):,} pieces: give "
            "a shorter one, or --redo=all"
        )
    limit = open_slot(job, state, now)
    past = [slot for slot in every if slot < limit]
    queued = {
        slot: each.number for slot in past for each in state.asked if is_among(slot, each.dates)
    }
    settled = len({*past} - {*found} - queued.keys())
    return _Part(job, found, rows, len(every) - len(past), settled, sorted({*queued.values()}))


def _logged(app: GenericApp, job: JobSpec, slots: Sequence[datetime]) -> set[datetime]:
    """Those of the slots that were done by the log, but not by the ledger.

    A date that was in progress when its backfill was cancelled is only there; so is what was done
    before a job was reset.
    """
    try:
        runs = app.store.history(job.app_name, slots[0], slots[-1])
    except LogNotIndexed:
        return set()  # to read it would take minutes
    return {run.slot for run in runs if run.outcome is Outcome.SUCCEEDED}


def _count(job: JobSpec, between: tuple[datetime, datetime]) -> str:
    from ..schedule.grammar import Frequency

    if not isinstance(job.schedule.frequency, Frequency):
        return f"more than {_MOST:,}"
    return f"{(between[1] - between[0]) // job.schedule.frequency.period:,}"


def _children(job: JobSpec, jobs: Sequence[JobSpec]) -> Iterable[JobSpec]:
    """All backfill apps that depend on *job*, through others too."""
    names, found = {job.app_name}, dict[str, JobSpec]()
    while more := [
        each for each in jobs if each.app_name not in names and names & set(each.depends_on)
    ]:
        names.update(each.app_name for each in more)
        found.update({each.app_name: each for each in more if each.backfill})
    return found.values()


def _row(app: GenericApp, job: JobSpec, snapshot: Snapshot) -> JobState:
    state = snapshot.states.get(job.app_name) or app.store.read(job.app_name)
    return state or app.store.add(noticed(job, snapshot.now)) or noticed(job, snapshot.now)


def _listed(parts: Sequence[_Part], wish: Command, redo: Redo) -> Iterable[str]:
    """The dates, a line for each, in the order in which they would be done."""
    for part in parts:
        slots = reversed(part.slots) if wish.newest_first else part.slots
        zone = part.job.zone  # not `local_text`: programs read these lines, and may count the words
        yield from (f"{part.job.app_name} {slot.astimezone(zone):%Y-%m-%d %H:%M}" for slot in slots)
        if not part.slots:
            yield f"{part.job.app_name} has nothing to do in this range{_why(part, redo)}"
        if part.open:
            yield _still_open(part)


def _why(part: _Part, redo: Redo) -> str:
    """Why nothing of the range is to be done."""
    states = [
        *(["done"] if part.done and redo is Redo.MISSING else []),
        *([f"queued by backfill {' and '.join(map(str, part.queued))}"] if part.queued else []),
        *(["still to come"] if part.open else []),
    ]
    if redo is Redo.FAILED and not part.queued:
        return ": it gave up on none of its dates"
    hint = "; --redo=all does them again" if "done" in states else ""
    return f": its dates are {', or '.join(states)}{hint}" if states else ": it has no date there"


def _asked(number: int, parts: Sequence[_Part]) -> Iterable[str]:
    for part in parts:
        if part.slots:
            first, last = (local_text(part.slots[at], part.job.zone) for at in (0, -1))
            dates = "1 date" if len(part.slots) == 1 else f"{len(part.slots)} dates"
            yield f"backfill {number}: {dates} of {part.job.app_name}, {first} to {last}"
        if part.open:
            yield _still_open(part)
    yield (
        "ticks do them; --list-backfills shows how far they are, "
        f"--cancel-backfill={number} ends it"
    )


def _still_open(part: _Part) -> str:
    return f"{part.job.app_name} gets {part.open} more of this range by its schedule"
