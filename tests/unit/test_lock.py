"""A job whose lock another one has: skipped with the reason, and tried again by the next tick."""

from crontabber.errors import ExitCode
from crontabber.mixins import as_backfill_cron_app
from crontabber.schedule.model import Claim, JobState, Skip, SkipReason
from crontabber.testing import MemoryStore, Simulation
from tests.unit.test_tick import MINUTE, START, app, ran, simulation


def occupied(sim: Simulation) -> MemoryStore:
    """Another session runs a job with the lock."""
    other = sim.store.another_session()
    claim = Claim("there", 1, 2, START)
    assert other.claim(JobState("z", ongoing=START, claim=claim), (), "warehouse")
    return other


def test_it_is_skipped_and_the_others_run_and_the_next_tick_tries_again() -> None:
    """trap: the tick stopped at the first job that it could not have"""
    sim, listener = simulation({app("a", lock="warehouse"): "5m", app("b"): "5m"})
    other = occupied(sim)
    assert sim.tick() == ExitCode.ONGOING
    assert ran(sim) == ["b"]
    assert listener.skips["a"] == Skip(SkipReason.LOCKED, "'warehouse', by another job")
    assert sim.states["a"].ongoing is None
    other.close()
    assert sim.tick(START + MINUTE) == ExitCode.OK
    assert ran(sim) == ["b", "a"]


def test_the_first_date_of_a_new_job_is_not_lost_meanwhile() -> None:
    fill = as_backfill_cron_app(app("a", lock="warehouse"))
    sim, _ = simulation({fill: "5m"})
    other = occupied(sim)
    sim.tick()
    other.close()
    sim.tick(START + 7 * MINUTE)
    assert sim.slots("a") == [START, START + 5 * MINUTE]


def test_jobs_with_one_lock_run_one_after_the_other_in_one_tick() -> None:
    sim, _ = simulation({app(name, lock="warehouse"): "5m" for name in ("a", "b", "c")})
    assert sim.tick() == ExitCode.OK
    assert ran(sim) == ["a", "b", "c"]


def test_its_children_wait_for_it() -> None:
    sim, listener = simulation({app("a", lock="warehouse"): "5m", app("b", depends_on="a"): "5m"})
    occupied(sim)
    sim.tick()
    assert ran(sim) == []
    assert listener.skips["b"].reason is SkipReason.BLOCKED
