"""What people ask of a job by hand: when it runs next, and that it is tried again."""

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from crontabber.errors import ConfigError, JobOngoingError
from crontabber.mixins import as_backfill_cron_app
from crontabber.schedule.findings import Status
from crontabber.schedule.health import judge
from crontabber.schedule.model import JobSpec, JobState
from crontabber.schedule.moments import parse_moment
from crontabber.testing import Simulation
from crontabber.tick.marking import run_next_at, try_again
from crontabber.views.listing import listing
from tests.unit.schedules import job
from tests.unit.test_retry import failing
from tests.unit.test_tick import HOUR, MINUTE, START, app, crash, simulation


def slots(sim: Simulation) -> list[tuple[int, int]]:
    """When each run began, and its slot, in minutes."""
    return [((run.started - START) // MINUTE, (run.slot - START) // MINUTE) for run in sim.log]


def spec(cls: type, schedule: str, **more: Any) -> JobSpec:
    return job(schedule, cls.app_name)._replace(**more)  # type: ignore[attr-defined]


def set_next(sim: Simulation, one: JobSpec, moment: datetime) -> JobState:
    now = sim.clock.now()
    return run_next_at(sim.store, one, sim.states.get(one.app_name), moment, now)


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        # earlier: a run more, about its own minute
        (20, [(0, 0), (20, 20), (60, 60), (120, 120)]),
        # later: the slot that it passes is not run before
        (90, [(0, 0), (90, 60), (120, 120)]),
        (60, [(0, 0), (60, 60), (120, 120)]),
        # it has passed: now
        (-60, [(0, 0), (5, 5), (60, 60), (120, 120)]),
    ],
)
def test_a_job_runs_next_when_it_is_told_to_and_then_as_planned(
    minutes: int, expected: list[tuple[int, int]]
) -> None:
    cls = app("a")
    sim, _ = simulation({cls: "1h"})
    sim.tick()
    before = sim.states["a"]
    after = set_next(sim, spec(cls, "1h"), START + minutes * MINUTE)
    assert after.next_slot == before.next_slot == START + HOUR
    assert sim.states["a"] == after
    sim.clock.advance(5 * MINUTE)
    sim.run(START + 2 * HOUR)
    assert slots(sim) == expected


def test_a_job_that_never_ran_waits_until_then() -> None:
    cls = app("a")
    sim, _ = simulation({cls: "1h"})
    after = set_next(sim, spec(cls, "1h"), START + 30 * MINUTE)
    assert (after.first_run, after.last_run, after.ongoing) == (None, None, None)
    sim.run(START + HOUR)
    assert [began for began, _ in slots(sim)] == [30, 60]
    assert sim.states["a"].first_run == START + 30 * MINUTE


def test_a_failed_job_waits_until_then_too() -> None:
    cls = failing()
    sim, _ = simulation({cls: "1d"})
    sim.tick()
    set_next(sim, spec(cls, "1d"), START + 30 * MINUTE)
    sim.run(START + 40 * MINUTE)
    assert [began for began, _ in slots(sim)] == [0, 30, 35, 40]


@pytest.mark.parametrize(
    "act", [set_next, lambda sim, one, _: try_again(sim.store, one, None, START)]
)
def test_a_job_that_is_running_is_left_alone(act: Any) -> None:
    cls = app("a")
    sim, _ = simulation({cls: "1h"})
    sim.tick()
    other = sim.store.another_session()
    marked = sim.states["a"]._replace(ongoing=START, claim=other.holder(START))
    other.claim(marked, ())
    running = sim.states["a"]
    with pytest.raises(JobOngoingError, match="a is running"):
        act(sim, spec(cls, "1h"), START)
    assert sim.states["a"] == running


def test_a_run_that_crashed_is_left_to_the_next_tick() -> None:
    cls = app("a")
    sim, _ = simulation({cls: "1h"})
    sim.tick()
    crash(sim, "a")
    crashed = sim.states["a"]
    with pytest.raises(JobOngoingError, match="or it crashed, and the next tick runs it again"):
        set_next(sim, spec(cls, "1h"), START + 30 * MINUTE)
    assert sim.states["a"] == crashed


def test_a_time_that_no_clock_in_utc_shows_is_refused() -> None:
    for text in ("0001-01-01T00:00+14:00", "9999-12-31T23:59-12:00"):
        with pytest.raises(ConfigError, match="is not a time"):
            parse_moment(text, timezone.utc)


# -- a backfill app that gave up ----------------------------------------------------------


@pytest.fixture
def stuck() -> tuple[Simulation, JobSpec, list[bool]]:
    """One that gave up on its first date, three hours ago; and whether it is broken still."""
    broken = [True]

    def run(self: Any, date: datetime) -> None:
        if broken:
            raise OSError("no")

    fill = as_backfill_cron_app(app("fill", run, retry=2))
    sim, _ = simulation({fill: "1h"})
    sim.run(START + 3 * HOUR)
    assert len(sim.log) == 2
    return sim, spec(fill, "1h", backfill=True), broken


def test_it_goes_on_with_its_date_when_it_is_told_to(stuck: Any) -> None:
    sim, one, broken = stuck
    broken.clear()
    try_again(sim.store, one, sim.states["fill"], sim.clock.now())
    sim.tick()
    assert [slot for _, slot in slots(sim)] == [0, 0, 0, 60, 120, 180]
    assert sim.states["fill"].last_error is None


def test_it_has_all_its_attempts_again(stuck: Any) -> None:
    sim, one, _ = stuck
    try_again(sim.store, one, sim.states["fill"], sim.clock.now())
    sim.run(START + 5 * HOUR)
    assert [began for began, _ in slots(sim)] == [0, 5, 180, 185]
    assert sim.states["fill"].gave_up


def test_nagios_and_the_listing_say_that_it_gave_up(stuck: Any) -> None:
    sim, one, _ = stuck
    [finding] = judge([one], sim.states, sim.clock.now()).findings
    assert finding.status is Status.CRITICAL
    assert finding.parts == (
        "gave up on 2026-11-21 03:00:00 UTC after 2 attempts",
        "<class 'OSError'>",
        "no",
    )
    text = listing([one], sim.states, sim.clock.now())
    assert "Gave up on:     2026-11-21 03:00:00  (3 hours ago), after 2 attempts\n" in text
    assert "To go on:       crontabber --retry=fill\n" in text
    assert "Next run:" not in text


def test_an_app_that_is_backfill_no_more_is_not_held(stuck: Any) -> None:
    sim, one, _ = stuck
    plain = one._replace(backfill=False)
    assert "Next run:" in listing([plain], sim.states, sim.clock.now())
    assert judge([plain], sim.states, sim.clock.now()).findings[0].parts == (
        "<class 'OSError'>",
        "no",
    )


def test_a_job_that_failed_is_tried_by_the_next_tick() -> None:
    cls = failing(retry=1)
    sim, _ = simulation({cls: "1d"})
    sim.tick()
    sim.tick(START + 30 * MINUTE)
    assert len(sim.log) == 1
    try_again(sim.store, spec(cls, "1d"), sim.states["a"], sim.clock.now())
    sim.tick()
    assert len(sim.log) == 2
    assert sim.states["a"].next_run == START + timedelta(days=1)
