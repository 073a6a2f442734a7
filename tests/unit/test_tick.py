"""A whole tick, on the store in memory and a clock that the test moves."""

import os
import signal
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from crontabber.base import BaseCronApp
from crontabber.errors import ClaimLost, DatabaseUnavailable, ExitCode, SlotClosed, Stopped
from crontabber.mixins import as_backfill_cron_app
from crontabber.process.signals import Signals
from crontabber.reporters import Reporter, Reporters
from crontabber.schedule.grammar import Schedule
from crontabber.schedule.model import Claim, JobSpec, JobState, Outcome, Run, Skip, SkipReason
from crontabber.testing import FakeClock, MemoryStore, Simulation
from crontabber.tick.claim import claim_and_run
from crontabber.tick.context import TickContext

START = datetime(2026, 11, 21, 3, 0, tzinfo=timezone.utc)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


class Listener(Reporter):
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.skips: dict[str, Skip] = {}
        self.troubles: list[str] = []
        self.errors: list[BaseException | None] = []
        self.replanned_jobs: list[str] = []

    def skipped(self, job: JobSpec, skip: Skip) -> None:
        self.skips[job.app_name] = skip

    def failed(self, job: JobSpec, run: Run, error: BaseException | None) -> None:
        self.errors.append(error)

    def replanned(self, job: JobSpec, replan: Any) -> None:
        self.replanned_jobs.append(job.app_name)

    def trouble(self, message: str) -> None:
        self.troubles.append(message)


def app(
    name: str, run: Any = None, depends_on: Any = (), base: type = BaseCronApp, **more: Any
) -> type:
    """An app class whose ``run`` does what is wanted, or nothing."""

    def nothing(self: Any, *args: Any) -> None:
        pass

    body = {"app_name": name, "depends_on": depends_on, "run": run or nothing, **more}
    return type(name.title().replace("-", ""), (base,), {"__module__": __name__, **body})


def simulation(jobs: dict[type, str], start: datetime = START) -> tuple[Simulation, Listener]:
    sim, listener = Simulation(jobs, start), Listener()
    sim.reporter = listener
    return sim, listener


def ran(sim: Simulation) -> list[str]:
    return [run.app_name for run in sim.log]


def crash(sim: Simulation, app_name: str, after: timedelta = timedelta()) -> None:
    """Leave *app_name* as a process does that was killed while it ran it."""
    other = sim.store.another_session()
    state = other.states[app_name]
    now = sim.clock.now() + after
    marked = state._replace(ongoing=now, claim=other.holder(now), next_slot=state.next_slot or now)
    assert other.claim(marked, ()) is not None
    other.close()


def test_due_jobs_run_and_are_remembered() -> None:
    sim, _ = simulation({app("a"): "5m"})
    assert sim.tick() == ExitCode.OK
    [run] = sim.log
    assert (run.outcome, run.slot, run.app_name) == (Outcome.SUCCEEDED, START, "a")
    state = sim.states["a"]
    assert state.last_success == state.last_run == state.first_run == START
    assert state.next_run == START + 5 * MINUTE
    assert state.ongoing is None
    assert state.claim is None


def test_a_job_that_is_not_due_waits_and_its_class_is_not_made() -> None:
    made: list[str] = []

    def init(self: Any, config: Any, job_information: Any) -> None:
        made.append(type(self).app_name)

    sim, listener = simulation({app("a", __init__=init): "5m"})
    sim.tick()
    sim.tick(START + 4 * MINUTE)
    assert made == ["a"]
    assert listener.skips["a"].reason is SkipReason.NOT_DUE


def test_parents_run_before_their_children_whatever_the_order_listed() -> None:
    jobs = {app("child", depends_on=("parent",)): "1h", app("parent"): "5m"}
    sim, _ = simulation(jobs)
    sim.tick()
    assert ran(sim) == ["parent", "child"]


def test_independent_jobs_run_as_listed() -> None:
    """trap: independent jobs ran alphabetically, not in the listed order"""
    sim, _ = simulation({app(name): "5m" for name in ("z", "a", "m")})
    sim.tick()
    assert ran(sim) == ["z", "a", "m"]


def test_a_failed_parent_blocks_its_children_and_says_so() -> None:
    def fail(self: Any) -> None:
        raise OSError("no")

    sim, listener = simulation(
        {app("p", fail): "5m", app("c", depends_on="p"): "5m", app("gc", depends_on="c"): "5m"}
    )
    assert sim.tick() == ExitCode.OK
    assert ran(sim) == ["p"]
    assert listener.skips["c"] == Skip(SkipReason.BLOCKED, "p failed when it last ran", "p")
    assert listener.skips["gc"] == Skip(SkipReason.BLOCKED, "c has never run", "c")


def test_a_job_that_is_blocked_at_first_is_remembered_so_that_no_slot_is_lost() -> None:
    @as_backfill_cron_app
    class Child(BaseCronApp):
        app_name = "child"
        depends_on = "parent"

        def run(self, date: datetime) -> None:
            pass

    good = False

    def fail(self: Any) -> None:
        if not good:
            raise OSError("no")

    sim, _ = simulation({app("parent", fail): "1h", Child: "1h"})
    sim.run(START + 5 * HOUR, "5m")
    good = True
    sim.run(START + 6 * HOUR, "5m")
    assert sim.slots("child") == [START + n * HOUR for n in range(7)]


def test_a_new_job_gets_the_slot_of_the_tick_however_long_the_jobs_before_it_took() -> None:
    """trap: a first date was lost, and one given that is no slot, after a long job"""

    def takes_long(self: Any) -> None:
        sim.clock.advance(2 * HOUR)

    fails = app("fails", run=lambda self: 1 / 0)
    new = as_backfill_cron_app(app("new"))
    blocked = as_backfill_cron_app(app("blocked", depends_on="fails"))
    jobs = {app("long", run=takes_long): "1d", fails: "1d", new: "1d|21:00", blocked: "1d|21:00"}
    evening = START.replace(hour=23)
    sim, _ = simulation(jobs, evening)
    sim.tick()
    assert sim.slots("new") == [evening.replace(hour=21)]
    state = sim.states["blocked"]
    assert (state.next_slot, state.first_run) == (evening.replace(hour=21), None)
    assert state.ongoing is None


def test_a_failed_job_is_tried_again_after_the_retry_time() -> None:
    attempts: list[datetime] = []

    def fail_once(self: Any) -> None:
        attempts.append(sim.clock.now())
        if len(attempts) == 1:
            raise ValueError("first time")

    sim, _ = simulation({app("a", fail_once): "1d"})
    sim.run(START + 10 * MINUTE, "1m")
    assert attempts == [START, START + 5 * MINUTE]
    assert [run.outcome for run in sim.log] == [Outcome.FAILED, Outcome.SUCCEEDED]
    assert sim.states["a"].error_count == 0
    assert sim.states["a"].last_error is None


@pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt(), GeneratorExit()])
def test_whatever_a_job_raises_the_others_run(error: BaseException) -> None:
    """trap: sys.exit in a job; here it is its failure, and the tick goes on"""

    def bad(self: Any) -> None:
        raise error

    sim, listener = simulation({app("bad", bad): "5m", app("good"): "5m"})
    assert sim.tick() == ExitCode.OK
    assert ran(sim) == ["bad", "good"]
    assert listener.errors == [error]
    assert sim.states["bad"].last_error is not None


@pytest.mark.parametrize("kind", ["yield", "async", "async yield"])
def test_a_run_that_would_do_nothing_is_a_failure(kind: str) -> None:
    """trap: a run() with a yield was a success, and nothing was run"""

    def with_yield(self: Any) -> Iterator[None]:
        yield

    async def coroutine(self: Any) -> None:
        pass

    async def async_yield(self: Any) -> Any:
        yield

    lazy = {"yield": with_yield, "async": coroutine, "async yield": async_yield}[kind]

    def run(self: Any) -> Any:
        return lazy(self)  # in a function that looks as it should; others are refused earlier

    sim, listener = simulation({app("a", run): "5m"})
    sim.tick()
    assert [run.outcome for run in sim.log] == [Outcome.FAILED]
    assert "its code was not run" in str(listener.errors[0])


def test_a_signal_between_the_end_of_the_work_and_its_record_comes_after_both() -> None:
    """trap: a date that was done was given again, as a signal came before it was recorded"""

    class Late:
        """Takes the place of the timer: a signal comes when the job's code has ended."""

        def __init__(self, signals: Signals) -> None:
            self.signals = signals

        def unlimit(self) -> None:
            type(self.signals).unlimit(self.signals)
            if self.signals._inside:
                signal.raise_signal(signal.SIGTERM)

    store = MemoryStore(FakeClock(START))
    cls = as_backfill_cron_app(app("a"))
    spec = JobSpec("a", "m.A", Schedule.parse("5m"), ZoneInfo("UTC"), backfill=True)
    with Signals() as signals:
        signals.unlimit = Late(signals).unlimit  # type: ignore[method-assign]
        context = TickContext(store, store.clock, Reporter(), signals)
        with pytest.raises(Stopped):
            claim_and_run(context, spec, lambda job, state: cls(None, state), {}, START)
    assert [(run.slot, run.outcome) for run in store.log] == [(START, Outcome.SUCCEEDED)]


def test_a_result_that_cannot_be_recorded_is_told() -> None:
    """trap: the outcome of a job was lost without a word, because the database was away"""

    class Away(MemoryStore):
        def save(self, *args: Any, **more: Any) -> JobState:
            raise DatabaseUnavailable("cannot use the database")

    def bad(self: Any) -> None:
        raise KeyError("precious diagnosis")

    for run, said in ((None, "a succeeded, and"), (bad, "a failed (<class 'KeyError'>: 'precious")):
        sim, listener = simulation({app("a", run): "5m"})
        sim.store = Away(sim.clock)
        with pytest.raises(DatabaseUnavailable):
            sim.tick()
        [trouble] = listener.troubles
        assert trouble.startswith(said)
        assert "could not be recorded" in trouble


def test_a_result_is_recorded_though_the_next_job_cannot_be_claimed() -> None:
    class Away(MemoryStore):
        def holder(self, now: datetime) -> Claim:
            if self.log or self.states:
                raise DatabaseUnavailable("cannot use the database")
            return super().holder(now)

    sim, listener = simulation({app("a"): "5m", app("b"): "5m"})
    sim.store = Away(sim.clock)
    with pytest.raises(DatabaseUnavailable):
        sim.tick()
    assert ran(sim) == ["a"]
    assert listener.troubles == []


def test_a_record_of_a_try_that_was_undone_is_made_again() -> None:
    """trap: a record was taken for made that went with the transaction it was part of"""

    class Shares(MemoryStore):
        shared: Iterator[bool] = iter([True, False])

        def shares_database(self, connection: Any) -> bool:
            return next(self.shared)

        def save(self, *args: Any, within: Any = None, **more: Any) -> JobState:
            return args[1] if within else super().save(*args, **more)

    def twice(self: Any) -> None:
        self.before_commit("a connection whose commit fails")
        self.before_commit("one to another server")

    sim, _ = simulation({app("a", twice): "5m"})
    sim.store = Shares(sim.clock)
    sim.tick()
    assert [run.outcome for run in sim.log] == [Outcome.SUCCEEDED]


def test_a_try_whose_commit_was_made_and_not_answered_is_not_undone_by_the_next() -> None:
    """trap: a date that was done counted as crashed, as an executor tried it once more"""

    class Commits(MemoryStore):
        def shares_database(self, connection: Any) -> bool:
            return True

        def save(self, *args: Any, within: Any = None, **more: Any) -> JobState:
            try:
                return super().save(*args, **more)
            except ClaimLost:
                if within:
                    raise SlotClosed from None
                raise

    def twice(self: Any) -> None:
        self.before_commit("a connection that commits, and is cut off before it says so")
        self.before_commit("the next one")

    sim, listener = simulation({app("a", twice): "5m"})
    sim.store = Commits(sim.clock)
    assert sim.tick() == ExitCode.OK
    assert [run.outcome for run in sim.log] == [Outcome.SUCCEEDED]
    assert listener.troubles == []


@pytest.mark.parametrize("raised", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_an_exception_that_cannot_be_printed_is_recorded_all_the_same(
    raised: type[BaseException],
) -> None:
    """trap: an exception whose str() raises left the job ongoing for 12 h"""

    class Unspeakable(Exception):
        def __str__(self) -> str:
            raise raised("no words")

    def bad(self: Any) -> None:
        raise Unspeakable

    sim, _ = simulation({app("bad", bad): "5m"})
    sim.tick()
    error = sim.states["bad"].last_error
    assert error
    assert raised.__name__ in error.value
    assert "Unspeakable" in error.type
    assert sim.states["bad"].ongoing is None


def test_a_backfill_app_gets_each_missed_slot_once_oldest_first() -> None:
    dates: list[datetime] = []

    @as_backfill_cron_app
    class Back(BaseCronApp):
        app_name = "back"

        def run(self, date: datetime) -> None:
            dates.append(date)

    sim, _ = simulation({Back: "1h"})
    sim.tick()
    sim.tick(START + 3 * HOUR + MINUTE)
    assert dates == [START + n * HOUR for n in range(4)]
    assert all(date.tzinfo is not None for date in dates)
    assert sim.states["back"].last_success == START + 3 * HOUR


def test_a_failure_midway_leaves_the_rest_waiting_and_names_its_date() -> None:
    """trap: the position was saved only after the whole catch-up"""
    dates: list[datetime] = []
    bad = START + 2 * HOUR

    @as_backfill_cron_app
    class Back(BaseCronApp):
        app_name = "back"

        def run(self, date: datetime) -> None:
            dates.append(date)
            if date == bad and dates.count(bad) < 3:
                raise OSError("not yet")

    sim, _ = simulation({Back: "1h"})
    sim.tick()
    for minutes in (0, 5, 10):
        sim.tick(START + 4 * HOUR + minutes * MINUTE)
    assert dates == [START, START + HOUR, bad, bad, bad, START + 3 * HOUR, START + 4 * HOUR]
    assert [run.slot for run in sim.log if run.error] == [bad, bad]
    assert sim.slots("back") == [START + n * HOUR for n in range(5)]


def test_a_slow_backfill_leaves_the_slot_that_it_crosses_to_the_next_tick() -> None:
    @as_backfill_cron_app
    class Slow(BaseCronApp):
        app_name = "slow"

        def run(self, date: datetime) -> None:
            sim.clock.advance(70 * MINUTE)

    sim, _ = simulation({Slow: "1h"})
    sim.tick()
    assert sim.slots("slow") == [START]
    sim.tick()
    assert sim.slots("slow") == [START, START + HOUR]


def test_a_date_that_is_late_is_still_in_the_zone_of_the_schedule() -> None:
    seen: list[str] = []

    @as_backfill_cron_app
    class Back(BaseCronApp):
        app_name = "back"

        def run(self, date: datetime) -> None:
            seen.append(date.isoformat())

    sim = Simulation({Back: "1d|02:00"}, datetime(2026, 10, 24, 12, tzinfo=timezone.utc))
    sim.store.zone = "Europe/Berlin"
    sim.tick()
    sim.tick(datetime(2026, 10, 25, 12, tzinfo=timezone.utc))
    assert seen == ["2026-10-24T02:00:00+02:00", "2026-10-25T02:00:00+02:00"]


def test_a_crashed_job_is_recorded_and_run_again_in_the_same_tick() -> None:
    sim, listener = simulation({app("a"): "1h"})
    sim.tick()
    sim.clock.advance(HOUR)
    crash(sim, "a")
    assert sim.tick(START + HOUR + 5 * MINUTE) == ExitCode.OK
    assert [run.outcome for run in sim.log[1:]] == [Outcome.CRASHED, Outcome.SUCCEEDED]
    assert sim.log[1].slot == sim.log[2].slot == START + HOUR
    assert sim.log[1].error
    assert "process 2 on memory" in sim.log[1].error.value
    assert listener.errors == [None]
    assert sim.states["a"].error_count == 0


def test_a_job_that_crashed_goes_after_those_that_do_not_depend_on_it() -> None:
    """trap: one that takes its process down each time starved the rest"""
    jobs = {app("killer"): "5m", app("child", depends_on="killer"): "5m", app("other"): "5m"}
    sim, _ = simulation(jobs)
    sim.tick()
    sim.clock.advance(5 * MINUTE)
    crash(sim, "killer")
    sim.tick()
    assert ran(sim)[3:] == ["other", "killer", "killer", "child"]


def test_the_second_crash_in_a_row_waits() -> None:
    sim, _ = simulation({app("killer"): "1h"})
    sim.tick()
    for minutes in (60, 61):
        sim.clock.set(START + minutes * MINUTE)
        state = sim.states["killer"]
        if minutes == 61:  # as it is when the run after the first crash crashes too
            crashed = state._replace(last_error=sim.log[1].error, next_slot=START + HOUR)
            sim.store.states["killer"] = crashed
        crash(sim, "killer")
        sim.tick()
    outcomes = [run.outcome for run in sim.log]
    assert outcomes[-1] is Outcome.CRASHED
    next_run = sim.states["killer"].next_run
    assert next_run
    assert next_run > sim.clock.now()


def test_a_job_claimed_elsewhere_is_skipped_and_the_others_run() -> None:
    """trap: the tick stopped at the first ongoing job; independent jobs starved"""
    sim, listener = simulation({app("a"): "5m", app("b"): "5m"})
    sim.tick()
    sim.clock.advance(5 * MINUTE)
    other = sim.store.another_session()
    now = sim.clock.now()
    other.claim(sim.states["a"]._replace(ongoing=now, claim=other.holder(now)), ())
    assert sim.tick() == ExitCode.ONGOING
    assert ran(sim) == ["a", "b", "b"]
    assert listener.skips["a"].reason is SkipReason.ONGOING


def test_a_race_lost_in_the_claim_itself_is_told_apart() -> None:
    sim, _ = simulation({app("a"): "5m"})
    sim.tick()
    sim.clock.advance(5 * MINUTE)
    other = sim.store.another_session()
    # taken after our look: nothing is marked yet
    other.claim(sim.states["a"]._replace(version="another"), ())
    assert sim.tick() == ExitCode.RACE_LOST
    assert ran(sim) == ["a"]


def test_a_job_that_another_ran_between_look_and_claim_is_not_run_again() -> None:
    """trap: due-check, information and claim were three separate reads"""

    class Meanwhile(MemoryStore):
        def claim(self, wanted: JobState, parents: Any, lock: Any = None) -> Any:
            state = self.states["a"]
            if wanted.version == state.version and not done:
                done.append(1)
                later = START + 10 * MINUTE
                self._write(
                    state._replace(last_run=self.clock.now(), next_run=later, next_slot=later)
                )
            return super().claim(wanted, parents)

    done: list[int] = []
    sim, _ = simulation({app("a"): "5m"})
    sim.tick()
    sim.store.__class__ = Meanwhile
    assert sim.tick(START + 5 * MINUTE) == ExitCode.RACE_LOST
    assert ran(sim) == ["a"]


def older_mark(sim: Simulation, ongoing: datetime) -> None:
    sim.store.states["a"] = sim.states["a"]._replace(ongoing=ongoing, claim=None)


@pytest.mark.parametrize(
    ("age", "runs"),
    [(-3 * timedelta(seconds=1), False), (11 * HOUR, False), (13 * HOUR, True), (30 * HOUR, True)],
)
def test_the_mark_of_an_older_crontabber_is_respected_for_a_while(
    age: timedelta, runs: bool
) -> None:
    """trap: the age of a claim was .seconds: stale after 12 h, fresh again at 24-36 h"""
    sim, _ = simulation({app("a"): "1h"})
    sim.tick()
    now = START + 48 * HOUR
    older_mark(sim, now - age)
    assert sim.tick(now) == (ExitCode.OK if runs else ExitCode.ONGOING)
    assert (ran(sim)[-1:] == ["a"] and len(sim.log) > 1) == runs


def test_an_edited_schedule_takes_effect_at_once_and_starts_nothing() -> None:
    """trap: 7d changed to 5m took effect after up to 7 days"""
    weekly = app("a")
    sim, listener = simulation({weekly: "7d"})
    sim.tick()
    edited = Simulation({weekly: "5m"}, START + HOUR + MINUTE)
    edited.reporter = listener
    edited.store.states.update(sim.states)
    edited.tick()
    assert ran(edited) == []
    assert listener.replanned_jobs == ["a"]
    assert edited.states["a"].next_run == START + HOUR + 5 * MINUTE
    edited.tick(START + HOUR + 5 * MINUTE)
    assert ran(edited) == ["a"]


def test_two_jobs_of_one_app_name_are_a_fault_and_the_first_runs() -> None:
    """trap: two jobs with one app_name lost one silently"""
    first, second = app("same"), type("Other", (app("same"),), {"__module__": __name__})
    sim, listener = simulation({first: "5m", second: "1h"})
    assert sim.tick() == ExitCode.ERROR
    assert ran(sim) == ["same"]
    assert "app_name 'same'" in listener.troubles[0]


def test_a_circle_is_named_and_the_others_run() -> None:
    jobs = {app("a", depends_on="b"): "5m", app("b", depends_on="a"): "5m", app("c"): "5m"}
    sim, listener = simulation(jobs)
    assert sim.tick() == ExitCode.ERROR
    assert ran(sim) == ["c"]
    assert "in a circle: a -> b -> a" in listener.troubles[0] or "b -> a -> b" in str(
        listener.troubles
    )


def test_a_parent_of_another_configuration_counts() -> None:
    """trap: a parent in another config raised a circular-dependency error"""
    sim, listener = simulation({app("child", depends_on="elsewhere"): "5m"})
    sim.tick()
    assert listener.skips["child"].detail == "elsewhere has never run"
    done = JobState("elsewhere", first_run=START, last_run=START, last_success=START)
    sim.store.states["elsewhere"] = done
    sim.tick(START + MINUTE)
    assert ran(sim) == ["child"]


def test_a_class_that_moved_keeps_what_is_remembered_of_it() -> None:
    before, after = app("a"), app("a")
    after.__qualname__ = "Moved"
    sim, _ = simulation({before: "1h"})
    sim.tick()
    moved = Simulation({after: "1h"}, START + MINUTE)
    moved.store.states.update(sim.states)
    moved.tick()
    assert ran(moved) == []
    assert moved.states["a"].class_path == f"{__name__}.Moved"
    moved.tick(START + HOUR)
    assert ran(moved) == ["a"]


def test_a_main_that_does_not_yield_its_slot_is_a_failure() -> None:
    def main(self: Any, slots: Iterator[datetime]) -> Iterator[datetime]:
        yield from ()

    sim, _ = simulation({app("a", main=main): "5m", app("b"): "5m"})
    sim.tick()
    error = sim.states["a"].last_error
    assert error
    assert "has to yield each slot" in error.value
    assert ran(sim) == ["a", "b"]


def test_a_main_that_yields_what_it_never_took_is_a_failure() -> None:
    def main(self: Any, slots: Iterator[datetime]) -> Iterator[datetime]:
        while True:
            yield START

    sim, _ = simulation({app("a", main=main): "5m"})
    sim.tick()
    assert sim.log[0].outcome is Outcome.FAILED


def test_what_main_raises_after_its_work_was_recorded_is_told_and_harms_nothing() -> None:
    def main(self: Any, slots: Iterator[datetime]) -> Iterator[datetime]:
        try:
            yield from slots
        finally:
            raise RuntimeError("too late")

    sim, listener = simulation({app("a", main=main): "5m"})
    sim.tick()
    assert sim.log[0].outcome is Outcome.SUCCEEDED
    assert "too late" in listener.troubles[0]


def test_a_job_that_goes_elsewhere_does_not_take_the_others_along(tmp_path: Any) -> None:
    where: list[Path] = []

    def leave(self: Any) -> None:
        os.chdir(tmp_path)

    def look(self: Any) -> None:
        where.append(Path.cwd())

    home = Path.cwd()
    sim, _ = simulation({app("leaves", leave): "5m", app("stays", look): "5m"})
    sim.tick()
    assert where == [home]


def test_a_broken_reporter_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Reporter):
        def started(self, job: JobSpec, run: Run) -> None:
            raise RuntimeError("no")

    sim, listener = simulation({app("a"): "5m"})
    sim.reporter = Reporters(lambda: [Broken(), listener])
    sim.tick()
    assert ran(sim) == ["a"]
    assert "Broken" in caplog.text


def test_a_claim_tells_who_has_it() -> None:
    assert str(Claim("db1", 42, 7, START)) == "process 42 on db1"
