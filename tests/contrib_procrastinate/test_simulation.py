"""A day of few jobs on few workers, as ``python -m benchmarks.simulation`` has it of many."""

from datetime import timedelta

import pytest

from benchmarks.simulation import DAY, Options, World, simulate

FEW = Options(150, 5, timedelta(hours=1), failing=0.1, killed=0.05, seed=815)


def test_a_day_of_failures_loses_nothing() -> None:
    account = simulate(FEW)
    promises = ("lost", "done twice", "done before its parent")
    assert {what: account[what] for what in promises} == dict.fromkeys(promises, 0)
    assert account["runs that failed, and were tried again"]
    assert account["workers killed in a run, which was run again"]


def test_a_child_that_does_not_wait_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crontabber.tick.claim.wait_of", lambda *of: None)
    monkeypatch.setattr("crontabber.schedule.decide.wait_of", lambda *of: None)
    world = World(FEW)
    world.at(timedelta(0), world.tick)
    world.run(DAY)
    assert world.count["before its parent"]
