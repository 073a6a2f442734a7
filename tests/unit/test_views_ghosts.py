"""Jobs that are in the database, but not in the configuration."""

from datetime import datetime, timezone
from zoneinfo import ZoneInfo

from crontabber.schedule.grammar import Schedule
from crontabber.schedule.model import JobSpec, JobState
from crontabber.views.ghosts import ghosts

THEN = datetime(2026, 11, 21, 0, 13, 40, 5, tzinfo=timezone.utc)
JOB = JobSpec("a", "jobs.A", Schedule.parse("1h"), ZoneInfo("UTC"))


def states(*rows):
    return {state.app_name: state for state in rows}


def test_without_ghosts_that_is_said():
    assert ghosts(states(JobState("a")), [JOB]) == (
        "No ghosts: every job in the database is configured."
    )
    assert ghosts({}, [JOB]).startswith("No ghosts")


def test_each_ghost_has_a_line_and_the_last_says_what_to_do():
    rows = states(
        JobState("z-old", last_run=THEN),
        JobState("a"),
        JobState("moved", last_run=THEN, class_path="jobs.old.Moved"),
        JobState("never", class_path="jobs.Never"),
    )
    *lines, advice = ghosts(rows, [JOB]).splitlines()
    assert lines == [
        "moved (jobs.old.Moved): last run 2026-11-21 00:13:40 UTC",
        "never (jobs.Never): never ran",
        "z-old: last run 2026-11-21 00:13:40 UTC",
    ]
    assert "--reset-job=NAME" in advice


def test_times_are_in_the_zone_asked_for():
    text = ghosts(states(JobState("b", last_run=THEN)), [], zone=ZoneInfo("Asia/Tokyo"))
    assert "b: last run 2026-11-21 09:13:40 JST" in text


def test_a_job_whose_line_cannot_be_used_is_no_ghost():
    rows = states(JobState("b", class_path="jobs.B"))
    assert ghosts(rows, [JOB], unusable={"jobs.B"}).startswith("No ghosts")
    assert ghosts(rows, [JOB], unusable={"jobs.C"}).startswith("b (jobs.B)")


def test_a_name_stays_on_its_line():
    text = ghosts(states(JobState("odd\nname\x1b[2J")), [])
    assert text.splitlines()[0] == r"odd name\x1b[2J: never ran"
