"""Why a job runs or not: the checks are those of a tick, for any row."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crontabber.schedule.asked import AskedBackfill
from crontabber.schedule.decide import decide
from crontabber.schedule.explain import Held, explain
from crontabber.schedule.findings import Health
from crontabber.schedule.health import judge
from crontabber.schedule.model import JobState, Missed, Pause, Replan, RunNow, Skip, SkipReason
from crontabber.schedule.status import State, statuses
from crontabber.schedule.transition import failed, succeeded
from tests.unit.schedules import DAY, ERROR, HOUR, MINUTE, at, claim, job, waiting

NOW = at("2026-11-21 12:00:01")

CHECK_OF = {
    SkipReason.NOT_DUE: {"schedule", "retry"},
    SkipReason.ONGOING: {"mark"},
    SkipReason.BLOCKED: {"parent"},
    SkipReason.GAVE_UP: {"retry"},
    SkipReason.PAUSED: {"pause"},
}

OFFSETS = [-9999, -1440, -541, -540, -301, -61, -60, -5, -1, 0, 1, 5, 59, 60, 300, 1440, 9999]
moments = st.none() | st.sampled_from(OFFSETS).map(lambda minutes: NOW + minutes * MINUTE)
counts = st.sampled_from(range(4))
pauses = st.none() | st.builds(Pause, st.just(NOW - HOUR), moments, st.just("anna"))


@st.composite
def rows(draw, name="app"):
    """Rows as they may be, sensible or not; those that name a holder are for `crontabber.tick`."""
    plan = draw(st.sampled_from([None, "1h", "1d|03:00 UTC", "7d"]))
    return JobState(
        name,
        next_run=draw(moments),
        next_slot=draw(moments),
        first_run=draw(moments),
        last_run=draw(moments),
        last_success=draw(moments),
        error_count=draw(counts),
        last_error=draw(st.none() | st.just(ERROR)),
        attempts=draw(counts),
        gave_up=draw(st.booleans()),
        ongoing=draw(st.none() | moments),
        plan=plan,
        backfill=draw(st.booleans()),
        pause=draw(pauses),
    )


@st.composite
def cases(draw):
    spec = job(
        draw(st.sampled_from(["5m", "1h", "1d|03:00", "3d"])),
        depends_on=draw(st.sampled_from([(), ("parent",), ("parent", "missing"), ("app",)])),
        backfill=draw(st.booleans()),
        missed=draw(st.none() | st.sampled_from(Missed)),
        too_late=draw(st.none() | st.just(6 * HOUR)),
    )
    row = draw(st.none() | rows())
    parent = draw(st.none() | rows("parent"))
    return spec, row, {state.app_name: state for state in (row, parent) if state}


def explained(spec, states, held=None, now=NOW):
    parents = [job(name=name) for name in states if name != spec.app_name]
    found = statuses([spec, *parents], states, judge([spec, *parents], states, now), now)
    return explain(found[0], found, states, now, held or Held())


patient = settings(suppress_health_check=[HealthCheck.too_slow])
"""The first example takes seconds where other processes have the processors."""


@patient
@given(cases())
def test_explain_says_can_run_now_exactly_when_decide_says_so(case):
    spec, row, states = case
    found = explained(spec, states)
    decision = decide(spec, row, states, NOW)
    replans = 0
    while isinstance(decision, Replan) and replans < 4:  # a tick writes that, and decides again
        row, replans = decision.state, replans + 1
        decision = decide(spec, row, states, NOW)
    assert found.can_run == (decision == RunNow())
    if isinstance(decision, Skip):
        assert {check.name for check in found.checks if not check.ok} & CHECK_OF[decision.reason]


@patient
@given(cases())
def test_what_cannot_run_says_why_and_what_can_needs_no_help(case):
    spec, _, states = case
    found = explained(spec, states)
    assert all(check.reason for check in found.checks)
    assert bool(found.obstacle) != found.can_run
    if found.can_run:
        assert found.commands == []


def named(found, name):
    [check] = [check for check in found.checks if check.name == name]
    return check


def test_a_wait_is_followed_down_to_the_parent_that_failed():
    fetch = job("1d|03:00", "fetch", backfill=True)
    clean = job("1d|03:00", "clean", backfill=True, depends_on=("fetch",))
    report = job("1d|03:00", "report", backfill=True, depends_on=("clean",))
    slot = at("2026-11-21 03:00")
    refused = failed(fetch, waiting(fetch, slot), slot, NOW - MINUTE, ERROR)
    states = {
        "fetch": refused._replace(last_success=slot - DAY),
        "clean": waiting(clean, slot, last_run=slot - DAY, last_success=slot - DAY),
        "report": waiting(report, slot, last_run=slot - DAY, last_success=slot - DAY),
    }
    jobs = [report, clean, fetch]
    found = statuses(jobs, states, judge(jobs, states, NOW), NOW)
    told = explain(found[0], found, states, NOW, Held())
    assert not named(told, "parent").ok
    assert [cause.job.app_name for cause in told.causes] == ["clean", "fetch"]
    assert told.causes[-1].state is State.FAILED
    assert told.not_before == refused.next_run
    assert told.commands == ["--retry=fetch"]


def test_parents_that_wait_for_each_other_are_told_once():
    first, second = job("1h", "a", depends_on=("b",)), job("1h", "b", depends_on=("a",))
    found = statuses([first, second], {}, Health((), judge([], {}, NOW).counts), NOW)
    told = explain(found[0], found, {}, NOW, Held())
    assert [cause.job.app_name for cause in told.causes] == ["b"]


def test_a_lock_that_is_held_stands_in_the_way_and_names_its_holder():
    spec = job("1h", lock="warehouse")
    other = job("1h", "other", lock="warehouse")
    states = {
        "app": waiting(spec, NOW - HOUR, last_run=NOW - HOUR),
        "other": waiting(other, NOW - HOUR, ongoing=NOW - MINUTE, claim=claim(NOW - MINUTE)),
    }
    found = statuses([spec, other], states, judge([spec, other], states, NOW), NOW)
    told = explain(found[0], found, states, NOW, Held(locks={"warehouse"}))
    assert not told.can_run
    assert named(told, "lock").reason == '"warehouse" is held by other'
    assert explain(found[0], found, states, NOW, Held()).can_run


def test_a_run_under_way_is_who_runs_it_and_since_when():
    spec = job("1h")
    states = {"app": waiting(spec, NOW - HOUR, ongoing=NOW - MINUTE, claim=claim(NOW - MINUTE))}
    check = named(explained(spec, states), "claim")
    assert (check.ok, check.reason, check.since) == (
        False,
        "process 7 on host runs it",
        NOW - MINUTE,
    )


def test_a_claim_of_which_the_row_does_not_tell_yet_is_seen():
    spec = job("1h")
    assert not explained(spec, {}, Held(claims={"app"})).can_run


@pytest.mark.parametrize(
    ("changes", "name", "until", "command"),
    [
        ({"next_slot": NOW + HOUR, "next_run": NOW + HOUR}, "schedule", HOUR, "--job=app --force"),
        ({"last_error": ERROR, "next_run": NOW + MINUTE}, "retry", MINUTE, "--retry=app"),
        ({"pause": Pause(NOW, NOW + DAY, "anna")}, "pause", DAY, "--resume=app"),
    ],
)
def test_a_check_that_is_not_well_says_until_when_and_what_would_help(
    changes, name, until, command
):
    spec = job("1h")
    row = waiting(spec, NOW - HOUR, last_run=NOW - HOUR)._replace(**changes)
    found = explained(spec, {"app": row})
    check = named(found, name)
    assert (check.ok, check.until, check.commands) == (False, NOW + until, (command,))
    assert found.not_before == NOW + until


def test_a_pause_that_is_over_is_no_obstacle_but_a_note():
    """The next tick ends it, and decides again."""
    spec = job("1h", backfill=True)
    row = waiting(spec, NOW - 2 * HOUR, last_run=NOW - 3 * HOUR, pause=Pause(NOW - DAY, NOW - HOUR))
    found = explained(spec, {"app": row})
    assert found.can_run
    why = f"its pause ended at {(NOW - HOUR).isoformat()}"
    assert found.notes == [f"the next tick plans it anew: {why}"]


def test_a_date_that_a_person_asked_for_is_done_although_the_job_is_not_due():
    spec = job("1d|03:00", backfill=True)
    slot = at("2026-11-22 03:00")
    dates = ((slot - 9 * DAY, slot - 8 * DAY),)
    asked = AskedBackfill(7, dates, spec.plan, 2, wanted=dates, asked_at=NOW, by="anna")
    found = explained(spec, {"app": waiting(spec, slot, last_run=NOW - DAY, asked=(asked,))})
    assert found.obstacle == named(found, "schedule")
    assert found.notes == ["backfill 7: the next tick does a requested date"]


def asked_of(spec, slot, **changes):
    date = slot - 9 * DAY
    return AskedBackfill(7, ((date, date),), spec.plan, 1, **changes)


def test_a_date_that_was_asked_for_and_failed_is_told_with_what_helps():
    spec = job("1d|03:00", backfill=True)
    slot = at("2026-11-22 03:00")
    asked = asked_of(spec, slot, attempts=1, error="no", retry_at=at("2026-11-21 12:05"))
    found = explained(spec, {"app": waiting(spec, slot, last_run=NOW - DAY, asked=(asked,))})
    assert found.status.state is State.FAILED
    assert named(found, "retry").reason == "no failure of its schedule"
    assert found.notes == ["backfill 7: 2026-11-13 03:00 failed once (no), again 2026-11-21 12:05"]
    assert found.commands == ["--retry=app"]


def test_dates_that_were_asked_for_of_a_job_that_gets_none_any_more_say_so():
    """trap: it was to be tried again at a time that never did it"""
    spec = job("1d|03:00")
    slot = at("2026-11-22 03:00")
    asked = asked_of(spec, slot, attempts=1, error="no", retry_at=at("2026-11-21 12:05"))
    found = explained(spec, {"app": waiting(spec, slot, last_run=NOW - DAY, asked=(asked,))})
    ends = "the job gets no dates any more: --cancel-backfill=7 ends it"
    assert found.notes == [f"backfill 7: {ends}"]
    assert "--retry=app" not in found.commands


def test_a_date_that_was_asked_for_and_waits_for_a_parent_is_told():
    slot = at("2026-11-22 03:00")
    parent, spec = job("1d|03:00", "p", backfill=True), job(backfill=True, depends_on=("p",))
    rows = {
        "p": waiting(parent, slot, asked=(asked_of(parent, slot),)),
        "app": waiting(spec, slot, last_run=NOW - DAY, asked=(asked_of(spec, slot),)),
    }
    found = explained(spec, rows)
    assert found.notes == ["backfill 7: waits: p has not done 2026-11-13 03:00 yet"]


def test_a_job_that_is_well_waits_for_its_time():
    spec = job("1h")
    slot = at("2026-11-21 12:00")
    row = succeeded(spec, waiting(spec, slot), slot, NOW, NOW)
    found = explained(spec, {"app": row}, now=NOW + timedelta(minutes=5))
    assert found.status.state is State.OK
    assert found.obstacle == named(found, "schedule")


def test_a_parent_does_not_stand_in_the_way_before_a_slot_has_come_up():
    """trap: it was BLOCKED, since a time of the future"""
    parent, child = job(name="p"), job(name="c", depends_on=("p",))
    due = NOW + timedelta(hours=3)
    states = {
        "p": JobState("p", last_run=NOW, last_error=ERROR, next_run=NOW, next_slot=NOW),
        "c": JobState("c", last_run=NOW, last_success=NOW, next_run=due, next_slot=due),
    }
    found = statuses([parent, child], states, judge([parent, child], states, NOW), NOW)
    told = explain(found[1], found, states, NOW, Held())
    check = named(told, "parent")
    assert (check.ok, check.since) == (True, None)
    assert check.reason == "counts when it is due; now p failed when it last ran"
    assert told.obstacle
    assert told.obstacle.name == "schedule"


def test_a_failure_of_a_job_that_is_not_due_is_tried_again_when_it_is():
    spec = job("1h")
    row = waiting(spec, NOW + MINUTE, last_run=NOW - HOUR, last_error=ERROR, error_count=1)
    check = named(explained(spec, {"app": row}), "retry")
    assert (check.ok, check.reason) == (True, "failed once, tried again when it is due")
    due = waiting(spec, NOW - MINUTE, last_run=NOW - HOUR, last_error=ERROR, error_count=1)
    check = named(explained(spec, {"app": due}), "retry")
    assert (check.ok, check.reason) == (True, "failed once, it is time to try again")
