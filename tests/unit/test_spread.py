"""``spread``: how long after its slot a job begins, by its name."""

import subprocess
import sys
from collections import Counter

import pytest

from crontabber.base import BaseCronApp
from crontabber.schedule.calendar import next_slot
from crontabber.schedule.decide import case_of, decide
from crontabber.schedule.explain import map_checks
from crontabber.schedule.model import Replan, RunNow, Skip, SkipReason
from crontabber.schedule.plan import Plan, plan
from crontabber.schedule.spread import offset_of
from crontabber.schedule.transition import noticed, succeeded
from crontabber.testing import Simulation
from tests.unit.schedules import DAY, HOUR, MINUTE, SECOND, at, job, waiting

SLOT = at("2026-11-21 03:00")
SPREAD = 10 * MINUTE


def test_a_thousand_jobs_begin_evenly_within_the_spread():
    names = [f"backup-web{number}" for number in range(1000)]
    offsets = [offset_of(job("1d|03:00", name, spread=SPREAD), SLOT) for name in names]
    assert all(0 * SECOND <= offset < SPREAD for offset in offsets)
    each_minute = Counter(offset // MINUTE for offset in offsets)
    assert len(each_minute) == 10
    assert min(each_minute.values()) > 60


def test_the_offset_of_a_name_is_the_same_in_every_process():
    code = (
        "from tests.unit.test_spread import *\n"
        "print(offset_of(job('1d|03:00', 'backup', spread=SPREAD), SLOT).total_seconds())"
    )
    command = [sys.executable, "-c", code]
    said = {
        subprocess.run(
            command,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in "12"
    }
    here = offset_of(job("1d|03:00", "backup", spread=SPREAD), SLOT)
    assert said == {f"{here.total_seconds()}\n"}
    assert here > SECOND


def test_it_moves_when_a_slot_is_due_and_never_the_slot():
    spec = job("1d|03:00", spread=SPREAD)
    offset = offset_of(spec, SLOT)
    state = waiting(spec, SLOT)
    too_early = SLOT + offset - SECOND
    skip = decide(spec, state, {}, too_early)
    assert isinstance(skip, Skip)
    assert skip.reason is SkipReason.NOT_DUE
    assert str(SLOT + offset) in skip.detail
    due = SLOT + offset
    assert decide(spec, state, {}, due) == RunNow()
    planned = plan(spec, state, due)
    assert planned.slot_at(spec, state, due) == SLOT
    after = succeeded(spec, state, SLOT, due, due)
    assert (after.next_slot, after.next_run) == (SLOT + DAY, SLOT + DAY)


def test_a_new_job_is_spread_too():
    spec = job("1d|03:00", spread=SPREAD)
    state = noticed(spec, SLOT)
    assert (state.next_slot, state.next_run) == (SLOT, SLOT)
    assert plan(spec, None, SLOT).due_at(spec) == SLOT + offset_of(spec, SLOT)


@pytest.mark.parametrize("schedule", ["5m", "1h|:05", "*/5 * * * *"])
def test_a_spread_that_is_longer_than_the_period_passes_over_no_slot(schedule):
    spec = job(schedule, spread=3 * HOUR)
    slot = SLOT + 5 * MINUTE
    due = slot + offset_of(spec, slot)
    assert due < next_slot(spec.schedule, slot, spec.zone)
    assert plan(spec, waiting(spec, slot), due).slot_at(spec, waiting(spec, slot), due) == slot


def test_a_retry_and_what_a_person_set_are_not_put_off():
    spec = job("1d|03:00", spread=SPREAD)
    for when in (SLOT + MINUTE, SLOT - HOUR):
        assert Plan(when, SLOT).due_at(spec) == when


def test_the_last_of_the_open_dates_waits_for_its_offset():
    spec = job("1h", spread=30 * MINUTE, backfill=True)
    offset = offset_of(spec, SLOT)
    state = waiting(spec, SLOT, ongoing=SLOT + HOUR + offset)
    early = succeeded(spec, state, SLOT, SLOT + HOUR, horizon=SLOT + HOUR + offset - SECOND)
    assert (early.ongoing, early.next_slot) == (None, SLOT + HOUR)
    late = succeeded(spec, state, SLOT, SLOT + HOUR, horizon=SLOT + HOUR + offset)
    assert late.ongoing


def test_without_a_spread_a_job_is_due_at_its_slot():
    assert plan(job("1d|03:00"), None, SLOT).due_at(job("1d|03:00")) == SLOT


def test_a_job_that_waits_for_its_offset_costs_no_write():
    """The row does not know of the spread: the class is looked at, and nothing is written."""

    class Backup(BaseCronApp):
        app_name = "backup"
        spread = "10m"

        def run(self):
            pass

    sim = Simulation({Backup: "1d|03:00"}, SLOT - HOUR)
    due = SLOT + offset_of(job("1d|03:00", "backup", spread=SPREAD), SLOT)
    for moment in (SLOT - HOUR, SLOT, due - SECOND):
        sim.tick(moment)
        before = sim.states["backup"]
        sim.tick(moment)
        assert sim.states["backup"] is before
        assert sim.log == []
    sim.tick(due)
    assert sim.slots("backup") == [SLOT]
    assert sim.states["backup"].next_slot == SLOT + DAY


@pytest.mark.parametrize("backfill", [False, True])
def test_what_its_spread_puts_off_is_not_too_late_before_it_can_begin(backfill):
    """A job whose too_late is shorter than its spread never ran, and nothing said so."""
    spec = job("1d|03:00", spread=4 * HOUR, too_late=5 * MINUTE, backfill=backfill)
    due = SLOT + offset_of(spec, SLOT)
    assert due > SLOT + 10 * MINUTE
    assert decide(spec, waiting(spec, SLOT), {}, due) == RunNow()
    assert decide(spec, waiting(spec, SLOT), {}, due + 5 * MINUTE) == RunNow()
    assert isinstance(decide(spec, waiting(spec, SLOT), {}, due + 6 * MINUTE), Replan)


@pytest.mark.parametrize("row", [None, waiting(job("1d|03:00", spread=SPREAD), SLOT)])
def test_it_is_said_that_a_spread_puts_a_job_off(row):
    """trap: it said that a person had set the time"""
    spec = job("1d|03:00", spread=SPREAD)
    case = case_of(spec, row, {}, SLOT)
    [said] = [check for check in map_checks(case) if not check.ok]
    assert (said.reason, said.until) == ("its spread delays it", SLOT + offset_of(spec, SLOT))
