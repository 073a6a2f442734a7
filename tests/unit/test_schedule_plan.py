"""What a job waits for: as remembered, inherited from 0.18, edited, or by a wrong clock."""

from typing import Any

import pytest

from crontabber.schedule.model import JobState, Replan
from crontabber.schedule.plan import Plan, in_force, plan, replanned
from crontabber.schedule.transition import succeeded
from tests.unit.schedules import DAY, ERROR, HOUR, MINUTE, SECOND, at, claim, job, waiting

NOW = at("2026-11-21 12:03:20")


# -- new jobs ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schedule", "slot"),
    [
        ("5m", "2026-11-21 12:03"),
        ("1d", "2026-11-21 12:03"),
        ("1d|03:00", "2026-11-21 03:00"),
        ("3d|23:00", "2026-11-21 23:00"),
    ],
)
@pytest.mark.parametrize("backfill", [False, True])
def test_a_new_job_waits_for_nothing_or_for_its_time_today(schedule, slot, backfill):
    new = plan(job(schedule, backfill=backfill), None, NOW)
    assert new == Plan(at(slot), at(slot))
    assert new.due_at(job(schedule, backfill=backfill)) == at(slot)
    about = NOW.replace(second=0) if at(slot) > NOW else at(slot)
    assert new.slot_at(job(schedule, backfill=backfill), None, NOW) == about


@pytest.mark.parametrize(
    ("schedule", "start", "slot"),
    [
        ("1d|03:00", "2026-11-01 00:00", "2026-11-01 03:00"),
        ("1d|03:00", "2026-11-01 03:00", "2026-11-01 03:00"),
        ("1d|03:00", "2026-11-01 03:01", "2026-11-02 03:00"),
        ("2h", "2026-11-01 00:00", "2026-11-01 00:00"),
        ("mon..fri|03:00", "2026-11-01 00:00", "2026-11-02 03:00"),  # the first is a Sunday
        ("1d|03:00", "2026-12-01 00:00", "2026-12-01 03:00"),
    ],
)
def test_the_dates_of_a_backfill_app_begin_at_its_start(schedule, start, slot):
    zone = "Asia/Tokyo"
    spec = job(schedule, zone=zone, backfill=True, start=at(start, zone))
    expected = Plan(at(slot, zone), at(slot, zone))
    assert plan(spec, None, NOW) == expected
    # a row that knows of no run says nothing else
    asked = waiting(spec, at("2026-11-21 12:00"))
    assert plan(spec, asked, NOW) == expected
    for ran in (asked._replace(last_run=NOW), asked._replace(last_success=NOW)):
        assert plan(spec, ran, NOW).slot == at("2026-11-21 12:00")
    claimed = asked._replace(ongoing=NOW, claim=claim(NOW))
    assert plan(spec, claimed, NOW).slot == at("2026-11-21 12:00")
    plain = spec._replace(backfill=False)
    assert plan(plain, None, NOW) == plan(plain._replace(start=None), None, NOW)


# -- the slot of a run ---------------------------------------------------------


@pytest.mark.parametrize(
    ("schedule", "slot", "ordinary", "backfill"),
    [
        ("5m", "2026-11-21 12:00", "2026-11-21 12:00", "2026-11-21 12:00"),
        ("5m", "2026-11-21 11:31", "2026-11-21 12:01", "2026-11-21 11:31"),
        ("1d|02:00", "2026-11-18 02:00", "2026-11-21 02:00", "2026-11-18 02:00"),
        ("3d|02:00", "2026-11-17 02:00", "2026-11-20 02:00", "2026-11-17 02:00"),
    ],
)
def test_a_job_without_backfill_runs_once_for_all_that_it_missed(
    schedule, slot, ordinary, backfill
):
    for spec, expected in [(job(schedule), ordinary), (job(schedule, backfill=True), backfill)]:
        state = waiting(spec, at(slot))
        planned = plan(spec, state, NOW)
        assert planned == Plan(at(slot), at(slot))
        assert planned.slot_at(spec, state, NOW) == at(expected)


def test_a_run_ahead_of_the_plan_is_about_this_minute():
    spec = job("1d|23:00")
    state = waiting(spec, at("2026-11-21 23:00"), next_run=NOW)
    planned = plan(spec, state, NOW)
    assert planned.due_at(spec) == NOW
    assert planned.slot_at(spec, state, NOW) == at("2026-11-21 12:03")


def test_a_backfill_app_is_never_given_a_date_of_the_future():
    """Not even when a person sets next_run by hand."""
    spec = job("1d|23:00", backfill=True)
    state = waiting(spec, at("2026-11-21 23:00"), next_run=NOW)
    assert plan(spec, state, NOW).due_at(spec) == at("2026-11-21 23:00")


def test_a_retry_moves_when_to_try_and_not_what():
    spec = job("1d|03:00", backfill=True)
    state = waiting(spec, at("2026-11-18 03:00"), next_run=NOW + MINUTE, last_error=ERROR)
    assert plan(spec, state, NOW) == Plan(NOW + MINUTE, at("2026-11-18 03:00"))


# -- rows of crontabber 0.18, which have no slot -------------------------------


def old(spec, **fields):
    """A row as an older crontabber wrote it."""
    given: dict[str, Any] = {n: v and at(v) for n, v in fields.items()}
    return JobState(spec.app_name, **given)


@pytest.mark.parametrize(
    ("fields", "when", "slot"),
    [
        # its next_run has seconds; ours lie on whole minutes
        (
            {"last_run": "2026-11-21 11:00:07.3", "next_run": "2026-11-21 12:00:07.3"},
            "2026-11-21 12:00:07.3",
            "2026-11-21 12:00",
        ),
        # trap: a row with neither next_run nor ongoing was never due again
        ({"last_run": "2026-11-20 11:00:07"}, "2026-11-21 12:03", "2026-11-21 12:03"),
        ({}, "2026-11-21 12:03", "2026-11-21 12:03"),
    ],
)
def test_an_inherited_job_goes_on_where_it_stood(fields, when, slot):
    """trap: a row with neither `next_run` nor `ongoing` was never due again."""
    spec = job("1h")
    assert plan(spec, old(spec, **fields), NOW) == Plan(at(when), at(slot))


@pytest.mark.parametrize(
    ("schedule", "fields", "when", "slot"),
    [
        # halfway: the slot after the last that succeeded, however long ago
        (
            "1d",
            {
                "first_run": "2026-11-01 03:00:05",
                "last_run": "2026-11-21 12:00:01",
                "last_success": "2026-11-17 03:00:05",
                "next_run": "2026-11-21 12:05:01",
            },
            "2026-11-21 12:05:01",
            "2026-11-18 03:00",
        ),
        # never succeeded: the date of the first run
        (
            "1d",
            {"first_run": "2026-11-18 03:00:05", "next_run": "2026-11-21 12:05:01"},
            "2026-11-21 12:05:01",
            "2026-11-18 03:00",
        ),
        (
            "1d|03:00",
            {"first_run": "2026-11-18 08:10:05", "next_run": "2026-11-21 12:05:01"},
            "2026-11-21 12:05:01",
            "2026-11-18 03:00",
        ),
        # a time that was edited since must not make the date one of the future
        (
            "1d|23:00",
            {"first_run": "2026-11-18 08:10:05", "next_run": "2026-11-21 12:05:01"},
            "2026-11-21 12:05:01",
            "2026-11-18 08:10",
        ),
        # neither next_run nor a run that is known
        ("1h", {}, "2026-11-21 12:03", "2026-11-21 12:03"),
        ("1h", {"last_success": "2026-11-21 10:00"}, "2026-11-21 11:00", "2026-11-21 11:00"),
    ],
)
def test_an_inherited_backfill_app_keeps_its_dates(schedule, fields, when, slot):
    """trap: a backfill app failing since its first run for three days ran for now only."""
    spec = job(schedule, backfill=True)
    state = old(spec, **fields)
    planned = plan(spec, state, NOW)
    assert planned == Plan(at(when), at(slot))
    assert planned.slot_at(spec, state, NOW) == at(slot)


@pytest.mark.parametrize(
    ("backfill", "fields", "slot"),
    [
        (False, {}, "2026-11-21 03:00"),
        (True, {"last_success": "2026-11-20 18:00:05"}, "2026-11-22 03:00"),
        (True, {"first_run": "2026-11-18 08:10:05"}, "2026-11-18 03:00"),
    ],
)
def test_the_slots_of_an_inherited_job_are_those_of_its_zone(backfill, fields, slot):
    spec = job("1d|03:00", zone="Asia/Tokyo", backfill=backfill)
    expected = at(slot, "Asia/Tokyo")
    assert plan(spec, old(spec, **fields), NOW) == Plan(expected, expected)


# -- edited schedules ----------------------------------------------------------


def edited(before, after, **state):
    """The job after the edit, and its state, which was made before."""
    fields = {name: at(value) for name, value in state.items()}
    return after, waiting(before, fields.pop("next_slot"), **fields)


@pytest.mark.parametrize(
    ("before", "after", "done", "slot", "expected"),
    [
        # shorter: from now on, counted from the last run
        ("7d", "5m", "2026-11-18 12:00", "2026-11-25 12:00", "2026-11-21 12:05"),
        ("7d", "1h", "2026-11-18 12:30", "2026-11-25 12:30", "2026-11-21 12:30"),
        ("7d", "1d|03:00", "2026-11-18 12:30", "2026-11-25 12:30", "2026-11-22 03:00"),
        # longer
        ("5m", "7d", "2026-11-21 12:00", "2026-11-21 12:05", "2026-11-28 12:00"),
        # another time: what has passed today is not run at once
        ("1d|23:00", "1d|03:00", "2026-11-20 23:00", "2026-11-21 23:00", "2026-11-22 03:00"),
        ("1d|03:00", "1d|23:00", "2026-11-21 03:00", "2026-11-22 03:00", "2026-11-21 23:00"),
    ],
)
@pytest.mark.parametrize("backfill", [False, True])
def test_an_edited_schedule_counts_at_once_and_starts_nothing(
    before, after, done, slot, expected, backfill
):
    """trap: 7d changed to 5m took effect after up to 7 days."""
    spec, state = edited(
        job(before, backfill=backfill),
        job(after, backfill=backfill),
        next_slot=slot,
        last_run=done,
        last_success=done,
    )
    replan = replanned(spec, state, NOW)
    assert replan
    assert replan.state == state._replace(
        next_run=at(expected), next_slot=at(expected), plan=spec.plan
    )
    assert at(expected) > NOW
    assert replan.why == f"its schedule was {state.plan}, and is now {spec.plan}"
    assert replanned(spec, replan.state, NOW) is None


def test_a_job_that_never_ran_can_be_edited_too():
    spec, state = edited(job("1d|23:00"), job("1d|22:00"), next_slot="2026-11-21 23:00")
    replan = replanned(spec, state, NOW)
    assert replan
    assert replan.state.next_slot == at("2026-11-21 22:00")


@pytest.mark.parametrize(
    ("remembered", "schedule"),
    [("48h|3:00 UTC", "2d|03:00"), ("2d|3:0 UTC", "48h|03:00"), ("3:0 UTC", "1d|03:00")],
)
@pytest.mark.parametrize("backfill", [False, True])
def test_another_form_of_the_same_schedule_is_no_edit(remembered, schedule, backfill):
    """trap: `24h|03:00` was refused; where it is remembered, a `2d` job must not lose its day"""
    spec = job(schedule, backfill=backfill)
    slot = at("2026-11-22 03:00")
    done = {"last_run": NOW, "last_success": NOW}
    state = waiting(spec, slot, **done)._replace(plan=remembered)
    assert in_force(spec, state) == (spec.schedule, spec.zone)
    assert replanned(spec, state, NOW) is None
    after = succeeded(spec, state, slot, slot, slot)
    assert (after.plan, after.next_slot) == (spec.plan, slot + spec.schedule.frequency.period)


def test_another_time_zone_is_another_schedule():
    """The server's zone may be changed; without a time of day it does not matter."""
    spec, state = edited(
        job("1d|03:00"), job("1d|03:00", zone="Europe/Berlin"), next_slot="2026-11-22 03:00"
    )
    replan = replanned(spec, state, NOW)
    assert replan
    assert replan.state.next_slot == at("2026-11-22 03:00", "Europe/Berlin")
    spec, state = edited(job("1d"), job("1d", zone="Europe/Berlin"), next_slot="2026-11-22 03:00")
    assert replanned(spec, state, NOW) is None


def test_an_edited_schedule_counts_from_the_last_success():
    """A run since then was about a slot that was not done."""
    spec, state = edited(
        job("7d"),
        job("2h"),
        next_slot="2026-11-25 12:30",
        last_success="2026-11-21 08:30",
        last_run="2026-11-21 11:10",
    )
    replan = replanned(spec, state, NOW)
    assert replan
    assert replan.state.next_slot == at("2026-11-21 12:30")
    assert replan.why == "its schedule was 7d, and is now 2h"


def test_a_next_run_that_was_set_by_hand_survives_an_edit():
    spec, state = edited(job("7d"), job("1h"), next_slot="2026-11-25 12:30")
    replan = replanned(spec, state._replace(next_run=NOW + MINUTE), NOW)
    assert replan
    assert (replan.state.next_run, replan.state.next_slot) == (NOW + MINUTE, at("2026-11-21 13:03"))


@pytest.mark.parametrize("backfill", [False, True])
def test_slots_that_are_open_are_counted_by_the_schedule_that_made_them(backfill):
    """An edited schedule invents no slots of the past, and forgets none."""
    spec, state = edited(
        job("1d|03:00", backfill=backfill),
        job("5m", backfill=backfill),
        next_slot="2026-11-19 03:00",
    )
    assert replanned(spec, state, NOW) is None
    assert in_force(spec, state) == (job("1d|03:00").schedule, spec.zone)
    slot = plan(spec, state, NOW).slot_at(spec, state, NOW)
    assert slot == at("2026-11-19 03:00" if backfill else "2026-11-21 03:00")
    assert replanned(spec, state._replace(next_slot=NOW), NOW) is None


def test_the_zone_of_the_open_slots_is_that_of_their_schedule():
    spec, state = edited(
        job("1d|03:00", zone="Europe/Berlin"), job("1d|03:00"), next_slot="2026-11-19 02:00"
    )
    schedule, zone = in_force(spec, state)
    assert (str(schedule), str(zone)) == ("1d|03:00", "Europe/Berlin")
    assert plan(spec, state, NOW).slot_at(spec, state, NOW) == at("2026-11-21 02:00")


@pytest.mark.parametrize("text", ["1d|03:00 Nowhere/At_All", "1d|03:00 ../x", "0m", "nonsense", ""])
def test_a_remembered_schedule_that_makes_no_sense_gives_way_to_the_new_one(text):
    spec = job("5m")
    state = waiting(spec, NOW)._replace(plan=text)
    assert in_force(spec, state) == (spec.schedule, spec.zone)


@pytest.mark.parametrize(
    ("last_success", "next_run", "expected"),
    [
        # 7d became 5m while an older crontabber ran it
        ("2026-11-18 12:00:07", "2026-11-25 12:00:07", "2026-11-21 12:05"),
        # nothing was edited; it did not cut to the minute
        ("2026-11-21 12:00:07", "2026-11-21 12:05:07", None),
    ],
)
def test_an_inherited_schedule_may_have_been_edited(last_success, next_run, expected):
    spec = job("5m")
    state = old(spec, last_run=last_success, last_success=last_success, next_run=next_run)
    why = "an older crontabber had an older schedule"
    after = expected and state._replace(
        next_slot=at(expected), next_run=at(expected), plan=spec.plan
    )
    assert replanned(spec, state, NOW) == (after and Replan(after, why))


@pytest.mark.parametrize(
    ("last_run", "next_run", "is_anew"),
    [
        ("2026-11-21 12:00", "2026-11-21 12:06", False),
        ("2026-11-21 12:00", "2026-11-21 12:06:01", True),
        (None, "2026-11-25 12:00", False),  # a job that never ran waits for what was set by hand
        ("2026-11-21 12:00", None, False),
    ],
)
def test_an_inherited_schedule_was_edited_if_it_is_more_than_a_minute_off(
    last_run, next_run, is_anew
):
    spec = job("5m")
    found = replanned(spec, old(spec, last_run=last_run, next_run=next_run), NOW)
    assert (found is not None) is is_anew


def test_an_inherited_schedule_is_looked_at_in_its_zone():
    spec = job("1d|03:00", zone="America/St_Johns")
    state = old(spec, last_run="2026-11-21 06:30:07", next_run="2026-11-22 06:30:07")
    assert replanned(spec, state, NOW) is None


def test_an_inherited_backfill_app_that_failed_keeps_its_retry_and_its_dates():
    spec = job("1m", backfill=True)
    state = old(
        spec,
        first_run="2026-11-18 03:00",
        last_run="2026-11-21 12:03",
        next_run="2026-11-21 12:08",
    )
    assert replanned(spec, state._replace(last_error=ERROR), NOW) is None


# -- clocks that were wrong ----------------------------------------------------

FUTURE = at("2031-05-05 03:00")


@pytest.mark.parametrize("last_success", [at("2026-11-21 11:00:03"), FUTURE - HOUR])
def test_a_next_run_in_the_far_future_is_brought_back(last_success):
    """trap: a clock that was ahead for one tick must not stop a job for years."""
    spec = job("1h")
    state = waiting(spec, FUTURE, last_run=FUTURE - HOUR, last_success=last_success)
    replan = replanned(spec, state, NOW)
    assert replan
    assert replan.state.next_slot
    assert NOW < replan.state.next_slot <= NOW + HOUR
    assert replan.why == "its next run was further away than its schedule can say"
    assert replan.state.next_run == replan.state.next_slot
    assert replanned(spec, replan.state, NOW) is None


@pytest.mark.parametrize(("away", "is_anew"), [(3 * HOUR, False), (3 * HOUR + SECOND, True)])
def test_far_is_more_than_three_periods_away(away, is_anew):
    spec = job("1h")
    assert (replanned(spec, waiting(spec, NOW + away), NOW) is not None) is is_anew


def test_a_clock_that_was_stepped_back_a_little_needs_no_new_plan():
    """It waits for the slot; running at once would run it twice for the same."""
    spec = job("1h")
    state = waiting(spec, at("2026-11-21 14:00"), last_run=at("2026-11-21 13:00:05"))
    assert replanned(spec, state, NOW) is None


def test_a_backfill_app_waits_for_a_clock_that_was_stepped_back():
    """Rather than be given a date again that it has done."""
    spec = job("1h", backfill=True)
    state = waiting(spec, FUTURE, last_run=FUTURE - HOUR, last_success=FUTURE - HOUR)
    assert replanned(spec, state, NOW) is None
    rarely = job("7d", backfill=True)
    replan = replanned(rarely, state, NOW)  # not even an edit may go back
    assert replan
    assert replan.state.next_slot
    assert replan.state.next_slot > FUTURE - HOUR


@pytest.mark.parametrize("backfill", [False, True])
@pytest.mark.parametrize("slot", [NOW - HOUR, None])
def test_a_retry_in_the_far_future_is_brought_back(backfill, slot):
    """A run that failed while the clock was ahead is tried again now, not in years."""
    spec = job("1d", backfill=backfill)
    state = waiting(spec, slot, next_run=FUTURE + 5 * MINUTE, last_run=FUTURE, last_error=ERROR)
    replan = replanned(spec, state, NOW)
    assert replan
    assert replan == Replan(state._replace(next_run=NOW), "its last run was at a time yet to come")
    assert replanned(spec, replan.state, NOW) is None


def test_a_clock_that_is_a_little_ahead_elsewhere_costs_no_retry_its_time():
    """Hosts differ by seconds; a retry at once, again and again, would be no waiting."""
    spec = job("1d")
    ahead = {"last_run": NOW + spec.error_retry, "next_run": NOW + 2 * spec.error_retry}
    state = waiting(spec, NOW - HOUR, last_error=ERROR, **ahead)
    assert replanned(spec, state, NOW) is None
    replan = replanned(spec, state, NOW - SECOND)
    assert replan
    assert replan.state.next_run == NOW - SECOND


def test_an_inherited_run_of_the_future_is_brought_back_too():
    spec = job("1h")
    state = JobState("app", next_run=FUTURE + HOUR, last_run=FUTURE, last_success=FUTURE)
    replan = replanned(spec, state, NOW)
    assert replan
    assert replan.state.next_slot == at("2026-11-21 13:03")


def test_a_job_that_was_put_off_by_hand_stays_put_off():
    """Its last run is of the past, so it was no clock."""
    spec = job("1h")
    state = waiting(spec, NOW - HOUR, next_run=NOW + 30 * DAY, last_run=NOW - HOUR)
    assert replanned(spec, state, NOW) is None
    assert replanned(spec, state._replace(last_error=ERROR), NOW) is None
    assert plan(spec, state, NOW).due_at(spec) == NOW + 30 * DAY


# -- calendars -----------------------------------------------------------------


@pytest.mark.parametrize("schedule", ["mon..fri|03:00", "*/10 8-18 * * mon-fri", "1h|:05", "30m"])
def test_the_open_dates_of_an_edited_job_are_those_of_the_schedule_that_is_remembered(schedule):
    """trap: a cron expression has blanks, as has a plan before its zone."""
    old = job(schedule, zone="Europe/Berlin", backfill=True)
    state = waiting(old, NOW - 7 * DAY)
    schedule_in_force, zone = in_force(job("2d", zone="Europe/Berlin", backfill=True), state)
    assert (schedule_in_force, zone) == (old.schedule, old.zone)
    assert in_force(old, state) == (old.schedule, old.zone)


@pytest.mark.parametrize("schedule", ["mon..fri|03:00", "*/10 8-18 * * mon-fri", "1h|:05"])
def test_a_calendar_is_planned_anew_when_its_zone_is_changed(schedule):
    state = waiting(job(schedule), NOW + HOUR)
    assert replanned(job(schedule), state, NOW) is None
    moved = replanned(job(schedule, zone="Asia/Tokyo"), state, NOW)
    assert moved
    assert moved.state.plan == f"{schedule} Asia/Tokyo"


@pytest.mark.parametrize(
    ("schedule", "slot", "is_too_far"),
    [
        ("mon..fri|03:00", 5 * DAY, False),
        ("mon..fri|03:00", 20 * DAY, True),
        ("1,15,last|03:00", 30 * DAY, False),
        ("0 3 31 1 *", 360 * DAY, False),
        ("*/10 * * * *", 9 * DAY, True),
    ],
)
def test_a_slot_that_is_further_away_than_the_calendar_can_say_is_planned_anew(
    schedule, slot, is_too_far
):
    found = replanned(job(schedule), waiting(job(schedule), NOW + slot), NOW)
    assert (found is not None) is is_too_far
