"""A publication of all tables, as logical replication and upgrades make it, stops no job."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from crontabber.clean import clean_log
from crontabber.store.postgres import PostgresStore
from tests.integration.test_store_postgres import OLD_TABLES
from tests.stores import factory_of, put
from tests.support import Database

NULLABLE = OLD_TABLES.replace("app_name text NOT NULL", "app_name text", 1)
WITHOUT_INDEX = "\n".join(line for line in OLD_TABLES.splitlines() if "INDEX" not in line)

IDENTITIES = (
    "SELECT relname::text, relreplident::text FROM pg_class WHERE relname IN"
    " ('crontabber', 'crontabber_log') ORDER BY 1"
)


@pytest.fixture
def published(database: Database) -> Database:
    """A database that publishes all tables, those too that are made later."""
    [(is_superuser,)] = database.execute(
        "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
    )
    if not is_superuser:
        pytest.skip("only a superuser publishes all tables")
    database.execute("CREATE PUBLICATION p FOR ALL TABLES")
    return database


@pytest.fixture
def store(published: Database) -> Iterator[PostgresStore]:
    with closing(PostgresStore(factory_of(published), patience=1)) as store:
        yield store


def work(database: Database, store: PostgresStore) -> None:
    """Run jobs, forget one, trim the log: all that changes rows and deletes them."""
    put(store, "a")
    put(store, "b")
    assert store.reset("b")
    database.execute("UPDATE crontabber_log SET log_time = '2001-01-01'")
    with factory_of(database)() as connection:
        list(clean_log(connection, 1, 1, 10))


@pytest.mark.parametrize(
    ("tables", "identities"),
    [
        ("", ["i", "d"]),
        (OLD_TABLES, ["i", "f"]),
        (NULLABLE, ["f", "f"]),
        (f"{NULLABLE}; ALTER TABLE crontabber ADD PRIMARY KEY (app_name)", ["d", "f"]),
        (f"{OLD_TABLES}; ALTER TABLE crontabber REPLICA IDENTITY FULL", ["f", "f"]),
        (f"{OLD_TABLES}; ALTER TABLE crontabber_log ADD PRIMARY KEY (id)", ["i", "d"]),
    ],
)
def test_jobs_run_although_all_tables_are_published(
    published: Database, store: PostgresStore, tables: str, identities: list[str]
) -> None:
    """trap: a table without replica identity cannot be updated once a publication has it"""
    if tables:
        published.execute(tables)
    store.migrate()
    found = [kind for _, kind in published.execute(IDENTITIES)]
    assert found == identities
    work(published, store)
    store.migrate()
    assert [kind for _, kind in published.execute(IDENTITIES)] == identities


def test_tables_without_identity_get_one_when_it_is_missed(
    published: Database, store: PostgresStore
) -> None:
    """As those of an installation whose tables were made before crontabber knew of this."""
    store.migrate()
    published.execute("ALTER TABLE crontabber REPLICA IDENTITY DEFAULT")
    work(published, store)
