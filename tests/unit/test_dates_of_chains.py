"""Dependencies are those of the date: who may do which slot, in chains of all kinds."""

import functools
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crontabber.base import BaseCronApp
from crontabber.mixins import as_backfill_cron_app
from crontabber.schedule.dependencies import free_until, has_done, wait_of
from crontabber.schedule.model import JobState, Pause
from crontabber.testing import Simulation
from tests.unit.schedules import DAY, ERROR, MINUTE, SECOND, at, job, waiting

START = datetime(2026, 11, 21, 3, 46, tzinfo=timezone.utc)
NOW = at("2026-11-28 12:00:01")
CHILD = job("1d", "child", backfill=True, depends_on=("parent",))
DATED = job("1d", "parent", backfill=True)
PLAIN = job("1d", "parent")
MOMENT = timedelta(microseconds=1)


def dated(name: str, run: Callable[..., None], depends_on: Any = ()) -> type:
    """A backfill app."""
    body = {"app_name": name, "depends_on": depends_on, "run": lambda self, date: run(date)}
    return as_backfill_cron_app(
        type(name.title(), (BaseCronApp,), {"__module__": __name__, **body})
    )


def plain(name: str, run: Callable[..., None], depends_on: Any = ()) -> type:
    """An app that gets no dates."""
    body = {"app_name": name, "depends_on": depends_on, "run": lambda self: run()}
    return type(name.title(), (BaseCronApp,), {"__module__": __name__, **body})


def wait(parent: JobState, slot: str, child: Any = CHILD) -> str | None:
    found = wait_of(child, {"parent": parent}, at(slot), NOW)
    return None if found is None else str(found)


# -- one parent ------------------------------------------------------------------


def test_a_parent_that_failed_since_has_done_what_was_before():
    """trap: a child was judged by its oldest open slot only, and by when the parent last ran."""
    parent = waiting(
        DATED, at("2026-11-25"), last_success=at("2026-11-24"), last_error=ERROR, last_run=NOW
    )
    assert wait(parent, "2026-11-24") is None
    assert wait(parent, "2026-11-25") == "parent has not done 2026-11-25"
    assert wait(parent, "2026-11-26") == "parent has not done 2026-11-26"


def test_a_parent_that_works_on_later_dates_has_done_the_earlier_ones():
    parent = waiting(DATED, at("2026-11-25"), last_success=at("2026-11-24"), ongoing=NOW)
    assert wait(parent, "2026-11-24") is None
    assert wait(parent, "2026-11-25") == "parent has not done 2026-11-25"


def test_a_parent_without_dates_has_to_have_succeeded_since_the_slot_came_up():
    good = at("2026-11-27 03:00")
    parent = waiting(PLAIN, at("2026-11-28 03:00"), last_success=good, last_run=good)
    assert wait(parent, "2026-11-27 02:00") is None
    assert wait(parent, "2026-11-27 04:00") is None  # nothing was due of it since
    assert wait(parent, "2026-11-28 04:00") == "parent has not done 2026-11-28"
    failed = parent._replace(last_error=ERROR)
    assert wait(failed, "2026-11-27 02:00") == "parent failed when it last ran"


def test_a_parent_that_is_due_at_every_tick_does_not_keep_its_child_for_ever():
    parent = waiting(job("1m", "parent"), NOW - SECOND, last_success=NOW - SECOND, last_run=NOW)
    assert wait(parent, "2026-11-28 12:00") is None


def test_a_parent_that_never_succeeded_has_done_nothing():
    never = waiting(DATED, at("2026-11-29"))
    assert wait(never, "2026-11-24") == "parent has never run"
    assert wait(never._replace(last_error=ERROR, last_run=NOW), "2026-11-24") == (
        "parent failed when it last ran"
    )


def test_a_paused_parent_says_so():
    parent = waiting(
        DATED, at("2026-11-25"), last_success=at("2026-11-24"), pause=Pause(NOW, None, "anna")
    )
    assert wait(parent, "2026-11-25") == "parent is paused, and has not done 2026-11-25"
    assert wait(parent, "2026-11-24") is None


@pytest.mark.parametrize(
    ("parent", "fields", "why"),
    [
        # gets no dates
        (PLAIN, {"next_run": "2026-11-28 03:00"}, "is paused, and has not done 2026-11-28"),
        (PLAIN, {"next_run": "2026-11-29"}, None),
        (PLAIN, {"next_run": "2026-11-29", "last_error": ERROR}, "failed when it last ran"),
        (PLAIN, {"last_success": None, "last_error": ERROR}, "failed when it last ran"),
        (PLAIN, {"last_success": None}, "has never run"),
        (PLAIN, {"last_success": None, "ongoing": "2026-11-28 11:00"}, "is running"),
        # a backfill app: what it fails at since does not matter
        (DATED, {"next_run": "2026-11-29", "last_error": ERROR}, None),
        (
            DATED,
            {"next_run": "2026-11-28", "last_error": ERROR},
            "is paused, and has not done 2026-11-28",
        ),
        (DATED, {"last_success": None, "last_error": ERROR}, "failed when it last ran"),
    ],
)
def test_a_parent_that_is_paused_and_fails_has_done_what_it_had_done(parent, fields, why):
    moments = {key: at(v) if isinstance(v, str) else v for key, v in fields.items()}
    slot = moments.pop("next_run", at("2026-11-28"))
    known = {"last_success": at("2026-11-27"), "last_run": at("2026-11-27"), **moments}
    state = waiting(parent, slot, pause=Pause(NOW, None, "anna"), **known)
    assert wait(state, "2026-11-28 03:00") == (why and f"parent {why}")


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({}, "is paused"),
        ({"last_error": ERROR}, "failed when it last ran"),
        ({"ongoing": NOW}, "is running"),
        ({"last_run": at("2026-11-28 11:00")}, None),  # it has run since the slot came up
        ({"next_run": NOW + SECOND}, None),  # it is not due
        ({"last_run": None, "last_success": None}, "has never run"),
        ({"last_run": None, "last_success": at("2026-11-28 11:00")}, None),  # marked
        ({"last_run": at("2026-11-28 11:00"), "last_success": None}, None),
    ],
)
def test_a_job_without_dates_waits_for_a_parent_that_is_paused(fields, why):
    """Its last run was yesterday, and it is due today."""
    child = job("1h", "child", depends_on=("parent",))
    known = {"last_run": at("2026-11-27"), "last_success": at("2026-11-27"), **fields}
    parent = waiting(PLAIN, at("2026-11-28 03:00"), pause=Pause(NOW, None, "anna"), **known)
    assert wait(parent, "2026-11-28 11:00", child) == (why and f"parent {why}")


def test_the_date_that_is_not_done_is_shown_as_the_child_has_it():
    parent = waiting(DATED, at("2026-11-25"), last_success=at("2026-11-24"))
    hourly = job("1h", "child", "Asia/Kolkata", backfill=True, depends_on=("parent",))
    daily = job("1d", "child", "Asia/Kolkata", backfill=True, depends_on=("parent",))
    assert wait(parent, "2026-11-25 20:00", hourly) == "parent has not done 2026-11-26 01:30"
    assert wait(parent, "2026-11-25 20:00", daily) == "parent has not done 2026-11-26"


def test_all_parents_count_for_what_is_free():
    child = CHILD._replace(depends_on=("a", "b", "c", "unknown"))
    states = {
        "a": waiting(DATED, at("2026-11-26"), last_success=at("2026-11-25")),
        "b": waiting(DATED, at("2026-11-25"), last_success=at("2026-11-24")),
        "c": JobState("c"),  # an older crontabber runs it, and says nothing of what is next
    }
    assert free_until(child, states, NOW) == at("2026-11-25") - MOMENT
    assert free_until(child._replace(backfill=False), states, NOW) == NOW
    late = waiting(DATED, NOW + DAY, last_success=NOW)
    assert free_until(CHILD, {"parent": late}, NOW) >= NOW


def test_what_a_parent_has_done_ends_where_its_open_slot_begins():
    dates = waiting(DATED, at("2026-11-25"), last_success=at("2026-11-26"))
    assert has_done(dates, at("2026-11-25") - MOMENT)
    assert not has_done(dates, at("2026-11-25"))
    older = waiting(DATED, at("2026-11-25"))._replace(next_slot=None)
    assert not has_done(older, at("2026-11-25"))
    assert has_done(JobState("parent"), at("2026-11-25"))
    plain = waiting(PLAIN, at("2026-11-25"), last_success=at("2026-11-26"))
    assert has_done(plain, at("2026-11-26"))
    assert not has_done(plain, at("2026-11-26") + MOMENT)
    never = plain._replace(last_success=None)
    assert has_done(never, at("2026-11-25") - MOMENT)  # nothing was due of it until then
    assert not has_done(never, at("2026-11-25"))


def test_a_job_without_dates_waits_for_a_slot_open_up_to_its_own():
    child = job("1h", "child", depends_on=("parent",))
    parent = waiting(DATED, at("2026-11-28 12:00"), last_success=at("2026-11-27 12:00"))
    assert wait(parent, "2026-11-28 11:00", child) is None
    assert wait(parent, "2026-11-28 12:00", child) == "parent has not done 2026-11-28 12:00"
    assert wait(parent._replace(ongoing=NOW), "2026-11-28 11:00", child) == "parent is running"
    failed = parent._replace(last_error=ERROR)
    assert wait(failed, "2026-11-28 11:00", child) == "parent failed when it last ran"


def test_open_slots_end_where_the_parents_have_got_to():
    parent = waiting(DATED, at("2026-11-25"), last_success=at("2026-11-24"))
    free = free_until(CHILD, {"parent": parent}, NOW)
    assert at("2026-11-24") < free < at("2026-11-25")
    assert free_until(CHILD._replace(depends_on=()), {}, NOW) == NOW


# -- chains in ticks --------------------------------------------------------------


def test_a_child_is_not_given_a_date_that_its_parent_has_not_done():
    """trap: a child got 03:52 to 04:00 while its parent had done 03:52 to 03:57."""
    done: list[datetime] = []
    child: list[datetime] = []

    def slow(date: datetime) -> None:
        sim.clock.advance(timedelta(seconds=25))
        done.append(date)

    jobs = {dated("parent", slow): "1m", dated("child", child.append, "parent"): "1m"}
    sim = Simulation(jobs, START)
    sim.tick()
    sim.tick(START + 6 * MINUTE)
    assert child == done
    assert len(child) == 7


def test_a_parent_that_fails_at_a_date_leaves_its_child_the_earlier_ones():
    child: list[datetime] = []

    def run(date: datetime) -> None:
        if date >= START + 4 * DAY:
            raise OSError("no")

    jobs = {dated("parent", run): "1d", dated("child", child.append, "parent"): "1d"}
    sim = Simulation(jobs, START)
    sim.tick()
    sim.tick(START + 7 * DAY)
    assert child == [START + n * DAY for n in range(4)]
    state = sim.states["child"]
    assert state.waits_for is None  # it ran
    sim.tick(START + 7 * DAY + MINUTE)
    state = sim.states["child"]
    assert (state.waits_for, state.waits_since) == ("parent", START + 7 * DAY + MINUTE)
    version = state.version
    sim.tick(START + 7 * DAY + 2 * MINUTE)
    assert sim.states["child"].version == version  # it is written when it changes


@pytest.mark.parametrize("kind", [dated, plain])
def test_a_job_that_never_ran_remembers_from_the_first_tick_on_since_when_it_waits(kind):
    def fail(*_date: datetime) -> None:
        raise OSError("no")

    sim = Simulation({dated("parent", fail): "1d", kind("child", print, "parent"): "1d"}, START)
    sim.tick()
    first = sim.states["child"]
    assert (first.waits_for, first.waits_since) == ("parent", START)
    sim.tick(START + MINUTE)
    assert sim.states["child"].version == first.version


def test_chains_catch_up_date_by_date():
    order: list[tuple[str, datetime]] = []

    def noted(name: str) -> Callable[..., None]:
        return lambda date: order.append((name, date))

    jobs = {
        dated("a", noted("a")): "1d",
        dated("b", noted("b"), "a"): "1d",
        dated("c", noted("c"), ("a", "b")): "1d",
    }
    sim = Simulation(jobs, START)
    sim.tick()
    sim.tick(START + 3 * DAY)
    assert order == [(name, START + n * DAY) for n in range(4) for name in "abc"]


def test_in_a_chain_a_parent_does_its_dates_for_one_of_its_childs_in_one_go():
    order: list[str] = []
    jobs = {
        dated("hourly", lambda date: order.append("h")): "1h",
        dated("daily", lambda date: order.append("D"), "hourly"): "1d",
    }
    sim = Simulation(jobs, START)
    sim.tick()
    sim.tick(START + 2 * DAY)
    assert "".join(order) == "hD" + ("h" * 24 + "D") * 2


def test_a_job_between_that_gets_no_dates_is_not_left_out():
    order: list[str] = []

    class Between(BaseCronApp):
        app_name = "between"
        depends_on = "a"

        def run(self) -> None:
            order.append("between")

    jobs = {
        dated("a", lambda date: order.append("a")): "1d",
        Between: "1d",
        dated("c", lambda date: order.append("c"), ("a", "between")): "1d",
    }
    sim = Simulation(jobs, START)
    sim.tick()
    sim.tick(START + 2 * DAY)
    assert order == ["a", "between", "c", "a", "a", "between", "c", "c"]


# -- any history ------------------------------------------------------------------

PARENTS: dict[str, tuple[str, ...]] = {"a": (), "b": ("a",), "c": ("a", "b")}
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["tick", "tick", "tick", "break", "mend", "reset", "pause", "resume"]),
        st.sampled_from(list(PARENTS)),
        st.sampled_from([SECOND, MINUTE, 3 * MINUTE]),
    ),
    max_size=15,
)


class World:
    """A chain of three, of which some fail, are reset or paused; and what went wrong."""

    def __init__(self) -> None:
        self.broken: set[str] = set()
        self.done: dict[str, set[datetime]] = {name: set() for name in PARENTS}
        self.wrong: list[tuple[str, datetime, str]] = []
        jobs = {dated(n, functools.partial(self.run, n), PARENTS[n]): "1m" for n in PARENTS}
        self.sim = Simulation(jobs, START)

    def run(self, name: str, date: datetime) -> None:
        for parent in PARENTS[name]:
            first = self.sim.states[parent].first_slot
            if first is None or (first <= date and date not in self.done[parent]):
                self.wrong.append((name, date, parent))
        self.sim.clock.advance(3 * SECOND)
        if name in self.broken:
            raise OSError("no")
        self.done[name].add(date)

    def step(self, what: str, name: str, time: timedelta) -> None:
        if what == "tick":
            self.sim.clock.advance(time)
            self.sim.tick()
        elif what == "reset":
            self.sim.store.reset(name)
        elif what == "break":
            self.broken.add(name)
        elif what == "mend":
            self.broken.discard(name)
        else:
            self.sim.store.pause(name, Pause(START, None) if what == "pause" else None)


@settings(max_examples=6, deadline=None)
@given(STEPS)
def test_no_child_is_given_a_date_before_its_parent_did_it(steps):
    """And none waits for ever on a parent that is well."""
    world = World()
    for step in steps:
        world.step(*step)
    for name in PARENTS:
        world.step("mend", name, SECOND)
        world.step("resume", name, SECOND)
    for _ in range(4):
        world.step("tick", "", 6 * MINUTE)
    assert world.wrong == []
    late = world.sim.clock.now() - 5 * MINUTE
    waiting = [world.sim.states[name].next_slot for name in PARENTS]
    assert all(slot and slot > late for slot in waiting), "one waits for ever"
