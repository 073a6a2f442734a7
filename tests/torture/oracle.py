"""The oracle: from what the jobs wrote and what the tables say, what became of each slot.

Pure: a history comes in, a verdict comes out. It knows nothing of how crontabber works,
only what it promises, in the manner of Jepsen's checker of Chronos.
"""

import dataclasses
import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

CRASHED = "JobCrashed"


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


@dataclass(frozen=True, slots=True)
class Verdict:
    """How many slots came to which end, and every broken promise as a text."""

    slots: int = 0
    once: int = 0
    lost: int = 0
    twice: int = 0
    repeated: int = 0
    """In flight when the process ended, run again, and the log says so."""
    violations: tuple[str, ...] = ()

    def __add__(self, other: "Verdict") -> "Verdict":
        return Verdict(
            self.slots + other.slots,
            self.once + other.once,
            self.lost + other.lost,
            self.twice + other.twice,
            self.repeated + other.repeated,
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
    if (successes := sum(row.success == slot for row in job.log)) != 1:
        faults.append(f"{where} is logged as a success {successes} times")
    once = lost = twice = repeated = 0
    if not any(run.end for run in runs):
        lost = 1
        faults.append(f"{where} was lost: it was begun {len(runs)} times and never finished")
    elif len(runs) == 1:
        once = 1
    elif job.expected.transaction:
        twice = 1
        faults.append(f"{where} was done {len(runs)} times, and is a single transaction")
    elif missing := list(_not_excused(history, job, slot, runs[:-1])):
        twice = 1
        faults += (f"{where} was run again, but {reason}" for reason in missing)
    else:
        repeated = 1
        repeaters.update(run.pid for run in runs[:-1] if run.pid in history.killed)
    return Verdict(1, once, lost, twice, repeated, tuple(faults))


def _not_excused(
    history: History, job: _Job, slot: datetime, runs: Iterable[_Run]
) -> Iterator[str]:
    """Why a slot's earlier runs are no reason for another."""
    rows = [row for row in job.log if row.slot == slot and row.success is None]
    failures = sum(not row.crashed for row in rows)
    for run in runs:
        if run.pid in history.killed:
            name = f"process {run.pid} on {history.host} "
            if not any(row.crashed and name in (row.exc_value or "") for row in rows):
                yield f"no crash of {name.strip()} is logged for it"
        else:
            failures -= 1
            if failures < 0:
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
        if job.expected.backfill and one.slot > next_one.slot:
            yield f"{app} ran {next_one.slot} after {one.slot}"
    yield from _false_alarms(history, job)
    yield from _orphans(job, jobs)


def _false_alarms(history: History, job: _Job) -> Iterator[str]:
    for row in job.log:
        names = (f"process {pid} on {history.host} " for pid in history.killed)
        if row.crashed and not any(name in (row.exc_value or "") for name in names):
            yield f"{job.expected.app} is said to have crashed: {row.exc_value}; it was not killed"


def _orphans(job: _Job, jobs: dict[str, _Job]) -> Iterator[str]:
    """Runs before the parents had succeeded."""
    for parent in job.expected.parents:
        done = min((row.at for row in jobs[parent].log if row.success), default=None)
        for run in job.runs:
            if done is None or run.start < done:
                yield f"{job.expected.app} ran before {parent} had succeeded"
