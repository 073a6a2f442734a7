"""Whether a job is run now, and if not, the reason that is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crontabber.schedule.decide import decide
from crontabber.schedule.dependencies import wait_of
from crontabber.schedule.model import JobState, Missed, Pause, Replan, RunNow, Skip, SkipReason
from crontabber.schedule.transition import claimed, failed, succeeded
from tests.unit.schedules import DAY, ERROR, HOUR, MINUTE, SECOND, at, claim, job, waiting

NOW = at("2026-11-21 12:00:01")


def skipped(decision, reason):
    """The detail of a skip, which must have this reason."""
    assert isinstance(decision, Skip)
    assert decision.reason is reason
    return decision.detail


# -- due -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schedule", "due"),
    [("5m", True), ("1d", True), ("1d|03:00", True), ("1d|12:00", True), ("1d|12:01", False)],
)
def test_a_new_job_runs_now_or_at_its_time_today(schedule, due):
    decision = decide(job(schedule), None, {}, NOW)
    if due:
        assert decision == RunNow()
    else:
        detail = skipped(decision, SkipReason.NOT_DUE)
        assert detail == "until 2026-11-21 12:01:00+00:00"


def test_a_new_job_may_be_too_late_for_its_time_today():
    spec = job("1d|03:00", too_late=6 * HOUR)
    found = decide(spec, None, {}, NOW)
    assert isinstance(found, Replan)
    assert found.state == waiting(spec, at("2026-11-22 03:00"), backfill=None)
    [span] = found.spans
    assert (span.app_name, span.first, span.slots) == ("app", at("2026-11-21 03:00"), 1)
    assert decide(spec, None, {}, at("2026-11-21 09:00")) == RunNow()


@pytest.mark.parametrize(
    ("pause", "detail"),
    [
        (Pause(NOW - HOUR, None, "anna", "rain"), "by anna: rain, until it is resumed"),
        (Pause(NOW - HOUR, NOW + HOUR, "anna"), "by anna, until 2026-11-21 14:00"),
        (Pause(NOW - HOUR, NOW + SECOND), "paused, until 2026-11-21 13:00"),
        (Pause(NOW, at("2027-10-31 00:30")), "paused, until 2027-10-31 02:30 CEST"),
    ],
)
@pytest.mark.parametrize("slot", [NOW - HOUR, NOW + HOUR])
def test_a_paused_job_says_so_and_when_that_ends_on_its_clock(pause, detail, slot):
    spec = job("1h", zone="Europe/Berlin")
    found = decide(spec, waiting(spec, slot, pause=pause), {}, NOW)
    assert skipped(found, SkipReason.PAUSED) == detail
    assert decide(spec, waiting(spec, slot, pause=pause), {}, NOW, force=True) == RunNow()


def test_a_pause_that_is_over_is_ended_first():
    spec = job("1h")
    state = waiting(spec, NOW + MINUTE, pause=Pause(NOW - HOUR, NOW))
    found = decide(spec, state, {}, NOW)
    assert isinstance(found, Replan)
    assert found.state == state._replace(pause=None)


@pytest.mark.parametrize("seconds", [-1, 0, 1, 86400 * 365])
def test_a_job_runs_from_its_next_run_on(seconds):
    spec = job("5m")
    state = waiting(spec, NOW - seconds * SECOND)
    if seconds < 0:
        skipped(decide(spec, state, {}, NOW), SkipReason.NOT_DUE)
    else:
        assert decide(spec, state, {}, NOW) == RunNow()


@pytest.mark.parametrize("backfill", [False, True])
def test_a_failed_job_waits_for_its_retry(backfill):
    spec = job("1d|03:00", backfill=backfill)
    state = waiting(spec, NOW - 9 * HOUR, next_run=NOW + MINUTE, last_error=ERROR)
    assert skipped(decide(spec, state, {}, NOW), SkipReason.NOT_DUE)
    assert decide(spec, state, {}, NOW + MINUTE) == RunNow()


@pytest.mark.parametrize("backfill", [False, True])
def test_an_inherited_row_that_says_nothing_is_due(backfill):
    """trap: a row with neither `next_run` nor `ongoing` was never due again."""
    assert decide(job("1h", backfill=backfill), JobState("app"), {}, NOW) == RunNow()


def test_an_edited_schedule_is_planned_anew_before_its_old_time_comes():
    """trap: 7d changed to 5m took effect after up to 7 days."""
    state = waiting(job("7d"), NOW + 5 * DAY, last_run=NOW - 2 * DAY)
    decision = decide(job("5m"), state, {}, NOW)
    assert isinstance(decision, Replan)
    assert decision.state.next_run
    assert NOW < decision.state.next_run <= NOW + 5 * MINUTE
    skipped(decide(job("5m"), decision.state, {}, NOW), SkipReason.NOT_DUE)
    assert decide(job("5m"), decision.state, {}, NOW + 5 * MINUTE) == RunNow()


def test_a_next_run_in_the_far_future_is_planned_anew():
    spec = job("1d|03:00")
    state = waiting(spec, NOW + 4000 * DAY, last_run=NOW + 3999 * DAY)
    decision = decide(spec, state, {}, NOW)
    assert isinstance(decision, Replan)
    assert decision.state.next_run == at("2026-11-22 03:00")


def test_a_night_job_that_ran_after_midnight_runs_the_same_night_again():
    """trap: `1d|23:00` that ran at 00:30 skipped the next night."""
    spec, started = job("1d|23:00"), at("2026-11-21 00:30:02")
    state = claimed(spec, waiting(spec, at("2026-11-20 23:00")), claim(started))
    state = succeeded(spec, state, at("2026-11-20 23:00"), started, started)
    skipped(decide(spec, state, {}, at("2026-11-21 22:59:59")), SkipReason.NOT_DUE)
    assert decide(spec, state, {}, at("2026-11-21 23:00:00")) == RunNow()


# -- ongoing -------------------------------------------------------------------


@pytest.mark.parametrize("next_run", [NOW - HOUR, NOW + HOUR, None])
def test_a_job_that_we_marked_is_to_be_claimed_whenever_it_is_due(next_run):
    """trap: a killed process left its job ongoing for 12 h; only the lock is the truth."""
    spec = job()
    state = waiting(spec, NOW, next_run=next_run, ongoing=NOW - SECOND, claim=claim(NOW - SECOND))
    assert decide(spec, state, {}, NOW) == RunNow()


@pytest.mark.parametrize(
    ("age", "respected"),
    [
        (0 * HOUR, True),
        (11.9 * HOUR, True),
        (12 * HOUR, False),
        (13 * HOUR, False),
        (25 * HOUR, False),
        (35 * HOUR, False),
        (49 * HOUR, False),
        (-3 * SECOND, True),
        (-3 * HOUR, True),
    ],
)
@pytest.mark.parametrize("force", [False, True])
def test_the_mark_of_an_older_crontabber_is_respected_for_a_while(age, respected, force):
    """trap: the age of a claim was `.seconds`: stale after 12 h, fresh again at 24 to 36 h.

    A mark by a host whose clock is 3 s ahead was ignored.
    """
    state = JobState("app", next_run=NOW - 3 * DAY, ongoing=NOW - age)
    decision = decide(job(), state, {}, NOW, force=force)
    if respected:
        detail = skipped(decision, SkipReason.ONGOING)
        assert detail == f"an older crontabber runs it since {NOW - age}"
    else:
        assert decision == RunNow()


def test_for_how_long_is_an_option():
    state = JobState("app", next_run=NOW - DAY, ongoing=NOW - 2 * HOUR)
    assert decide(job(max_ongoing_age=HOUR), state, {}, NOW) == RunNow()
    skipped(decide(job(max_ongoing_age=DAY), state, {}, NOW), SkipReason.ONGOING)


# -- force ---------------------------------------------------------------------


def test_with_force_neither_its_time_nor_its_parents_count():
    spec = job(depends_on=("unknown",))
    assert decide(spec, waiting(spec, NOW + HOUR), {}, NOW, force=True) == RunNow()
    assert decide(spec, None, {}, NOW, force=True) == RunNow()


# -- parents -------------------------------------------------------------------

PARENT = job("1h", "parent")
CHILD = job("1h", "child", depends_on=("parent",))
GOOD = waiting(PARENT, NOW + HOUR, last_run=NOW - MINUTE, last_success=NOW - MINUTE)


@pytest.mark.parametrize(
    ("parent", "why"),
    [
        (GOOD, None),
        (None, "parent has never run"),
        # marked, or remembered, but nothing came of it yet
        (waiting(PARENT, NOW + HOUR), "parent has never run"),
        (GOOD._replace(ongoing=NOW, claim=claim(NOW)), "parent is running"),
        (GOOD._replace(ongoing=NOW), "parent is running"),
        (waiting(PARENT, NOW, ongoing=NOW, claim=claim(NOW)), "parent is running"),
        (GOOD._replace(last_error=ERROR), "parent failed when it last ran"),
        (GOOD._replace(last_error=ERROR, next_run=NOW - HOUR), "parent failed when it last ran"),
        (GOOD._replace(next_run=NOW), "parent has not recently run"),
        (GOOD._replace(next_run=NOW - DAY), "parent has not recently run"),
        # an inherited row may lack its next run
        (GOOD._replace(next_run=None), None),
    ],
)
def test_a_parent_has_to_have_run_well_and_recently(parent, why):
    """trap: a parent that was running counted as satisfied; in its first run, crashed us."""
    states = {"parent": parent} if parent else {}
    decision = decide(CHILD, waiting(CHILD, NOW - SECOND), states, NOW)
    if why:
        assert skipped(decision, SkipReason.BLOCKED) == why
    else:
        assert decision == RunNow()


def test_a_new_child_is_blocked_like_any_other():
    assert skipped(decide(CHILD, None, {}, NOW), SkipReason.BLOCKED) == "parent has never run"
    assert decide(CHILD, None, {"parent": GOOD}, NOW) == RunNow()


def test_a_child_that_is_not_due_does_not_ask_for_its_parents():
    skipped(decide(CHILD, waiting(CHILD, NOW + SECOND), {}, NOW), SkipReason.NOT_DUE)


@pytest.mark.parametrize("name", ["pearent", "child"])
def test_a_name_that_nobody_has_is_told_at_every_tick(name):
    """trap: a typo in `depends_on`, or depending on oneself, went unseen for ever."""
    child = CHILD._replace(depends_on=(name,))
    detail = skipped(decide(child, None, {"parent": GOOD}, NOW), SkipReason.BLOCKED)
    assert detail == f"{name} has never run"


def test_all_parents_count_and_the_first_that_stands_in_the_way_is_named():
    child = job(depends_on=("a", "b", "c"))
    bad = GOOD._replace(last_error=ERROR)
    assert wait_of(child, {"a": GOOD, "b": GOOD, "c": GOOD}, NOW, NOW) is None
    assert str(wait_of(child, {"a": GOOD, "b": bad}, NOW, NOW)) == "b failed when it last ran"
    assert str(wait_of(child, {"a": GOOD, "b": GOOD}, NOW, NOW)) == "c has never run"


def test_a_parent_that_ran_at_the_very_moment_of_the_slot_is_good_enough():
    """As it is when both are new: the tick's own now is the slot of the one and the other."""
    due = GOOD._replace(last_run=NOW, next_run=NOW)
    assert wait_of(CHILD, {"parent": due}, NOW, NOW) is None
    assert str(wait_of(CHILD, {"parent": due}, NOW + SECOND, NOW)) == "parent has not recently run"


def test_a_parent_that_crashed_is_to_be_run_before_its_child():
    crashed = GOOD._replace(ongoing=NOW - DAY, claim=claim(NOW - DAY))
    assert decide(CHILD, None, {"parent": crashed}, NOW) == Skip(
        SkipReason.BLOCKED, "parent is running", "parent"
    )


@pytest.mark.parametrize("schedule", ["1m", "5m", "1h"])
@pytest.mark.parametrize("ended", [10 * SECOND, 3 * HOUR])
def test_a_parent_with_a_short_period_satisfies_its_child_in_the_same_tick(schedule, ended):
    """trap: a parent whose period is shorter than the tick's never satisfied its child.

    However long the parent ran, or others after it: it is judged at the tick's own now.
    """
    parent, now = job(schedule, "parent"), NOW
    state = claimed(parent, waiting(parent, NOW - HOUR), claim(now + SECOND))
    slot = at("2026-11-21 12:00")
    state = succeeded(parent, state, slot, now + SECOND, now + SECOND)
    assert state.next_run <= now + ended or schedule == "1h" or ended < MINUTE
    assert decide(CHILD, waiting(CHILD, slot), {"parent": state}, now) == RunNow()


@pytest.mark.parametrize("schedule", ["1m", "5m", "1h"])
def test_a_parent_that_another_crontabber_runs_a_little_later_satisfies_its_child(schedule):
    """trap: a parent whose period is shorter than the tick's never satisfied its child.

    Here it is due again at each of our ticks, and run by another configuration just
    after. That it ran since its child's turn came is good enough.
    """
    parent, child = job(schedule, "parent"), job("5m", "child", depends_on=("parent",))
    parent_state: JobState | None = None
    child_state, runs = waiting(child, at("2026-11-21 12:00")), 0
    for tick in range(36):
        ours = at("2026-11-21 12:00:01") + 5 * tick * MINUTE
        states = {} if parent_state is None else {"parent": parent_state}
        if decide(child, child_state, states, ours) == RunNow():
            runs += 1
            slot = ours - SECOND
            child_state = claimed(child, child_state, claim(ours))
            child_state = succeeded(child, child_state, slot, ours, ours)
        theirs = ours + 4 * SECOND
        if decide(parent, parent_state, {}, theirs) == RunNow():
            parent_state = claimed(parent, parent_state, claim(theirs))
            slot = theirs - 5 * SECOND
            parent_state = succeeded(parent, parent_state, slot, theirs, theirs)
    assert runs >= 17


def test_a_failed_run_blocks_the_child_until_the_retry_succeeds():
    slot = at("2026-11-21 12:00")
    state = claimed(PARENT, None, claim(NOW))
    state = failed(PARENT, state, slot, NOW, ERROR)
    detail = skipped(decide(CHILD, None, {"parent": state}, NOW), SkipReason.BLOCKED)
    assert detail == "parent failed when it last ran"
    later = NOW + 5 * MINUTE
    state = succeeded(PARENT, claimed(PARENT, state, claim(later)), slot, later, later)
    assert decide(CHILD, None, {"parent": state}, later) == RunNow()


# -- properties ----------------------------------------------------------------

moments = st.integers(-(10**6), 10**6).map(lambda n: NOW + n * SECOND)
maybe = st.none() | moments
states = st.builds(
    JobState,
    app_name=st.just("app"),
    next_run=maybe,
    next_slot=st.none() | moments.map(lambda m: m.replace(second=0)),
    first_run=maybe,
    last_run=maybe,
    last_success=maybe,
    last_error=st.sampled_from([None, ERROR]),
    ongoing=maybe,
    plan=st.sampled_from([None, "1h", "5m", "1d|03:00 UTC", "1d|03:00 Nowhere", "nonsense"]),
    claim=st.sampled_from([None, claim(NOW)]),
    first_slot=maybe,
    pause=st.none() | st.builds(Pause, moments, maybe, st.just("anna"), st.just("rain")),
    waits_since=maybe,
    asked=st.just(()),
    asked_slot=st.none(),
)
specs = st.builds(
    job,
    st.sampled_from(["5m", "1h", "1d", "1d|03:00", "7d|23:59"]),
    zone=st.sampled_from(["UTC", "America/New_York"]),
    backfill=st.booleans(),
    missed=st.sampled_from([None, *Missed]),
    too_late=st.sampled_from([None, MINUTE, DAY]),
)


@given(specs, states)
def test_whatever_a_row_says_there_is_a_decision_and_planning_comes_to_an_end(spec, state):
    for _ in range(5):
        decision = decide(spec, state, {}, NOW)
        if not isinstance(decision, Replan):
            break
        moved = decision.state.next_run
        assert decision.spans or moved == state.next_run or (moved and moved >= NOW)
        state = decision.state
    assert not isinstance(decision, Replan)
    assert decide(spec, state._replace(ongoing=None), {}, NOW, force=True) == RunNow()
