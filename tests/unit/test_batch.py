"""The jobs of one tick: what stops them all, which goes last, and what the tick exits with."""

from typing import Any

import pytest

from crontabber.errors import DatabaseUnavailable, ExitCode, StoreError
from crontabber.schedule.model import LastError, Outcome
from crontabber.schedule.transition import CRASHED
from crontabber.testing import MemoryStore, Simulation
from tests.unit.test_tick import HOUR, MINUTE, START, app, crash, ran, simulation


def refusing(error: Exception) -> tuple[Simulation, list[str]]:
    """Two jobs, and a store that refuses the claim of the first; and who asked for one."""
    asked: list[str] = []

    class Refusing(MemoryStore):
        def claim(self, wanted: Any, parents: Any, lock: Any = None) -> Any:
            asked.append(wanted.app_name)
            if wanted.app_name == "a":
                raise error
            return super().claim(wanted, parents, lock)

    sim, _ = simulation({app("a"): "5m", app("b"): "5m"})
    sim.store.__class__ = Refusing
    return sim, asked


def test_without_a_database_the_rest_is_not_even_tried() -> None:
    """trap: each job waited for a server that was not there"""
    sim, asked = refusing(DatabaseUnavailable("cannot use the database"))
    with pytest.raises(DatabaseUnavailable):
        sim.tick()
    assert asked == ["a"]


def test_what_the_store_cannot_do_for_one_job_does_not_stop_the_others() -> None:
    sim, asked = refusing(StoreError("the tables cannot be used"))
    assert sim.tick() == ExitCode.ERROR
    assert asked == ["a", "b"]
    assert ran(sim) == ["b"]


def test_a_claim_that_was_taken_and_could_not_be_used_is_given_back() -> None:
    """trap: the job stayed claimed until the tick ended, which may take hours"""

    class Half(MemoryStore):
        def claim(self, wanted: Any, parents: Any, lock: Any = None) -> Any:
            claimed = super().claim(wanted, parents, lock)
            if wanted.app_name == "a":
                raise StoreError("the row cannot be read")
            return claimed

    sim, _ = simulation({app("a"): "5m"})
    sim.store.__class__ = Half
    assert sim.tick() == ExitCode.ERROR
    assert sim.store.claimed(["a"]) == set()


def test_a_job_that_crashed_in_an_earlier_tick_goes_last_too() -> None:
    """trap: one that takes its process down each time starved the rest"""
    sim, _ = simulation({app("killer"): "1h", app("other"): "1h"})
    sim.tick()
    crashed = sim.states["killer"]._replace(last_error=LastError(CRASHED, "", ""), error_count=2)
    sim.store.states["killer"] = crashed
    sim.tick(START + HOUR)
    assert ran(sim) == ["killer", "other", "other", "killer"]


def test_a_crash_that_is_only_recorded_is_no_race() -> None:
    """The second in a row waits: nothing is run, and the tick has done all that it should."""
    sim, listener = simulation({app("killer"): "1d"})
    sim.tick()
    state = sim.states["killer"]._replace(last_error=LastError(CRASHED, "", ""), error_count=1)
    sim.store.states["killer"] = state
    crash(sim, "killer")
    assert sim.tick(START + MINUTE) == ExitCode.OK
    assert [run.outcome for run in sim.log[1:]] == [Outcome.CRASHED]
    assert listener.errors == [None]
