"""What became of slots: of the log, of the ledger, and of what is open."""

import pytest

from crontabber.schedule.account import Entry, account
from crontabber.schedule.dates import Mark, dates
from crontabber.schedule.ledger import Span, Verdict
from crontabber.schedule.model import Outcome, Run
from crontabber.schedule.moment_past import account_at, slot_at
from tests.unit.schedules import DAY, ERROR, HOUR, MINUTE, SECOND, at, job, waiting

NOW = at("2026-11-28 10:00")
DAILY = job("1d|03:00", backfill=True)


def slot(day):
    return at(f"2026-11-{day:02} 03:00")


def run(day, error=None, late=SECOND, took=MINUTE, outcome=None):
    outcome = outcome or (Outcome.FAILED if error else Outcome.SUCCEEDED)
    return Run("app", slot(day), slot(day) + late, took, outcome, "here", error)


def span(first, last, verdict=Verdict.PAUSED):
    number = last - first + 1
    return Span("app", slot(first), slot(last), number, verdict, "why", "1d|03:00", "anna", NOW)


def entries(runs):
    """The account of those slots of a job that were tried."""
    return account(DAILY, waiting(DAILY, slot(29)), [], runs, slot(1), slot(28))


def told(entry: Entry) -> tuple[int, int, int, str]:
    return entry.first.day, entry.last.day, entry.number, entry.verdict


def test_consecutive_slots_of_one_verdict_are_one_entry():
    found = entries([run(1), run(2), run(3, ERROR), run(4), run(5)])
    assert [*map(told, found)] == [(1, 2, 2, "done"), (3, 3, 1, "failed"), (4, 5, 2, "done")]


def test_failures_for_different_reasons_are_not_one():
    other = ERROR._replace(value="else")
    assert len(entries([run(1, ERROR), run(2, other), run(3, other)])) == 2


def test_a_slot_that_failed_and_was_done_is_done_and_has_all_its_tries():
    [entry] = entries([run(1, ERROR), run(1, ERROR, HOUR), run(1, late=2 * HOUR)])
    assert (entry.verdict, len(entry.runs), entry.lateness) == ("done", 3, 2 * HOUR)
    assert entry.durations == [MINUTE]


def test_a_slot_that_was_done_and_failed_when_it_was_done_again_stays_done():
    [entry] = entries([run(1), run(1, ERROR, DAY)])
    assert entry.verdict == "done"


def test_spans_of_the_ledger_and_what_is_open_stand_between_the_runs():
    row = waiting(DAILY, slot(26))
    runs = [run(20), run(21), run(25), run(26, ERROR)]
    found = account(DAILY, row, [span(22, 24)], runs, slot(1), NOW)
    assert [*map(told, found)] == [
        (20, 21, 2, "done"),
        (22, 24, 3, "paused"),
        (25, 25, 1, "done"),
        (26, 26, 1, "failed"),
        (27, 28, 2, "open"),
    ]
    assert (found[1].by, found[1].reason) == ("anna", "why")


def test_a_calendar_has_one_mark_a_day_and_follows_from_the_row_not_from_a_whole_log():
    row = waiting(DAILY, slot(26), first_slot=slot(18))
    found = dates(DAILY, row, [run(26, ERROR), run(23)], [span(22, 24)], slot(1), NOW)
    assert "".join(found.days[slot(day).date()].name[0] for day in range(18, 29)) == "DDDDSDSDFOO"
    assert [(each.first.day, each.last.day, each.mark) for each in found.stretches] == [
        (18, 21, Mark.DONE),
        (22, 22, Mark.SKIPPED),
        (23, 23, Mark.DONE),
        (24, 24, Mark.SKIPPED),
        (25, 25, Mark.DONE),
        (26, 26, Mark.FAILED),
        (27, 28, Mark.OPEN),
    ]


def test_dates_that_were_never_due_have_no_mark_but_those_that_were_asked_for():
    row = waiting(DAILY, slot(29), first_slot=slot(20))
    found = dates(DAILY, row, [run(10), run(11), run(12, ERROR)], [], slot(1), NOW)
    assert [day.day for day in found.days] == [10, 11, 12, *range(20, 29)]


def test_a_row_that_an_older_crontabber_made_has_dates_from_its_first_run_on():
    row = waiting(DAILY, slot(29), first_run=slot(20) + HOUR, last_success=slot(28))
    found = dates(DAILY, row, [], [], slot(1), NOW)
    assert [day.day for day in found.days] == [*range(20, 29)]


def test_a_day_with_several_dates_shows_the_worst_of_them():
    spec = job("6h", backfill=True)
    row = waiting(spec, at("2026-11-28 06:00"), first_slot=at("2026-11-27 00:00"))
    found = dates(spec, row, [], [], slot(1), NOW)
    assert [mark.name for mark in found.days.values()] == ["DONE", "OPEN"]


@pytest.mark.parametrize(
    ("schedule", "row", "moment", "expected"),
    [
        ("1d|03:00", waiting(DAILY, slot(29)), "2026-11-24 12:00", "2026-11-24 03:00"),
        ("1d|03:00", waiting(DAILY, slot(29)), "2026-11-24 03:00", "2026-11-24 03:00"),
        ("1d|03:00", waiting(DAILY, slot(29)), "2026-11-24 02:59", "2026-11-23 03:00"),
        ("1d|03:00", waiting(DAILY, slot(20)), "2026-11-24 12:00", "2026-11-24 03:00"),
        ("1d|03:00", None, "2026-11-24 12:00", "2026-11-24 03:00"),
        ("1h", waiting(job("1h"), at("2026-11-28 11:30")), "2026-11-24 12:00", "2026-11-24 11:30"),
        ("3d", waiting(job("3d"), at("2026-11-30 00:10")), "2026-11-24 12:00", "2026-11-24 00:10"),
    ],
)
def test_the_slot_that_was_up_at_a_moment(schedule, row, moment, expected):
    assert slot_at(job(schedule, backfill=True), row, at(moment)) == at(expected)


@pytest.mark.parametrize(
    ("row", "found", "verdict"),
    [
        (waiting(DAILY, slot(29)), [run(24)], "done"),
        (waiting(DAILY, slot(24)), [run(24, ERROR)], "failed"),
        (waiting(DAILY, slot(24), waits_for="fetch"), [], "open"),
        (waiting(DAILY, slot(29), last_success=slot(20)), [], "done"),
        (waiting(DAILY, slot(29), first_slot=slot(26)), [], "unknown"),
        (None, [], "unknown"),
    ],
)
def test_what_became_of_the_slot_at_a_moment(row, found, verdict):
    became = account_at(DAILY, row, slot(24), lambda *_: (found, ()))
    assert became.verdict == verdict
    assert became.slot == slot(24)
    if verdict == "open":
        assert became.reason == "it waits for fetch"


def test_a_log_that_was_trimmed_of_a_job_without_dates_cannot_tell():
    spec = job("1d|03:00")
    became = account_at(spec, waiting(spec, slot(29)), slot(24), lambda *_: ((), ()))
    assert became.verdict == "unknown"
