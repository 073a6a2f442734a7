"""Slots that are passed over: after a pause, too old, not the latest; and the spans of them."""

from datetime import datetime, timedelta

import pytest

from crontabber.schedule.ledger import Span, Verdict
from crontabber.schedule.missed import (
    is_paused,
    number_of,
    passed_by_run,
    passed_over,
    pause_text,
    unpaused,
)
from crontabber.schedule.model import Missed, Outcome, Pause, Run
from crontabber.schedule.spread import offset_of
from tests.unit.schedules import DAY, ERROR, HOUR, MINUTE, SECOND, at, job, waiting

NOON = at("2026-11-21 12:00")
NOW = NOON + SECOND
MOMENT = timedelta(microseconds=1)


def hour(number: int) -> datetime:
    return NOON.replace(hour=number)


# -- after a pause -------------------------------------------------------------------


def test_a_pause_lasts_until_its_end_or_until_it_is_resumed():
    spec = job("1h")
    assert not is_paused(waiting(spec, NOON), NOW)
    assert is_paused(waiting(spec, NOON, pause=Pause(NOON, None)), NOW + DAY)
    assert is_paused(waiting(spec, NOON, pause=Pause(NOON, NOW + MOMENT)), NOW)
    assert not is_paused(waiting(spec, NOON, pause=Pause(NOON, NOW)), NOW)


@pytest.mark.parametrize(
    ("by", "why", "text"),
    [
        ("", "", "paused"),
        ("anna", "", "paused by anna"),
        ("", "rain", "paused: rain"),
        ("anna", "rain", "paused by anna: rain"),
    ],
)
def test_a_pause_says_whose_it_is_and_why(by, why, text):
    assert pause_text(Pause(NOON, None, by, why)) == text


@pytest.mark.parametrize(
    ("until", "upcoming", "slots"),
    [
        (None, 13, 4),  # a person ends it now
        (NOON + HOUR, 13, 4),  # earlier than was planned
        (hour(10) + 30 * MINUTE, 11, 2),  # what came up since is open
        (hour(11), 11, 2),  # as is what comes up at its end
    ],
)
def test_a_job_waits_for_its_first_slot_from_the_end_of_the_pause_on(until, upcoming, slots):
    spec = job("1h")
    pause = Pause(hour(8), until, "anna", "rain")
    state = waiting(spec, hour(9), pause=pause, attempts=2, gave_up=True)
    replan = unpaused(spec, state, NOW)
    assert replan.state == waiting(spec, hour(upcoming))
    end = min(until or NOW, NOW)
    assert replan.why == f"its pause ended at {end.isoformat()}"
    last = hour(upcoming - 1)
    span = Span(
        "app", hour(9), last, slots, Verdict.PAUSED, "paused by anna: rain", "1h", "anna", NOW
    )
    assert replan.spans == (span,)


def test_a_pause_without_a_name_was_ended_by_crontabber():
    spec = job("1h")
    [span] = unpaused(spec, waiting(spec, hour(9), pause=Pause(hour(8), None)), NOW).spans
    assert (span.by, span.reason) == ("crontabber", "paused")


@pytest.mark.parametrize(
    ("backfill", "slot"),
    [(True, hour(9)), (True, hour(13)), (False, hour(13)), (False, NOW), (False, None)],
)
def test_a_backfill_app_catches_up_after_a_pause_and_what_is_to_come_stays(backfill, slot):
    spec = job("1h", backfill=backfill)
    state = waiting(spec, slot, pause=Pause(hour(8), None))
    replan = unpaused(spec, state, NOW)
    assert (replan.state, replan.spans) == (state._replace(pause=None), ())
    assert replan.why == f"its pause ended at {NOW.isoformat()}"


# -- too late, or not the latest ------------------------------------------------------


@pytest.mark.parametrize("slot", [None, NOW + MOMENT])
@pytest.mark.parametrize("backfill", [False, True])
def test_what_is_not_open_is_not_passed_over(slot, backfill):
    spec = job("1h", backfill=backfill, missed=Missed.LATEST, too_late=-DAY)
    assert passed_over(spec, waiting(spec, slot), NOW) is None


@pytest.mark.parametrize("backfill", [False, True])
@pytest.mark.parametrize("missed", [None, Missed.ALL])
def test_by_default_no_slot_is_too_old(backfill, missed):
    spec = job("1h", backfill=backfill, missed=missed)
    assert passed_over(spec, waiting(spec, NOON - 90 * DAY), NOW) is None


@pytest.mark.parametrize(
    ("limits", "age"),
    [
        ({"missed": Missed.NONE}, HOUR),  # what `late` is
        ({"missed": Missed.NONE, "late": 3 * HOUR}, 3 * HOUR),
        ({"missed": Missed.NONE, "too_late": 6 * HOUR}, 6 * HOUR),
        ({"too_late": 6 * HOUR}, 6 * HOUR),
        ({"missed": Missed.ALL, "too_late": 6 * HOUR}, 6 * HOUR),
    ],
)
def test_a_job_that_is_too_late_waits_for_its_next_slot(limits, age):
    spec = job("1d|03:00", **limits)
    state = waiting(spec, hour(3) - 2 * DAY, attempts=1, gave_up=True)
    assert passed_over(spec, state, hour(3) + age) is None  # it is run, for its latest slot
    late = hour(3) + age + MOMENT
    replan = passed_over(spec, state, late)
    assert replan
    assert replan.state == waiting(spec, hour(3) + DAY)
    why = f"its open slots were older than {age} (too_late)"
    assert replan.why == why
    first, plan = hour(3) - 2 * DAY, "1d|03:00 UTC"
    assert replan.spans == (
        Span("app", first, hour(3), 3, Verdict.TOO_LATE, why, plan, "crontabber", late),
    )


@pytest.mark.parametrize(
    ("now", "upcoming", "slots"), [(NOON, 6, 6), (NOON + MOMENT, 7, 7), (NOW, 7, 7)]
)
def test_a_backfill_app_gets_the_dates_that_are_not_too_old(now, upcoming, slots):
    spec = job("1h", backfill=True, too_late=6 * HOUR)
    replan = passed_over(spec, waiting(spec, hour(0)), now)
    assert replan
    assert replan.state == waiting(spec, hour(upcoming))
    [span] = replan.spans
    assert (span.first, span.last, span.slots) == (hour(0), hour(upcoming - 1), slots)
    assert passed_over(spec, replan.state, now) is None


@pytest.mark.parametrize("backfill", [False, True])
def test_a_job_that_is_put_off_by_its_spread_is_not_late_before(backfill):
    spec = job("1d|03:00", backfill=backfill, too_late=HOUR, spread=2 * HOUR)
    due = hour(3) + offset_of(spec, hour(3))
    assert due > hour(3) + MINUTE
    state = waiting(spec, hour(3))
    assert passed_over(spec, state, due + HOUR) is None
    replan = passed_over(spec, state, due + HOUR + MOMENT)
    assert replan
    assert replan.state.next_slot == hour(3) + DAY


def test_a_backfill_app_of_which_only_the_latest_date_counts_gets_that():
    spec = job("1h", backfill=True, missed=Missed.LATEST)
    replan = passed_over(spec, waiting(spec, hour(9)), NOW)
    assert replan
    assert replan.state == waiting(spec, NOON)
    why = "it gets only the newest open date (missed=latest)"
    span = Span("app", hour(9), hour(11), 3, Verdict.PASSED_OVER, why, "1h", "crontabber", NOW)
    assert (replan.why, replan.spans) == (why, (span,))
    assert passed_over(spec, replan.state, NOW) is None
    plain = job("1h", missed=Missed.LATEST)
    assert passed_over(plain, waiting(plain, hour(9)), NOW) is None


def test_open_slots_are_passed_over_by_the_schedule_that_made_them():
    """An edited schedule invents no slots of the past."""
    old, first = "1d|03:00 UTC", hour(3) - 2 * DAY
    spec = job("5m", backfill=True, missed=Missed.LATEST)
    state = waiting(spec, first, plan=old)
    replan = passed_over(spec, state, NOW)
    assert replan
    assert replan.state == waiting(spec, hour(3), plan=old)
    [span] = replan.spans
    assert (span.first, span.last, span.slots) == (first, hour(3) - DAY, 2)
    assert span.plan == old
    replan = passed_over(spec._replace(too_late=HOUR), state, NOW)
    assert replan
    assert replan.state == waiting(spec, NOON + 5 * MINUTE)
    [span] = replan.spans
    assert (span.first, span.last, span.slots, span.plan) == (first, hour(3), 3, old)
    assert number_of(spec, old, first, hour(3)) == 3
    assert number_of(spec, "5m", hour(3), hour(4)) == 13
    # a plan that is not remembered is that of the job
    replan = passed_over(spec, waiting(spec, hour(11), plan=None), NOW)
    assert replan
    [span] = replan.spans
    assert (span.slots, span.plan) == (12, "5m")


TOKYO = "Asia/Tokyo"


def test_slots_are_passed_over_by_the_clocks_of_their_zone():
    spec = job("1d|03:00", zone=TOKYO, backfill=True, missed=Missed.LATEST)
    first, last = at("2026-11-19 03:00", TOKYO), at("2026-11-20 03:00", TOKYO)
    replan = passed_over(spec, waiting(spec, first), NOW)
    assert replan
    assert replan.state == waiting(spec, last + DAY)
    [span] = replan.spans
    assert (span.first, span.last, span.slots) == (first, last, 2)
    edited = spec._replace(missed=None, too_late=HOUR)
    replan = passed_over(edited, waiting(edited, hour(3), plan="3h"), NOON - MINUTE)
    assert replan
    assert replan.state.next_slot == at("2026-11-22 03:00", TOKYO)


def test_the_slots_of_a_span_are_counted_in_their_zone():
    spec = job("*/10 8-18 * * *", zone=TOKYO)
    ends = (at(f"2026-11-20 {time}", TOKYO) for time in ("08:00", "18:50"))
    assert number_of(spec, "*/10 8-18 * * *", *ends) == 66


def test_a_job_that_is_too_late_is_so_by_the_schedule_that_made_its_slot():
    """A job without dates is judged by its latest slot, in the zone of its schedule."""
    zone = "America/St_Johns"
    spec = job("1d|03:00", zone=zone, too_late=HOUR)
    slot = at("2026-11-21 03:00", zone)
    state = waiting(spec, slot - 2 * DAY)
    assert passed_over(spec, state, slot + HOUR) is None
    replan = passed_over(spec, state, slot + HOUR + SECOND)
    assert replan
    assert replan.state == waiting(spec, slot + DAY)
    daily = waiting(spec, slot - 2 * DAY, plan=spec.plan)
    often = job("5m", zone=zone, too_late=HOUR)
    assert passed_over(often, daily, slot + HOUR) is None
    assert passed_over(often, daily, slot + HOUR + SECOND)


def test_a_slot_that_comes_up_now_is_still_of_the_schedule_that_made_it():
    spec = job("5m", backfill=True, too_late=HOUR)
    for now, upcoming in [(NOON, NOON), (NOON - SECOND, NOON)]:
        state = waiting(spec, NOON - 3 * HOUR, plan="3h")
        replan = passed_over(spec, state, now)
        assert replan
        assert replan.state.next_slot == upcoming
        assert replan.state.plan == ("3h" if now == NOON else "5m")


# -- what a run took the place of -----------------------------------------------------


def passed(slot, upcoming, error=None, ran=NOON, backfill=False):
    """What a run of *ran* passed over: verdict, first, last, number and reason of each span."""
    spec = job("1h", backfill=backfill)
    run = Run(
        "app", ran, NOW, SECOND, Outcome.FAILED if error else Outcome.SUCCEEDED, "host", error
    )
    spans = passed_by_run(spec, waiting(spec, slot), waiting(spec, upcoming), run)
    assert all((s.at, s.by, s.app_name, s.plan) == (NOW, "crontabber", "app", "1h") for s in spans)
    return [(s.verdict, s.first, s.last, s.slots, s.reason) for s in spans]


def test_a_job_that_is_run_for_its_latest_slot_passes_over_the_others():
    others = [
        (
            *(Verdict.PASSED_OVER, hour(9), hour(11), 3),
            "a later slot was due too, and only the latest is run",
        )
    ]
    given_up = [(Verdict.GIVEN_UP, NOON, NOON, 1, "its retry gave up")]
    assert passed(hour(9), hour(13)) == others
    assert passed(hour(9), NOON, ERROR) == others  # it is tried again
    assert passed(hour(9), hour(13), ERROR) == others + given_up
    assert passed(NOON, hour(13), ERROR) == given_up
    assert passed(NOON, hour(13)) == []
    assert passed(NOON, NOON, ERROR) == []
    assert passed(hour(9), None, ERROR) == []
    assert passed(None, hour(13)) == []
    assert passed(hour(9), hour(13), backfill=True) == []
    assert passed(hour(13), hour(13), ran=NOON) == []  # a run ahead of the plan
