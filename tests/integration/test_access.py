"""A look that makes no tables, and what a role may do: the same of each store."""

from collections.abc import Iterator

import pytest

from crontabber.errors import StoreError, TablesNotReady
from crontabber.schedule.findings import Access
from crontabber.store.memory import MemoryStore
from crontabber.store.postgres import PostgresStore
from tests.stores import factory_of
from tests.support import Database


@pytest.fixture
def store(database: Database) -> Iterator[PostgresStore]:
    made = PostgresStore(factory_of(database))
    yield made
    made.close()


def test_a_look_that_makes_no_tables(store: PostgresStore, database: Database) -> None:
    with pytest.raises(TablesNotReady, match="there are no tables of crontabber"):
        store.look([], migrate=False)
    assert database.execute("SELECT to_regclass('crontabber')") == [(None,)]
    assert list(store.access().findings()) == []
    store.look([])
    assert store.look(None, migrate=False).states == {}
    database.execute("ALTER TABLE crontabber DROP COLUMN plan")
    with pytest.raises(TablesNotReady, match="older crontabber"):
        store.look([], migrate=False)


def test_the_owner_may_do_all(store: PostgresStore, database: Database) -> None:
    store.look([])
    access = store.access()
    assert access == Access(role=access.role, zone=access.zone, lacking=[], row_security=[])
    assert store.access(database.user) == store.access()


def test_a_prepared_session_asks_as_well(store: PostgresStore) -> None:
    """It has another search path than the tables were found by."""
    before = (store.look([]), store.access())[1]
    store.holder(store.look([]).now)
    assert store.access() == before


def test_a_role_that_is_none(store: PostgresStore) -> None:
    store.look([])
    with pytest.raises(StoreError, match="there is no role 'none_such' on the server"):
        store.access("none_such")


def test_memory_lets_every_role_do_all() -> None:
    store = MemoryStore()
    assert store.look([], migrate=False).states == {}
    assert list(store.access("a").findings()) == []
