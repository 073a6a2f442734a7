"""Reading the log: an index is needed where it is large, and nothing is written for it."""

from collections.abc import Iterator

import pytest

from crontabber.errors import LogNotIndexed, StoreError, TablesNotReady
from crontabber.schedule.history import trace
from crontabber.schedule.transition import CRASHED
from crontabber.store.onlyreading import ReadingStore
from crontabber.store.postgres import PostgresStore
from crontabber.store.reading import last_runs_if_quick
from tests.stores import NOW, factory_of, put
from tests.support import Database


@pytest.fixture
def store(database: Database) -> Iterator[PostgresStore]:
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


def test_a_store_that_only_reads_cannot_write(store, database):
    put(store, "a")
    reading = ReadingStore(factory_of(database))
    try:
        assert reading.look(None).states["a"].last_success
        assert len(reading.recent_runs(["a"], 5)["a"]) == 1
        assert reading.spans("a", NOW, NOW) == []
        assert not reading.access().read_only  # whether others may write is told truly
        with pytest.raises(StoreError, match="read-only"):
            reading.pause("a", None)
        setting = "SELECT current_setting('transaction_read_only')"
        assert reading._server.session().query(setting) == [("off",)]  # nothing stays
    finally:
        reading.close()
    assert store.look(None).states["a"].last_success


def test_a_store_that_only_reads_reads_rows_again_that_changed(store, database):
    names = ["a", "b", 'c "quoted", \\ too', "gone"]
    for name in names:
        put(store, name)
    reading = ReadingStore(factory_of(database))
    try:
        first = reading.look(["m.A"])
        assert first.states == store.look(["m.A"]).states
        database.execute("UPDATE crontabber SET error_count = 7 WHERE app_name = 'b'")
        database.execute("DELETE FROM crontabber WHERE app_name = 'gone'")
        put(store, "new")
        again = reading.look(["m.A"])
        assert again.states == store.look(["m.A"]).states
        assert again.now > first.now
        kept = {name for name, row in again.states.items() if row is first.states.get(name)}
        assert kept == set(names) - {"b", "gone"}
        assert reading.look(["m.B"]).states == {}
        last = reading.look(["m.A"])
        assert last.states == again.states
        reading._server.session().connection.close()
        anew = reading.look(["m.A"])  # which may be on another server
        assert anew.states == last.states
        assert not any(row is last.states[name] for name, row in anew.states.items())
    finally:
        reading.close()


def test_a_run_is_drawn_as_it_ended(store, database):
    store.migrate()
    database.execute(
        "INSERT INTO crontabber_log (app_name, log_time, duration, success, exc_type) VALUES"
        " ('a', '2026-11-20 03:00:09.123456+01', '1.25 seconds', now(), NULL),"
        " ('a', '2026-11-21 03:00:00+00', NULL, now(), NULL),"
        " ('a', '2026-11-22 03:00:00+00', '2 hours', NULL, 'a|b/c'),"
        " ('a', '2026-11-23 03:00:00+00', '300000 years', NULL, ''),"
        " ('a', '2026-11-24 03:00:00+00', NULL, NULL, %(crashed)s)",
        {"crashed": CRASHED},
    )
    runs = store.recent_runs(["a", "b"], 9)
    assert runs == {"a": tuple(map(trace, reversed(store.history("a"))))}
    assert [run.outcome.name for run in runs["a"]] == [
        "CRASHED",
        "FAILED",
        "FAILED",
        "MARKED",
        "SUCCEEDED",
    ]
    assert store.recent_runs(["a"], 2) == {"a": runs["a"][:2]}


def test_a_store_that_only_reads_makes_no_tables(database):
    reading = ReadingStore(factory_of(database))
    with pytest.raises(TablesNotReady):
        reading.look(None)
    reading.close()


def test_a_role_that_may_only_read_suffices(store, database):
    put(store, "a")
    database.execute("DROP ROLE IF EXISTS onlooker")
    database.execute("CREATE ROLE onlooker LOGIN")
    database.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO onlooker")
    reading = ReadingStore(factory_of(database, user="onlooker"))
    try:
        assert set(reading.look(None).states) == {"a"}
        assert len(reading.recent_runs(["a"], 5)["a"]) == 1
        assert len(reading.runs_since(["a"], NOW, 600)["a"]) == 1
        assert reading.claimed(["a"]) == {"a"}  # whose claim is given back a little later
    finally:
        reading.close()
        database.execute("DROP OWNED BY onlooker")
        database.execute("DROP ROLE onlooker")
