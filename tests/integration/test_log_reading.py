"""Reading the log: an index is needed where it is large, and nothing is written for it."""

import pytest

from crontabber.errors import LogNotIndexed, TablesNotReady
from crontabber.store.postgres import PostgresStore
from crontabber.store.reading import last_runs_if_quick
from tests.stores import factory_of
from tests.support import Database


@pytest.fixture
def store(database: Database):
    store = PostgresStore(factory_of(database), patience=0)
    yield store
    store.close()


def test_a_large_log_without_an_index_is_not_read_for_minutes(store, database):
    store.migrate()
    database.execute("DROP INDEX crontabber_log_app_name_idx")
    database.execute(
        "INSERT INTO crontabber_log (app_name, exc_type, exc_value) "
        "SELECT 'a', 'e', repeat('x', 1500) FROM generate_series(1, 24000)"
    )
    with pytest.raises(LogNotIndexed, match=r"is large \(\d+ MB\) .* CREATE INDEX CONCURRENTLY"):
        store.history("a")
    assert last_runs_if_quick(store, ["a"]) == {}
    database.execute("CREATE INDEX ON crontabber_log (app_name, log_time, id)")
    assert len(store.history("a", limit=3)) == 3
    assert last_runs_if_quick(store, ["a"])["a"].failing_since


def test_reading_makes_no_tables(store, database):
    with pytest.raises(TablesNotReady):
        store.history("a")
    assert last_runs_if_quick(store, ["a"]) == {}
    assert database.execute("SELECT count(*) FROM pg_tables WHERE tablename LIKE 'cron%'") == [(0,)]


def test_what_an_older_crontabber_wrote_is_read(store, database):
    store.migrate()
    database.execute(
        "INSERT INTO crontabber_log (app_name, log_time, duration, success, exc_type) VALUES"
        " ('a', '2026-11-20 03:00:09+00', '5 seconds', '2026-11-20 03:00+00', NULL),"
        " ('a', '2026-11-21 03:00:09+00', '5 seconds', NULL, '<class ''OSError''>')"
    )
    good, bad = store.history("a")
    assert (good.outcome.value, bad.outcome.value) == ("succeeded", "failed")
    assert f"{good.slot} {bad.slot}" == "2026-11-20 03:00:00+00:00 2026-11-21 03:00:00+00:00"


def test_a_row_that_python_cannot_have_costs_itself_only(store, database):
    store.migrate()
    database.execute(
        "INSERT INTO crontabber_log (app_name, log_time, duration, success) VALUES"
        " ('a', 'infinity', '1 second', now()), ('a', now(), '300000 years', 'infinity'),"
        " ('a', now(), '1 second', now())"
    )
    assert [run.duration and run.duration.seconds for run in store.history("a")] == [None, 1]
