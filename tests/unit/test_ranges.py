"""Which dates a range has, and which of them are to be done."""

from itertools import islice, takewhile

import pytest

from crontabber.schedule.asked import AskedBackfill
from crontabber.schedule.calendar import first_slot, slots
from crontabber.schedule.ledger import Span, Verdict
from crontabber.schedule.ranges import Redo, chosen, done_rows, in_rows, progress, slots_between
from tests.unit.schedules import DAY, at, job, waiting

NOW = at("2026-11-28 12:00:01")


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Australia/Lord_Howe"])
@pytest.mark.parametrize(
    "schedule",
    "7m 3h 1h|:05 1d 2d 1d|02:30 3d|23:45 mon..fri|02:30 1,last|03:00 */20~4~*~*~sun".split(),
)
def test_the_slots_of_a_range_are_those_that_lead_to_the_open_one(schedule, zone):
    """Over both changes of the clocks, for each slot that may be open now."""
    spec = job(schedule.replace("~", " "), zone=zone, backfill=True)
    begin = first_slot(spec.schedule, at("2026-02-25 10:13"), spec.zone)
    every = list(takewhile(lambda slot: slot <= NOW, slots(spec.schedule, begin, spec.zone)))
    state = waiting(spec, every[-1])
    for first, last in ((at("2026-03-25"), at("2026-04-10 05:00")), (every[4], every[9])):
        found = list(islice(slots_between(spec, state, first, last, NOW), 10_000))
        assert found == [slot for slot in every if first <= slot <= last]


def meant(found, spans=(), redo=Redo.MISSING, **row):
    spec = job("1d", backfill=True)
    state = waiting(spec, at("2026-11-25"), **{"first_slot": at("2026-11-10"), **row})
    return [slot.day for slot in chosen(spec, state, found, spans, redo, NOW)]


def span(first, last, verdict):
    return Span("app", at(first), at(last), 1, verdict, "", "1d", "", NOW)


NOVEMBER = [at("2026-11-01") + n * DAY for n in range(30)]
LATE = span("2026-11-12", "2026-11-14", Verdict.TOO_LATE)


def test_missing_are_those_before_the_first_slot_and_those_that_were_passed_over():
    assert meant(NOVEMBER) == list(range(1, 10))
    assert meant(NOVEMBER, [LATE]) == [*range(1, 10), 12, 13, 14]
    done = span("2026-11-13", "2026-11-13", Verdict.BACKFILLED)
    assert meant(NOVEMBER, [LATE, done]) == [*range(1, 10), 12, 14]


def test_failed_are_those_that_were_given_up():
    given_up = span("2026-11-20", "2026-11-20", Verdict.GIVEN_UP)
    assert meant(NOVEMBER, [LATE, given_up], Redo.FAILED) == [20]
    done = given_up._replace(verdict=Verdict.BACKFILLED)
    assert meant(NOVEMBER, [given_up, done], Redo.FAILED) == []
    assert meant(NOVEMBER, [done, given_up], Redo.FAILED) == [20]  # again, and then given up


def test_a_date_that_was_done_and_whose_redo_was_given_up_is_not_missing():
    """trap: --redo=missing, which means dates that were never done, did it again"""
    given_up = span("2026-11-20", "2026-11-20", Verdict.GIVEN_UP)
    assert meant(NOVEMBER, [given_up]) == list(range(1, 10))
    passed_over = given_up._replace(verdict=Verdict.PASSED_OVER)
    assert meant(NOVEMBER, [passed_over, given_up]) == [*range(1, 10), 20]


def test_all_end_where_the_schedule_still_gives_them():
    assert meant(NOVEMBER, redo=Redo.ALL) == list(range(1, 25))


def test_what_is_asked_for_already_is_not_asked_for_twice():
    rows = ((at("2026-11-02"), at("2026-11-04")),)
    asked = AskedBackfill(1, rows, "1d", 3, wanted=rows)
    assert meant(NOVEMBER, asked=(asked,)) == [1, *range(5, 10)]


def test_what_a_backfill_under_way_has_done_is_not_missing():
    """trap: asked for a second time, the first half of a range was done again"""
    wanted, left = (at("2026-11-02"), at("2026-11-04")), (at("2026-11-04"), at("2026-11-04"))
    asked = AskedBackfill(1, (left,), "1d", 3, wanted=(wanted,))
    assert meant(NOVEMBER, asked=(asked,)) == [1, *range(5, 10)]
    assert meant(NOVEMBER, redo=Redo.ALL, asked=(asked,)) == [1, 2, 3, *range(5, 25)]


def test_rows_of_consecutive_dates():
    found = [NOVEMBER[n] for n in (0, 1, 2, 5, 7, 8)]
    rows = in_rows(found, NOVEMBER)
    assert [(first.day, last.day) for first, last in rows] == [(1, 3), (6, 6), (8, 9)]
    assert in_rows([], NOVEMBER) == ()


def test_what_is_done_of_a_backfill():
    rows = ((NOVEMBER[0], NOVEMBER[4]), (NOVEMBER[9], NOVEMBER[9]))
    asked = AskedBackfill(1, ((NOVEMBER[3], NOVEMBER[4]), rows[1]), "1d", 6, wanted=rows)
    for schedule in ("1d", "7d"):  # also if it is another one by now
        assert done_rows(job(schedule, backfill=True), asked) == ((NOVEMBER[0], NOVEMBER[2]),)


def test_a_date_that_was_given_up_does_not_count_as_done():
    """trap: 2 of 3 dates done, of which one was given up"""
    spec = job("1d", backfill=True)
    first, second, third = (at(f"2026-11-0{n}") for n in (1, 2, 3))
    asked = AskedBackfill(
        7, ((third, third),), spec.plan, 3, wanted=((first, first), (third, third))
    )
    assert second not in (row[0] for row in asked.wanted)
    assert progress(spec, asked) == (1, 1, 3)
    assert progress(spec, asked).text() == "1 of 3 dates done, 1 given up"


def test_the_dates_of_a_ghost_are_counted_too():
    """trap: rows of dates were counted, so that dates were done that no tick had run"""
    first, last = at("2026-11-01"), at("2026-11-03")
    asked = AskedBackfill(7, ((first, last),), "1d", 3, wanted=((first, last),))
    assert progress(None, asked) == (0, 0, 3)
