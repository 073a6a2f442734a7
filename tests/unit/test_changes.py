"""What is news about a job, and what is a repetition."""

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crontabber.schedule.asked import AskedBackfill
from crontabber.schedule.changes import Event, Told, after_run, recovered, without_run
from crontabber.schedule.grammar import Schedule
from crontabber.schedule.model import (
    Claim,
    JobSpec,
    JobState,
    LastError,
    Outcome,
    Pause,
    Run,
)
from crontabber.schedule.transition import crashed, failed, marked_successful, succeeded

NOW = datetime(2026, 11, 24, 3, tzinfo=timezone.utc)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
JOB = JobSpec("a", "jobs.A", Schedule.parse("1h"), ZoneInfo("UTC"))
FILL = JOB._replace(app_name="f", backfill=True)
ROW = JobState("a", next_run=NOW, next_slot=NOW, class_path="jobs.A", plan="1h", backfill=False)


def error(text="no"):
    return LastError("<class 'ValueError'>", text, "")


def fail(state, now, text="no", job=JOB, *, gave_up=False, remind=DAY):
    """A run at *now* that fails: the change that is told, and the row after it."""
    slot = state.next_slot
    after = failed(job, state._replace(ongoing=now), slot, now, error(text))
    run = Run(job.app_name, slot, now, timedelta(), Outcome.FAILED, "host", error(text))
    change, told = after_run(job, state, after, run, now, remind, gave_up=gave_up)
    return change, after._replace(told=told)


def succeed(state, now, job=JOB):
    run = Run(job.app_name, state.next_slot, now, timedelta(), Outcome.SUCCEEDED, "host")
    after = succeeded(job, state._replace(ongoing=now), state.next_slot, now, now)
    return recovered(job, state, run, now), after


def test_the_first_failure_is_told_and_the_next_ones_are_not():
    change, row = fail(ROW, NOW)
    assert (change.event, change.since, change.reminder) == (Event.FAILED, NOW, False)
    for minutes in range(5, 1440, 5):
        change, row = fail(row, NOW + timedelta(minutes=minutes))
        assert change is None


def test_another_error_is_told_and_the_same_with_other_numbers_is_not():
    _, row = fail(ROW, NOW, "no such file: /tmp/17, at 0xffee")
    change, row = fail(row, NOW + HOUR, "no such file: /tmp/18, at 0xaabb")
    assert change is None
    change, row = fail(row, NOW + 2 * HOUR, "refused")
    assert (change.event, change.error.value, change.since) == (Event.FAILED, "refused", NOW)
    change, row = fail(row, NOW + 3 * HOUR, "no such file: /tmp/1, at 0x1")
    assert change is None, "it is known: two errors that take turns are no news each time"


def test_a_job_whose_error_is_always_another_is_told_of_a_few_times_and_then_once_a_day():
    row, told = ROW, []
    for number in range(288):
        change, row = fail(row, NOW + number * timedelta(minutes=5), "x" * number)
        told += [change] if change else []
    assert len(told) == 8
    change, _ = fail(row, NOW + 2 * DAY, "y")
    assert change.reminder


def test_once_a_day_while_it_lasts_one_is_reminded():
    _, row = fail(ROW, NOW)
    change, row = fail(row, NOW + DAY)
    assert (change.event, change.reminder, change.since) == (Event.FAILED, True, NOW)
    assert fail(row, NOW + DAY + HOUR)[0] is None
    assert fail(row, NOW + 9 * DAY, remind=timedelta())[0] is None


def test_a_success_is_told_if_there_was_trouble():
    assert succeed(ROW, NOW)[0] is None
    _, row = fail(ROW, NOW)
    change, row = succeed(row, NOW + HOUR)
    assert (change.event, change.since, change.time) == (Event.RECOVERED, NOW, NOW + HOUR)
    assert row.told is None
    assert fail(row, NOW + 2 * HOUR)[0].since == NOW + 2 * HOUR


def test_a_job_that_gives_up_says_so_once():
    _, row = fail(ROW, NOW)
    change, row = fail(row, NOW + HOUR, gave_up=True)
    assert change.event is Event.GAVE_UP
    assert fail(row, NOW + 2 * HOUR, gave_up=True)[0] is None


def test_one_that_gave_up_without_a_second_try_is_not_told_of_as_failed_as_well():
    _, row = fail(ROW, NOW, gave_up=True)
    states = {"a": row}
    assert without_run(JOB, states, NOW + HOUR, DAY)[0] is None
    change, told = without_run(JOB, states, NOW + DAY, DAY)
    assert change
    assert (change.event, change.reminder) == (Event.GAVE_UP, True)
    assert without_run(JOB, {"a": row._replace(told=told)}, NOW + DAY + HOUR, DAY)[0] is None


def test_a_crash_is_told_once_of_all_its_processes():
    row, told = ROW, []
    for number in range(3):
        now = NOW + number * HOUR
        claim = Claim("host", number, number, now)
        after = crashed(JOB, row._replace(ongoing=now, claim=claim), now)
        run = Run("a", NOW, now, None, Outcome.CRASHED, "host", after.last_error)
        change, text = after_run(JOB, row, after, run, now, DAY, gave_up=False)
        row = after._replace(told=text)
        told += [change.event] if change else []
    assert told == [Event.CRASHED]


PARENT = JobState("p", last_run=NOW, last_error=error(), next_run=NOW, next_slot=NOW)
CHILD = JOB._replace(app_name="c", depends_on=("p",))
WAITS = ROW._replace(app_name="c", depends_on=("p",), last_run=NOW - HOUR)


def states_of(**more):
    return {"p": PARENT, "c": WAITS._replace(**more)}


def test_a_job_that_is_blocked_for_longer_than_late_is_told_of():
    assert without_run(CHILD, states_of(), NOW + HOUR, DAY)[0] is None
    change, told = without_run(CHILD, states_of(), NOW + 1.1 * HOUR, DAY)
    assert change
    assert (change.event, change.since) == (Event.LATE, NOW)
    assert change.why == "due since 2026-11-24 03:00:00 UTC, blocked: p failed when it last ran"
    known = states_of(told=told)
    assert without_run(CHILD, known, NOW + 2 * HOUR, DAY)[0] is None
    change, _ = without_run(CHILD, known, NOW + 1.1 * HOUR + DAY, DAY)
    assert change
    assert change.reminder


def test_one_that_is_late_is_not_well_because_its_parent_is_running():
    _, told = without_run(CHILD, states_of(), NOW + 2 * HOUR, DAY)
    running = PARENT._replace(ongoing=NOW + 2 * HOUR, last_error=None)
    states = {"p": running, "c": WAITS._replace(told=told)}
    assert without_run(CHILD, states, NOW + 2.1 * HOUR, DAY) == (None, told)


def test_its_own_lateness_counts():
    patient = CHILD._replace(late=DAY)
    assert without_run(patient, states_of(), NOW + 23 * HOUR, DAY)[0] is None


@pytest.mark.parametrize(
    ("until", "event"), [(None, None), (NOW + 9 * HOUR, None), (NOW + HOUR / 2, Event.LATE)]
)
def test_what_a_person_paused_is_not_late(until, event):
    states = states_of(pause=Pause(NOW, until, "me"))
    change, _ = without_run(CHILD, states, NOW + 2 * HOUR, DAY)
    assert (change and change.event) is event


def test_one_that_was_marked_as_successful_is_well_again():
    _, row = fail(ROW, NOW)
    row = marked_successful(JOB, row, NOW + timedelta(minutes=1))
    change, told = without_run(JOB, {"a": row}, NOW + timedelta(minutes=5), DAY)
    assert change
    assert (change.event, told) == (Event.RECOVERED, None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "no json",
        "[]",
        "3",
        '{"since": 3, "at": 4, "of": []}',
        '{"since": "2026-11-24"}',
    ],
)
def test_what_is_not_ours_to_read_counts_as_nothing_told(text):
    assert Told.parse(text) is None
    assert fail(ROW._replace(told=text), NOW)[0].event is Event.FAILED


@given(st.lists(st.sampled_from("abc-"), max_size=60))
def test_after_the_last_word_on_a_job_all_know_how_it_is(runs):
    """What is told last is whether the job is well."""
    row, last = ROW, None
    for number, text in enumerate(runs):
        now = NOW + number * HOUR
        change, row = succeed(row, now) if text == "-" else fail(row, now, text)
        last = change.event if change else last
        row = row._replace(next_slot=now + HOUR, next_run=now + HOUR)
    well = not runs or runs[-1] == "-"
    assert well == (last in (None, Event.RECOVERED))


@pytest.mark.parametrize(
    ("attempts", "gave_up", "event"),
    [(0, False, Event.FAILED), (1, False, None), (1, True, Event.GAVE_UP)],
)
def test_a_date_that_was_asked_for_is_told_of_first_and_last_and_the_job_is_as_it_was(
    attempts, gave_up, event
):
    asked = AskedBackfill(1, ((NOW, NOW),), "1h", 1, attempts=attempts)
    row = ROW._replace(app_name="f", asked=(asked,), asked_slot=NOW, ongoing=NOW, told="as it was")
    run = Run("f", NOW, NOW, timedelta(), Outcome.FAILED, "host", error())
    change, told = after_run(FILL, row, row, run, NOW, DAY, gave_up=gave_up)
    assert (change and change.event, told) == (event, "as it was")


def test_a_date_that_was_asked_for_and_failed_is_told_of_by_its_run_alone():
    """trap: the next tick told of it again, without the error, and the job was never well again"""
    date = NOW - 9 * HOUR
    asked = AskedBackfill(1, ((date, date),), "1h", 1, attempts=1, error="no")
    row = ROW._replace(app_name="f", asked=(asked,), next_run=NOW + HOUR, next_slot=NOW + HOUR)
    assert without_run(FILL, {"f": row}, NOW, DAY) == (None, row.told)
    late = str(Told(NOW - HOUR, NOW - HOUR, ("late",)))
    change, told = without_run(FILL, {"f": row._replace(told=late)}, NOW, DAY)
    assert (change and change.event, told) == (Event.RECOVERED, None)
