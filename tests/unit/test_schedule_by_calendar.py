"""Slots of calendars: days by name, cron expressions, minutes of the hour, in every time zone.

What is computed is held against oracles that know nothing of offsets, nor of the library that
reads cron expressions: they watch the clock on the wall, minute by minute.
"""

import itertools
import time
from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from crontabber.schedule.calendar import (
    count_slots,
    first_slot,
    latest_slot,
    next_slot,
    slot_after,
    slots,
)
from crontabber.schedule.grammar import Schedule
from tests.unit.schedules import DAY, HOUR, MINUTE, SECOND, at, local
from tests.unit.test_schedule_calendar import (
    APIA,
    BEIRUT,
    BERLIN,
    CAIRO,
    LORD_HOWE,
    NEW_YORK,
    ST_JOHNS,
    places,
    shown,
)

quickly = settings(deadline=None, max_examples=10)

Matches = Callable[[datetime], bool]
"""Whether a calendar has this minute, as a clock shows it."""


@pytest.mark.parametrize(
    ("zone", "schedule", "expected"),
    [
        # a weekend, the end of a month, a leap day
        ("UTC", "mon..fri|03:00", ["2026-11-20 03:00", "2026-11-23 03:00", "2026-11-24 03:00"]),
        ("UTC", "mon,thu|03:00", ["2026-11-19 03:00", "2026-11-23 03:00", "2026-11-26 03:00"]),
        ("UTC", "sat|04:30", ["2026-11-21 04:30", "2026-11-28 04:30", "2026-12-05 04:30"]),
        (
            "UTC",
            "1,15,last|03:00",
            ["2028-02-15 03:00", "2028-02-29 03:00", "2028-03-01 03:00", "2028-03-15 03:00"],
        ),
        ("UTC", "31|03:00", ["2026-01-31 03:00", "2026-03-31 03:00", "2026-05-31 03:00"]),
        ("UTC", "31,last|03:00", ["2026-01-31 03:00", "2026-02-28 03:00", "2026-03-31 03:00"]),
        # the hour that is left out, and the one that comes twice
        (BERLIN, "sun|02:30", ["2026-03-22 02:30", "2026-03-29 03:00", "2026-04-05 02:30"]),
        (BERLIN, "sun|02:30", ["2026-10-18 02:30", "2026-10-25 02:30", "2026-11-01 02:30"]),
        (BERLIN, "30 2 * * *", ["2026-03-28 02:30", "2026-03-29 03:00", "2026-03-30 02:30"]),
        (BERLIN, "30 2 * * *", ["2026-10-24 02:30", "2026-10-25 02:30", "2026-10-26 02:30"]),
        (
            BERLIN,
            "*/30 1-3 * * *",
            ["2026-03-29 01:00", "2026-03-29 01:30", "2026-03-29 03:00", "2026-03-29 03:30"],
        ),
        (
            BERLIN,
            "*/30 1-3 29 3 *",
            ["2026-03-29 01:30", "2026-03-29 03:00", "2026-03-29 03:30", "2027-03-29 01:00"],
        ),
        (
            BERLIN,
            "*/30 1-3 * * *",
            ["2026-10-25 01:30", "2026-10-25 02:00", "2026-10-25 02:30", "2026-10-25 03:00"],
        ),
        # without an hour of the day it is elapsed time, as minutes and hours are
        (
            BERLIN,
            "*/30 * * * *",
            ["2026-03-29 01:30", "2026-03-29 03:00", "2026-03-29 03:30", "2026-03-29 04:00"],
        ),
        (
            BERLIN,
            "*/30 * * * *",
            ["2026-10-25 02:00", "2026-10-25 02:30", "2026-10-25 02:00", "2026-10-25 02:30"],
        ),
        (BERLIN, "5 * * * *", ["2026-03-29 01:05", "2026-03-29 03:05", "2026-03-29 04:05"]),
        (BERLIN, "5 * * * *", ["2026-10-25 02:05", "2026-10-25 02:05", "2026-10-25 03:05"]),
        (BERLIN, "1h|:05", ["2026-03-29 01:05", "2026-03-29 03:05", "2026-03-29 04:05"]),
        (BERLIN, "1h|:05", ["2026-10-25 02:05", "2026-10-25 02:05", "2026-10-25 03:05"]),
        (BERLIN, "2h|:05", ["2026-03-29 01:05", "2026-03-29 04:05", "2026-03-29 06:05"]),
        (BERLIN, "2h|:05", ["2026-10-25 01:05", "2026-10-25 02:05", "2026-10-25 04:05"]),
        # 02:00 -> 02:30, and 02:00 -> 01:30: the minute of the hour stays what it is
        (LORD_HOWE, "1h|:05", ["2026-10-04 01:05", "2026-10-04 03:05", "2026-10-04 04:05"]),
        (LORD_HOWE, "1h|:45", ["2026-10-04 01:45", "2026-10-04 03:45", "2026-10-04 04:45"]),
        (LORD_HOWE, "1h|:45", ["2026-04-05 01:45", "2026-04-05 02:45", "2026-04-05 03:45"]),
        (LORD_HOWE, "1h|:05", ["2026-04-05 01:05", "2026-04-05 02:05", "2026-04-05 03:05"]),
        (LORD_HOWE, "sun|02:15", ["2026-09-27 02:15", "2026-10-04 02:30", "2026-10-11 02:15"]),
        (LORD_HOWE, "45 * * * *", ["2026-04-05 01:45", "2026-04-05 01:45", "2026-04-05 02:45"]),
        # 00:00 -> 01:00
        (CAIRO, "fri|00:00", ["2026-04-17 00:00", "2026-04-24 01:00", "2026-05-01 00:00"]),
        (CAIRO, "0 0 * * fri", ["2026-04-17 00:00", "2026-04-24 01:00", "2026-05-01 00:00"]),
        (CAIRO, "30 * 24 4 *", ["2026-04-24 01:30", "2026-04-24 02:30", "2026-04-24 03:30"]),
        # 00:01 -> 23:01 of the day before: midnight came twice
        (ST_JOHNS, "sun|00:00", ["2006-10-22 00:00", "2006-10-29 00:00", "2006-11-05 00:00"]),
        (ST_JOHNS, "0 0 * * *", ["2006-10-28 00:00", "2006-10-29 00:00", "2006-10-30 00:00"]),
        (ST_JOHNS, "0 * * * *", ["2006-10-29 00:00", "2006-10-29 00:00", "2006-10-29 01:00"]),
        # there was no 30 December, which would have been a Friday
        (APIA, "fri|03:00", ["2011-12-23 03:00", "2012-01-06 03:00", "2012-01-13 03:00"]),
        (APIA, "30|03:00", ["2011-11-30 03:00", "2012-01-30 03:00", "2012-03-30 03:00"]),
        (APIA, "0 3 * * *", ["2011-12-29 03:00", "2011-12-31 03:00", "2012-01-01 03:00"]),
        (APIA, "0 */12 * * *", ["2011-12-29 12:00", "2011-12-31 00:00", "2011-12-31 12:00"]),
        (APIA, "30 * * * *", ["2011-12-29 23:30", "2011-12-31 00:30", "2011-12-31 01:30"]),
        # names, steps, L and #
        (
            "UTC",
            "*/10 8-18 * * mon-fri",
            ["2026-11-20 18:40", "2026-11-20 18:50", "2026-11-23 08:00", "2026-11-23 08:10"],
        ),
        ("UTC", "0 3 L * *", ["2026-01-31 03:00", "2026-02-28 03:00", "2026-03-31 03:00"]),
        ("UTC", "0 3 LW * *", ["2026-01-30 03:00", "2026-02-27 03:00", "2026-03-31 03:00"]),
        ("UTC", "0 3 * * fri#2", ["2026-11-13 03:00", "2026-12-11 03:00", "2027-01-08 03:00"]),
        ("UTC", "0 3 * * friL", ["2026-11-27 03:00", "2026-12-25 03:00", "2027-01-29 03:00"]),
        ("UTC", "0 3 * * sunL", ["2026-11-29 03:00", "2026-12-27 03:00", "2027-01-31 03:00"]),
        ("UTC", "0 3 * jan,jul mon#1", ["2026-01-05 03:00", "2026-07-06 03:00"]),
        ("UTC", "0 3 1 * fri", ["2026-11-27 03:00", "2026-12-01 03:00", "2026-12-04 03:00"]),
        ("UTC", "0 0 29 2 *", ["2028-02-29 00:00", "2032-02-29 00:00"]),
        # west of Greenwich
        (NEW_YORK, "0 3,6 * * *", ["2026-11-21 03:00", "2026-11-21 06:00", "2026-11-22 03:00"]),
        # days without a time, in which the clocks are changed: early, late, twice, not
        (BERLIN, "0 * * * sat", ["2026-03-28 23:00", "2026-04-04 00:00", "2026-04-04 01:00"]),
        (BERLIN, "0 * * * sat", ["2026-10-24 23:00", "2026-10-31 00:00", "2026-10-31 01:00"]),
        (BERLIN, "0 * * * mon", ["2026-03-23 23:00", "2026-03-30 00:00", "2026-03-30 01:00"]),
        (BERLIN, "0 * * * mon", ["2026-10-19 23:00", "2026-10-26 00:00", "2026-10-26 01:00"]),
        (BERLIN, "0 * * * mon", ["2026-11-02 23:00", "2026-11-09 00:00", "2026-11-09 01:00"]),
        (BERLIN, "0 * 1 jan,jul *", ["2026-01-01 23:00", "2026-07-01 00:00", "2026-07-01 01:00"]),
        (BERLIN, "0 * 1 jan *", ["2026-01-01 23:00", "2027-01-01 00:00", "2027-01-01 01:00"]),
        # the day after them has the change
        (
            BERLIN,
            "0 * * * sun",
            ["2026-03-22 23:00", "2026-03-29 00:00", "2026-03-29 01:00", "2026-03-29 03:00"],
        ),
        (
            BERLIN,
            "0 * 25 * *",
            ["2026-09-25 23:00", *(f"2026-10-25 {n}:00" for n in ("00", "01", "02", "02", "03"))],
        ),
        # 00:00 -> 23:00 of the day before, whose last hour comes again; and only that day's
        (BEIRUT, "0 * * * sat", [*["2026-10-24 23:00"] * 2, "2026-10-31 00:00"]),
        (BEIRUT, "0 * * * sun", ["2026-10-18 23:00", "2026-10-25 00:00", "2026-10-25 01:00"]),
        (BEIRUT, "0 * 24 10 *", [*["2026-10-24 23:00"] * 2, "2027-10-24 00:00"]),
        # there was no 30 December
        (APIA, "0 * * * fri", ["2011-12-23 23:00", "2012-01-06 00:00", "2012-01-06 01:00"]),
        (APIA, "0 * * * sat", ["2011-12-24 23:00", "2011-12-31 00:00", "2011-12-31 01:00"]),
    ],
)
def test_the_slots_of_calendars(zone, schedule, expected):
    found = slots(Schedule.parse(schedule), at(expected[0], zone), ZoneInfo(zone))
    assert [local(slot, zone) for slot in itertools.islice(found, len(expected))] == expected


@pytest.mark.parametrize(
    ("zone", "schedule", "now", "first"),
    [
        # today's time, also when it has passed; else the next day's
        ("UTC", "mon..fri|03:00", "2026-11-20 12:00", "2026-11-20 03:00"),
        ("UTC", "mon..fri|03:00", "2026-11-20 02:59:59", "2026-11-20 03:00"),
        ("UTC", "mon..fri|03:00", "2026-11-21 12:00", "2026-11-23 03:00"),
        ("UTC", "1,15,last|03:00", "2026-11-20 12:00", "2026-11-30 03:00"),
        (NEW_YORK, "fri|22:00", "2026-11-21 03:30", "2026-11-21 03:00"),
        # of several the last that has come, if one of today has
        ("UTC", "*/10 8-18 * * mon-fri", "2026-11-20 12:03", "2026-11-20 12:00"),
        ("UTC", "*/10 8-18 * * mon-fri", "2026-11-20 07:59", "2026-11-20 08:00"),
        ("UTC", "*/10 8-18 * * mon-fri", "2026-11-20 23:00", "2026-11-20 18:50"),
        ("UTC", "*/10 8-18 * * mon-fri", "2026-11-21 12:00", "2026-11-23 08:00"),
        ("UTC", "0 0 * * *", "2026-11-21 00:00:30", "2026-11-21 00:00"),
        # today is that of the zone
        (BERLIN, "0 0,12 * * *", "2026-11-20 23:30", "2026-11-20 23:00"),
        (BERLIN, "0 6 * * *", "2026-11-21 03:00", "2026-11-21 05:00"),
        # an hourly job is due at once, with a minute as without one
        ("UTC", "1h|:05", "2026-11-21 12:03", "2026-11-21 11:05"),
        ("UTC", "1h|:05", "2026-11-21 12:05:30", "2026-11-21 12:05"),
        ("Asia/Kolkata", "2h|:05", "2026-11-21 12:03", "2026-11-21 11:35"),
    ],
)
def test_the_first_run_is_due_at_once_if_a_time_of_today_has_come(zone, schedule, now, first):
    assert first_slot(Schedule.parse(schedule), at(now), ZoneInfo(zone)) == at(first)


@pytest.mark.parametrize(
    ("schedule", "anchor", "now", "after"),
    [
        ("1h|:05", "2026-11-14 12:03:20", "2026-11-21 12:00", "2026-11-21 12:05"),
        ("2h|:05", "2026-11-21 12:33", "2026-11-21 12:40", "2026-11-21 14:05"),
        ("mon..fri|03:00", "2026-11-14 12:03:20", "2026-11-20 03:00", "2026-11-23 03:00"),
        ("*/10 * * * *", "2026-11-14 12:03:20", "2026-11-20 03:00", "2026-11-20 03:10"),
        ("0 3 * * *", "2026-11-24 12:03:20", "2026-11-20 03:00", "2026-11-25 03:00"),
    ],
)
def test_the_slot_after_now_is_that_of_the_calendar(schedule, anchor, now, after):
    parsed = Schedule.parse(schedule)
    assert slot_after(parsed, at(anchor), at(now), ZoneInfo("UTC")) == at(after)


@pytest.mark.parametrize(
    ("schedule", "first", "now", "count"),
    [
        # both ends are included
        ("5m", "2026-11-21 12:00", "2026-11-21 11:59:59", 0),
        ("5m", "2026-11-21 12:00", "2026-11-14 12:00", 0),
        ("5m", "2026-11-21 12:00", "2026-11-21 12:00", 1),
        ("5m", "2026-11-21 12:00", "2026-11-21 12:04:59", 1),
        ("5m", "2026-11-21 12:00", "2026-11-21 12:05", 2),
        ("5m", "2026-11-21 12:00", "2026-11-22 12:00", 289),
        ("36h", "2026-11-21 00:00", "2026-11-24 00:00", 3),
        ("1h|:05", "2026-11-21 12:05", "2026-11-21 14:04", 2),
        ("1h|:05", "2026-11-21 12:05", "2026-11-21 14:05", 3),
        ("1d|03:00", "2026-11-21 03:00", "2026-11-21 02:59", 0),
        ("1d|03:00", "2026-11-21 03:00", "2026-11-23 03:00", 3),
        ("mon..fri|03:00", "2026-11-20 03:00", "2026-11-23 03:00", 2),
    ],
)
def test_the_slots_up_to_now_are_counted(schedule, first, now, count):
    assert count_slots(Schedule.parse(schedule), at(first), at(now), ZoneInfo("UTC")) == count


def test_in_a_gap_of_minutes_slots_are_those_of_elapsed_time():
    """Moments that are no whole minutes: where one looks from does not matter."""
    berlin, line = ZoneInfo(BERLIN), Schedule.parse("*/30 * * * *")
    assert next_slot(line, at("2026-03-29 00:59:59.5"), berlin) == at("2026-03-29 01:00")
    assert next_slot(line, at("2026-03-29 01:00:00.5"), berlin) == at("2026-03-29 01:30")
    assert next_slot(line, at("2026-10-25 00:59:59.5"), berlin) == at("2026-10-25 01:00")


@pytest.mark.parametrize("schedule", ["* * * * *", "*/10 8-18 * * mon-fri", "mon..fri|03:00"])
def test_ten_years_of_a_calendar_are_not_counted_one_by_one(schedule):
    """A job that was away for so long must not hold up the tick."""
    parsed, now = Schedule.parse(schedule), at("2026-01-01 00:00:30")
    began = time.process_time()
    latest = latest_slot(parsed, at("2016-01-01 00:00"), now, ZoneInfo(BERLIN))
    assert time.process_time() - began < 0.5
    assert latest <= now < next_slot(parsed, latest, ZoneInfo(BERLIN))


# -- the oracles and the properties ------------------------------------------------


class Case(NamedTuple):
    """A schedule, and what it says of each minute that a clock shows."""

    text: str
    matches: Matches
    is_every_hour: bool = False


WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
times_of_day = st.tuples(st.integers(0, 23), st.integers(0, 59)) | st.sampled_from(
    [(0, 0), (0, 1), (23, 59)]
)


def is_last(day: date) -> bool:
    return (day + DAY).day == 1


@st.composite
def of_weekdays(draw: st.DrawFn) -> Case:
    days = draw(st.lists(st.integers(0, 6), min_size=1, max_size=7))
    hour, minute = draw(times_of_day)
    text = ",".join(WEEKDAYS[day] for day in days)
    return Case(
        f"{text}|{hour}:{minute}",
        lambda now: now.weekday() in days and (now.hour, now.minute) == (hour, minute),
    )


@st.composite
def of_dates(draw: st.DrawFn) -> Case:
    days = draw(st.lists(st.sampled_from([*range(1, 32), "last", "last"]), min_size=1, max_size=9))
    hour, minute = draw(times_of_day)
    return Case(
        f"{','.join(map(str, days))}|{hour}:{minute}",
        lambda now: (
            (now.day in days or ("last" in days and is_last(now)))
            and (now.hour, now.minute) == (hour, minute)
        ),
    )


def field(low: int, high: int) -> st.SearchStrategy[tuple[str, set[int]]]:
    """The text of a field of a cron expression, and what it means."""
    every = st.just(("*", set(range(low, high + 1))))
    number = st.integers(low, high)
    step = st.integers(1, 20).map(lambda n: (f"*/{n}", set(range(low, high + 1)[::n])))
    some = st.lists(number, min_size=1, max_size=4).map(lambda n: (",".join(map(str, n)), set(n)))
    ranges = (
        st.tuples(number, number)
        .map(sorted)
        .map(lambda ends: (f"{ends[0]}-{ends[1]}", set(range(ends[0], ends[1] + 1))))
    )
    return every | step | some | ranges


@st.composite
def of_cron(draw: st.DrawFn) -> Case:
    minute, hour = draw(field(0, 59)), draw(field(0, 23) | st.just(("*", set(range(24)))))
    day, weekday = draw(field(1, 31)), draw(field(0, 7))
    days = {(number - 1) % 7 for number in weekday[1]}
    both = day[0].startswith("*") or weekday[0].startswith("*")

    def matches(now: datetime) -> bool:
        if now.minute not in minute[1] or now.hour not in hour[1]:
            return False
        found = now.day in day[1], now.weekday() in days
        return all(found) if both else any(found)

    text = f"{minute[0]} {hour[0]} {day[0]} * {weekday[0]}"
    return Case(text, matches, is_every_hour=hour[0] == "*")


def case(text: str) -> Case:
    """A cron expression whose first two fields only are more than ``*``."""
    minutes, hours = (set(map(int, field.split(","))) if field != "*" else None
                      for field in text.split()[:2])  # fmt: skip
    return Case(
        text,
        lambda now: (
            (minutes is None or now.minute in minutes) and (hours is None or now.hour in hours)
        ),
        is_every_hour=hours is None,
    )


def watched(which: Case, first: datetime, last: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """The slots after *first* and up to *last*, as one sees them who watches the clock.

    What a clock shows for the first time, or has jumped over, is due; but if the hour does not
    matter, what it shows.
    """
    minutes = [first + n * MINUTE for n in range(-1440, (last - first) // MINUTE + 1)]
    clock = [shown(minute, zone) for minute in minutes]
    days = {now.date() for now in (*clock, shown(last + DAY, zone))}
    seen = clock[0]
    for minute, now in zip(minutes[1:], clock[1:], strict=True):
        if which.is_every_hour:
            is_slot = which.matches(now)
        else:
            new = (seen + n * MINUTE for n in range(1, (now - seen) // MINUTE + 1))
            is_slot = any(each.date() in days and which.matches(each) for each in new)
            seen = max(seen, now)
        if is_slot and minute > first:
            yield minute


@quickly
@given(places(), of_weekdays() | of_dates() | of_cron())
@example((ZoneInfo(LORD_HOWE), at("2026-10-03 12:00")), case("15 1,2 * * *"))
@example((ZoneInfo(LORD_HOWE), at("2026-10-03 12:00")), case("15,45 * * * *"))
@example((ZoneInfo(LORD_HOWE), at("2026-04-04 10:00")), case("15,45 * * * *"))
@example((ZoneInfo(APIA), at("2011-12-29 10:00")), case("0 0,12 * * *"))
@example((ZoneInfo(APIA), at("2011-12-29 10:00")), case("7 * * * *"))
@example((ZoneInfo(ST_JOHNS), at("2006-10-28 20:00")), case("0,30 0,23 * * *"))
@example((ZoneInfo(ST_JOHNS), at("2006-10-28 20:00")), case("0,30 * * * *"))
@example((ZoneInfo(CAIRO), at("2026-04-23 12:00")), case("0,30 0,1,23 * * *"))
@example((ZoneInfo("America/Toronto"), at("1919-03-30 20:00")), case("15,45 0,23 * * *"))
@example((ZoneInfo("Asia/Pyongyang"), at("2018-05-04 10:00")), case("0,30 0,23 * * *"))
@example((ZoneInfo("Africa/Casablanca"), at("2026-02-14 20:00")), case("30 2 * * *"))
def test_the_slots_are_what_one_sees_who_watches_the_clock(place, which):
    zone, moment = place
    schedule, end = Schedule.parse(which.text), moment + 2 * DAY
    found = itertools.takewhile(lambda slot: slot <= end, slots(schedule, moment, zone))
    expected = list(watched(which, moment, end, zone))
    assert list(found)[1:] == expected
    # from any moment between two slots it is the same
    for hours in range(0, 48, 7):
        middle = moment + hours * HOUR + 13 * SECOND
        following = next_slot(schedule, middle, zone)
        expected = [slot for slot in expected if slot > middle]
        assert expected[:1] == [following][: following <= end]


@quickly
@given(places(), st.integers(1, 30), st.integers(0, 59))
@example((ZoneInfo(LORD_HOWE), at("2026-10-03 12:00")), 1, 5)
@example((ZoneInfo(LORD_HOWE), at("2026-04-04 12:00")), 2, 45)
def test_hours_at_a_minute_are_elapsed_hours_and_then_the_minute(place, hours, minute):
    zone, moment = place
    schedule = Schedule.parse(f"{hours}h|:{minute}")
    last = moment
    while shown(last, zone).minute != minute:
        last -= MINUTE
    for slot in itertools.islice(slots(schedule, moment, zone), 1, 6):
        last += hours * HOUR
        while shown(last, zone).minute != minute:
            last += MINUTE
        assert slot == last


@quickly
@given(places(), of_weekdays() | of_dates() | of_cron(), st.integers(-9, 5 * 24 * 60))
def test_the_latest_slot_is_the_last_of_those_that_are_counted(place, which, minutes):
    zone, first = place
    schedule, now = Schedule.parse(which.text), first + minutes * MINUTE + 7 * SECOND
    come = list(itertools.takewhile(lambda slot: slot <= now, slots(schedule, first, zone)))
    assert latest_slot(schedule, first, now, zone) == (come[-1] if come else first)
    assert count_slots(schedule, first, now, zone) == len(come)
    assert slot_after(schedule, first, now, zone) > max(now, first)


@quickly
@given(places(), of_weekdays() | of_dates() | of_cron())
def test_no_two_slots_are_further_apart_than_the_period(place, which):
    zone, moment = place
    schedule = Schedule.parse(which.text)
    found = list(itertools.islice(slots(schedule, moment, zone), 1, 9))
    # a day may be left out, with its slot
    slack = schedule.frequency.period + 26 * HOUR
    assert all(a < b <= a + slack for a, b in itertools.pairwise(found))


@pytest.mark.parametrize(
    ("zone", "schedule", "start", "days"),
    [
        ("Asia/Beirut", "*/10 * * * sat", "2025-10-24 20:00", {6}),
        ("Africa/Cairo", "*/10 * * * thu", "2025-10-29 20:00", {4}),
        ("America/Asuncion", "*/10 * * * */3", "1974-04-01 00:00", {3, 6, 7}),
    ],
)
def test_an_hour_that_is_repeated_at_midnight_is_that_of_the_day_that_ended(
    zone, schedule, start, days
):
    """trap: a jump over the days without a time passed over a clock that was set back."""
    where, begin = ZoneInfo(zone), at(start)
    minutes = (begin + n * MINUTE for n in range(1, 3 * 1440))
    local_times = ((minute, minute.astimezone(where)) for minute in minutes)
    expected = [m for m, t in local_times if t.minute % 10 == 0 and t.isoweekday() in days]
    found = itertools.takewhile(
        lambda slot: slot < begin + 3 * DAY, slots(Schedule.parse(schedule), begin, where)
    )
    assert [slot for slot in found if slot > begin] == expected


@quickly
@given(places(), st.integers(1, 7))
@example((ZoneInfo(BERLIN), at("2026-03-26 12:00")), 1)
@example((ZoneInfo(BEIRUT), at("2026-10-21 12:00")), 6)
@example((ZoneInfo(LORD_HOWE), at("2026-04-02 12:00")), 2)
def test_a_week_with_one_day_has_the_quarters_that_a_clock_shows(place, weekday):
    """Also if the clock is changed in the days between."""
    zone, moment = place
    begin, text = moment.replace(minute=0), f"*/15 * * * {weekday}"
    quarters = (begin + n * 15 * MINUTE for n in range(1, 8 * 96))
    expected = [each for each in quarters if each.astimezone(zone).isoweekday() == weekday]
    found = itertools.takewhile(
        lambda slot: slot < begin + 8 * DAY, slots(Schedule.parse(text), begin, zone)
    )
    assert list(found)[1:] == expected
