"""The oracle: from what the jobs wrote and what the tables say, what became of each slot.

Pure: a history comes in, a verdict comes out. It knows nothing of how crontabber works,
only what it promises, in the manner of Jepsen's checker of Chronos.
"""

import dataclasses
import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

CRASHED = "JobCrashed"
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Expected:
    """What a job should have done."""

    app: str
    slots: tuple[datetime, ...] | None
    """The slots that were due; None if any will do, but at least one."""
    transaction: bool = False
    """Whether the job is a single transaction: then nothing excuses a repetition."""
    backfill: bool = False
    parents: tuple[str, ...] = ()
    asked: Mapping[datetime, Sequence[datetime]] = field(default_factory=dict)
    """When a person asked for a slot, besides the schedule: the times, for each slot."""
    begin: datetime | None = None
    """The first slot of the schedule; slots before it were only asked for."""
    resets: Sequence[datetime] = ()
    """When a person had it forgotten: a slot of that minute may be done before and after."""
    lock: str | None = None
    """What it shares with jobs that must not run at the same time."""


@dataclass(frozen=True, slots=True)
class Passed:
    """A span of the ledger: slots that were not run."""

    app: str
    first: datetime
    last: datetime
    verdict: str


@dataclass(frozen=True, slots=True)
class Entry:
    """What a job wrote into the ledger."""

    app: str
    slot: datetime
    run: str
    pid: int
    phase: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Logged:
    """A row of ``crontabber_log``."""

    app: str
    slot: datetime | None
    success: datetime | None
    exc_type: str | None
    exc_value: str | None
    at: datetime

    @property
    def crashed(self) -> bool:
        return CRASHED in (self.exc_type or "")


@dataclass(frozen=True, slots=True)
class History:
    """All that is known at the end."""

    expected: Sequence[Expected]
    entries: Sequence[Entry]
    log: Sequence[Logged]
    ongoing: Sequence[str] = ()
    """The app_names of the rows that are marked."""
    killed: frozenset[int] = frozenset()
    """The processes that were killed."""
    host: str = "host"
    passed: Sequence[Passed] = ()
    """The ledger of what was not run; without what it says of asked-for dates that were."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How many slots came to which end, and every broken promise as a text."""

    slots: int = 0
    once: int = 0
    lost: int = 0
    twice: int = 0
    repeated: int = 0
    """In flight when the process ended, run again, and the log says so."""
    passed: int = 0
    """Passed over, as the ledger says."""
    violations: tuple[str, ...] = ()

    def __add__(self, other: "Verdict") -> "Verdict":
        return Verdict(
            self.slots + other.slots,
            self.once + other.once,
            self.lost + other.lost,
            self.twice + other.twice,
            self.repeated + other.repeated,
            self.passed + other.passed,
            self.violations + other.violations,
        )

    def told(self, what: str) -> "Verdict":
        """The same; each violation says what was done when it came about."""
        return dataclasses.replace(
            self, violations=tuple(f"{what}: {text}" for text in self.violations)
        )


@dataclass(slots=True)
class _Run:
    """One run, put together from its entries."""

    slot: datetime
    pid: int
    start: datetime
    end: datetime | None = None


@dataclass(slots=True)
class _Job:
    """All about one job."""

    expected: Expected
    runs: list[_Run] = field(default_factory=list)
    log: list[Logged] = field(default_factory=list)
    passed: list[Passed] = field(default_factory=list)

    def is_passed(self, slot: datetime) -> bool:
        """Whether the ledger says that *slot* was not run."""
        return any(span.first <= slot <= span.last for span in self.passed)

    def wanted(self, slot: datetime, at: datetime | None = None) -> int:
        """How often *slot* was to be done, by what had been asked for *at* that time, or ever."""
        begin = self.expected.begin
        by_schedule = (begin is None or slot >= begin) and not self.is_passed(slot)
        asked = self.expected.asked.get(slot, ())
        return by_schedule + sum(at is None or time <= at for time in asked)

    def again(self, slot: datetime) -> int:
        """How often *slot* may be done besides, as the job was forgotten in its minute."""
        return sum(slot <= reset < slot + _MINUTE for reset in self.expected.resets)

    def successes(self, slot: datetime) -> int:
        """How often it was done, as the log says."""
        return sum(row.success == slot for row in self.log)


def judge(history: History) -> Verdict:
    """Hold a history against the promises."""
    jobs = {expected.app: _Job(expected) for expected in history.expected}
    _sort(history, jobs)
    verdict = Verdict()
    repeaters: Counter[int] = Counter()
    for job in jobs.values():
        for slot in _slots(job):
            verdict += _fate(history, job, slot, repeaters)
        verdict += Verdict(violations=tuple(_faults(history, job, jobs)))
    return verdict + Verdict(
        violations=(
            *_at_once(jobs.values()),
            *(f"{app} is marked ongoing at the end" for app in history.ongoing),
            *(
                f"process {pid} had {count} slots in flight at once"
                for pid, count in repeaters.items()
                if count > 1
            ),
        )
    )


def _sort(history: History, jobs: dict[str, _Job]) -> None:
    runs: defaultdict[str, dict[str, _Run]] = defaultdict(dict)
    for entry in sorted(history.entries, key=lambda entry: (entry.at, entry.phase != "start")):
        if entry.phase == "start":
            runs[entry.app][entry.run] = _Run(entry.slot, entry.pid, entry.at)
        else:
            runs[entry.app][entry.run].end = entry.at
    for app, job in jobs.items():
        job.runs = list(runs[app].values())
        job.log = [row for row in history.log if row.app == app]
        job.passed = [span for span in history.passed if span.app == app]


def _slots(job: _Job) -> Sequence[datetime]:
    if job.expected.slots is not None:
        return job.expected.slots
    return sorted(_touched(job))


def _touched(job: _Job) -> set[datetime]:
    return {run.slot for run in job.runs} | {row.success for row in job.log if row.success}


def _fate(history: History, job: _Job, slot: datetime, repeaters: Counter[int]) -> Verdict:
    """What became of one slot."""
    runs = [run for run in job.runs if run.slot == slot]
    where = f"{job.expected.app} at {slot:%m-%d %H:%M}"
    faults = []
    wanted, successes = job.wanted(slot), job.successes(slot)
    wanted = max(wanted, min(successes, wanted + job.again(slot)))
    if successes != wanted:
        many = "" if wanted == 1 else f", and not {wanted}"
        faults.append(f"{where} is logged as a success {successes} times{many}")
    if wanted == 0:
        passed = job.is_passed(slot)
        if _unexcused(job, slot, runs, 0):
            faults.append(f"{where} was passed over, and done")
        return Verdict(1, passed=int(passed), violations=tuple(faults))
    finished = sum(run.end is not None for run in runs)
    if finished < wanted:
        faults.append(
            f"{where} was lost: it was begun {len(runs)} times and "
            f"{f'finished {finished} times, not {wanted}' if finished else 'never finished'}"
        )
        return Verdict(1, lost=1, violations=tuple(faults))
    if len(runs) == wanted:
        return Verdict(1, once=1, violations=tuple(faults))
    again = [*_too_often(history, job, slot, runs, wanted)]
    if again:
        faults += (f"{where} was {fault}" for fault in again)
        return Verdict(1, twice=1, violations=tuple(faults))
    if wanted == 1:
        repeaters.update(_crashed(job, slot, runs[:-1]))
    return Verdict(1, repeated=1, violations=tuple(faults))


def _too_often(
    history: History, job: _Job, slot: datetime, runs: Sequence[_Run], wanted: int
) -> Iterator[str]:
    """Why there should not be more runs than *wanted*."""
    if job.expected.transaction:
        yield f"done {len(runs)} times, and is a single transaction"
    elif wanted == 1:
        for reason in _not_excused(history, job, slot, runs[:-1]):
            yield f"run again, but {reason}"
    elif more := _unexcused(job, slot, runs, wanted):
        yield f"run {more} times more often than the log excuses"


def _crashed(job: _Job, slot: datetime, runs: Iterable[_Run]) -> set[int]:
    """The processes of *runs* that crashed at *slot*, as the log says."""
    texts = [row.exc_value or "" for row in job.log if row.slot == slot and row.crashed]
    return {run.pid for run in runs if any(f"process {run.pid} on " in text for text in texts)}


def _unexcused(job: _Job, slot: datetime, runs: Sequence[_Run], wanted: int) -> int:
    """How many runs there are more than *wanted* and than the log has failures and crashes."""
    rows = [row for row in job.log if row.slot == slot and row.success is None]
    return max(len(runs) - wanted - len(rows), 0)


def _not_excused(
    history: History, job: _Job, slot: datetime, runs: Iterable[_Run]
) -> Iterator[str]:
    """Why a slot's earlier runs are no reason for another."""
    rows = [row for row in job.log if row.slot == slot and row.success is None]
    failures = sum(not row.crashed for row in rows)
    for run in runs:
        name = f"process {run.pid} on {history.host} "
        is_killed = run.pid in history.killed
        if is_killed and any(row.crashed and name in (row.exc_value or "") for row in rows):
            continue
        has_failed = run.end is None and failures > 0  # before its process was killed
        failures -= 1
        if is_killed and not has_failed:
            yield f"no crash of {name.strip()} is logged for it"
        elif failures < 0:
            yield f"process {run.pid} lived, and no failure is logged for it"


def _faults(history: History, job: _Job, jobs: dict[str, _Job]) -> Iterator[str]:
    """What is wrong with a job as a whole."""
    app, slots = job.expected.app, job.expected.slots
    if strange := _touched(job) - set(_slots(job)):
        yield f"{app} ran slots that were not due: {sorted(map(str, strange))}"
    if slots is None and not _touched(job):
        yield f"{app} never ran"
    for one, next_one in itertools.pairwise(job.runs):
        if one.end and one.end > next_one.start:
            yield f"{app} ran twice at once, in processes {one.pid} and {next_one.pid}"
    asked = job.expected.asked
    for one, next_one in itertools.pairwise(run for run in job.runs if run.slot not in asked):
        is_new = any(one.start < reset < next_one.start for reset in job.expected.resets)
        if job.expected.backfill and one.slot > next_one.slot and not is_new:
            yield f"{app} ran {next_one.slot} after {one.slot}"
    yield from _false_alarms(history, job)
    yield from _orphans(job, jobs)
    yield from _overlaps(job)


def _at_once(jobs: Iterable[_Job]) -> Iterator[str]:
    """Runs of jobs that share a lock, and that were at it at the same time."""
    holders: defaultdict[str, list[tuple[str, _Run]]] = defaultdict(list)
    for job in jobs:
        if job.expected.lock:
            holders[job.expected.lock] += ((job.expected.app, run) for run in job.runs)
    for lock, runs in holders.items():
        in_order = sorted(runs, key=lambda each: each[1].start)
        for (app, one), (next_app, next_one) in itertools.pairwise(in_order):
            if app != next_app and one.end and one.end > next_one.start:
                yield f"{app} and {next_app} ran at once, and share the lock {lock!r}"


def _false_alarms(history: History, job: _Job) -> Iterator[str]:
    for row in job.log:
        names = (f"process {pid} on {history.host} " for pid in history.killed)
        if row.crashed and not any(name in (row.exc_value or "") for name in names):
            yield f"{job.expected.app} is said to have crashed: {row.exc_value}; it was not killed"


def _overlaps(job: _Job) -> Iterator[str]:
    """Slots that the ledger has twice, but for one that was open again after a reset."""
    spans = sorted(job.passed, key=lambda span: span.first)
    for one, next_one in itertools.pairwise(spans):
        if next_one.first <= one.last and not job.again(next_one.first):
            yield f"{job.expected.app} has {next_one.first} in the ledger twice"


def _orphans(job: _Job, jobs: dict[str, _Job]) -> Iterator[str]:
    """Runs before the parents had succeeded; of a backfill app, at the same date."""
    for parent in job.expected.parents:
        if job.expected.backfill and jobs[parent].expected.backfill:
            yield from _orphaned_dates(job, jobs[parent])
            continue
        done = min((row.at for row in jobs[parent].log if row.success), default=None)
        for run in job.runs:
            if done is None or run.start < done:
                yield f"{job.expected.app} ran before {parent} had succeeded"


def _orphaned_dates(job: _Job, parent: _Job) -> Iterator[str]:
    """Runs of dates that the parent had not done, or not done as often as was asked of both."""
    for run in job.runs:
        if parent.is_passed(run.slot):
            continue
        done = sum(row.success == run.slot and row.at <= run.start for row in parent.log)
        before = sum(row.success == run.slot and row.at <= run.start for row in job.log)
        if done < min(before + 1, parent.wanted(run.slot, run.start)):
            yield (
                f"{job.expected.app} ran {run.slot:%m-%d %H:%M} before {parent.expected.app} "
                "had done it"
            )
