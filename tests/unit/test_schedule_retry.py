"""When a failed job is tried again."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crontabber.schedule.calendar import slots
from crontabber.schedule.retry import next_try
from tests.unit.schedules import DAY, HOUR, MINUTE, SECOND, at, job


@pytest.mark.parametrize(
    ("schedule", "slot", "started", "again"),
    [
        # error_retry_time after it began, without cron's jitter
        ("1h", "2026-11-21 12:00", "2026-11-21 12:00:02.7", "2026-11-21 12:05:02"),
        ("1d|03:00", "2026-11-21 03:00", "2026-11-21 12:00:02.7", "2026-11-21 12:05:02"),
        ("7d", "2026-11-21 12:00", "2026-11-22 07:00:00", "2026-11-22 07:05:00"),
        # not later than its own period
        ("1m", "2026-11-21 12:00", "2026-11-21 12:00:00.2", "2026-11-21 12:01:00"),
        ("3m", "2026-11-21 12:00", "2026-11-21 12:00:00.2", "2026-11-21 12:03:00"),
        # nor than its next slot
        ("5m", "2026-11-21 12:00", "2026-11-21 12:00:01.2", "2026-11-21 12:05:00"),
        ("5m", "2026-11-21 12:00", "2026-11-21 12:04:59", "2026-11-21 12:05:00"),
        ("1h", "2026-11-21 12:00", "2026-11-21 12:58:00", "2026-11-21 13:00:00"),
        ("1d|02:00", "2026-11-20 02:00", "2026-11-21 01:58:00", "2026-11-21 02:00:00"),
        # a backfill app that is days behind has next slots too
        ("5m", "2026-11-18 12:00", "2026-11-21 12:00:01.2", "2026-11-21 12:05:00"),
        ("1m", "2026-11-18 12:00", "2026-11-21 12:00:30.2", "2026-11-21 12:01:00"),
        ("1d|02:00", "2026-11-18 02:00", "2026-11-21 01:58:00", "2026-11-21 02:00:00"),
    ],
)
def test_a_failure_is_retried_soon_and_never_slows_a_job_down(schedule, slot, started, again):
    """trap: a failed `1m` job was retried after 300 s, later than had it succeeded."""
    assert next_try(job(schedule), at(slot), at(started)) == at(again)


def test_how_long_to_wait_is_an_option():
    patient = job("1d", error_retry=2 * HOUR)
    assert next_try(patient, at("2026-11-21 03:00"), at("2026-11-21 03:01")) == at(
        "2026-11-21 05:01"
    )


def test_the_clocks_of_the_zone_are_those_of_the_next_slot():
    """02:30 is left out that night, and the slot comes with the first moment after."""
    nightly = job("1d|02:30", zone="America/New_York", error_retry=DAY)
    again = next_try(nightly, at("2026-03-07 07:30"), at("2026-03-07 07:31"))
    assert again == at("2026-03-08 07:00")


@settings(deadline=None)
@given(
    st.sampled_from(["1m", "5m", "7m", "1h", "36h", "1d", "1d|02:30", "3d|23:59"]),
    st.sampled_from(["UTC", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo"]),
    st.sampled_from([0 * SECOND, 30 * SECOND, 300 * SECOND, 2 * DAY]),
    st.integers(0, 365 * 1440),
    st.floats(0, 3 * 86400),
)
def test_a_retry_comes_after_the_run_and_not_after_the_next_slot(
    schedule, zone, wait, minutes, seconds
):
    spec = job(schedule, zone=zone, error_retry=wait)
    slot = at("2026-01-01 00:00") + minutes * MINUTE
    started = slot + seconds * SECOND
    again = next_try(spec, slot, started)
    next_slots = itertools.dropwhile(lambda s: s <= started, slots(spec.schedule, slot, spec.zone))
    assert started - SECOND < again <= started + wait
    assert again <= next(next_slots)
