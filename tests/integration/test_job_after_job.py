"""From one job to the next, on PostgreSQL: each runs under its own claim."""

import functools
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from crontabber.base import BaseCronApp
from crontabber.config import compat  # noqa: F401  configman cannot be imported before
from crontabber.errors import ExitCode
from crontabber.mixins import as_backfill_cron_app
from crontabber.process.clock import SystemClock
from crontabber.store.postgres import PostgresStore
from crontabber.testing import Simulation
from tests.stores import factory_of
from tests.support import Database
from tests.unit.test_tick import app

from configman import Namespace


@pytest.fixture
def other(database: Database) -> Iterator[PostgresStore]:
    store = PostgresStore(factory_of(database), patience=1)
    yield store
    store.close()


def tick(database: Database, *apps: type) -> ExitCode:
    """Tick, as of now, with these daily jobs."""
    clock = SystemClock()
    sim = Simulation(dict.fromkeys(apps, "1d"), clock.now())
    sim.clock = clock  # type: ignore[assignment]
    sim.store = PostgresStore(factory_of(database), patience=1)  # type: ignore[assignment]
    try:
        return sim.tick()
    finally:
        sim.store.close()


def log(database: Database) -> list[tuple[Any, ...]]:
    return database.execute("SELECT app_name, exc_type FROM crontabber_log ORDER BY id")


def marked(database: Database) -> list[tuple[Any, ...]]:
    return database.execute("SELECT app_name FROM crontabber WHERE ongoing IS NOT NULL")


def test_jobs_run_one_after_the_other_each_under_its_own_claim(
    database: Database, other: PostgresStore
) -> None:
    held: list[set[str]] = []

    def look(self: Any) -> None:
        held.append(other.claimed(["a", "b", "c"]))

    assert tick(database, app("a", look), app("b", look), app("c", look)) == ExitCode.OK
    assert log(database) == [("a", None), ("b", None), ("c", None)]
    assert held == [{"a"}, {"b"}, {"c"}]
    assert marked(database) == []


def test_a_backfill_hands_over_after_its_last_date(
    database: Database, other: PostgresStore
) -> None:
    held: list[set[str]] = []

    def look(self: Any, *date: datetime) -> None:
        held.append(other.claimed(["a", "b"]))

    dates = as_backfill_cron_app(app("a", look))
    tick(database, dates)
    back = "next_run - interval '3 days'"
    database.execute(f"UPDATE crontabber SET next_run = {back}, next_slot = {back}")
    assert tick(database, dates, app("b", look)) == ExitCode.OK
    assert held == [{"a"}] * 4 + [{"b"}]
    assert len(log(database)) == 5


def test_a_child_is_not_run_on_a_record_that_was_refused(database: Database) -> None:
    """trap: a child ran though its parent had not succeeded"""

    def lose_the_mark(self: Any) -> None:
        database.execute("UPDATE crontabber SET ongoing = NULL WHERE app_name = 'a'")

    child, last = app("b", depends_on="a"), app("c")
    assert tick(database, app("a", lose_the_mark), child, last) == ExitCode.ERROR
    assert log(database) == [("c", None)]
    assert marked(database) == []
    assert tick(database, app("a"), child, last) == ExitCode.OK
    assert log(database) == [("c", None), ("a", None), ("b", None)]


def test_what_a_main_does_after_its_last_date_it_does_under_its_claim(
    database: Database, other: PostgresStore
) -> None:
    """trap: the next start of a job ran beside the end of the last"""
    held: list[set[str]] = []

    def main(self: Any, slots: Iterator[datetime]) -> Iterator[datetime]:
        try:
            yield from slots
        finally:
            held.append(other.claimed(["a", "b"]))

    assert tick(database, app("a", main=main), app("b")) == ExitCode.OK
    assert log(database) == [("a", None), ("b", None)]
    assert held == [{"a"}]


def test_a_wrapped_main_is_not_ours(database: Database, other: PostgresStore) -> None:
    """trap: functools.wraps makes it look so"""
    held: list[set[str]] = []

    @functools.wraps(BaseCronApp.main)
    def main(self: Any, slots: Iterator[datetime]) -> Iterator[datetime]:
        try:
            yield from BaseCronApp.main(self, slots)
        finally:
            held.append(other.claimed(["a", "b"]))

    assert tick(database, app("a", main=main), app("b")) == ExitCode.OK
    assert held == [{"a"}]


def test_a_child_is_not_run_when_its_parent_was_reset_meanwhile(database: Database) -> None:
    """trap: it was judged by what was seen before"""

    def reset(self: Any) -> None:
        database.execute("DELETE FROM crontabber WHERE app_name = 'a'")

    parent, child = app("a"), app("c", depends_on="a")
    tick(database, parent, app("b"), child)
    back = "next_run - interval '2 days'"
    moved = f"UPDATE crontabber SET next_run = {back}, next_slot = {back} WHERE app_name <> 'a'"
    database.execute(moved)
    assert tick(database, parent, app("b", reset), child) == ExitCode.OK
    assert [name for name, _ in log(database)] == ["a", "b", "c", "b"]
    assert marked(database) == []


def test_a_job_that_cannot_be_made_or_is_not_due_is_not_claimed(database: Database) -> None:
    options = Namespace()
    options.add_option("number", default="many", from_string_converter=int)
    faulty = app("b", required_config=options)
    assert tick(database, app("c")) == ExitCode.OK
    database.execute("DELETE FROM crontabber_log")
    [before] = database.execute("SELECT xmin FROM crontabber")
    assert tick(database, app("a"), faulty, app("d"), app("c")) == ExitCode.ERROR
    assert log(database) == [("a", None), ("d", None)]
    assert marked(database) == []
    assert database.execute("SELECT xmin FROM crontabber WHERE app_name = 'c'") == [before]
