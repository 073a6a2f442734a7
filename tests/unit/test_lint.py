"""What --configtest warns of: schedules that may surprise."""

from datetime import datetime, timezone
from zoneinfo import ZoneInfo

import pytest

from crontabber.schedule.grammar import Schedule
from crontabber.schedule.lint import _days, _steps, oddities
from crontabber.schedule.model import JobSpec

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 28, 10, 33, tzinfo=timezone.utc)


def job_of(
    schedule: str, app_name: str = "a", *parents: str, zone: str = "Europe/Berlin"
) -> JobSpec:
    parsed = Schedule.parse(schedule)
    return JobSpec(app_name, f"m.{app_name}", parsed, ZoneInfo(zone), depends_on=parents)


@pytest.mark.parametrize(
    "schedule", ["5m", "1m", "60m", "90m", "1h", "6h", "36h", "1d", "3d", "1d|12:00", "1d|03:00"]
)
def test_most_schedules_are_not_odd(schedule: str) -> None:
    assert [*oddities([job_of(schedule)], NOW)] == []


@pytest.mark.parametrize(
    ("schedule", "said"),
    [
        ("7m", "7 minutes do not divide the hour: it runs at other minutes each hour"),
        ("45m", "45 minutes do not divide the hour: it runs at other minutes each hour"),
        ("5h", "5h does not divide the day: it runs at other times each day"),
        ("100m", "100m does not divide the day: it runs at other times each day"),
    ],
)
def test_steps_that_divide_neither_hour_nor_day(schedule: str, said: str) -> None:
    assert [*oddities([job_of(schedule)], NOW)] == [f"a ({schedule}): {said}"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("*/10 * * * *", []),
        ("*/7 * * * *", ["*/7 starts over each hour: its last step is 4 minutes long"]),
        ("0 */5 * * *", ["*/5 starts over each day: its last step is 4 hours long"]),
        ("0 */23 * * *", ["*/23 starts over each day: its last step is 1 hour long"]),
        ("0 3 * * mon-fri", []),
        ("mon..fri|03:00", []),
    ],
)
def test_steps_of_cron(text: str, said: list[str]) -> None:
    assert [*_steps(text)] == said


NO_31ST = "there is no 31st in February, April, June, September or November: it does not run then"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1,15|03:00", []),
        ("1,15,31|03:00", [NO_31ST]),
        ("1,15,last|03:00", []),
        ("30|03:00", ["there is no 30th in February: it does not run then"]),
        ("29|03:00", ["there is no 29th in February, except in leap years: it does not run then"]),
        ("mon..fri|03:00", []),
        ("31d", []),
        ("1d|03:31", []),
        ("0 3 31 * *", [NO_31ST]),
        ("0 3 29-31 * *", [NO_31ST]),
        ("0 3 1-31 * *", []),
        ("0 3 31 jan,Mar *", []),
        ("0 3 31 1-6 *", [NO_31ST]),
        ("0 3 L * *", []),
        ("30 3 * * *", []),
        ("31 3 */2 * *", []),
    ],
)
def test_days_that_some_months_lack(text: str, said: list[str]) -> None:
    assert [*_days(text)] == said


def test_times_that_do_not_exist_or_exist_twice_in_the_year_to_come() -> None:
    assert [*oddities([job_of("1d|02:30")], NOW)] == [
        f"a (1d|02:30): on {what} (Europe/Berlin)"
        for what in (
            "2027-03-28 02:30 does not exist: clocks are set forward to 03:00",
            "2027-10-31 02:30 exists twice: the first counts",
        )
    ]
    assert len([*oddities([job_of("3d|02:30")], NOW)]) == 2, "on no matter which day it runs"
    assert [*oddities([job_of("1d|02:30", zone="UTC")], NOW)] == []


def test_a_child_that_runs_before_its_parent_of_the_same_day() -> None:
    early = [job_of("1d|03:00", "report", "fetch"), job_of("1d|04:00", "fetch")]
    [said] = oddities(early, NOW)
    assert said == (
        "report (1d|03:00): it runs at 03:00, and fetch, which it depends on, at 04:00: it gets "
        "what that did before, never what it does on the same day"
    )
    for own, parents in [
        ("1d|04:00", "1d|03:00"),
        ("1d|03:00", "1d|03:00"),
        ("1h", "1d|04:00"),
        ("1d|03:00", "1h"),
        ("1d", "1d|04:00"),
    ]:
        assert [*oddities([job_of(own, "report", "fetch"), job_of(parents, "fetch")], NOW)] == []
    assert [*oddities([job_of("1d|03:00", "report", "elsewhere")], NOW)] == []
