"""How a job is, in one word, and since when."""

from datetime import timedelta

import pytest

from crontabber.schedule.asked import AskedBackfill
from crontabber.schedule.health import judge
from crontabber.schedule.history import LastRun, last_run
from crontabber.schedule.model import JobState, LastError, Outcome, Pause, Run
from crontabber.schedule.status import State, statuses, worst_first
from crontabber.schedule.transition import CRASHED
from tests.unit.schedules import DAY, ERROR, HOUR, MINUTE, SECOND, at, claim, job, waiting

NOW = at("2026-11-21 12:00:01")
PARENT = JobState("parent", last_run=NOW - HOUR, last_error=ERROR)

FAILED_DATE = "backfill 7 failed 2 times at 2026-11-01 12:00: no such table"


def failed_date(spec):
    date = at("2026-11-01 12:00")
    asked = AskedBackfill(7, ((date, date),), spec.plan, 1, attempts=2, error="no such table")
    return asked._replace(retry_at=NOW + MINUTE)


def status(spec, row, last=None, **others):
    states = {**others, **({"app": row} if row else {})}
    runs = {"app": last} if last else {}
    return statuses([spec], states, judge([spec], states, NOW), NOW, runs)[0]


def ran(spec, slot, **more):
    return waiting(spec, slot, last_run=NOW - HOUR, last_success=NOW - HOUR, **more)


@pytest.mark.parametrize(
    ("spec", "row", "state", "reason"),
    [
        (job(), ran(job(), NOW + HOUR), State.OK, ""),
        (job("1d|13:00"), None, State.WAITING, "has not run yet"),
        (job(), ran(job(), NOW - MINUTE), State.WAITING, "due: the next tick runs it"),
        (job(), ran(job(), NOW - 2 * HOUR), State.LATE, "no tick has run it"),
        (
            job(),
            ran(job(), NOW - HOUR, last_error=ERROR, error_count=3, next_run=NOW + MINUTE),
            State.FAILED,
            "failed 3 times: ValueError: no",
        ),
        (
            job(),
            ran(job(), NOW, last_error=LastError(CRASHED, "process 7 did not finish", "")),
            State.CRASHED,
            "process 7 did not finish",
        ),
        (
            job(backfill=True),
            ran(job(backfill=True), NOW, last_error=ERROR, gave_up=True, attempts=2),
            State.GAVE_UP,
            "after 2 tries: ValueError: no",
        ),
        (
            job(),
            ran(job(), NOW, pause=Pause(NOW - HOUR, None, "anna", "why not")),
            State.PAUSED,
            "by anna: why not",
        ),
        (
            job(),
            ran(job(), NOW, ongoing=NOW - SECOND, claim=claim(NOW), last_error=ERROR),
            State.RUNNING,
            "by process 7 on host; failed once before: ValueError: no",
        ),
        (
            job(),
            ran(job(), NOW, ongoing=NOW - DAY, claim=claim(NOW)),
            State.RUNNING,
            "for too long, by process 7 on host",
        ),
    ],
)
def test_a_job_has_one_state_and_the_reason_for_it(spec, row, state, reason):
    found = status(spec, row)
    assert (found.state, found.reason) == (state, reason)


def test_a_job_that_is_due_and_waits_for_a_parent_is_blocked_since_it_waits_for_it():
    spec = job(depends_on=("parent",))
    row = ran(spec, NOW - HOUR)
    assert status(spec, row, parent=PARENT).state is State.BLOCKED
    assert status(spec, row, parent=PARENT).since == NOW - HOUR
    noticed = row._replace(waits_for="parent", waits_since=NOW - MINUTE)
    assert status(spec, noticed, parent=PARENT).since == NOW - MINUTE


@pytest.mark.parametrize(
    ("changes", "state", "reason"),
    [
        ({}, State.FAILED, FAILED_DATE),
        (
            {"next_run": NOW - MINUTE, "next_slot": NOW - MINUTE},
            State.FAILED,
            f"{FAILED_DATE}; due: the next tick runs it",
        ),
        (
            {"next_run": NOW - 2 * HOUR, "next_slot": NOW - 2 * HOUR},
            State.LATE,
            f"no tick has run it; {FAILED_DATE}",
        ),
        (
            {"last_error": ERROR, "error_count": 2},
            State.FAILED,
            f"failed 2 times: ValueError: no; {FAILED_DATE}",
        ),
        ({"pause": Pause(NOW - HOUR, None, "anna")}, State.PAUSED, f"by anna; {FAILED_DATE}"),
        (
            {"ongoing": NOW - SECOND, "claim": claim(NOW)},
            State.RUNNING,
            f"by process 7 on host; {FAILED_DATE}",
        ),
    ],
)
def test_a_date_that_was_asked_for_and_failed_is_part_of_the_state(changes, state, reason):
    """trap: only --nagios and --list-backfills told of it, all else said ok"""
    spec = job(backfill=True)
    row = ran(spec, NOW + HOUR, asked=(failed_date(spec),))._replace(**changes)
    found = status(spec, row)
    assert (found.state, found.reason) == (state, reason)


def test_a_job_that_waits_for_a_parent_while_a_date_failed_is_blocked():
    spec = job(backfill=True, depends_on=("parent",))
    found = status(spec, ran(spec, NOW - HOUR, asked=(failed_date(spec),)), parent=PARENT)
    assert (found.state, found.since) == (State.BLOCKED, NOW - HOUR)
    assert found.reason == f"parent failed when it last ran; {FAILED_DATE}"


def test_a_job_fails_since_the_log_says_so():
    row = ran(job(), NOW, last_error=ERROR)
    assert status(job(), row).since == row.last_run
    assert status(job(), row, LastRun(failing_since=NOW - DAY)).since == NOW - DAY


def test_a_backfill_app_counts_its_open_dates():
    spec = job("1d|03:00", backfill=True)
    found = status(spec, ran(spec, at("2026-11-17 03:00")))
    assert (found.open.number, found.open.oldest) == (5, at("2026-11-17 03:00"))
    assert status(spec, ran(spec, at("2026-11-22 03:00"))).open is None


@pytest.mark.parametrize(
    ("pause", "next_"),
    [
        (Pause(NOW - HOUR, NOW + DAY), NOW + DAY),
        (Pause(NOW - HOUR, NOW + MINUTE), NOW + HOUR),
        (Pause(NOW - HOUR, None), None),
    ],
)
def test_a_paused_job_runs_next_after_its_pause(pause, next_):
    assert status(job(), ran(job(), NOW + HOUR, pause=pause)).next == next_


def test_a_job_that_gave_up_waits_for_a_person():
    spec = job(backfill=True)
    assert status(spec, ran(spec, NOW - HOUR, last_error=ERROR, gave_up=True)).next is None


def test_the_gravest_come_first_and_what_is_alike_stays_in_its_order():
    names = ["ok", "late", "failed", "fine"]
    jobs = [job(name=name) for name in names]
    states = {spec.app_name: ran(spec, NOW + HOUR) for spec in jobs}
    states["late"] = ran(jobs[1], NOW - 9 * HOUR)
    states["failed"] = ran(jobs[2], NOW + HOUR, last_error=ERROR)
    found = worst_first(statuses(jobs, states, judge(jobs, states, NOW), NOW))
    assert [each.job.app_name for each in found] == ["failed", "late", "ok", "fine"]


def test_the_last_run_of_a_log_fails_since_the_first_failure_after_the_last_success():
    def run(hours, error):
        outcome = Outcome.FAILED if error else Outcome.SUCCEEDED
        return Run("a", NOW, NOW + hours * HOUR, timedelta(minutes=1), outcome, "here", error)

    runs = [run(0, ERROR), run(1, None), run(2, ERROR), run(3, ERROR)]
    assert last_run(runs) == LastRun(MINUTE, NOW + 2 * HOUR + MINUTE)
    assert last_run(runs[:2]) == LastRun(MINUTE)
    assert last_run([]) is None
