"""The values that everything else speaks of: what a job is, and what is known of it.

Times are timezone-aware datetimes; durations are timedeltas. All values are immutable: a
transition makes a new one. They are named tuples, not dataclasses, because every start makes
these classes anew: as dataclasses they would be a tenth of what an idle tick costs.
what an idle tick costs.
"""

import enum
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from .asked import AskedBackfill
from .grammar import Schedule
from .ledger import Span

Retry = Callable[[int, BaseException], timedelta | None]
"""How long to wait, by how many runs of a slot failed and what the last one raised.

None: it is not tried again.
"""


class Missed(enum.Enum):
    """What becomes of slots that were not run in time."""

    ALL = "all"
    """Each of them is run."""
    LATEST = "latest"
    """Only the latest is run, the others are passed over."""
    NONE = "none"
    """Each is run within ``too_late``, or not at all."""


class Tells(NamedTuple):
    """What a job itself says about reports; None: as the settings say."""

    tell: str | None = None
    """Which of its failures are errors in the log: ``changes`` or ``every``."""
    on: tuple[str, ...] | None = None
    """Which events messages report; see `crontabber.schedule.changes.Event`."""
    notify: str | None = None
    """Apprise's URLs to send messages to; ``no``: none."""
    ping: str | None = None
    """The URL that its runs ping; empty: none."""
    ping_style: str | None = None
    ping_start: bool | None = None


class JobSpec(NamedTuple):
    """What the configuration and the class say of a job."""

    app_name: str
    """Its identity: the key of its row, and what others name in ``depends_on``."""
    class_path: str
    """What its line names: ``package.module.Class``, or the name of a section."""
    schedule: Schedule
    zone: ZoneInfo
    """The time zone of ``HH:MM`` and of whole days."""
    depends_on: tuple[str, ...] = ()
    """The app_names that must have succeeded first."""
    backfill: bool = False
    """Whether the app is given every slot that it missed, as a date."""
    error_retry: timedelta = timedelta(seconds=300)
    """How long a failed job waits before it is tried again."""
    max_ongoing_age: timedelta = timedelta(hours=12)
    """For how long the mark of an older crontabber, which holds no lock, is respected."""
    late: timedelta = timedelta(hours=1)
    """How late it may be before that is reported: ticks are minutes apart, and jobs queue."""
    lock: str | None = None
    """Of all jobs with this lock only one runs at a time. Known when the class is imported."""
    retry: Retry | None = None
    """When to try again; None: every ``error_retry``, for ever. Known when ``lock`` is."""
    timeout: timedelta | None = None
    """How long a run may take; None: without limit. Known when ``lock`` is."""
    missed: Missed | None = None
    """What becomes of slots that were not run in time; None: as is usual for its kind."""
    too_late: timedelta | None = None
    """Older slots are passed over; None: none is too old."""
    start: datetime | None = None
    """Where the dates of a backfill app that never ran begin; None: now."""
    spread: timedelta = timedelta()
    """Within which time after its slot it begins, always with the same delay."""
    queue: str | None = None
    """Which workers run it, if workers do."""
    priority: int = 0
    """Which of the due jobs workers take first: the one with the highest."""
    parallel: int = 1
    """Without effect: the dates of one job are done one after the other."""
    keep_output: int = 0
    """How many bytes are kept of what a run writes to stdout and stderr."""
    is_command: bool = False
    """Whether it is a command, which runs outside our process, so its output is not ours."""
    tells: Tells | None = None
    """What it says about reports; None: nothing. Known when ``lock`` is."""

    @property
    def plan(self) -> str:
        """The schedule as a row remembers it, with the zone if there is a time of day."""
        return plan_text(self.schedule, str(self.zone))


def plan_text(schedule: Schedule, zone: str) -> str:
    """A schedule as a row remembers it, with the zone if there is a time of day."""
    return f"{schedule} {zone}" if schedule.is_local else str(schedule)


class LastError(NamedTuple):
    """Why the last run failed."""

    type: str
    """The exception's class, as ``repr`` writes it."""
    value: str
    traceback: str


class Claim(NamedTuple):
    """Who has the right to run a job now."""

    host: str
    pid: int
    """The process on that host."""
    backend_pid: int
    """The PostgreSQL session that holds the advisory lock."""
    time: datetime
    """When it was taken, by the server's clock."""

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"


class Pause(NamedTuple):
    """That a person has stopped a job for a time."""

    since: datetime
    until: datetime | None
    """None: until a person resumes it."""
    by: str = ""
    why: str = ""


class JobState(NamedTuple):
    """What is remembered of a job: one row of the table ``crontabber``."""

    app_name: str
    next_run: datetime | None = None
    """When to try next."""
    next_slot: datetime | None = None
    """What to try then. A retry moves ``next_run`` and leaves this."""
    first_run: datetime | None = None
    last_run: datetime | None = None
    """When the last run began, whether it succeeded or not."""
    last_success: datetime | None = None
    """For a backfill app the last slot that succeeded, else when the last success began."""
    error_count: int = 0
    """How many runs in a row failed."""
    depends_on: tuple[str, ...] = ()
    last_error: LastError | None = None
    """None when the last run succeeded."""
    attempts: int = 0
    """How many runs of the open slot failed."""
    gave_up: bool = False
    """Whether a backfill app stays at its open slot until a person steps in."""
    ongoing: datetime | None = None
    """When the current run began; None if there is none."""
    class_path: str | None = None
    plan: str | None = None
    """The schedule by which ``next_slot`` was computed; see `JobSpec.plan`."""
    backfill: bool | None = None
    first_slot: datetime | None = None
    """The first slot that it ever waited for: no date before that was due."""
    pause: Pause | None = None
    waits_for: str | None = None
    """The parent that stands in its way."""
    waits_since: datetime | None = None
    """When ``waits_for`` became that parent."""
    asked: tuple[AskedBackfill, ...] = ()
    """The requested backfills that are not done, in the order of their turns."""
    asked_slot: datetime | None = None
    """The date of one of these that the ongoing run is about; None: it is about ``next_slot``."""
    told: str | None = None
    """What was reported while it is not well: JSON; see `crontabber.schedule.changes`."""
    claim: Claim | None = None
    """Who runs it. None although ``ongoing`` is set: an older crontabber."""
    version: str | None = None
    """Changes with every write of the row."""
    fault: str | None = None
    """What is wrong with the row, so that the job cannot be run; such values read as None."""


class Outcome(enum.Enum):
    """How a run ended."""

    SUCCEEDED = "succeeded"
    """``run`` returned."""
    FAILED = "failed"
    """``run`` raised."""
    CRASHED = "crashed"
    """The process ended before ``run`` did; found by a later tick."""
    MARKED = "marked as successful"
    """There was no run: a person marked the slot as done."""


class Run(NamedTuple):
    """One attempt at one slot: one row of the table ``crontabber_log``."""

    app_name: str
    slot: datetime
    started: datetime
    duration: timedelta | None
    """None for a crash, whose end is not known, and for a slot that a person marked."""
    outcome: Outcome
    host: str
    error: LastError | None = None
    output: str | None = None
    """The end of what it wrote to stdout and stderr, if that is kept."""


class SkipReason(enum.Enum):
    """Why a job is not run in this tick."""

    NOT_DUE = "not due"
    """Its time has not come."""
    ONGOING = "running elsewhere"
    """Another crontabber has the claim."""
    BLOCKED = "blocked"
    """A job that it depends on stands in the way."""
    LOCKED = "its lock is held"
    """Another job with the same lock is running."""
    GAVE_UP = "gave up"
    """A backfill app's last attempt at a date failed; it waits for ``--retry``."""
    PAUSED = "paused"
    """A person paused it."""
    BACKFILL = "a backfill app"
    """It was named by ``--job``, but an app that gets dates does them in their order only."""


class Skip(NamedTuple):
    """The job is not run in this tick."""

    reason: SkipReason
    detail: str
    """For people: until when, by whom, or by which parent."""
    parent: str = ""
    """The parent that blocks it."""


class RunNow:
    """The job is to be claimed, and then run unless the claim shows that it need not."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RunNow)

    def __hash__(self) -> int:
        return hash(RunNow)


class Replan(NamedTuple):
    """The job is not due, and the next run in its row is out of date."""

    state: JobState
    """What to remember instead."""
    why: str
    spans: tuple[Span, ...] = ()
    """What is passed over by that."""


Decision = RunNow | Skip | Replan
States = Mapping[str, JobState]
"""The state of each job, by app_name."""
