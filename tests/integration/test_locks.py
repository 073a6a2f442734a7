"""Jobs that share a lock, run by the runner on PostgreSQL."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from crontabber.errors import LockHeld
from crontabber.process.clock import ServerClock
from crontabber.process.signals import Signals
from crontabber.reporters import Reporter
from crontabber.schedule.grammar import Schedule
from crontabber.schedule.model import JobSpec, JobState, SkipReason
from crontabber.store.postgres import PostgresStore
from crontabber.tick.claim import claim_and_run
from crontabber.tick.context import TickContext
from crontabber.tick.results import JobResult, RunOutcome
from tests.stores import DAY, NOW, SLOT, factory_of, put, wanted
from tests.support import Database

UTC = ZoneInfo("UTC")
DATES = JobSpec("a", "m.A", Schedule.parse("1d"), UTC, backfill=True, lock="warehouse")


class Dates:
    """A backfill app each of whose dates is a transaction, which has the record with it."""

    before_commit: Any = None

    def __init__(self, database: Database, together: bool, interfere: Any) -> None:
        self._factory = factory_of(database)
        self._together = together
        self._interfere = interfere
        self.done: list[datetime] = []

    def main(self, slots: Iterable[datetime]) -> Iterator[datetime]:
        for slot in slots:
            with self._factory() as connection:
                self._interfere(len(self.done))
                if self._together:
                    self.before_commit(connection)
                connection.commit()
            self.done.append(slot)
            yield slot


@pytest.fixture
def store(database: Database) -> Iterator[PostgresStore]:
    store = PostgresStore(factory_of(database), patience=10)
    put(store, "a", next_run=SLOT - 2 * DAY, next_slot=SLOT - 2 * DAY, plan="1d", backfill=True)
    yield store
    store.close()


@pytest.fixture
def other(database: Database) -> Iterator[PostgresStore]:
    store = PostgresStore(factory_of(database), patience=10)
    yield store
    store.close()


def run(store: PostgresStore, app: Dates) -> JobResult:
    states = dict(store.look(None).states)
    context = TickContext(store, ServerClock(NOW), Reporter(), Signals())
    return claim_and_run(context, DATES, lambda *_: app, states, NOW)


def lose(database: Database, store: PostgresStore) -> None:
    assert store._server.current
    pid = store._server.current.backend_pid
    database.terminate(pid)


@pytest.mark.parametrize("together", [True, False])
def test_an_app_that_lost_its_lock_does_no_more_dates(
    database: Database, store: PostgresStore, other: PostgresStore, together: bool
) -> None:
    """trap: its own transactions go on, without a look at whether the lock is still there"""

    def interfere(date: int) -> None:
        if date == 0:
            lose(database, store)
            assert other.claim(wanted(other, "b"), (), "warehouse")

    app = Dates(database, together, interfere)
    assert run(store, app).outcome is RunOutcome.SUCCEEDED
    assert len(app.done) == 1
    state = other.read("a")
    assert state
    assert (state.ongoing, state.next_slot) == (None, SLOT - DAY)


@pytest.mark.parametrize("together", [True, False])
def test_an_app_that_can_have_its_lock_again_goes_on(
    database: Database, store: PostgresStore, other: PostgresStore, together: bool
) -> None:
    held: list[int] = []

    def interfere(date: int) -> None:
        if date == 0:
            lose(database, store)
            return
        with pytest.raises(LockHeld):
            other.claim(wanted(other, "b"), (), "warehouse")
        held.append(date)

    app = Dates(database, together, interfere)
    assert run(store, app).outcome is RunOutcome.SUCCEEDED
    assert (len(app.done), held) == (3, [1, 2])


def test_a_job_whose_lock_is_held_is_told_and_left_as_it_was(
    database: Database, store: PostgresStore, other: PostgresStore
) -> None:
    before: JobState | None = store.read("a")
    assert other.claim(wanted(other, "b"), (), "warehouse")
    app = Dates(database, together=True, interfere=None)
    result = run(store, app)
    assert result.skip
    assert result.skip.reason is SkipReason.LOCKED
    assert app.done == []
    assert store.read("a") == before
