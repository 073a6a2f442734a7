"""Dates as text and text as dates, and spans of time in words."""

from datetime import datetime, timedelta, timezone

import pytest

from crontabber.datetimeutil import (
    UTC,
    date_to_string,
    string_to_datetime,
    timesince,
    timeuntil,
    utc_now,
    words,
)

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
DAY, YEAR = timedelta(days=1), timedelta(days=365)
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (timedelta(0), "0 seconds"),
        (timedelta(microseconds=999_999), "0 seconds"),
        (SECOND, "1 second"),
        (59 * SECOND, "59 seconds"),
        (MINUTE, "1 minute"),
        (4 * MINUTE + 59 * SECOND, "4 minutes, 59 seconds"),
        (MINUTE + SECOND, "1 minute, 1 second"),
        (HOUR + 5 * SECOND, "1 hour"),
        (23 * HOUR + 59 * MINUTE + 59 * SECOND, "23 hours, 59 minutes"),
        (DAY + HOUR + MINUTE, "1 day, 1 hour"),
        (2 * DAY + MINUTE, "2 days"),
        (364 * DAY, "364 days"),
        (YEAR + DAY, "1 year, 1 day"),
        (30 * YEAR, "30 years"),
        (-DAY, "0 seconds"),
    ],
)
def test_a_span_is_told_in_its_largest_unit_and_the_next(span, text):
    assert words(span) == text


def test_time_since_and_time_until_look_in_opposite_directions():
    later = NOON + 4 * MINUTE
    assert timesince(NOON, later) == timeuntil(later, NOON) == "4 minutes"
    assert timesince(later, NOON) == timeuntil(NOON, later) == "0 seconds"


def test_the_other_end_is_now_when_it_is_left_out():
    assert timesince(utc_now() - DAY - HOUR) == "1 day, 1 hour"
    assert timeuntil(utc_now() + YEAR + DAY + HOUR) == "1 year, 1 day"


def test_utc_now_is_aware():
    assert utc_now().utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-21", datetime(2026, 11, 21, tzinfo=UTC)),
        ("2026-11-21T12:00:00", NOON),
        (" 2026-11-21 12:00:00 ", NOON),
        ("2026-11-21T12:00:00Z", NOON),
        ("2026-11-21T13:00:00+01:00", NOON),
        ("2026-11-21T12:00:00.250000+00:00", NOON + timedelta(milliseconds=250)),
    ],
)
def test_text_becomes_an_aware_datetime(text, moment):
    assert string_to_datetime(text) == moment
    assert string_to_datetime(text).tzinfo is not None


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "2026-11-21T25:00:00"])
def test_text_that_is_no_date_is_a_value_error(text):
    with pytest.raises(ValueError, match=r"Invalid isoformat|must be in"):
        string_to_datetime(text)


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=-8))])
def test_a_datetime_comes_back_from_its_text(zone):
    moment = NOON.astimezone(zone)
    assert string_to_datetime(date_to_string(moment)) == moment


def test_a_datetime_without_a_zone_is_not_written():
    with pytest.raises(ValueError, match="has no time zone"):
        date_to_string(NOON.replace(tzinfo=None))
