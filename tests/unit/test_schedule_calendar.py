"""Slots in time zones whose clocks jump forward, backward, at midnight and over whole days.

What the calendar computes is held against an oracle that knows nothing of offsets: it
watches the clock on the wall, minute by minute.
"""

import itertools
import time
import zoneinfo
from datetime import date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from crontabber.schedule.calendar import (
    first_slot,
    floor_minute,
    latest_slot,
    local_text,
    next_slot,
    slot_after,
    slots,
    wall_clock,
)
from crontabber.schedule.grammar import Frequency, Schedule, TimeOfDay, Unit
from tests.unit.schedules import DAY, HOUR, MINUTE, SECOND, UTC, at, local

NEW_YORK = "America/New_York"
BERLIN = "Europe/Berlin"
LORD_HOWE = "Australia/Lord_Howe"  # its summer time is half an hour
CAIRO = "Africa/Cairo"  # its clocks go forward at midnight
BEIRUT = "Asia/Beirut"  # its clocks go back at midnight
ST_JOHNS = "America/St_Johns"  # its clocks went back at 00:01, to the day before
SAO_PAULO = "America/Sao_Paulo"
APIA = "Pacific/Apia"  # it had no 30 December 2011
KIRITIMATI = "Pacific/Kiritimati"  # it had no 31 December 1994


def these(count: int, schedule: str, first: datetime, zone: str) -> list[str]:
    """The first slots, as a clock in *zone* shows them."""
    found = slots(Schedule.parse(schedule), first, ZoneInfo(zone))
    return [local(slot, zone) for slot in itertools.islice(found, count)]


@pytest.mark.parametrize(
    ("moment", "floor"),
    [
        ("2026-11-21 03:00", "2026-11-21 03:00"),
        ("2026-11-21 03:00:59.999", "2026-11-21 03:00"),
        ("2026-12-31 23:59:59.999", "2026-12-31 23:59"),
    ],
)
def test_seconds_are_cut_off(moment, floor):
    assert floor_minute(at(moment)) == at(floor)
    assert floor_minute(at(moment).astimezone(ZoneInfo(BERLIN))) == at(floor)
    assert floor_minute(at(moment).astimezone(ZoneInfo(BERLIN))).tzinfo is UTC


@pytest.mark.parametrize(
    ("zone", "day", "shown", "moment"),
    [
        ("UTC", "2026-03-08", "02:30", "2026-03-08 02:30"),
        (NEW_YORK, "2026-01-15", "02:30", "2026-01-15 07:30"),
        (NEW_YORK, "2026-07-15", "02:30", "2026-07-15 06:30"),
        # 02:00 -> 03:00: what is left out becomes the first moment after
        (NEW_YORK, "2026-03-08", "01:59", "2026-03-08 06:59"),
        (NEW_YORK, "2026-03-08", "02:00", "2026-03-08 07:00"),
        (NEW_YORK, "2026-03-08", "02:30", "2026-03-08 07:00"),
        (NEW_YORK, "2026-03-08", "02:59", "2026-03-08 07:00"),
        (NEW_YORK, "2026-03-08", "03:00", "2026-03-08 07:00"),
        (NEW_YORK, "2026-03-08", "03:01", "2026-03-08 07:01"),
        # 02:00 -> 01:00: of what exists twice, the first
        (NEW_YORK, "2026-11-01", "00:59", "2026-11-01 04:59"),
        (NEW_YORK, "2026-11-01", "01:00", "2026-11-01 05:00"),
        (NEW_YORK, "2026-11-01", "01:59", "2026-11-01 05:59"),
        (NEW_YORK, "2026-11-01", "02:00", "2026-11-01 07:00"),
        (BERLIN, "2026-03-29", "02:30", "2026-03-29 01:00"),
        (BERLIN, "2026-10-25", "02:30", "2026-10-25 00:30"),
        (BERLIN, "2026-10-25", "03:00", "2026-10-25 02:00"),
        # a clock that shows UTC until it is set forward
        ("Europe/London", "2026-03-29", "00:59", "2026-03-29 00:59"),
        ("Europe/London", "2026-03-29", "01:30", "2026-03-29 01:00"),
        ("Europe/London", "2026-03-29", "02:00", "2026-03-29 01:00"),
        # 02:00 -> 02:30, and 02:00 -> 01:30
        (LORD_HOWE, "2026-10-04", "02:00", "2026-10-03 15:30"),
        (LORD_HOWE, "2026-10-04", "02:15", "2026-10-03 15:30"),
        (LORD_HOWE, "2026-10-04", "02:30", "2026-10-03 15:30"),
        (LORD_HOWE, "2026-04-05", "01:45", "2026-04-04 14:45"),
        (LORD_HOWE, "2026-04-05", "02:00", "2026-04-04 15:30"),
        # 00:00 -> 01:00, and 24:00 -> 23:00
        (CAIRO, "2026-04-24", "00:00", "2026-04-23 22:00"),
        (CAIRO, "2026-04-24", "00:30", "2026-04-23 22:00"),
        (CAIRO, "2026-04-24", "01:00", "2026-04-23 22:00"),
        (CAIRO, "2026-10-29", "23:30", "2026-10-29 20:30"),
        (CAIRO, "2026-10-30", "00:00", "2026-10-29 22:00"),
        (SAO_PAULO, "2018-11-04", "00:00", "2018-11-04 03:00"),
        # 00:01 -> 23:01 of the day before: midnight came twice
        (ST_JOHNS, "2006-10-28", "23:30", "2006-10-29 02:00"),
        (ST_JOHNS, "2006-10-29", "00:00", "2006-10-29 02:30"),
        (ST_JOHNS, "2006-10-29", "00:01", "2006-10-29 03:31"),
        # the end of the 29th was the start of the 31st
        (APIA, "2011-12-29", "23:59", "2011-12-30 09:59"),
        (APIA, "2011-12-30", "00:00", "2011-12-30 10:00"),
        (APIA, "2011-12-30", "12:00", "2011-12-30 10:00"),
        (APIA, "2011-12-31", "00:00", "2011-12-30 10:00"),
        (APIA, "2011-12-31", "12:00", "2011-12-30 22:00"),
    ],
)
def test_a_wall_clock_time_is_one_moment_a_day(zone, day, shown, moment):
    """trap: `HH:MM` was UTC in one module and the database's zone in another; no notion of DST."""
    wanted = date.fromisoformat(day), TimeOfDay.parse(shown)
    found = wall_clock(*wanted, ZoneInfo(zone))
    assert found == at(moment)
    assert found.tzinfo is UTC


@pytest.mark.parametrize(
    ("zone", "schedule", "shown"),
    [
        (NEW_YORK, "1d|02:30", ["2026-03-07 02:30", "2026-03-08 03:00", "2026-03-09 02:30"]),
        (NEW_YORK, "1d|01:30", ["2026-10-31 01:30", "2026-11-01 01:30", "2026-11-02 01:30"]),
        (BERLIN, "1d|02:30", ["2026-03-28 02:30", "2026-03-29 03:00", "2026-03-30 02:30"]),
        (BERLIN, "2d|12:00", ["2026-10-24 12:00", "2026-10-26 12:00", "2026-10-28 12:00"]),
        (BERLIN, "1d|23:59", ["2026-12-31 23:59", "2027-01-01 23:59", "2027-01-02 23:59"]),
        (BERLIN, "1d|12:00", ["2028-02-28 12:00", "2028-02-29 12:00", "2028-03-01 12:00"]),
        (LORD_HOWE, "1d|02:15", ["2026-10-03 02:15", "2026-10-04 02:30", "2026-10-05 02:15"]),
        (CAIRO, "1d|00:00", ["2026-04-23 00:00", "2026-04-24 01:00", "2026-04-25 00:00"]),
        (CAIRO, "1d|00:30", ["2026-04-23 00:30", "2026-04-24 01:00", "2026-04-25 00:30"]),
        (BEIRUT, "1d|00:00", ["2026-10-24 00:00", "2026-10-25 00:00", "2026-10-26 00:00"]),
        (BEIRUT, "1d|23:30", ["2026-10-23 23:30", "2026-10-24 23:30", "2026-10-25 23:30"]),
        (SAO_PAULO, "1d|00:00", ["2018-02-17 00:00", "2018-02-18 00:00", "2018-02-19 00:00"]),
        (ST_JOHNS, "1d|00:00", ["2006-10-28 00:00", "2006-10-29 00:00", "2006-10-30 00:00"]),
        (APIA, "1d|03:00", ["2011-12-29 03:00", "2011-12-31 03:00", "2012-01-01 03:00"]),
        (APIA, "1d|00:00", ["2011-12-29 00:00", "2011-12-31 00:00", "2012-01-01 00:00"]),
        (APIA, "2d|03:00", ["2011-12-28 03:00", "2011-12-31 03:00", "2012-01-02 03:00"]),
        (KIRITIMATI, "1d|09:00", ["1994-12-30 09:00", "1995-01-01 09:00", "1995-01-02 09:00"]),
        # days are days without a time, too
        (NEW_YORK, "1d", ["2026-03-07 17:00", "2026-03-08 17:00", "2026-03-09 17:00"]),
        (NEW_YORK, "7d", ["2026-10-28 17:00", "2026-11-04 17:00", "2026-11-11 17:00"]),
        (APIA, "1d", ["2011-12-29 17:00", "2011-12-31 17:00", "2012-01-01 17:00"]),
    ],
)
def test_days_are_local_days_and_each_has_one_slot(zone, schedule, shown):
    """trap: no notion of DST."""
    assert these(len(shown), schedule, at(shown[0], zone), zone) == shown


@pytest.mark.parametrize(
    ("schedule", "shown"),
    [
        # the hour that is left out, and the hour that comes twice
        ("1h", ["2026-03-08 01:00", "2026-03-08 03:00", "2026-03-08 04:00"]),
        ("1h", ["2026-11-01 00:00", "2026-11-01 01:00", "2026-11-01 01:00", "2026-11-01 02:00"]),
        ("30m", ["2026-03-08 01:30", "2026-03-08 03:00", "2026-03-08 03:30"]),
        ("24h", ["2026-03-07 12:00", "2026-03-08 13:00", "2026-03-09 13:00"]),
    ],
)
def test_minutes_and_hours_are_elapsed_time(schedule, shown):
    assert these(len(shown), schedule, at(shown[0], NEW_YORK), NEW_YORK) == shown


def test_a_time_in_a_gap_does_not_stay_where_the_gap_put_it():
    """A slot that was pushed to the next day by a gap over midnight is still the evening's."""
    toronto = "America/Toronto"  # on 30 March 1919, 23:30 became 00:30
    assert these(3, "1d|23:45", at("1919-03-29 23:45", toronto), toronto) == [
        "1919-03-29 23:45",
        "1919-03-31 00:30",
        "1919-03-31 23:45",
    ]


def test_the_next_slot_is_counted_from_the_slot_and_not_from_the_run():
    """trap: `next_run = now + interval` drifted: of `5m` under `*/5`, a third was lost."""
    run = at("2026-11-21 12:00:00.9")
    assert next_slot(Schedule.parse("5m"), run, ZoneInfo("UTC")) == at("2026-11-21 12:05")
    assert next_slot(Schedule.parse("1d"), run, ZoneInfo("UTC")) == at("2026-11-22 12:00")


@pytest.mark.parametrize(
    ("schedule", "first", "now", "latest"),
    [
        ("5m", "2026-11-21 12:00", "2026-11-21 12:00", "2026-11-21 12:00"),
        ("5m", "2026-11-21 12:00", "2026-11-21 12:04:59.9", "2026-11-21 12:00"),
        ("5m", "2026-11-21 12:02", "2026-11-21 12:12:30", "2026-11-21 12:12"),
        ("5m", "2026-11-21 12:00", "2026-11-21 11:00", "2026-11-21 12:00"),
        ("36h", "2026-11-21 00:00", "2026-11-23 23:59", "2026-11-22 12:00"),
        ("1d|02:00", "2026-11-18 02:00", "2026-11-21 01:59:59", "2026-11-20 02:00"),
        ("1d|02:00", "2026-11-18 02:00", "2026-11-21 02:00", "2026-11-21 02:00"),
        ("3d|02:00", "2026-11-18 02:00", "2026-11-23 12:00", "2026-11-21 02:00"),
        ("1d|02:00", "2026-11-18 02:00", "2026-11-11 00:00", "2026-11-18 02:00"),
    ],
)
def test_the_latest_slot_is_the_last_that_has_come(schedule, first, now, latest):
    parsed = Schedule.parse(schedule)
    assert latest_slot(parsed, at(first), at(now), ZoneInfo("UTC")) == at(latest)


def test_ten_years_of_minutes_are_not_counted_one_by_one():
    """A job that was away for so long must not hold up the tick."""
    now = at("2026-01-01 00:00:30")
    began = time.process_time()
    latest = latest_slot(Schedule.parse("1m"), at("2016-01-01 00:00"), now, ZoneInfo("UTC"))
    assert latest == at("2026-01-01 00:00")
    assert time.process_time() - began < 0.5


@pytest.mark.parametrize(
    ("schedule", "anchor", "now", "after"),
    [
        ("5m", "2026-11-14 12:03:20", "2026-11-21 12:00", "2026-11-21 12:03"),
        ("5m", "2026-11-21 12:03:20", "2026-11-21 12:08:10", "2026-11-21 12:13"),
        ("5m", "2026-11-21 12:00", "2026-11-21 12:00", "2026-11-21 12:05"),
        ("5m", "2026-11-21 12:00", "2026-11-21 11:00", "2026-11-21 12:05"),
        ("1d|03:00", "2026-11-14 12:03:20", "2026-11-21 02:00", "2026-11-21 03:00"),
        ("1d|03:00", "2026-11-14 12:03:20", "2026-11-21 03:00", "2026-11-22 03:00"),
        ("1d|23:00", "2026-11-21 00:30", "2026-11-21 00:31", "2026-11-21 23:00"),
        ("7d", "2026-11-18 09:30", "2026-11-21 12:00", "2026-11-25 09:30"),
    ],
)
def test_the_slot_after_now_is_counted_from_an_anchor(schedule, anchor, now, after):
    """trap: `1d|23:00` that ran at 00:30 skipped the next night."""
    parsed = Schedule.parse(schedule)
    assert slot_after(parsed, at(anchor), at(now), ZoneInfo("UTC")) == at(after)


@pytest.mark.parametrize(
    ("schedule", "zone", "now", "first"),
    [
        ("5m", "UTC", "2026-11-21 12:03:20.5", "2026-11-21 12:03"),
        ("1d", BERLIN, "2026-11-21 12:03:20.5", "2026-11-21 12:03"),
        ("1d|03:00", "UTC", "2026-11-21 02:59:59", "2026-11-21 03:00"),
        ("1d|03:00", "UTC", "2026-11-21 23:00", "2026-11-21 03:00"),
        # in New York it is still yesterday, in Apia already tomorrow
        ("1d|03:00", NEW_YORK, "2026-11-21 04:00", "2026-11-20 08:00"),
        ("1d|03:00", APIA, "2026-11-21 13:00", "2026-11-21 14:00"),
        ("1d|02:30", NEW_YORK, "2026-03-08 12:00", "2026-03-08 07:00"),
    ],
)
def test_a_first_run_is_due_now_or_at_its_time_today(schedule, zone, now, first):
    assert first_slot(Schedule.parse(schedule), at(now), ZoneInfo(zone)) == at(first)


# -- the oracle and the properties -------------------------------------------------

ZONES = sorted(zoneinfo.available_timezones())
# Before 1973 some offsets had seconds; after 2037 only rules are left of the data.
YEARS = range(1973, 2038)


@cache
def zone_of(key: str) -> ZoneInfo:
    return ZoneInfo(key)


@cache
def jumps(key: str, year: int) -> list[datetime]:
    """The UTC midnights before the clocks of a zone jump."""
    zone, start = zone_of(key), datetime(year, 1, 1, tzinfo=UTC)
    offsets = [(start + n * DAY).astimezone(zone).utcoffset() for n in range(366)]
    return [start + n * DAY for n in range(365) if offsets[n] != offsets[n + 1]]


def shown(moment: datetime, zone: ZoneInfo) -> datetime:
    """What the clock on the wall shows, as if it were UTC."""
    return moment.astimezone(zone).replace(tzinfo=UTC)


def watched(day: date, time_of_day: TimeOfDay, zone: ZoneInfo) -> datetime:
    """The first minute in which the clock on the wall shows that time of that day, or more."""
    wanted = at(f"{day} {time_of_day}")
    minute = wanted - 15 * HOUR  # no zone was ever further from UTC
    while shown(minute, zone) < wanted:
        minute += MINUTE
    return minute


@st.composite
def moments(draw: st.DrawFn, key: str) -> datetime:
    """Some minute, likely one near to a jump of the clock."""
    year: int = draw(st.sampled_from(YEARS))
    near = jumps(key, year)
    kind: int = draw(st.integers(0, 3))
    if near and kind:
        jump: datetime = draw(st.sampled_from(near))
        minutes: int = draw(st.integers(-2880, 2880))
        return jump + minutes * MINUTE
    minute: int = draw(st.integers(0, 365 * 1440))
    return datetime(year, 1, 1, tzinfo=UTC) + minute * MINUTE


@st.composite
def places(draw: st.DrawFn) -> tuple[ZoneInfo, datetime]:
    """A time zone and a moment in it."""
    key = draw(st.sampled_from(ZONES))
    return zone_of(key), draw(moments(key))


midnights = st.sampled_from([TimeOfDay(0, 0), TimeOfDay(0, 1), TimeOfDay(23, 59)])
wall_times = st.builds(TimeOfDay, st.integers(0, 23), st.integers(0, 59)) | midnights
frequencies = st.builds(Frequency, st.integers(1, 90), st.sampled_from(Unit))
schedules = st.builds(Schedule, frequencies, st.none()) | st.builds(
    Schedule, st.builds(Frequency, st.integers(1, 9), st.just(Unit.DAYS)), wall_times
)
properly = settings(deadline=None, max_examples=30)


@properly
@given(places(), wall_times)
@example((ZoneInfo(LORD_HOWE), at("2026-10-03 12:00")), TimeOfDay(2, 15))
@example((ZoneInfo(APIA), at("2011-12-30 10:00")), TimeOfDay(0, 0))
@example((ZoneInfo(ST_JOHNS), at("2006-10-29 03:00")), TimeOfDay(0, 0))
def test_the_wall_clock_is_what_somebody_who_watches_it_sees(place, wanted):
    zone, moment = place
    day = moment.astimezone(zone).date()
    assert wall_clock(day, wanted, zone) == watched(day, wanted, zone)


@properly
@given(places(), wall_times)
@example((ZoneInfo(APIA), at("2011-12-28 20:00")), TimeOfDay(12, 0))
@example((ZoneInfo(ST_JOHNS), at("2006-10-28 20:00")), TimeOfDay(0, 0))
def test_a_daily_job_has_one_slot_a_local_day_in_every_zone(place, wanted):
    zone, moment = place
    # days as the clock on the wall shows them, hour by hour: a day left out is not among them
    days = {shown(moment + n * HOUR, zone).date() for n in range(3 * 24)}
    expected = [watched(day, wanted, zone) for day in sorted(days)]
    found = slots(Schedule(Frequency(1, Unit.DAYS), wanted), expected[0], zone)
    assert list(itertools.islice(found, len(expected))) == expected


@properly
@given(places(), schedules)
@example((ZoneInfo(ST_JOHNS), at("2006-10-29 02:45")), Schedule.parse("1d|00:00"))
def test_the_next_slot_is_later_but_not_too_late(place, schedule):
    """Counted from any moment, whether it is a slot or not."""
    zone, moment = place
    following = next_slot(schedule, moment, zone)
    assert following.tzinfo is UTC
    assert following == floor_minute(following)
    # a day may have 25 hours, or be left out; 26 h is the difference of the farthest offsets
    slack = 26 * HOUR if schedule.frequency.unit is Unit.DAYS else timedelta(0)
    assert moment < following <= moment + schedule.frequency.period + slack


@properly
@given(places(), schedules, st.integers(-30 * 24 * 3600, 90 * 24 * 3600))
def test_the_latest_slot_has_come_and_the_one_after_it_has_not(place, schedule, seconds):
    zone, first = place
    now = first + seconds * SECOND
    latest = latest_slot(schedule, first, now, zone)
    assert latest == first or first < latest <= now
    assert next_slot(schedule, latest, zone) > now
    assert latest in itertools.takewhile(lambda s: s <= latest, slots(schedule, first, zone))


@properly
@given(places(), schedules, st.integers(-30 * 24 * 3600, 30 * 24 * 3600))
def test_the_slot_after_now_is_the_first_of_those_from_the_anchor(place, schedule, seconds):
    zone, anchor = place
    now = anchor + seconds * SECOND
    later = (slot for slot in slots(schedule, anchor, zone) if slot > max(now, anchor))
    assert slot_after(schedule, anchor, now, zone) == next(later)


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        ("2026-10-24 23:00", "2026-10-25 01:00"),
        ("2026-10-25 00:00", "2026-10-25 02:00 CEST"),
        ("2026-10-25 01:00", "2026-10-25 02:00 CET"),
        ("2026-10-25 02:00", "2026-10-25 03:00"),
        ("2026-03-29 01:00", "2026-03-29 03:00"),
    ],
)
def test_a_time_that_exists_twice_says_which_of_the_two_it_is(moment, text):
    """trap: two slots of one night had the same name"""
    assert local_text(at(moment), ZoneInfo("Europe/Berlin")) == text
    assert local_text(at(moment), UTC) == moment
