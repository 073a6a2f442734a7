"""Marking a job as successful: what is remembered then, and who may not be marked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crontabber.errors import ConfigError, JobDoneError, JobOngoingError
from crontabber.schedule.dependencies import wait_of
from crontabber.schedule.model import JobState, Outcome, Run
from crontabber.schedule.moments import parse_moment, parse_moment_near
from crontabber.schedule.transition import claimed, marked_slot, marked_successful
from crontabber.store.memory import MemoryStore
from crontabber.testing import FakeClock
from crontabber.tick.marking import mark_success
from tests.unit.schedules import DAY, ERROR, HOUR, MINUTE, SECOND, at, claim, job, waiting

NOON = at("2026-11-21 12:00")


def taken(store, moment):
    """The row of a job that a session of *store* has claimed."""
    result = store.claim(claimed(job(), None, claim(moment)), ())
    assert result
    return result.state


def mark(spec, moment, *, now=None, **state):
    """What is remembered of *spec*, which waits for ``slot``, when it is marked."""
    slot = state.pop("slot")
    return marked_successful(spec, waiting(spec, slot, **state), moment, now)


def test_the_error_is_forgotten_and_the_next_slot_waited_for():
    failing = {"last_error": ERROR, "error_count": 3, "next_run": NOON + MINUTE}
    after = mark(job("1h"), NOON + MINUTE, slot=NOON, last_run=NOON, **failing)
    assert after == waiting(job("1h"), NOON + HOUR, last_run=NOON, last_success=NOON + MINUTE)


def test_a_kill_amid_the_change_looks_like_no_run():
    """trap: a job that was only marked as successful looked as if it had crashed"""

    class Killed(MemoryStore):
        def save(self, *args, **more):
            raise SystemExit

    store = Killed(FakeClock(NOON))
    with pytest.raises(SystemExit):
        mark_success(store, job("1h"), None, NOON, NOON)
    [state] = store.states.values()
    assert state.ongoing is None


@pytest.mark.parametrize("backfill", [False, True])
def test_slots_are_counted_from_the_slot(backfill):
    spec = job("1d|03:00", zone="Europe/Berlin", backfill=backfill)
    open_since = at("2026-10-23 03:00", "Europe/Berlin")
    after = mark(spec, at("2026-10-26 12:00"), slot=open_since, last_success=open_since - DAY)
    assert after.next_run == after.next_slot == at("2026-10-27 03:00", "Europe/Berlin")
    last = at("2026-10-26 03:00", "Europe/Berlin")
    assert after.last_success == (last if backfill else at("2026-10-26 12:00"))


@pytest.mark.parametrize("backfill", [False, True])
@pytest.mark.parametrize("last_run", [None, NOON + MINUTE])
def test_when_the_job_ran_stays_as_it_was(backfill, last_run):
    """trap: a row said that the job had run when it was only marked"""
    failing = {"last_run": last_run, "last_error": ERROR, "error_count": 1}
    after = mark(job("1h", backfill=backfill), NOON + HOUR, slot=NOON, **failing)
    assert (after.last_run, after.last_error) == (last_run, None)
    new = claimed(job("1h", backfill=backfill), None, claim(NOON))
    after = marked_successful(job("1h", backfill=backfill), new, NOON)
    assert (after.first_run, after.last_run, after.last_success) == (None, None, NOON)


@pytest.mark.parametrize("last_run", [None, NOON - DAY, NOON + DAY])
def test_a_job_that_is_marked_frees_its_children(last_run):
    """trap: a child waited for a parent that had run since, as it was marked for a time before"""
    parent = job("1h", "parent")
    after = mark(parent, NOON, slot=NOON - HOUR, last_run=last_run)
    for now in (NOON, NOON + HOUR):  # by then it is due again, and has been good since the slot
        assert wait_of(job("1d", depends_on=("parent",)), {"parent": after}, NOON, now) is None


def test_the_slots_of_a_backfill_app_after_that_time_stay_open():
    spec = job("1h", backfill=True)
    after = mark(spec, NOON - 2 * HOUR, slot=NOON - 5 * HOUR, last_success=NOON - 6 * HOUR)
    assert after.next_slot == NOON - HOUR
    assert after.last_success == NOON - 2 * HOUR


@given(st.integers(-100, 100), st.integers(-100, 100), st.booleans(), st.sampled_from(["1h", "7m"]))
def test_no_slot_that_is_done_is_opened_again(slot, moment, backfill, schedule):
    """trap: a backfill app is given a date that it has done"""
    spec = job(schedule, backfill=backfill)
    slot, moment = NOON + slot * MINUTE, NOON + moment * MINUTE
    last_success = slot - spec.schedule.frequency.period
    after = mark(spec, moment, slot=slot, last_success=last_success)
    assert after.next_slot >= slot
    assert after.next_slot > min(moment, slot - MINUTE)
    assert after.last_success >= last_success
    assert (after.next_slot - slot) % spec.schedule.frequency.period == 0 * MINUTE


@pytest.mark.parametrize("backfill", [False, True])
def test_a_job_that_never_succeeded_counts_its_slots_from_that_time(backfill):
    spec = job("1h", backfill=backfill)
    new = claimed(spec, None, claim(NOON))
    after = marked_successful(spec, new, NOON - 3 * HOUR)
    assert (after.next_slot, after.last_success) == (NOON - 2 * HOUR, NOON - 3 * HOUR)
    assert after.ongoing is None
    assert after.claim is None


def test_an_edited_schedule_counts_from_then_on():
    spec = job("5m")
    after = mark(spec, NOON + 2 * MINUTE, slot=NOON, plan="1h", last_success=NOON - HOUR)
    assert (after.next_slot, after.plan) == (NOON + 5 * MINUTE, "5m")


@pytest.mark.parametrize("backfill", [False, True])
@pytest.mark.parametrize(
    ("moment", "slot", "plan", "done"),
    [
        # before all open slots: nothing is closed
        ("2026-11-18 12:00", "2026-11-19 03:00", "1d|03:00 UTC", "2026-11-18 03:00"),
        # the rest of the old slots stay open, and the new schedule has none of the past
        ("2026-11-19 03:00", "2026-11-20 03:00", "1d|03:00 UTC", "2026-11-19 03:00"),
        ("2026-11-20 12:00", "2026-11-21 03:00", "1d|03:00 UTC", "2026-11-20 03:00"),
        # none is left open: the new schedule counts from now on
        ("2026-11-21 03:00", "2026-11-21 12:05", "5m", "2026-11-21 03:00"),
        ("2026-11-21 11:58", "2026-11-21 12:05", "5m", "2026-11-21 03:00"),
        ("2026-11-21 12:00", "2026-11-21 12:05", "5m", "2026-11-21 03:00"),
    ],
)
def test_a_mark_closes_slots_of_the_schedule_in_force_and_invents_none(
    backfill, moment, slot, plan, done
):
    """trap: a mark for a time before the edit gave a backfill app dates that were never listed"""
    spec = job("5m", backfill=backfill)
    state = waiting(
        spec, at("2026-11-19 03:00"), plan="1d|03:00 UTC", last_success=at("2026-11-18 03:00")
    )
    after = marked_successful(spec, state, at(moment), NOON)
    assert (after.next_slot, after.next_run, after.plan) == (at(slot), at(slot), plan)
    assert after.last_success == at(done if backfill else moment)


def test_a_slot_of_the_old_schedule_that_is_due_at_this_moment_is_open():
    old = {"plan": "1d|03:00 UTC", "last_success": at("2026-11-18 03:00")}
    now = at("2026-11-21 03:00")
    after = mark(job("5m"), now - HOUR, now=now, slot=at("2026-11-19 03:00"), **old)
    assert (after.next_slot, after.plan) == (now, "1d|03:00 UTC")


def test_a_job_that_never_succeeded_counts_its_slots_in_its_zone():
    spec = job("1d|03:00", zone="Europe/Berlin", backfill=True)
    new = claimed(spec, None, claim(NOON))
    after = marked_successful(spec, new, NOON - 3 * DAY, NOON)
    assert after.next_slot == at("2026-11-19 03:00", "Europe/Berlin")
    assert after.last_success == NOON - 3 * DAY


def test_a_row_without_a_slot_can_be_marked_as_it_is():
    row = JobState("app", last_run=NOON - DAY, last_success=NOON - DAY)
    after = marked_successful(job("1h"), row, NOON)
    assert (after.next_slot, after.last_success) == (NOON + HOUR, NOON)
    assert marked_slot(job("1h"), row, after, NOON) == NOON


def test_a_date_that_was_given_up_is_closed():
    spec = job("1h", backfill=True)
    after = mark(spec, NOON, slot=NOON, last_success=NOON - HOUR, attempts=3, gave_up=True)
    assert (after.next_slot, after.gave_up, after.attempts) == (NOON + HOUR, False, 0)


def test_the_zone_in_force_is_that_of_the_plan():
    spec = job("1d|03:00", backfill=True)
    berlin = {"plan": "1d|03:00 Europe/Berlin", "last_success": at("2026-11-18 02:00")}
    after = mark(spec, at("2026-11-20 02:30"), now=NOON, slot=at("2026-11-19 02:00"), **berlin)
    assert after.last_success == at("2026-11-20 02:00")
    assert (after.next_slot, after.plan) == (at("2026-11-21 02:00"), "1d|03:00 Europe/Berlin")


@pytest.mark.parametrize(
    ("backfill", "moment", "logged"),
    [
        (False, "2026-11-20 12:00", "2026-11-20 03:00"),
        (True, "2026-11-20 12:00", "2026-11-20 03:00"),
        (False, "2026-11-18 12:00:30", "2026-11-18 12:00"),  # ahead of the plan: that minute
    ],
)
def test_the_log_has_the_slot_of_the_schedule_in_force(backfill, moment, logged):
    store = MemoryStore(FakeClock(NOON))
    spec = job("5m", backfill=backfill)
    first = at("2026-11-19 03:00")
    seen = waiting(spec, first, plan="1d|03:00 UTC", last_run=first - DAY, last_success=first - DAY)
    after = mark_success(store, spec, store.add(seen), at(moment), NOON)
    assert [run.slot for run in store.log] == [at(logged)]
    assert after.plan == "1d|03:00 UTC"  # the slot of the 21st is open


def test_no_claim_and_no_asked_date_is_left_after_a_mark():
    spec = job("1h")
    held = claimed(
        spec, waiting(spec, NOON, first_run=NOON - DAY, last_run=NOON - DAY), claim(NOON)
    )
    after = marked_successful(spec, held._replace(asked_slot=NOON - DAY, attempts=2), NOON)
    assert (after.ongoing, after.claim, after.asked_slot) == (None, None, None)
    assert (after.first_run, after.attempts, after.gave_up) == (NOON - DAY, 0, False)


def test_the_time_may_not_be_yet_to_come():
    store = MemoryStore(FakeClock(NOON))
    with pytest.raises(ConfigError, match="app cannot have succeeded at 2026-11-21 12:01"):
        mark_success(store, job(), None, NOON + MINUTE, NOON)
    assert store.states == {}


@pytest.mark.parametrize("backfill", [False, True])
@pytest.mark.parametrize(
    ("moment", "done"),
    [(NOON - MINUTE, False), (NOON - 100 * DAY, False), (NOON, True), (NOON + HOUR, True)],
)
def test_a_job_that_has_succeeded_since_is_left_alone(backfill, moment, done):
    """trap: `--mark-success` for a time before what was done claimed to have done it"""
    store = MemoryStore(FakeClock(NOON))
    spec = job("1h", backfill=backfill)
    seen = store.add(waiting(spec, NOON + HOUR, last_run=NOON, last_success=NOON, first_run=NOON))
    if done:
        assert mark_success(store, spec, seen, moment, NOON + HOUR).last_success == moment
        return
    assert seen
    for known in (seen, seen._replace(last_success=None, version="0")):  # it ran since then
        with pytest.raises(JobDoneError, match="app has succeeded at 2026-11-21 12:00:00, after"):
            mark_success(store, spec, known, moment, NOON + HOUR)
    assert store.states["app"]._replace(version=None, claim=None) == seen._replace(version=None)
    assert store.log == []


@pytest.mark.parametrize(
    ("backfill", "slot", "moment", "logged"),
    [
        (False, NOON - 5 * HOUR, NOON + MINUTE, NOON),  # it runs once for all that it missed
        (True, NOON - 5 * HOUR, NOON + MINUTE, NOON),
        (False, NOON + HOUR, NOON + 90 * SECOND, NOON + MINUTE),  # there is none: this minute
        (True, NOON + HOUR, NOON + MINUTE, NOON),  # nothing is closed: the last that is done
    ],
)
def test_the_log_says_which_slot_was_marked(backfill, slot, moment, logged):
    """trap: a slot that did not run left no trace"""
    store = MemoryStore(FakeClock(NOON))
    spec = job("1h", backfill=backfill)
    done = slot - HOUR
    seen = store.add(waiting(spec, slot, last_run=done, last_success=done))
    mark_success(store, spec, seen, moment, NOON + HOUR)
    host = store.holder(NOON).host
    assert store.log == [Run("app", logged, NOON + HOUR, None, Outcome.MARKED, host)]


def test_a_job_that_is_being_run_is_left_alone():
    store = MemoryStore(FakeClock(NOON))
    running = taken(store.another_session(), NOON)
    with pytest.raises(JobOngoingError, match="app is running now"):
        mark_success(store, job(), running, NOON, NOON)
    assert store.states["app"] == running


def test_a_job_that_an_older_crontabber_runs_is_left_alone():
    """trap: an older crontabber takes no lock"""
    store = MemoryStore(FakeClock(NOON))
    store.states["app"] = JobState("app", ongoing=NOON - HOUR, version="1")
    with pytest.raises(JobOngoingError):
        mark_success(store, job(), store.states["app"], NOON, NOON)
    assert store.states["app"].ongoing


def test_a_run_that_crashed_does_not_stand_in_the_way():
    store = MemoryStore(FakeClock(NOON))
    other = store.another_session()
    crashed = taken(other, NOON - HOUR)
    other.close()
    after = mark_success(store, job(), crashed, NOON, NOON)
    assert store.states["app"] == after
    assert after.ongoing is None
    assert after.next_run == NOON + HOUR
    assert store.another_session().claim(after, ()) is not None


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-21T13:00", NOON),
        ("2026-11-21 13:00:00", NOON),
        ("2026-11-21T12:00Z", NOON),
        (" 2026-11-21t14:00+02:00 ", NOON),
        ("2026-11-21", at("2026-11-21 00:00", "Europe/Berlin")),
    ],
)
def test_a_time_is_read_in_the_zone_of_the_schedules(text, moment):
    assert parse_moment(text, job(zone="Europe/Berlin").zone) == moment


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-03-29T02:30", "2026-03-29 01:00"),  # clocks were set forward over it
        ("2026-03-29T02:00:01", "2026-03-29 01:00"),
        ("2026-03-29T03:00", "2026-03-29 01:00"),
        ("2026-03-29T01:59", "2026-03-29 00:59"),
        ("2026-10-25T02:30", "2026-10-25 00:30"),  # it exists twice
        ("2026-10-25T02:30+01:00", "2026-10-25 01:30"),
    ],
)
def test_a_time_that_does_not_exist_or_exists_twice_is_that_of_schedules(text, utc):
    """trap: `--run-at` in a gap meant an hour later, where a schedule means its end"""
    assert parse_moment(text, job(zone="Europe/Berlin").zone) == at(utc)


def test_a_day_that_a_zone_left_out_is_the_start_of_the_next():
    apia = job(zone="Pacific/Apia").zone
    assert parse_moment("2011-12-30T12:00", apia) == at("2011-12-31 00:00", "Pacific/Apia")


@pytest.mark.parametrize(
    "text",
    [
        *("", "now", "03:00", "2026-11-31", "2026-11-21T25:00", "infinity", "-infinity", "today"),
        *("10000-01-01", "20000-01-01T00:00", "0000-01-01", "-0001-01-01", "0044-03-15 BC"),
    ],
)
def test_what_is_no_time_is_refused(text):
    with pytest.raises(ConfigError, match="is not a time: write YYYY-MM-DDTHH:MM"):
        parse_moment(text, job().zone)


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("0001-01-01", "Europe/Berlin"),
        ("0001-01-01T00:00Z", "America/New_York"),
        ("9999-12-31T23:59", "America/New_York"),
        ("9999-12-31T23:59Z", "Europe/Berlin"),
        ("9999-12-31T23:59-12:00", "UTC"),
    ],
)
def test_what_a_zone_cannot_show_is_refused(text, zone):
    """trap: an OverflowError ended the command"""
    with pytest.raises(ConfigError, match="is not a time"):
        parse_moment(text, job(zone=zone).zone)


@pytest.mark.parametrize("text", ["0001-01-01", "1926-11-20", "2126-11-24", "9999-12-31"])
def test_what_is_further_than_a_century_away_is_refused(text):
    """trap: a job that was to run at the end of time made every tick end with a traceback"""
    with pytest.raises(ConfigError, match=f"'{text}' is more than a hundred years away"):
        parse_moment_near(text, job().zone, NOON)
    assert parse_moment_near("2126-11-20", job().zone, NOON) == at("2126-11-20 00:00")
    assert parse_moment_near("1926-11-23", job().zone, NOON) == at("1926-11-23 00:00")
