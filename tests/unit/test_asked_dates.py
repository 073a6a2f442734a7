"""Dates that people ask for, in ticks: who may do which, and what becomes of it."""

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from crontabber.base import BaseCronApp
from crontabber.mixins import as_backfill_cron_app
from crontabber.schedule.asked import AskedBackfill
from crontabber.schedule.ledger import Verdict
from crontabber.schedule.model import Outcome, Run
from crontabber.schedule.transition import marked_successful
from crontabber.store.asked import asked_of
from crontabber.store.rows import saving
from crontabber.testing import Simulation
from crontabber.tick.marking import try_again
from tests.unit.schedules import DAY, HOUR, MINUTE, job

START = datetime(2026, 11, 21, 3, 0, tzinfo=timezone.utc)
FIRST = START - 9 * DAY


class World:
    """Backfill apps that write down what they are given, and fail as they are told."""

    def __init__(self, retry: bool | None = None, **parents: tuple[str, str]) -> None:
        self.order: list[tuple[str, datetime]] = []
        self.broken: set[tuple[str, datetime]] = set()
        self.took = timedelta()
        more = {} if retry is None else {"retry": retry}
        jobs = {self._app(name, above, **more): plan for name, (plan, above) in parents.items()}
        self.sim = Simulation(jobs, START)
        self.sim.tick()
        self.order.clear()

    def _app(self, name: str, above: str, **more: Any) -> type:
        def run(_app: Any, date: datetime) -> None:
            self.sim.clock.advance(self.took)
            self.order.append((name, date))
            if (name, date) in self.broken:
                raise OSError("no")

        body = {"app_name": name, "depends_on": above or (), "run": run, **more}
        bases = (BaseCronApp,)
        return as_backfill_cron_app(type(name.title(), bases, {"__module__": __name__, **body}))

    def ask(self, dates: dict[str, tuple[datetime, datetime, int]], **more: Any) -> None:
        self.sim.store.ask(
            {
                name: AskedBackfill(
                    7,
                    ((first, last),),
                    self.sim.states[name].plan or "",
                    total,
                    wanted=((first, last),),
                    chained=len(dates) > 1,
                    **more,
                )
                for name, (first, last, total) in dates.items()
            }
        )


def plan_of(world: World) -> list[Any]:
    return [(s.next_slot, s.next_run, s.last_success) for s in world.sim.states.values()]


def test_a_range_moves_nothing_of_the_schedule() -> None:
    world = World(a=("1d", ""))
    before = plan_of(world)
    world.ask({"a": (FIRST, FIRST + 2 * DAY, 3)})
    world.sim.tick()
    assert world.order == [("a", FIRST + n * DAY) for n in range(3)]
    assert plan_of(world) == before
    assert world.sim.states["a"].asked == ()
    [span] = world.sim.store.ledger
    assert (span.verdict, span.first, span.slots) == (Verdict.BACKFILLED, FIRST, 3)


def test_a_child_waits_for_all_of_its_parents_dates_that_one_of_its_own_needs() -> None:
    world = World(hourly=("1h", ""), daily=("1d", "hourly"))
    world.ask(
        {
            "hourly": (FIRST, FIRST + 2 * DAY, 49),
            "daily": (FIRST, FIRST + 2 * DAY, 3),
        }
    )
    world.sim.tick()
    names = "".join(name[0] for name, _ in world.order)
    assert names == "hd" + ("h" * 24 + "d") * 2


def test_a_child_waits_for_what_its_parent_was_asked_for_by_itself() -> None:
    """trap: asked for in two commands, a child did its dates before its parent"""
    world = World(a=("1d", ""), b=("1d", "a"))
    world.ask({"b": (FIRST, FIRST + 2 * DAY, 3)})
    world.ask({"a": (FIRST + DAY, FIRST + 2 * DAY, 2)}, newest_first=True)
    world.sim.tick()
    places = {each: world.order.index(each) for each in world.order}
    assert len(places) == len(world.order) == 5
    assert all(places["a", day] < places["b", day] for day in (FIRST + DAY, FIRST + 2 * DAY))


def test_newest_first_too_each_date_comes_after_its_parents() -> None:
    world = World(a=("1d", ""), b=("1d", "a"))
    dates = (FIRST, FIRST + 2 * DAY, 3)
    world.ask({"a": dates, "b": dates}, newest_first=True)
    world.sim.tick()
    assert world.order == [(name, FIRST + n * DAY) for n in (2, 1, 0) for name in "ab"]


def test_a_date_that_failed_is_tried_again_and_only_then_the_next() -> None:
    world = World(a=("1d", ""), b=("1d", "a"))
    world.broken.add(("a", FIRST + DAY))
    dates = (FIRST, FIRST + 2 * DAY, 3)
    world.ask({"a": dates, "b": dates})
    world.sim.tick()
    assert world.order == [("a", FIRST), ("b", FIRST), ("a", FIRST + DAY)]
    assert world.sim.failures[0].slot == FIRST + DAY
    [asked] = world.sim.states["a"].asked
    assert (asked.attempts, asked.error, asked.retry_at) == (1, "no", START + 5 * MINUTE)
    assert world.sim.states["a"].error_count == 0  # that of the schedule
    world.sim.tick(START + MINUTE)
    assert len(world.order) == 3
    world.broken.clear()
    world.sim.tick(START + 5 * MINUTE)
    assert world.order[3:] == [(n, FIRST + d * DAY) for d in (1, 2) for n in "ab"]


def test_a_date_that_failed_is_tried_again_at_once_if_a_person_says_so() -> None:
    """trap: --retry said that there was nothing to try again"""
    world = World(a=("1d", ""))
    world.broken.add(("a", FIRST))
    world.ask({"a": (FIRST, FIRST, 1)})
    world.sim.tick()
    world.broken.clear()
    before, spec = world.sim.states["a"], job("1d", backfill=True)
    try_again(world.sim.store, spec._replace(app_name="a"), before, START)
    world.sim.tick(START + MINUTE)
    assert world.order == [("a", FIRST)] * 2
    after = world.sim.states["a"]
    assert (after.next_slot, after.next_run) == (before.next_slot, before.next_run)


def test_the_schedule_goes_first() -> None:
    world = World(a=("1h", ""))
    world.took = 40 * MINUTE
    world.ask({"a": (FIRST, FIRST + 5 * HOUR, 6)})
    world.sim.tick(START + HOUR)
    assert world.order[0] == ("a", START + HOUR)
    assert [date for _, date in world.order[1:]] == [FIRST]  # then the next hour had come
    world.sim.tick()
    assert world.order[2] == ("a", START + 2 * HOUR)


def test_a_crash_at_such_a_date_is_one_of_that_date() -> None:
    world = World(a=("1d", ""))
    world.ask({"a": (FIRST, FIRST, 1)})
    state = world.sim.states["a"]
    claim = world.sim.store.another_session().holder(START)
    world.sim.states["a"] = state._replace(ongoing=START, claim=claim, asked_slot=FIRST)
    world.sim.tick(START + MINUTE)
    crash = world.sim.log[-1]
    assert (crash.outcome, crash.slot) == (Outcome.CRASHED, FIRST)
    assert world.sim.states["a"].next_slot == state.next_slot
    world.sim.tick(START + 6 * MINUTE)
    assert world.order == [("a", FIRST)]


def ledger_of(world: World) -> list[tuple[str, int, int]]:
    """Each verdict, from and to which of the dates that were asked for."""
    spans = world.sim.store.ledger
    return [
        (span.verdict.value, (span.first - FIRST).days, (span.last - FIRST).days) for span in spans
    ]


def test_a_date_that_was_given_up_is_not_said_to_be_done() -> None:
    """trap: the ledger called the whole range done, so that --redo=failed found nothing"""
    world = World(a=("1d", ""), retry=False)
    world.broken.add(("a", FIRST + DAY))
    world.ask({"a": (FIRST, FIRST + 2 * DAY, 3)})
    world.sim.tick()
    world.sim.tick(START + MINUTE)
    assert world.sim.states["a"].asked == ()
    assert ledger_of(world) == [("given up", 1, 1), ("backfilled", 0, 0), ("backfilled", 2, 2)]


def test_a_date_that_is_given_up_when_it_crashed_is_in_the_ledger() -> None:
    """trap: a crash at the last attempt left no trace but the log's, which is trimmed"""
    world = World(a=("1d", ""), retry=False)
    world.ask({"a": (FIRST, FIRST, 1)})
    state = world.sim.states["a"]
    claim = world.sim.store.another_session().holder(START)
    world.sim.states["a"] = state._replace(ongoing=START, claim=claim, asked_slot=FIRST)
    world.sim.tick(START + MINUTE)
    assert world.sim.states["a"].asked == ()
    assert ledger_of(world) == [("given up", 0, 0)]


def test_a_mark_after_a_crash_at_such_a_date_is_one_of_the_schedule() -> None:
    """trap: it was recorded as that of the date, so that nothing was marked"""
    world = World(a=("1d", ""))
    world.ask({"a": (FIRST, FIRST, 1)})
    state = world.sim.states["a"]
    claim = world.sim.store.another_session().holder(START)
    world.sim.states["a"] = state._replace(ongoing=START, claim=claim, asked_slot=FIRST)
    marked = marked_successful(job("1d", backfill=True), world.sim.states["a"], START + 2 * DAY)
    run = Run("a", START + 2 * DAY, START, None, Outcome.MARKED, "host")
    assert saving(world.sim.states["a"], marked, run)[0] == "save_and_log"


DAYS = [["2026-11-20T03:00:00+00:00", "2026-11-22T03:00:00+00:00"]]
ENTRY = {"number": 1, "dates": DAYS, "plan": "1d|03:00 UTC", "total": 3}


@pytest.mark.parametrize(
    "spoilt",
    [
        {},
        {"number": None},
        {"number": "1"},
        {"number": True},
        {"dates": []},
        {"dates": {}},
        {"dates": [DAYS[0][::-1]]},
        {"dates": [["2026-11-20", "2026-11-22"]]},
        {"dates": [["0001-01-01T00:00:00+00:00", "9999-12-31T00:00:00+00:00"]]},
        {"plan": None},
        {"total": "3"},
        {"attempts": None},
        {"retry_at": "infinity"},
        {"retry_at": "2026-11-20T00:00:00"},
        {"error": 5},
        {"more": 1},
    ],
)
def test_what_a_person_made_of_it_is_all_right_or_counts_as_none(spoilt):
    """trap: a tick did its dates for ever, or ended, over a number or dates that are none"""
    assert len(asked_of(json.dumps([ENTRY | spoilt]))) == (not spoilt)
