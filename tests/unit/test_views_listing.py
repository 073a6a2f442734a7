"""The list of jobs: its form, to the letter."""

import textwrap
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from crontabber.schedule.grammar import Schedule
from crontabber.schedule.model import Claim, JobSpec, JobState, LastError, Pause
from crontabber.tick.failures import last_error
from crontabber.views.listing import listing

SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
NOW = datetime(2026, 11, 21, 0, 13, 40, 900_000, tzinfo=timezone.utc)
BAD = JobSpec("bad-app", "jobs.myapp.Bad", Schedule.parse("1d|03:00"), ZoneInfo("UTC"))
TRACEBACK = """\
Traceback (most recent call last):
  File "jobs/myapp.py", line 7, in run
    open("/etc/nope/x")
FileNotFoundError: [Errno 2] No such file or directory: '/etc/nope/x'
"""
ERROR = LastError(
    "<class 'FileNotFoundError'>",
    "[Errno 2] No such file or directory: '/etc/nope/x'",
    TRACEBACK,
)
FAILED = JobState(
    "bad-app",
    next_run=NOW.replace(microsecond=0) + 300 * SECOND,
    next_slot=NOW.replace(hour=0, minute=13, second=0, microsecond=0),
    first_run=NOW,
    last_run=NOW,
    error_count=1,
    last_error=ERROR,
)
WELL = FAILED._replace(error_count=0, last_error=None, last_success=NOW - DAY)


def shown(job=BAD, state=FAILED, **more):
    return listing([job], {state.app_name: state} if state else {}, NOW, **more)


def lines(*arguments, **more):
    return shown(*arguments, **more).splitlines()


def test_a_failed_job_in_full():
    assert shown() == textwrap.dedent(
        """\
        === JOB ========================================================================
        Class:          jobs.myapp.Bad
        App name:       bad-app
        Frequency:      1d @ 03:00
        Last run:       2026-11-21 00:13:40  (0 seconds ago)
        Last success:   no previous successful run
        Next run:       2026-11-21 00:18:40  (in 4 minutes, 59 seconds)
        Error!!         (1 times)
        Traceback (most recent call last):
          File "jobs/myapp.py", line 7, in run
            open("/etc/nope/x")
        <class 'FileNotFoundError'>: [Errno 2] No such file or directory: '/etc/nope/x'"""
    )


def test_a_job_that_is_well_has_no_error():
    assert lines(BAD, WELL)[-3:] == [
        "Last run:       2026-11-21 00:13:40  (0 seconds ago)",
        "Last success:   2026-11-20 00:13:40  (1 day ago)",
        "Next run:       2026-11-21 00:18:40  (in 4 minutes, 59 seconds)",
    ]


NEVER_RAN = [
    "Class:          jobs.myapp.Bad",
    "App name:       bad-app",
    "Frequency:      1d @ 03:00",
    "*NO PREVIOUS RUN INFO*",
]


def test_a_job_that_never_ran():
    assert lines(BAD, None)[1:] == NEVER_RAN


def test_a_job_that_never_ran_and_waits():
    state = JobState("bad-app", next_run=NOW + DAY, next_slot=NOW)
    upcoming = "Next run:       2026-11-22 00:13:40  (in 1 day)"
    assert lines(BAD, state)[1:] == [*NEVER_RAN, upcoming]


def test_jobs_stand_in_the_order_listed_with_a_blank_line_between():
    other = BAD._replace(app_name="other", class_path="jobs.Other", schedule=Schedule.parse("5m"))
    heading = "=" * 3 + " JOB " + "=" * 72
    assert listing([other, BAD], {}, NOW).splitlines() == [
        heading,
        "Class:          jobs.Other",
        "App name:       other",
        "Frequency:      5m",
        "*NO PREVIOUS RUN INFO*",
        "",
        heading,
        "Class:          jobs.myapp.Bad",
        "App name:       bad-app",
        "Frequency:      1d @ 03:00",
        "*NO PREVIOUS RUN INFO*",
    ]


def test_no_jobs_at_all_are_told():
    assert listing([], {}, NOW) == "There are no jobs."


def test_times_are_in_the_zone_of_the_schedules():
    text = shown(BAD._replace(zone=ZoneInfo("Asia/Tokyo")))
    assert "Last run:       2026-11-21 09:13:40  (0 seconds ago)" in text
    assert "Next run:       2026-11-21 09:18:40  (in" in text


def test_trap_started_0_seconds_ago_was_always_shown():
    """trap: "Started 0 seconds ago" was always shown"""
    began = NOW - HOUR - 120 * SECOND
    state = WELL._replace(ongoing=began, claim=Claim("db1", 4711, 1, began))
    assert lines(BAD, state)[4:6] == [
        "Ongoing now!   Started 1 hour, 2 minutes ago",
        "Run by:         process 4711 on db1",
    ]


def test_a_first_run_in_progress_has_no_last_run():
    state = JobState("bad-app", next_run=NOW, next_slot=NOW, ongoing=NOW - 3 * SECOND)
    assert lines(BAD, state)[4:8] == [
        "Ongoing now!   Started 3 seconds ago",
        "Run by:         an older crontabber",
        "Last run:       no previous run",
        "Last success:   no previous successful run",
    ]


def test_a_next_run_that_has_passed():
    text = shown(BAD, WELL._replace(next_run=NOW - HOUR, next_slot=NOW - HOUR))
    assert "Next run:       2026-11-20 23:13:40  (was 1 hour ago)" in text


def test_a_row_of_an_older_crontabber_with_nothing_planned():
    old = JobState("bad-app", last_run=NOW - DAY, last_success=NOW - DAY)
    assert lines(BAD, old)[-1] == "Next run:       2026-11-21 03:00:00  (in 2 hours, 46 minutes)"


def test_parents_are_named():
    text = shown(BAD._replace(depends_on=("a", "b")))
    assert "\nDepends on:     a, b\n" in text


def test_a_backfill_app_that_is_behind_names_the_date_to_be_tried_again():
    slot = datetime(2026, 11, 18, 3, tzinfo=timezone.utc)
    state = FAILED._replace(next_slot=slot)
    expected = "Open slot:      2026-11-18 03:00:00  (2 days, 21 hours ago)"
    assert expected in lines(BAD._replace(backfill=True), state)
    assert "Open slot" not in shown(BAD, state)


def test_a_backfill_app_that_is_up_to_date_or_due_names_no_date():
    job = BAD._replace(backfill=True)
    assert "Open slot" not in shown(job, WELL._replace(next_slot=WELL.next_run))
    assert "Open slot" not in shown(job, WELL._replace(next_run=NOW - DAY, next_slot=NOW - DAY))


def exception_of(statement):
    with pytest.raises(Exception) as raised:  # noqa: PT011  any exception
        exec(statement, {})
    return last_error(raised.value, str)


@pytest.mark.parametrize(
    ("statement", "end"),
    [
        ("raise ValueError('one\\ntwo')", ["<class 'ValueError'>: one", "two"]),
        ("raise ValueError('x\\n')", ["<class 'ValueError'>: x"]),
        ("raise ValueError", ["<class 'ValueError'>"]),
        ("{}['k']", ["<class 'KeyError'>: 'k'"]),
        ("import json; json.loads('{')", ["<class 'json.decoder.JSONDecodeError'>: Expecting"]),
    ],
)
def test_an_exception_is_told_once(statement, end):
    found = lines(BAD, FAILED._replace(last_error=exception_of(statement)))
    assert found[7] == "Error!!         (1 times)"
    assert found[8] == "Traceback (most recent call last):"
    assert found[-len(end)].startswith(end[0])
    assert found[-len(end) + 1 :][: len(end) - 1] == end[1:]
    assert found[-len(end) - 1].startswith("  ")  # of the stack, not Python's own last line


def test_a_crash_has_no_traceback():
    crash = LastError("<class 'crontabber.errors.JobCrashed'>", "process 1 on db1 …", "")
    assert lines(BAD, FAILED._replace(last_error=crash))[-2:] == [
        "Error!!         (1 times)",
        "<class 'crontabber.errors.JobCrashed'>: process 1 on db1 …",
    ]


def test_frames_alone_get_their_heading():
    frames = '  File "jobs/myapp.py", line 7, in run\n    1 / 0\n'
    old = ERROR._replace(type="<type 'ZeroDivisionError'>", value="by zero", traceback=frames)
    assert lines(BAD, FAILED._replace(last_error=old))[-4:] == [
        "Traceback (most recent call last):",
        '  File "jobs/myapp.py", line 7, in run',
        "    1 / 0",
        "<type 'ZeroDivisionError'>: by zero",
    ]


def test_escape_sequences_in_an_exception_do_not_reach_the_terminal():
    evil = LastError("<class 'E'>", "\x1b[2Jvalue\r", "Traceback\n  \x1b]0;title\x07 \tframe\n")
    text = shown(BAD, FAILED._replace(last_error=evil))
    assert not set(text) & {"\x1b", "\x07", "\r"}
    assert r"<class 'E'>: \x1b[2Jvalue\r" in text
    assert "\\x1b]0;title\\x07 \tframe" in text


def marked(kind, text):
    return f"<{kind}>{text}</{kind}>"


def test_a_style_is_asked_for_what_deserves_attention():
    late = NOW - 2 * HOUR
    state = FAILED._replace(next_run=late, next_slot=late)
    assert [line for line in lines(BAD, state, style=marked) if line.startswith("<")] == [
        "<overdue>Next run:       2026-11-20 22:13:40  (was 2 hours ago)</overdue>",
        "<error>Error!!         (1 times)</error>",
        f"<error>{ERROR.type}: {ERROR.value}</error>",
    ]
    ongoing = lines(BAD, WELL._replace(next_run=late, ongoing=late), style=marked)
    assert [line for line in ongoing if line.startswith("<")] == [
        "<ongoing>Ongoing now!   Started 2 hours ago</ongoing>"
    ]


def test_a_job_that_is_well_or_only_just_due_needs_no_style():
    due = WELL._replace(next_run=NOW - 300 * SECOND, next_slot=NOW - 300 * SECOND)
    for state in (WELL, due, None):
        assert shown(BAD, state, style=marked) == shown(BAD, state)


@pytest.mark.parametrize(
    ("pause", "shown_as"),
    [
        (
            Pause(NOW, NOW.replace(microsecond=0) + HOUR, "anna@db1", "they move"),
            ["Paused:         until 2026-11-21 01:13:40, by anna@db1: they move"],
        ),
        (Pause(NOW, None, "anna@db1"), ["Paused:         until it is resumed, by anna@db1"]),
        (Pause(NOW - DAY, NOW - HOUR, "anna@db1"), []),
    ],
)
def test_a_pause_says_until_when_and_who(pause, shown_as):
    found = lines(state=WELL._replace(pause=pause))
    assert [line for line in found if line.startswith("Paused:")] == shown_as
