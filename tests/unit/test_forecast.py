"""What runs next: the forecast, its words, and the calendar file."""

from datetime import datetime, timezone
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar

from crontabber.schedule.asked import AskedBackfill
from crontabber.schedule.clockchange import changes, clock_note, exists, exists_twice
from crontabber.schedule.findings import Counts, Health
from crontabber.schedule.forecast import preview, upcoming
from crontabber.schedule.grammar import Schedule
from crontabber.schedule.model import JobSpec, JobState, LastError, Pause
from crontabber.schedule.status import Overview, statuses
from crontabber.views import preview as view
from tests.schemas import conforming

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 28, 10, 33, 20, tzinfo=timezone.utc)


def at(text: str, zone: ZoneInfo = BERLIN) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


local = datetime.fromisoformat  # without a zone, as a clock on the wall shows it


def job_of(schedule: str, app_name: str = "report", **more: Any) -> JobSpec:
    return JobSpec(app_name, "jobs.shop.Report", Schedule.parse(schedule), BERLIN, **more)


def first(job: JobSpec, state: JobState | None, count: int = 3, now: datetime = NOW) -> list[Any]:
    found = islice(upcoming(job, state, now), count)
    return [(f"{each.at.astimezone(BERLIN):%m-%d %H:%M}", each.note) for each in found]


def waiting(slot: str, **more: Any) -> JobState:
    more = {"last_run": at("2026-11-27 03:00"), "next_run": at(slot), **more}
    return JobState("report", next_slot=at(slot), **more)


ERROR = LastError("<class 'OSError'>", "refused", "")


@pytest.mark.parametrize(
    ("schedule", "more", "state", "expected"),
    [
        ("1d|03:00", {}, waiting("2026-11-29 03:00"), ["11-29 03:00", "11-30 03:00"]),
        ("1d|03:00", {}, None, ["11-28 03:00", "11-29 03:00"]),
        ("2d|21:00", {}, waiting("2026-11-29 21:00"), ["11-29 21:00", "12-01 21:00"]),
        ("1h", {}, waiting("2026-11-28 12:10"), ["11-28 12:10", "11-28 13:10"]),
        # due, and then by its slots
        ("1h", {}, waiting("2026-11-28 09:10"), ["11-28 09:10", "11-28 12:10"]),
        # an edited schedule counts from now on
        (
            "1d|05:00",
            {},
            waiting("2026-11-29 03:00", plan="1d|03:00 Europe/Berlin"),
            ["11-29 05:00", "11-30 05:00"],
        ),
        # a run is under way
        (
            "1h",
            {},
            waiting("2026-11-28 11:10", ongoing=NOW),
            ["11-28 12:10", "11-28 13:10"],
        ),
    ],
)
def test_the_next_runs_are_those_of_rows_and_schedules(
    schedule: str, more: dict[str, Any], state: JobState | None, expected: list[tuple[str, str]]
) -> None:
    assert [when for when, _ in first(job_of(schedule, **more), state, 2)] == expected


def test_a_retry_waits_and_then_goes_on_by_the_schedule() -> None:
    state = waiting(
        "2026-11-28 11:10", next_run=at("2026-11-28 11:38"), last_error=ERROR, attempts=2
    )
    assert first(job_of("1h"), state, 2) == [("11-28 11:38", "try 3"), ("11-28 12:10", "")]


def test_open_dates_come_at_once() -> None:
    state = waiting("2026-11-25 03:00")
    found = first(job_of("1d|03:00", backfill=True), state, 2)
    assert found == [("11-25 03:00", "4 dates, the oldest first"), ("11-29 03:00", "")]


def test_a_paused_job_runs_by_its_schedule_again_or_catches_up() -> None:
    pause = Pause(NOW, at("2026-11-30 12:00"))
    state = waiting("2026-11-29 03:00", pause=pause)
    after = "after its pause"
    assert first(job_of("1d|03:00"), state, 2) == [("12-01 03:00", after), ("12-02 03:00", "")]
    backfill = job_of("1d|03:00", backfill=True)
    assert first(backfill, state, 2) == [("11-30 12:00", after), ("12-01 03:00", "")]
    assert first(backfill, waiting("2026-11-29 03:00", pause=Pause(NOW, None))) == []
    to_the_slot = waiting("2026-11-29 03:00", pause=Pause(NOW, at("2026-11-30 03:00")))
    assert first(job_of("1d|03:00"), to_the_slot, 1) == [("11-30 03:00", after)]
    over = waiting("2026-11-29 03:00", pause=Pause(NOW, at("2026-11-28 09:00")))
    assert first(backfill, over, 1) == [("11-29 03:00", "")]


def test_a_job_that_gave_up_has_no_next_run() -> None:
    state = waiting("2026-11-28 03:00", gave_up=True, last_error=ERROR)
    assert first(job_of("1d|03:00", backfill=True), state) == []


def test_the_runs_of_all_jobs_are_in_order() -> None:
    jobs = [job_of("1d|03:00", "daily"), job_of("6h", "often"), job_of("1d|04:00", "gone")]
    states = {
        "daily": waiting("2026-11-29 03:00"),
        "often": waiting("2026-11-28 13:00"),
        "gone": waiting("2026-11-29 04:00", pause=Pause(NOW, None)),
    }
    found = preview(jobs, states, NOW, count=4)
    assert [each.job.app_name for each in found] == ["often", "often", "often", "daily"]
    found = preview(jobs, states, NOW, until=at("2026-11-29 07:00"))
    assert [each.job.app_name for each in found] == ["often", "often", "often", "daily", "often"]


SPRING = "02:30 does not exist: clocks are set forward to 03:00"


@pytest.mark.parametrize(
    ("schedule", "slot", "note"),
    [
        ("1d|02:30", "2026-03-28 02:30", ""),
        ("1d|02:30", "2026-03-29 03:00", SPRING),
        ("3d|02:30", "2026-03-29 03:00", SPRING),
        ("1d|03:00", "2026-03-29 03:00", ""),
        ("1d|02:30", "2026-03-30 02:30", ""),
        ("1d|02:30", "2026-10-25 02:30", "02:30 exists twice: the first counts"),
        ("1d|03:00", "2026-10-25 03:00", ""),
        ("1h", "2026-03-29 03:00", "02:00 does not exist: clocks are set forward to 03:00"),
        ("1h", "2026-10-25 02:00", "02:00 exists twice: the first of two runs"),
        ("1h", "2026-11-25 02:00", ""),
    ],
)
def test_a_change_of_the_clocks_is_noted(schedule: str, slot: str, note: str) -> None:
    moment = at(slot).astimezone(timezone.utc)
    assert clock_note(Schedule.parse(schedule), moment, BERLIN) == note


def test_the_second_of_two_equal_times_is_noted() -> None:
    second = datetime(2026, 10, 25, 1, 0, tzinfo=timezone.utc)
    note = clock_note(Schedule.parse("1h"), second, BERLIN)
    assert note == "02:00 for the second time: clocks are set back"


def test_a_day_that_a_zone_left_out() -> None:
    apia = ZoneInfo("Pacific/Apia")
    before, slot = at("2011-12-29 03:00", apia), at("2011-12-31 03:00", apia)
    note = clock_note(Schedule.parse("1d|03:00"), slot, apia, before)
    assert note == "Fri 03:00 is left out: it does not exist, clocks are set forward"


def test_when_clocks_are_changed() -> None:
    year = (at("2026-01-01 00:00"), at("2027-01-01 00:00"))
    assert [f"{change:%m-%dT%H:%M}" for change in changes(BERLIN, *year)] == [
        "03-29T01:00",
        "10-25T01:00",
    ]
    assert [*changes(ZoneInfo("UTC"), *year)] == []
    assert not exists(local("2026-03-29 02:00"), BERLIN)
    assert exists(local("2026-03-29 03:00"), BERLIN)
    assert exists_twice(local("2026-10-25 02:00"), BERLIN)
    assert not exists_twice(local("2026-10-25 03:00"), BERLIN)


# -- what is printed -----------------------------------------------------------------


def overview_of(jobs: list[JobSpec], states: dict[str, JobState]) -> Overview:
    health = Health([], Counts(jobs=len(jobs)), False)
    return Overview(NOW, BERLIN, statuses(jobs, states, health, NOW), health)


JOBS = [job_of("1d|03:00", "fetch"), job_of("1h", "report", depends_on=("fetch",))]
STATES = {
    "fetch": waiting("2026-11-29 03:00"),
    "report": waiting("2026-11-28 11:10"),
}


def test_the_page() -> None:
    found = preview(JOBS, STATES, NOW, count=3)
    assert view.preview(overview_of(JOBS, STATES), found).splitlines() == [
        "Sat 28 Nov 2026 11:33 Europe/Berlin",
        "",
        "LOCAL TIME              UTC                      JOB",
        "Sat 28 Nov 11:33 +0100  11-28 10:33Z  due        report",
        "Sat 28 Nov 12:10 +0100  11-28 11:10Z  in 37m     report",
        "Sat 28 Nov 13:10 +0100  11-28 12:10Z  in 1h 37m  report",
    ]


def test_what_does_not_run_is_named() -> None:
    states = {"report": waiting("2026-11-28 03:00", gave_up=True, last_error=ERROR, attempts=3)}
    jobs = [job_of("1d|03:00", backfill=True)]
    text = view.preview(overview_of(jobs, states), preview(jobs, states, NOW))
    assert text.endswith(
        "No runs are to come.\n\nreport does not run: gave up; after 3 tries: OSError: refused"
    )


def test_the_document_conforms() -> None:
    found = preview(JOBS, STATES, NOW, count=3)
    document = conforming(view.preview_document(overview_of(JOBS, STATES), found))
    assert document["kind"] == "preview"
    [fetch, report] = document["jobs"]
    assert fetch["upcoming"] == []
    assert report["upcoming"][1] == {
        "at": "2026-11-28T11:10:00Z",
        "local": "2026-11-28T12:10:00+01:00",
        "slot": "2026-11-28T11:10:00Z",
    }


def test_the_calendar_is_read_by_others_as_it_was_meant() -> None:
    odd = "Umlaute äöü, and; a \\ back\nslash " + "x" * 90
    jobs = [job_of("1d|03:00", odd)]
    found = preview(jobs, {}, NOW, count=3)
    text = view.calendar(found, NOW) + "\n"
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    assert text.count("\n") == text.count("\r\n")
    calendar = Calendar.from_ical(text.encode())
    assert [str(calendar[name]) for name in ("VERSION", "PRODID")] == [
        "2.0",
        "-//crontabber//preview//EN",
    ]
    events: list[Any] = calendar.walk("VEVENT")
    assert [event.errors for event in events] == [[], [], []]
    assert [event["SUMMARY"] for event in events] == [odd.replace("\n", " ")] * 3
    assert len({str(event["UID"]) for event in events}) == 3
    assert [event["DTSTART"].dt for event in events[1:]] == [each.at for each in found[1:]]
    assert events[0]["DTSTART"].dt == NOW.replace(microsecond=0), "it is due: not in the past"
    assert events[0]["DTSTAMP"].dt == NOW.replace(microsecond=0)
    assert str(events[0]["DESCRIPTION"]) == "1d at 03:00 Europe/Berlin"


def test_years_of_minutes_cost_nothing() -> None:
    job = job_of("1m", backfill=True)
    state = waiting("2016-11-28 03:00")
    assert first(job, state, 2)[1] == ("11-28 11:34", "")


# -- dates that were asked for -----------------------------------------------------------


def test_dates_that_were_asked_for_come_after_what_is_due_by_the_schedules() -> None:
    """trap: they were not shown, although the next tick does them"""
    dates = ((at("2026-10-01 03:00"), at("2026-10-04 03:00")),)
    asked = AskedBackfill(7, dates, "1d|03:00 Europe/Berlin", 4, newest_first=True)
    later = asked._replace(number=8, retry_at=at("2026-11-28 20:00"), newest_first=False)
    jobs = [job_of("1d|03:00", backfill=True), job_of("6h", "often")]
    states = {
        "report": waiting("2026-11-29 03:00", backfill=True, asked=(asked, later)),
        "often": waiting("2026-11-28 11:00"),
    }
    found = preview(jobs, states, NOW, count=5, asked=True)
    assert [(each.job.app_name, each.note) for each in found] == [
        ("often", ""),
        ("report", "backfill 7: 4 dates, the newest first, when nothing else is due"),
        ("often", ""),
        ("report", "backfill 8: 4 dates, when nothing else is due"),
        ("often", ""),
    ]
    assert (found[1].at, found[1].slot) == (NOW, at("2026-10-04 03:00"))
    assert found[3].at == later.retry_at
    assert all(not each.note for each in preview(jobs, states, NOW, count=5))
    states["report"] = states["report"]._replace(pause=Pause(NOW, None))
    found = preview(jobs, states, NOW, count=5, asked=True)
    assert [each.slot for each in found if each.job.app_name == "report"] == [
        at("2026-10-04 03:00"),
        at("2026-10-01 03:00"),
    ]  # which a pause does not stop
