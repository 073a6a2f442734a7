"""Days of ticks with all that disturbs them, on a clock that the test moves."""

import random
from collections import Counter
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from crontabber.base import BaseCronApp
from crontabber.mixins import as_backfill_cron_app
from crontabber.testing import Simulation

DAYS = 2
START = datetime(2026, 10, 24, tzinfo=timezone.utc)  # clocks are set back on the 25th
END = START + timedelta(days=DAYS)
MINUTE = timedelta(minutes=1)


class Jobs:
    """Jobs that take their time, some of which fail now and then, and a world to run them in."""

    def __init__(self, seed: int, run_time: float, failing: float) -> None:
        self.random = random.Random(seed)
        self.run_time, self.failing = run_time, failing
        self.sim: Simulation
        self.ticks = 0

    def app(self, name: str, *, backfill: bool) -> type:
        def run(app: Any, *date: datetime) -> None:
            self.sim.clock.advance(timedelta(seconds=self.random.random() * self.run_time))
            if self.random.random() < self.failing:
                raise OSError("a bad day")

        cls = type(name.title(), (BaseCronApp,), {"app_name": name, "run": run, "__module__": "m"})
        return as_backfill_cron_app(cls) if backfill else cls

    def days(self, *, backfill: bool, outages: bool = False) -> Simulation:
        """Ticks every five minutes, each of them up to 0.9 s late, as cron is."""
        names = {"minutes": "5m", "hours": "1h", "days": "1d|02:00"}
        jobs = {self.app(name, backfill=backfill): when for name, when in names.items()}
        self.sim = Simulation(jobs, START, "Europe/Berlin")
        at, up_again = START, START
        while at <= END:
            if outages and self.random.random() < 0.01:
                up_again = at + timedelta(hours=self.random.random() * 30)
            if at >= up_again:
                jitter = timedelta(seconds=self.random.random() * 0.9)
                self.ticks += 1
                self.sim.tick(max(at + jitter, self.sim.clock.now()))
            at += 5 * MINUTE
        return self.sim


def expected(step: timedelta) -> list[datetime]:
    return [START + n * step for n in range((END - START) // step + 1)]


def two_in_the_morning() -> list[datetime]:
    """2:00 in Berlin: midnight in UTC in summer; on the 25th, when it comes twice, the first."""
    slots = []
    for day in range(DAYS + 1):
        summer = START + timedelta(days=day) <= datetime(2026, 10, 25, tzinfo=timezone.utc)
        slots.append(START + timedelta(days=day, hours=0 if summer else 1))
    return [slot for slot in slots if slot <= END]


EXPECTED = {
    "minutes": expected(5 * MINUTE),
    "hours": expected(60 * MINUTE),
    "days": two_in_the_morning(),
}


@pytest.mark.parametrize("backfill", [False, True], ids=["ordinary", "backfill"])
def test_every_slot_of_two_days_runs_once_although_cron_jitters(backfill: bool) -> None:
    """trap: a 5m job under */5 with 0-0.9 s jitter ran 20 times in 30 ticks"""
    sim = Jobs(seed=1, run_time=20, failing=0).days(backfill=backfill)
    for name, slots in EXPECTED.items():
        assert sim.slots(name) == slots, name


@pytest.mark.parametrize("seed", range(1))
def test_outages_and_failures_cost_a_backfill_app_no_slot_and_give_it_none_twice(
    seed: int,
) -> None:
    """trap: a backfill job failing since its first run ran for "now" only: dates were lost"""
    jobs = Jobs(seed, run_time=3, failing=0.05)
    sim = jobs.days(backfill=True, outages=True)
    assert any(run.error for run in sim.log)
    jobs.failing = 0
    sim.tick(END)
    sim.tick(END + 5 * MINUTE)
    for name, slots in EXPECTED.items():
        done = [slot for slot in sim.slots(name) if slot <= END]
        assert done == slots, name


@pytest.mark.parametrize("seed", range(1))
def test_an_ordinary_job_never_runs_a_slot_twice_and_none_out_of_order(seed: int) -> None:
    jobs = Jobs(seed, run_time=40, failing=0.05)
    sim = jobs.days(backfill=False, outages=True)
    for name, slots in EXPECTED.items():
        done = sim.slots(name)
        assert max(Counter(done).values()) == 1
        assert done == sorted(done)
        assert set(done) <= set(slots), name
    in_every_tick = [run for run in sim.log if run.app_name == "minutes"]
    assert len(in_every_tick) == jobs.ticks
