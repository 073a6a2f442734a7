"""A day of 100,000 jobs on 1,000 workers that fail: ``python -m benchmarks.simulation``.

The decisions, the claims and the records are crontabber's own, on its store in memory and
a clock that jumps from one event to the next; the queue is modelled on what Procrastinate
promises. At the end every slot is accounted for: lost, late, done twice or before its parent.
"""

import argparse
import functools
import gc
import heapq
import itertools
import random
import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Collection, Sequence
from datetime import date, datetime, timedelta, timezone
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from crontabber.base import BaseCronApp
from crontabber.config.appspec import AppSpec
from crontabber.contrib.procrastinate.due_job import DueJob
from crontabber.contrib.procrastinate.engine import find_due
from crontabber.process.signals import Signals
from crontabber.process.state import ProcessState
from crontabber.reporters import Reporter
from crontabber.schedule.grammar import JobLine, JobList, Schedule
from crontabber.schedule.model import JobState
from crontabber.store import Snapshot
from crontabber.testing import FakeClock, MemoryStore
from crontabber.tick.batch import Batch
from crontabber.tick.context import TickContext
from crontabber.tick.jobs import JobCatalogue, Jobs, ScheduleDefaults
from crontabber.tick.results import RunOutcome
from crontabber.tick.select import select

START = datetime(2026, 11, 21, tzinfo=timezone.utc)
DAY = timedelta(days=1)
PATIENCE = 12
"""Hours after the day in which what failed may be made up for."""
STALLED = timedelta(seconds=15)
ZONE = ZoneInfo("UTC")
DEFAULTS = ScheduleDefaults(timedelta(minutes=5), timedelta(hours=12))


class Options(NamedTuple):
    """What is simulated."""

    jobs: int
    workers: int
    tick: timedelta
    failing: float
    """The share of runs that raise."""
    killed: float
    """The share of runs in which the worker is killed."""
    seed: int


class Killed(BaseException):
    """The process is gone, and can record nothing any more."""


class Memory(MemoryStore):
    """One session: what a dead one still wants to write is lost."""

    dead = False

    def look(self, class_paths: Sequence[str] | None, *, migrate: bool = True) -> Snapshot:
        """As that of PostgreSQL, which has an index."""
        if class_paths is None:
            return super().look(None)
        found = {path: self.states[path] for path in class_paths if path in self.states}
        parents = {parent for state in found.values() for parent in state.depends_on}
        found |= {name: self.states[name] for name in parents if name in self.states}
        return Snapshot(self.clock.now(), self.zone, found)

    def look_for_due(
        self, lines: Sequence[JobLine], zone: str, names: Collection[str] = ()
    ) -> Snapshot:
        """As that of PostgreSQL, which leaves out the rows of jobs that are sure to wait."""
        now = self.clock.now()
        waiting = {state.class_path for state in self.states.values() if _waits(state, now)}
        candidates = [line.class_path for line in lines if line.class_path not in waiting]
        found = self.look(candidates)
        return found._replace(candidates=frozenset(candidates))

    def save(self, *args: Any, **more: Any) -> JobState:
        """As the store does it, unless the process is gone."""
        if self.dead:
            raise Killed
        return super().save(*args, **more)

    def holder(self, now: datetime) -> Any:
        """As the store does it, unless the process is gone."""
        if self.dead:
            raise Killed
        return super().holder(now)

    def kill(self) -> None:
        """The session ends, and its claims with it."""
        self.close()
        self.dead = True


def _waits(state: JobState, now: datetime) -> bool:
    """Whether a row says for sure that its job is not due; the same as ``look_for_due`` in SQL.

    The schedules of the simulation do not change, and its jobs all have their say in the row.
    """
    is_plain = not (state.ongoing or state.told or state.asked or state.next_slot is None)
    if not is_plain or (state.last_run and state.last_run > now):
        return False
    times = [each for each in (state.next_run, state.next_slot) if each]
    return (max(times) if state.backfill else times[0]) > now


class Untouched(ProcessState):
    """Simulated jobs change nothing in their process, in which there are as many as workers."""

    def remember(self) -> None:
        """There is nothing to put back."""

    def restore(self) -> None:
        """As was said."""


class Catalogue(JobCatalogue):
    """What was *seen* of classes is looked at once, as by a worker that lives for long."""

    def __init__(
        self, lines: Sequence[JobLine], load: Callable[[str], type], seen: dict[str, AppSpec]
    ) -> None:
        super().__init__(JobList(tuple(lines)), load)
        self._seen = seen

    def app(self, line: JobLine) -> AppSpec:
        """As any catalogue, and for all of them."""
        path = line.class_path
        if path in self._seen:
            self._apps[path] = self._seen[path]
        self._seen[path] = super().app(line)
        return self._seen[path]


class Queue:
    """What Procrastinate's table promises: a job is queued once, and a lock held once."""

    def __init__(self) -> None:
        self._waiting: list[tuple[int, int, DueJob]] = []
        self._queued: set[str] = set()
        self._held: set[str] = set()
        self._behind: defaultdict[str, deque[DueJob]] = defaultdict(deque)
        self._numbers = itertools.count()

    def put(self, due: Sequence[DueJob]) -> None:
        """Queue what is not queued yet."""
        for each in due:
            if each.queueing_lock not in self._queued:
                self._queued.add(each.queueing_lock)
                self._push(each)

    def fetch(self) -> DueJob | None:
        """The next one whose lock is free."""
        while self._waiting:
            due = heapq.heappop(self._waiting)[2]
            if due.lock in self._held:
                self._behind[due.lock].append(due)
                continue
            self._queued.discard(due.queueing_lock)
            self._held.add(due.lock)
            return due
        return None

    def finish(self, due: DueJob) -> None:
        """The lock is free; so it is too when a dead worker's row is cleaned up."""
        self._held.discard(due.lock)
        if behind := self._behind.get(due.lock):
            self._push(behind.popleft())

    def _push(self, due: DueJob) -> None:
        heapq.heappush(self._waiting, (-due.priority, next(self._numbers), due))


class Worker:
    """One worker: a thread for its runs, that has its turn when its clock says so."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.store = world.store.another_session()
        self.due: DueJob | None = None
        self._turn = threading.Lock()
        self._turn.acquire()
        threading.Thread(target=self._work, daemon=True).start()

    def begin(self, due: DueJob) -> None:
        """Run a job, until it sleeps or is done."""
        self.due = due
        self.go_on()

    def go_on(self) -> None:
        """Resume the job."""
        self._turn.release()
        self.world.turn.acquire()

    def sleep(self, length: timedelta) -> None:
        """Let time pass, as called by the job; the process may be killed meanwhile."""
        self.world.at(length, self.go_on)
        self._wait()
        if self.world.dice.random() < self.world.options.killed:
            self.store.kill()
            raise Killed

    def _wait(self) -> None:
        self.world.turn.release()
        self._turn.acquire()
        if self.world.is_over:
            raise Killed

    def _work(self) -> None:
        self.world.here.worker = self
        self._turn.acquire()
        try:
            while self.due and not self.world.is_over:
                children = self.world.run_due(self.store, self.due.class_path)
                self.world.finished(self, children)
                self._wait()
        except Killed:
            if not self.world.is_over:
                self.world.buried(self)
        finally:
            self.world.turn.release()


class World:
    """Jobs, workers, a queue and a clock."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.dice = random.Random(options.seed)  # noqa: S311  no secrets here
        self.clock = FakeClock(START)
        self.store = Memory(self.clock)
        self.queue = Queue()
        self.turn = threading.Lock()
        self.turn.acquire()
        self.here = threading.local()
        self.count: Counter[str] = Counter()
        self.delays: dict[bool, list[float]] = {False: [], True: []}
        """The seconds from when it could run to its start; of jobs with parents, and without."""
        self.ended: dict[str, datetime] = {}
        self.done: set[tuple[str, date]] = set()
        """The jobs that succeeded, and for which day."""
        self.finished_slots: Counter[tuple[str, datetime]] = Counter()
        """How often jobs did each slot, as they know it themselves."""
        self.signals = Signals()
        self.untouched = Untouched()
        self._apps: dict[str, AppSpec] = {}
        self.reporter = Reporter()
        self._minutes: list[int] = []
        self.classes = dict(self._make(number) for number in range(options.jobs))
        self.lines = [JobLine(path, cls.schedule) for path, cls in self.classes.items()]
        self._lines = {line.class_path: line for line in self.lines}
        self.children: defaultdict[str, list[str]] = defaultdict(list)
        for path, cls in self.classes.items():
            for parent in cls.depends_on:
                self.children[parent].append(path)
        self._events: list[tuple[datetime, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self.is_over = False
        self._alive: set[Worker] = set()
        self._idle: deque[Worker] = deque()
        for _ in range(options.workers):
            self._hire()

    def _make(self, number: int) -> tuple[str, Any]:
        """A job: six of ten depend on up to three that were made before, and are due by then."""
        dice, name = self.dice, f"j{number}"
        hourly = number % 100 == 0
        parents: list[int] = []
        if number > 100 and not hourly and dice.random() < 0.6:
            chosen = {dice.randrange(max(0, number - 5000), number) for _ in range(3)}
            parents = [each for each in chosen if each % 100][: dice.randint(1, 3)]
        at = max([self._minutes[each] for each in parents], default=dice.randrange(60, 1200))
        self._minutes.append(at)
        text = "1h" if hourly else f"1d|{at // 60:02}:{at % 60:02}"
        world = self

        class App(BaseCronApp):
            app_name = name
            depends_on = tuple(f"j{each}" for each in parents)
            is_backfill = hourly
            schedule = Schedule.parse(text)

            def run(self, *date: datetime) -> None:
                state = self.job_information
                world.do(self.app_name, state, *date or (state.next_slot or START,))

        return name, App

    def do(self, app_name: str, state: JobState, slot: datetime) -> None:
        """What a job does for *slot*: it takes its time, and may fail."""
        worker = self.here.worker
        self.count["runs"] += 1
        if any((parent, slot.date()) not in self.done for parent in state.depends_on):
            self.count["before its parent"] += 1
        if state.error_count == 0 and not self.classes[app_name].is_backfill:
            delay = self.clock.now() - self._ready(state)
            self.delays[bool(state.depends_on)].append(delay.total_seconds())
        worker.sleep(timedelta(seconds=self.dice.expovariate(1 / 120)))
        if self.dice.random() < self.options.failing:
            self.count["failed"] += 1
            raise ValueError
        self.finished_slots[app_name, slot] += 1

    def _ready(self, state: JobState) -> datetime:
        """Since when nothing but workers and ticks is waited for."""
        parents = (self.ended[name] for name in state.depends_on if name in self.ended)
        return max([state.next_slot or START, *parents])

    # -- events ----------------------------------------------------------------------

    def at(self, wait: timedelta, event: Callable[[], None]) -> None:
        """Have something happen in a while."""
        heapq.heappush(self._events, (self.clock.now() + wait, next(self._numbers), event))

    def run(self, length: timedelta) -> None:
        """Let so much time pass."""
        end = self.clock.now() + length
        while self._events and self._events[0][0] <= end:
            moment, _, event = heapq.heappop(self._events)
            self.clock.set(max(moment, self.clock.now()))
            event()
            self._assign()

    def _assign(self) -> None:
        while self._idle and (due := self.queue.fetch()):
            self._idle.popleft().begin(due)

    def tick(self) -> None:
        """A tick that hands over, and the next one."""
        began = time.monotonic()
        store = self.store.another_session()
        snapshot = store.look_for_due(self.lines, "")
        jobs = self._jobs(self.lines, snapshot)
        context = self._context(store)
        candidates, _, faults = select(snapshot, jobs, self.reporter, verbose=False)
        if candidates:
            self.queue.put(find_due(context, candidates, snapshot, jobs, faults)[1])
        store.close()
        self.count["ticks"] += 1
        self.count["ms in ticks"] += round((time.monotonic() - began) * 1000)
        self.at(self.options.tick, self.tick)

    def run_due(self, store: Memory, class_path: str) -> list[DueJob]:
        """What the process of a worker does with a job."""
        snapshot = store.look([class_path])
        jobs = self._jobs([self._lines[class_path]], snapshot)
        context = self._context(store)
        batch = Batch(context, snapshot, jobs, self._prepare)
        [result] = batch.run(jobs.imported().jobs).jobs
        store.close()
        if result.outcome is not RunOutcome.SUCCEEDED:
            return []
        assert result.run, "it succeeded"
        self.ended[result.app_name] = self.clock.now()
        self.done.add((result.app_name, result.run.slot.date()))
        paths = self.children[result.app_name]
        snapshot = store.look(paths)
        jobs = self._jobs([self._lines[path] for path in paths], snapshot)
        due = find_due(context, jobs.imported().jobs, snapshot, jobs, behind=True)[1]
        store.close()
        return due

    def _context(self, store: Memory) -> TickContext:
        return TickContext(
            store, self.clock, self.reporter, self.signals, process_state=self.untouched
        )

    def _jobs(self, lines: Sequence[JobLine], snapshot: Snapshot) -> Jobs:
        catalogue = Catalogue(lines, self._load, self._apps)
        return Jobs(catalogue, DEFAULTS, ZONE, snapshot.states)

    def _load(self, class_path: str) -> type:
        cls: type = self.classes[class_path]
        return cls

    def _prepare(self, classes: Any) -> Any:
        return lambda job, state: classes[job.class_path](None, state), {}

    def finished(self, worker: Worker, children: list[DueJob]) -> None:
        """A run is over: the worker is free, and those that waited for the job are queued."""
        assert worker.due
        self.queue.finish(worker.due)
        self.queue.put(children)
        self._idle.append(worker)

    def buried(self, worker: Worker) -> None:
        """A worker is gone; its lock is, when its heartbeat is missed, and another one comes."""
        self._alive.remove(worker)
        due = worker.due
        assert due
        self.count["killed"] += 1
        self.at(STALLED, lambda: self.queue.finish(due))
        self.at(timedelta(seconds=30), self._hire)

    def _hire(self) -> None:
        worker = Worker(self)
        self._alive.add(worker)
        self._idle.append(worker)

    def end(self) -> None:
        """Have no threads any more."""
        self.is_over = True
        for worker in [*self._alive]:
            worker.go_on()

    # -- the end ---------------------------------------------------------------------

    @functools.cached_property
    def _expected(self) -> list[tuple[str, datetime]]:
        return [slot for path, cls in self.classes.items() for slot in _slots(path, cls)]

    def _recorded(self) -> Counter[tuple[str, datetime]]:
        return Counter((run.app_name, run.slot) for run in self.store.log if run.error is None)

    def lost(self) -> int:
        """How many slots of the day are not done, or not recorded."""
        done = self.finished_slots & self._recorded()
        return sum(slot not in done for slot in self._expected)

    def twice(self) -> int:
        """How many slots were done more than once, or recorded so."""
        return sum(times > 1 for times in (self.finished_slots | self._recorded()).values())

    def account(self) -> dict[str, object]:
        """What became of the slots of the day."""
        late = self.options.tick.total_seconds() + 60
        alone, after_parents = (sorted(self.delays[child]) for child in (False, True))
        return {
            "slots due": len(self._expected),
            "lost": self.lost(),
            "done twice": self.twice(),
            "done before its parent": self.count["before its parent"],
            "runs": self.count["runs"],
            "runs that failed, and were tried again": self.count["failed"],
            "workers killed in a run, which was run again": self.count["killed"],
            f"late, by more than {late:.0f} s": sum(each > late for each in alone + after_parents),
            "seconds from due to start, median and longest": _median_and_longest(alone),
            "seconds from parent to child, median and longest": _median_and_longest(after_parents),
            "milliseconds a tick": self.count["ms in ticks"] // self.count["ticks"],
        }


def _median_and_longest(seconds: list[float]) -> str:
    return f"{seconds[len(seconds) // 2]:.0f}, {seconds[-1]:.0f}"


def _slots(app_name: str, cls: Any) -> list[tuple[str, datetime]]:
    if cls.is_backfill:
        return [(app_name, START + timedelta(hours=hour)) for hour in range(24)]
    time_of_day = cls.schedule.time
    return [(app_name, START.replace(hour=time_of_day.hour, minute=time_of_day.minute))]


def main() -> None:
    """Simulate, and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.simulation", description=__doc__)
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=1000)
    parser.add_argument("--minutes", type=int, default=60, help="between two ticks")
    parser.add_argument("--seed", type=int, default=815)
    given = parser.parse_args()
    tick = timedelta(minutes=given.minutes)
    options = Options(given.jobs, given.workers, tick, failing=0.05, killed=0.01, seed=given.seed)
    began = time.monotonic()
    gc.set_threshold(200_000)  # most of what is made here stays
    for what, value in simulate(options).items():
        say(f"{what}: {value}")
    say(f"simulated in {time.monotonic() - began:.0f} s")


def simulate(options: Options) -> dict[str, object]:
    """A day of failures, and hours without to catch up; the account of the day."""
    world = World(options)
    world.at(timedelta(0), world.tick)
    world.run(DAY)
    world.options = options._replace(failing=0, killed=0)
    hours = 0
    while world.lost() and hours < PATIENCE:
        world.run(timedelta(hours=1))
        hours += 1
    account = world.account()
    world.end()
    return {**account, "hours to catch up, after that day": hours}


def say(line: str) -> None:
    """To stdout, at once."""
    print(line, flush=True)  # noqa: T201  it is a command


if __name__ == "__main__":
    main()
