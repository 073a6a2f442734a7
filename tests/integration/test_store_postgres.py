"""The store in PostgreSQL: its tables, its claims, and what it does when things are lost."""

import os
import pty
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any

import psycopg2
import pytest
from psycopg2 import extensions, extras, sql

from crontabber.database.interruptible import InterruptibleConnection
from crontabber.errors import (
    ClaimLost,
    DatabaseUnavailable,
    JobOngoingError,
    LockHeld,
    SlotClosed,
    Stopped,
    StoreError,
)
from crontabber.process import pending
from crontabber.schedule.asked import AskedBackfill
from crontabber.schedule.ledger import Span, Verdict
from crontabber.schedule.model import JobState, LastError, Outcome, Pause
from crontabber.store.postgres import PostgresStore
from crontabber.store.sql import load_migrations, load_queries, located
from tests.server import own_server
from tests.stores import (
    DAY,
    ERROR,
    NOW,
    SLOT,
    claim,
    done,
    factory_of,
    failed,
    mark,
    put,
    run_of,
    taken,
    wanted,
)

OLD_TABLES = """
    CREATE TABLE crontabber (
        app_name text NOT NULL,
        next_run timestamp with time zone,
        first_run timestamp with time zone,
        last_run timestamp with time zone,
        last_success timestamp with time zone,
        error_count integer DEFAULT 0,
        depends_on text[],
        last_error json,
        ongoing timestamp with time zone
    );
    CREATE UNIQUE INDEX crontabber_unique_app_name_idx ON crontabber USING btree (app_name);
    CREATE TABLE crontabber_log (
        id serial NOT NULL,
        app_name text NOT NULL,
        log_time timestamp with time zone NOT NULL DEFAULT now(),
        duration interval,
        success timestamp with time zone,
        exc_type text,
        exc_value text,
        exc_traceback text
    );
"""
"""What crontabber 0.18 made."""

EIGHT = 8
LIMITED = f"crontabber_limited_{os.getpid()}"
"""A role with few rights."""


class Watched:
    """A factory that tells of each statement that was answered, before the store hears of it."""

    def __init__(self, factory):
        self.factory = factory
        self.statements = []
        self.answered = lambda connection, query: None

    def connect(self):
        watched = self

        class Cursor(extensions.cursor):
            def execute(self, query, parameters=None):
                super().execute(query, parameters)
                watched.statements.append(query)
                watched.answered(self.connection, query)

        class Connection(InterruptibleConnection):
            def cursor(self, name: Any = None, *_: Any, **__: Any) -> Any:
                return super().cursor(name, Cursor)

        dsn = extensions.make_dsn(**self.factory.parameters())
        return psycopg2.connect(dsn, connection_factory=Connection)

    def __getattr__(self, name):
        return getattr(self.factory, name)


@pytest.fixture
def open_store():
    """Makes stores on databases, and closes them."""
    stores = []

    def open_store(database, patience=10, factory=factory_of, **options):
        stores.append(PostgresStore(factory(database, **options), patience))
        return stores[-1]

    yield open_store
    for store in stores:
        store.close()


@pytest.fixture
def clean(module_database):
    """A database without tables, which is cheaper than a new one."""
    module_database.execute("DROP TABLE IF EXISTS crontabber, crontabber_log")
    return module_database


@pytest.fixture
def store(clean, open_store):
    return open_store(clean)


@pytest.fixture
def other(clean, open_store):
    return open_store(clean)


@pytest.fixture
def job(clean):
    """A job's own connection."""
    clean.execute("DROP TABLE IF EXISTS work; CREATE TABLE work (done int)")
    with closing(factory_of(clean).connect()) as connection:
        yield connection


@pytest.fixture
def superuser(clean):
    [(is_superuser,)] = clean.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
    if not is_superuser:
        pytest.skip("needs roles and databases of its own kind")


def terminate(database, store):
    """End the store's session on the server, and wait until it has ended."""
    database.terminate(store._server.current.backend_pid)


def log(database, columns="app_name, slot, success, duration, exc_type, host"):
    return database.execute(f"SELECT {columns} FROM crontabber_log ORDER BY id")


def together(*calls):
    """Call all at the same time, each in a thread; their results in order."""
    barrier = threading.Barrier(len(calls))

    def start(call):
        barrier.wait(30)
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(start, calls))


def one_line(error):
    return "\n" not in str(error.value)


# -- the tables ---------------------------------------------------------------


def test_the_first_look_makes_the_tables_as_the_manual_has_them(clean, store):
    store.look(["m.A"])
    columns = clean.execute(
        "SELECT column_name, data_type FROM information_schema.columns"
        " WHERE table_name = 'crontabber' ORDER BY ordinal_position LIMIT 9"
    )
    time = "timestamp with time zone"
    assert columns == [
        ("app_name", "text"),
        ("next_run", time),
        ("first_run", time),
        ("last_run", time),
        ("last_success", time),
        ("error_count", "integer"),
        ("depends_on", "ARRAY"),
        ("last_error", "json"),
        ("ongoing", time),
    ]
    assert clean.execute("SELECT to_regclass('crontabber_unique_app_name_idx') IS NOT NULL") == [
        (True,)
    ]


@pytest.mark.parametrize("isolation", ["read committed", "serializable"])
def test_eight_first_looks_at_once_do_not_collide(database, open_store, isolation):
    """trap: two first ticks at once crashed making tables."""
    database.execute(
        sql.SQL("ALTER DATABASE {} SET default_transaction_isolation = {}").format(
            sql.Identifier(database.dbname), sql.Literal(isolation)
        )
    )
    stores = [open_store(database) for _ in range(EIGHT)]
    looks = together(*(partial(store.look, ["m.A"]) for store in stores))
    assert [look.states for look in looks] == [{}] * EIGHT
    assert mark(stores[0])


def test_a_table_of_this_name_in_another_schema_is_left_alone(database, open_store):
    """trap: a table named crontabber in another schema confused the start."""
    database.execute("CREATE SCHEMA foreign_one; CREATE TABLE foreign_one.crontabber (x int)")
    state = put(open_store(database), "a")
    assert database.execute("SELECT app_name FROM public.crontabber") == [("a",)]
    assert database.execute("SELECT count(*) FROM foreign_one.crontabber") == [(0,)]
    assert open_store(database).look(None).states == {"a": state}


def test_the_tables_in_use_are_found_behind_an_empty_schema(database, open_store):
    put(open_store(database), "a")
    database.execute("CREATE SCHEMA mine")
    in_front = open_store(database, dsn="options='-c search_path=mine,public'")
    assert set(in_front.look(None).states) == {"a"}
    assert database.execute("SELECT to_regclass('mine.crontabber')") == [(None,)]


def test_claims_on_tables_in_different_schemas_do_not_meet(database, open_store):
    database.execute("CREATE SCHEMA one; CREATE SCHEMA two")
    one = open_store(database, dsn="options='-c search_path=one'")
    two = open_store(database, dsn="options='-c search_path=two'")
    assert mark(one)
    assert mark(two)


def test_the_tables_come_back_when_they_were_dropped(clean, store):
    state = mark(store)
    clean.execute("DROP TABLE crontabber_log")
    store.save(state, done(state), run_of(state))
    assert [row[0] for row in log(clean)] == ["a"]


def test_migrating_twice_is_harmless(clean, store):
    state = put(store, "a")
    store.migrate()
    assert store.read("a") == state
    assert len(load_migrations()) >= 3


def test_who_may_not_make_tables_is_told_so(clean, superuser, open_store):
    clean.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    with role(clean) as dsn, pytest.raises(StoreError, match="as their owner") as error:
        open_store(clean, dsn=dsn).look(None)
    assert one_line(error)


def test_a_migration_that_must_wait_gives_up_without_holding_up_others(clean, store, monkeypatch):
    clean.execute(OLD_TABLES)
    queries = dict(load_queries())
    queries["begin_migration"] = queries["begin_migration"].replace("'10s'", "'50ms'")
    monkeypatch.setattr("crontabber.store.session.load_queries", lambda: queries)
    with closing(factory_of(clean).connect()) as reader, reader.cursor() as cursor:
        cursor.execute("SELECT * FROM crontabber")
        with pytest.raises(StoreError, match=r"lock timeout; in the way: process .*; the") as error:
            store.look(None)
    assert one_line(error)
    assert store.look(None).states == {}


# -- the tables of older crontabbers ------------------------------------------


@pytest.fixture
def old(clean):
    """A database of crontabber 0.18 in use."""
    clean.execute(OLD_TABLES)
    clean.execute(
        """
        INSERT INTO crontabber VALUES
        ('backfill', '2026-11-20 03:00Z', '2026-01-01 03:00Z', '2026-11-20 02:59Z',
         '2026-11-17 03:00Z', 0, '{parent}', '{}', NULL),
        ('failed', '2026-11-21 03:05Z', '2026-01-01 03:00Z', '2026-11-21 03:00Z', NULL, 4, '{}',
         '{"type": "<type ''KeyError''>", "value": "x", "traceback": "Traceback"}', NULL),
        ('running', '2026-11-21 03:00Z', NULL, NULL, NULL, NULL, NULL, NULL, '2026-11-21 03:00Z');
        INSERT INTO crontabber_log (app_name, duration, success)
        VALUES ('backfill', '1.5 s', '2026-11-17 03:00Z')
        """
    )
    return clean


def at(day, hour=3, minute=0):
    return SLOT.replace(month=11, day=day, hour=hour, minute=minute)


def test_the_rows_of_an_older_crontabber_are_read(old, store):
    version = {name: state.version for name, state in store.look([]).states.items()}
    first = at(20).replace(month=1, day=1)
    assert store.look(None).states == {
        "backfill": JobState(
            "backfill",
            next_run=at(20),
            first_run=first,
            last_run=at(20, 2, 59),
            last_success=at(17),
            depends_on=("parent",),
            version=version["backfill"],
        ),
        "failed": JobState(
            "failed",
            next_run=at(21, 3, 5),
            first_run=first,
            last_run=at(21),
            error_count=4,
            last_error=LastError("<type 'KeyError'>", "x", "Traceback"),
            version=version["failed"],
        ),
        "running": JobState("running", next_run=at(21), ongoing=at(21), version=version["running"]),
    }


def test_the_rows_of_an_older_crontabber_are_claimed_and_run_on(old, store):
    state = mark(store, "backfill", next_slot=at(18))
    store.save(state, done(state, next_slot=at(19)), run_of(state))
    assert store.read("backfill").next_slot == at(19)
    assert log(old, "app_name, success, slot") == [
        ("backfill", at(17), None),
        ("backfill", at(18), at(18)),
    ]


def test_a_mark_of_an_older_crontabber_is_not_marked_over(old, store):
    claimed = taken(store, "running")
    assert claimed.state
    assert not claimed.marked
    assert claimed.state.ongoing == at(21)
    assert claimed.state.claim is None


def test_an_upgrade_rewrites_nothing(old, store):
    files = "SELECT pg_relation_filenode('crontabber'), pg_relation_filenode('crontabber_log')"
    before = old.execute(files)
    store.look(None)
    assert old.execute(files) == before
    assert len(old.execute("SELECT * FROM crontabber WHERE next_slot IS NULL")) == 3


INDEX = "CREATE UNIQUE INDEX crontabber_unique_app_name_idx ON crontabber USING btree (app_name);"
ONGOING = """last_error json,
        ongoing timestamp with time zone"""
OLDER_TABLES = {
    "0.7": OLD_TABLES.replace(INDEX, "").replace(ONGOING, "last_error json"),
    "0.10": OLD_TABLES.replace(INDEX, ""),
    "0.18": OLD_TABLES,
}
UNIQUE = "SELECT count(*) FROM pg_index WHERE indrelid = 'crontabber'::regclass AND indisunique"


@pytest.mark.parametrize("version", OLDER_TABLES)
def test_the_tables_of_every_older_crontabber_are_upgraded(clean, store, version):
    """trap: without the column `ongoing`, or the unique index, every command failed"""
    clean.execute(OLDER_TABLES[version])
    clean.execute(
        "INSERT INTO crontabber (app_name, next_run, last_run, error_count, last_error)"
        " VALUES ('a', '2026-11-21 03:00Z', '2026-11-20 03:00Z', 0, '{}')"
    )
    clean.execute("INSERT INTO crontabber_log (app_name, success) VALUES ('a', now())")
    assert store.look(["m.A"]).states["a"].next_run == at(21)
    for name in ("a", "new"):
        state = mark(store, name)
        store.save(state, done(state), run_of(state))
    assert set(store.look(None).states) == {"a", "new"}
    assert clean.execute(UNIQUE) == [(1,)]
    assert len(log(clean)) == 3


@pytest.mark.parametrize("version", ["0.7", "0.10"])
def test_of_two_rows_of_one_job_the_newest_stays(clean, store, version):
    """trap: with two rows of a job the unique index could not be made"""
    clean.execute(OLDER_TABLES[version])
    clean.execute(
        "INSERT INTO crontabber (app_name, last_run, last_success) VALUES"
        " ('a', '2026-11-20 03:00Z', NULL), ('a', NULL, NULL), ('b', NULL, NULL),"
        " ('a', '2026-11-21 03:00Z', '2026-11-19 03:00Z'),"
        " ('a', '2026-11-21 03:00Z', '2026-11-20 03:00Z'), ('b', NULL, NULL)"
    )
    states = store.look(None).states
    assert (states["a"].last_run, states["a"].last_success) == (at(21), at(20))
    rows = clean.execute("SELECT app_name FROM crontabber ORDER BY app_name")
    assert rows == [("a",), ("b",)]


@pytest.mark.parametrize(
    ("constraint", "indexes"),
    [
        ("ALTER TABLE crontabber ADD PRIMARY KEY (app_name)", 1),
        ("ALTER TABLE crontabber ADD UNIQUE (app_name)", 1),
        ("CREATE UNIQUE INDEX mine ON crontabber (app_name) INCLUDE (next_run)", 1),
        ("CREATE UNIQUE INDEX mine ON crontabber (app_name, next_run)", 2),
        ("CREATE UNIQUE INDEX mine ON crontabber (lower(app_name))", 2),
        ("CREATE UNIQUE INDEX mine ON crontabber (app_name) WHERE last_error IS NULL", 2),
    ],
)
def test_any_unique_index_will_do_that_a_new_row_can_be_checked_by(
    clean, store, constraint, indexes
):
    clean.execute(OLDER_TABLES["0.10"] + constraint)
    assert mark(store)
    assert clean.execute(UNIQUE) == [(indexes,)]


@pytest.mark.parametrize("write", [put, mark])
def test_a_unique_index_that_was_dropped_comes_back(clean, store, write):
    store.migrate()
    clean.execute("DROP INDEX crontabber_unique_app_name_idx")
    assert write(store, "a").app_name == "a"
    assert clean.execute(UNIQUE) == [(1,)]


@pytest.mark.parametrize(("rows", "indexes"), [(9_999, 2), (10_000, 0)])
def test_only_a_small_log_gets_indexes_on_the_way(old, store, rows, indexes):
    old.execute(
        "INSERT INTO crontabber_log (app_name) SELECT 'a' FROM generate_series(1, %s)", (rows,)
    )
    store.look(None)
    names = old.execute("SELECT indexname FROM pg_indexes WHERE tablename = 'crontabber_log'")
    assert len(names) == indexes


def test_an_older_crontabber_goes_on_working_on_the_upgraded_tables(old, store):
    state = put(store, "a", last_run=NOW, next_slot=SLOT + DAY, attempts=3, gave_up=True)
    assert state == store.read("a")
    assert (state.attempts, state.gave_up) == (3, True)
    old.execute(
        "INSERT INTO crontabber (app_name, next_run, first_run, last_run, last_success,"
        " depends_on, error_count, last_error, ongoing)"
        " VALUES ('new', now(), now(), now(), NULL, '{}', 0, '{}', NULL)"
    )
    old.execute("UPDATE crontabber SET ongoing = now() WHERE app_name = 'a'")
    assert store.read("a").claim is None
    old.execute(
        "UPDATE crontabber SET next_run = %s, last_run = %s, last_success = %s, depends_on = '{}',"
        " error_count = 0, last_error = '{}', ongoing = NULL WHERE app_name = 'a'",
        (SLOT + 2 * DAY, NOW + DAY, NOW + DAY),
    )
    old.execute("INSERT INTO crontabber_log (app_name, success) VALUES ('a', now())")
    after = store.read("a")
    assert (after.next_slot, after.plan) == (None, None), "what we wrote is not true any more"
    assert (after.attempts, after.gave_up) == (0, False)
    assert (after.next_run, after.last_run) == (SLOT + 2 * DAY, NOW + DAY)
    assert store.look(None).states["a"] == after
    assert mark(store, next_slot=SLOT + 2 * DAY, plan="1d").next_slot == SLOT + 2 * DAY


def test_a_mark_of_an_older_crontabber_over_ours_is_not_ours(clean, store, other):
    mark(store)
    terminate(clean, store)
    clean.execute("UPDATE crontabber SET ongoing = now() WHERE app_name = 'a'")
    claimed = taken(other)
    assert claimed.state
    assert claimed.state.ongoing != NOW
    assert claimed.state.claim is None


def test_next_run_may_be_set_by_hand(clean, store):
    put(store, "a", next_slot=SLOT + DAY)
    clean.execute("UPDATE crontabber SET next_run = now() WHERE app_name = 'a'")
    assert store.read("a").next_slot == SLOT + DAY


@pytest.mark.parametrize("value", ["null", "{}", '"text"', '{"type": null}', "[1]"])
def test_an_error_in_another_form_is_read_somehow(clean, store, value):
    put(store, "a")
    clean.execute("UPDATE crontabber SET last_error = %s", (value,))
    error = store.read("a").last_error
    assert (error is None) == (value in {"null", "{}"})


# -- what is written ----------------------------------------------------------


def test_a_run_is_logged_as_it_went(clean, store):
    state = mark(store)
    state = store.save(state, failed(state)._replace(ongoing=NOW), run_of(state, ERROR))
    crash = run_of(state, ERROR, Outcome.CRASHED, duration=None, host="there")
    state = store.save(state, failed(state)._replace(ongoing=NOW), crash)
    store.save(state, done(state), run_of(state))
    second = timedelta(seconds=1.5)
    assert log(clean) == [
        ("a", SLOT, None, second, ERROR.type, "here"),
        ("a", SLOT, None, None, ERROR.type, "there"),
        ("a", SLOT, SLOT, second, None, "here"),
    ]
    assert log(clean, "exc_value, exc_traceback")[0] == (ERROR.value, ERROR.traceback)


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII", "EUC_JP"])
@pytest.mark.parametrize("text", ["ä € 日本", "a\x00b \udc80", "%s \\ ' plain"])
def test_an_error_is_recorded_in_a_database_of_any_encoding(
    encoded_databases, open_store, encoding, text
):
    """trap: an exception whose text held odd characters left the job ongoing for 12 h."""
    database = encoded_databases[encoding]
    database.execute("DROP TABLE IF EXISTS crontabber, crontabber_log")
    store = open_store(database)
    state = mark(store)
    error = LastError(text, text, text)
    saved = store.save(state, failed(state, error), run_of(state, error))
    assert open_store(database).read("a") == saved
    assert saved.last_error == error
    assert len(log(database, "id")) == 1


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII", "EUC_JP"])
@pytest.mark.parametrize("text", ["ä € 日本", "a\x00b \udc80"])
def test_what_people_say_is_kept_in_a_database_of_any_encoding(
    encoded_databases, open_store, encoding, text
):
    """A date that was asked for could not be recorded after an error with odd characters."""
    database = encoded_databases[encoding]
    database.execute("DROP TABLE IF EXISTS crontabber, crontabber_log, crontabber_spans")
    store = open_store(database)
    put(store, "a", backfill=True, first_slot=SLOT)
    assert store.pause("a", Pause(NOW, NOW + DAY, "anna", text))
    dates = ((SLOT - 9 * DAY, SLOT - 5 * DAY),)
    store.ask({"a": AskedBackfill(7, dates, "1d", 5, asked_at=NOW, by=text)})
    marked = mark(store, asked_slot=dates[0][0])
    [asked] = marked.asked
    after = marked._replace(asked=(asked._replace(error=text),), ongoing=None, claim=None)
    store.save(marked, after._replace(asked_slot=None), run_of(marked, slot=marked.asked_slot))
    marked = mark(store, asked_slot=dates[0][0])
    after = marked._replace(asked=(), ongoing=None, claim=None, asked_slot=None)
    span = Span("a", SLOT, SLOT, 1, Verdict.PAUSED, text, "1d", text, NOW)
    store.save(marked, after, run_of(marked, slot=marked.asked_slot), spans=[span])
    found = open_store(database)
    assert "?" not in found.read("a").pause.why
    assert found.read("a").asked == ()
    assert len(found.spans("a", SLOT, SLOT)) == 1


def test_a_request_by_a_person_with_odd_characters_is_about_the_job_that_it_names(
    encoded_databases, open_store
):
    """trap: the name of the job was rewritten along with that of the person, and no row had it."""
    database = encoded_databases["LATIN1"]
    database.execute("DROP TABLE IF EXISTS crontabber, crontabber_log, crontabber_spans")
    store = open_store(database)
    put(store, "größe", backfill=True, first_slot=SLOT)
    dates = ((SLOT - 9 * DAY, SLOT - 5 * DAY),)
    asked = AskedBackfill(7, dates, "1d", 5, asked_at=NOW, by="日本")
    span = Span("größe", SLOT, SLOT, 1, Verdict.PAUSED, "日本", "1d", "日本", NOW)
    assert store.ask({"größe": asked}, [span])
    assert [each.number for each in store.read("größe").asked] == [7]
    assert len(store.spans("größe", SLOT, SLOT)) == 1


@pytest.mark.parametrize(("encoding", "name"), [("SQL_ASCII", "ä日本"), ("LATIN1", "ä")])
def test_a_job_has_any_name_that_the_database_can_store(
    encoded_databases, open_store, encoding, name
):
    store = open_store(encoded_databases[encoding])
    state = put(store, name, class_path=f"m.{name}")
    assert store.look([f"m.{name}"]).states[name] == state


def test_a_name_that_the_database_cannot_store_is_one_clear_error(encoded_databases, open_store):
    store = open_store(encoded_databases["LATIN1"])
    with pytest.raises(StoreError) as error:
        put(store, "日本")
    assert str(error.value).startswith(
        "'日本' cannot be stored in the database, whose encoding is LATIN1: write it in other"
    )
    assert one_line(error)


@pytest.fixture(scope="module")
def encoded_databases(module_database):
    """Databases in other encodings than ours."""
    names = {e: f"{module_database.dbname}_{e}".lower() for e in ("LATIN1", "SQL_ASCII", "EUC_JP")}
    try:
        for encoding, name in names.items():
            module_database.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING {} LOCALE 'C'").format(
                    sql.Identifier(name), sql.Literal(encoding)
                )
            )
    except psycopg2.errors.InsufficientPrivilege:
        pytest.skip("needs databases of its own")
    yield {encoding: module_database._replace(dbname=name) for encoding, name in names.items()}
    for name in names.values():
        module_database.execute(
            sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
        )


def test_a_run_is_recorded_although_the_row_was_edited_meanwhile(clean, store):
    state = mark(store)
    clean.execute("UPDATE crontabber SET next_run = now() WHERE app_name = 'a'")
    saved = store.save(state, done(state), run_of(state))
    assert store.read("a") == saved


def test_a_state_without_its_log_is_not_written(clean, store):
    """trap: log and state were two transactions."""
    state = mark(store)
    clean.execute("ALTER TABLE crontabber_log ADD CONSTRAINT never CHECK (slot IS NULL)")
    with pytest.raises(StoreError, match="never") as error:
        store.save(state, done(state), run_of(state))
    assert one_line(error)
    assert store.read("a") == state
    assert log(clean) == []


def test_a_log_without_its_state_is_not_written(clean, store):
    state = mark(store)
    clean.execute("UPDATE crontabber SET ongoing = now() WHERE app_name = 'a'")
    with pytest.raises(ClaimLost):
        store.save(state, done(state), run_of(state))
    assert log(clean) == []


def test_a_row_that_is_locked_is_one_clear_error_and_no_claim_is_left(clean, store, other):
    """trap: a locked row at the end of a job left the job ongoing for 12 h."""
    put(store, "a")
    state = mark(store, "b")
    with store._server.session().connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '50ms'")
    with closing(factory_of(clean).connect()) as other_client, other_client.cursor() as cursor:
        cursor.execute("SELECT * FROM crontabber FOR UPDATE")
        with pytest.raises(StoreError, match="lock timeout") as saving:
            store.save(state, done(state), run_of(state))
        with pytest.raises(StoreError, match="lock timeout") as claiming:
            claim(store, "a")
    assert one_line(saving)
    assert one_line(claiming)
    assert store.save(state, done(state), run_of(state)), "it still has its claim"
    mark(store, "c")
    assert mark(other, "a"), "and none on the other"


def test_two_requests_for_the_same_jobs_do_not_end_in_a_deadlock(clean, store, other):
    """trap: the second was refused, if it had the jobs in another order."""
    for name in ("b", "a"):
        put(store, name)
    asked = {name: AskedBackfill(7, ((SLOT, SLOT),), "1d", 1) for name in ("b", "a")}
    waiting = (
        "SELECT 1 FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    with ThreadPoolExecutor() as pool:
        with closing(factory_of(clean).connect()) as first, first.cursor() as cursor:
            cursor.execute("SELECT FROM crontabber WHERE app_name = 'a' FOR UPDATE")
            second = pool.submit(other.ask, asked)
            while not clean.execute(waiting):
                assert not second.done(), second.result()
            cursor.execute("SELECT FROM crontabber WHERE app_name = 'b' FOR UPDATE NOWAIT")
        assert second.result()


# -- claims -------------------------------------------------------------------


def test_of_many_at_once_one_gets_the_claim(clean, open_store):
    """trap: two processes that were started together ran a job twice (7 of 240 trials)."""
    first = open_store(clean)
    put(first, "a", next_slot=SLOT)
    first.close()
    for n in range(10):
        stores = [open_store(clean) for _ in range(EIGHT)]
        seen = [(wanted(s, seen=s.look(None).states["a"]), ()) for s in stores]
        got = together(*(partial(s.claim, *args) for s, args in zip(stores, seen, strict=True)))
        [(winner, state)] = [
            (s, c.state) for s, c in zip(stores, got, strict=True) if c and c.marked
        ]
        winner.save(state, done(state, next_slot=SLOT + (n + 1) * DAY), run_of(state))
        for store in stores:
            store.close()
    assert log(clean, "slot")[1:] == [(SLOT + n * DAY,) for n in range(10)]


def test_of_many_at_once_one_makes_the_row(clean, open_store):
    stores = [open_store(clean) for _ in range(EIGHT)]
    stores[0].look(None)
    calls = [partial(store.claim, wanted(store), ()) for store in stores]
    assert [c.marked for c in together(*calls) if c].count(True) == 1


def test_the_claim_of_a_session_that_was_killed_is_free_at_once(clean, store, other):
    """trap: SIGKILL, or a dropped connection, left the job ongoing for 12 h."""
    state = mark(store)
    assert claim(other) is None
    terminate(clean, store)
    claimed = taken(other)
    assert not claimed.marked
    assert claimed.state == state


def test_an_idle_tick_is_one_connection_and_one_statement(clean, open_store):
    """trap: each statement is a round trip; with 1 ms to the server 300 jobs took 1.6 s."""
    put(open_store(clean), "a")
    factory = Watched(factory_of(clean))
    tick = PostgresStore(factory)
    tick.look([f"m.Class{n}" for n in range(300)])
    tick.close()
    assert len(factory.statements) == 1


def test_a_run_is_two_statements(clean, open_store):
    put(open_store(clean), "p")
    factory = Watched(factory_of(clean))
    tick = PostgresStore(factory)
    seen = tick.look(None)
    assert "p" in seen.states
    for name in ("a", "b", "c"):
        claimed = tick.claim(wanted(tick, name), ("p",))
        assert claimed
        state = claimed.state
        assert state
        tick.save(state, done(state), run_of(state))
        tick.release(name)
    tick.close()
    plans = [text for text in factory.statements if text.startswith("PREPARE")]
    assert len(plans) == 3  # however many runs there are
    look, prepare, claim_and_save, give_back = 1, 1, 2, 1
    rest = len(factory.statements) - len(plans)
    assert rest == look + prepare + 3 * claim_and_save + give_back


def test_claims_do_not_wait_for_the_disk_and_records_do(clean, store):
    store.look(None)
    clean.execute(
        """
        DROP TABLE IF EXISTS commits;
        CREATE TABLE commits (setting text);
        CREATE OR REPLACE FUNCTION note_commit() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO public.commits VALUES (current_setting('synchronous_commit'));
            RETURN new;
        END $$;
        CREATE TRIGGER commits AFTER INSERT OR UPDATE ON crontabber
        FOR EACH ROW EXECUTE FUNCTION note_commit()
        """
    )
    put(store, "a")
    put(store, "a")
    assert clean.execute("SELECT * FROM commits") == [("off",), ("on",), ("off",), ("on",)]


def test_a_strict_default_isolation_does_not_matter(database, open_store):
    """A claim has to see what was committed just before it."""
    name = sql.Identifier(database.dbname)
    for setting in ("default_transaction_isolation = serializable", "statement_timeout = '90s'"):
        database.execute(sql.SQL("ALTER DATABASE {} SET " + setting).format(name))
    store, other = open_store(database), open_store(database)
    state = mark(store)
    assert claim(other) is None
    store.save(state, done(state), run_of(state))
    store.close()
    assert mark(other)
    with other._server.session().connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('transaction_isolation'),"
                       " current_setting('statement_timeout')")  # fmt: skip
        assert cursor.fetchone() == ("read committed", "0")


def test_a_session_that_claims_outlives_a_long_job_but_not_its_host(clean, store):
    """The server's own settings must neither end it, nor keep the lock of a host that is gone."""
    mark(store)
    with store._server.session().connection.cursor() as cursor:
        # by their source, as the server shows no keepalives on a socket that is not TCP
        cursor.execute(
            """
            SELECT name, source FROM pg_settings
            WHERE name LIKE 'tcp_keepalives_%' OR name IN (
                'default_transaction_isolation', 'idle_session_timeout', 'lock_timeout',
                'plan_cache_mode', 'statement_timeout'
            )
            """
        )
        sources = dict(cursor.fetchall())
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == ("1min",)
    assert len(sources) >= 7  # idle_session_timeout came with PostgreSQL 14
    assert set(sources.values()) == {"session"}


@contextmanager
def pooled(store, database):
    """The store's next statements reach another session than the last, as with a pooler."""
    session = store._server.session()
    own = session._cursor
    with closing(factory_of(database).connect()) as connection:
        connection.autocommit = True
        session._cursor = connection.cursor()
        try:
            yield
        finally:
            session._cursor = own


def test_a_pooler_is_noticed_by_a_claim_which_leaves_no_lock_behind(clean, store, other):
    want = wanted(store)
    store.look(None)
    with pooled(store, clean):
        with pytest.raises(StoreError, match="session pooling") as error:
            store.claim(want, ())
        assert taken(other).marked
    assert one_line(error)


def test_a_pooler_is_noticed_when_a_run_is_recorded(clean, store):
    state = mark(store)
    with pooled(store, clean), pytest.raises(StoreError, match="session pooling"):
        store.save(state, done(state), run_of(state))


def test_a_pooler_is_noticed_when_what_is_run_was_prepared_in_another_session(clean, store, other):
    for name in ("a", "b", "c"):
        put(store, name)
    state = mark(store, "a")
    with pooled(store, clean), pytest.raises(StoreError, match="session pooling"):
        store.save(state, done(state), run_of(state))
    seen = other.look(None).states["b"]
    with pooled(store, clean), pytest.raises(StoreError, match="session pooling"):
        store.claim(wanted(store, "b", seen), ())


# -- a job's own transaction --------------------------------------------------


def work(connection):
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO work VALUES (1)")


def worked(database):
    return len(database.execute("SELECT * FROM work"))


def test_work_and_record_are_committed_as_one(clean, store, job):
    state = mark(store)
    work(job)
    saved = store.save(state, done(state), run_of(state), within=job)
    assert (worked(clean), store.read("a"), log(clean)) == (0, state, [])
    job.commit()
    assert (worked(clean), store.read("a"), len(log(clean))) == (1, saved, 1)


def test_work_and_record_are_rolled_back_as_one_and_can_be_done_again(clean, store, job):
    state = mark(store)
    work(job)
    store.save(state, done(state), run_of(state), within=job)
    job.rollback()
    assert (worked(clean), store.read("a"), log(clean)) == (0, state, [])
    work(job)
    saved = store.save(state, done(state), run_of(state), within=job)
    job.commit()
    assert (worked(clean), store.read("a"), len(log(clean))) == (1, saved, 1)


def test_slots_follow_each_other_in_transactions_of_their_own(clean, store, job):
    state = mark(store)
    for n in range(3):
        work(job)
        after = state._replace(next_slot=SLOT + (n + 1) * DAY, last_run=NOW)
        state = store.save(state, after, run_of(state), within=job)
        job.commit()
    store.save(state, done(state), run_of(state))
    assert (worked(clean), len(log(clean))) == (3, 4)


@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
def test_a_record_fits_into_a_transaction_of_any_isolation(clean, store, job, level):
    job.set_session(isolation_level=level)
    state = mark(store)
    work(job)
    saved = store.save(state, done(state), run_of(state), within=job)
    job.commit()
    assert store.read("a") == saved


def test_a_record_fits_into_a_transaction_that_looks_for_tables_elsewhere(clean, store, job):
    """trap: session state of a job that broke the record of its run."""
    job.cursor_factory = extras.RealDictCursor
    state = mark(store)
    work(job)
    with job.cursor() as cursor:
        cursor.execute("SET search_path TO pg_catalog")
    assert store.shares_database(job)
    saved = store.save(state, done(state), run_of(state), within=job)
    job.commit()
    assert store.read("a") == saved


def test_a_transaction_that_only_reads_cannot_carry_the_record(clean, store, job):
    job.set_session(readonly=True)
    assert not store.shares_database(job)


def test_a_transaction_of_a_role_without_rights_cannot_carry_the_record(clean, superuser, store):
    store.look(None)
    with role(clean), closing(factory_of(clean).connect()) as job, job.cursor() as cursor:
        cursor.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(LIMITED)))
        assert not store.shares_database(job)


@pytest.fixture
def strange_adapters():
    """Lists, times and the rest are written in the ways of another module, as that may want it."""
    kept = extensions.adapters.copy()
    for cls in (list, tuple, dict, datetime, timedelta):
        extensions.register_adapter(cls, extras.Json)
    yield
    extensions.adapters.update(kept)
    for key in extensions.adapters.keys() - kept.keys():
        del extensions.adapters[key]


def test_how_a_job_has_its_values_written_is_its_own_affair(clean, store, job, strange_adapters):
    """trap: one module's adapter for lists stopped all jobs."""
    put(store, "parent")
    name = 'with "quotes", \\ and {braces}'
    got = taken(store, name, "parent", depends_on=("parent", name))
    assert got.state
    assert got.parents.keys() == {"parent"}
    run = run_of(got.state)._replace(duration=timedelta(days=400, microseconds=1))
    saved = store.save(got.state, done(got.state), run)
    assert store.read(name) == saved
    assert saved.depends_on == ("parent", name)
    assert log(clean, "duration")[-1:] == [(run.duration,)]
    store.release(name)
    assert claim(store, name), "as it was given back"


def test_a_job_that_was_taken_over_does_not_commit(clean, store, other, job):
    """trap: a date was done twice."""
    state = mark(store)
    work(job)
    terminate(clean, store)
    found = taken(other).state
    assert found
    again = other.save(found, wanted(other, seen=failed(found)), run_of(found, ERROR))
    again = other.save(again, again._replace(ongoing=NOW + DAY))
    with pytest.raises(SlotClosed):
        store.save(state, done(state), run_of(state), within=job)
    job.rollback()
    assert worked(clean) == 0
    assert other.save(again, done(again), run_of(again))


def test_a_slot_that_was_recorded_is_closed(clean, store, job):
    state = mark(store)
    on = done(state, ongoing=state.ongoing, claim=state.claim)
    store.save(state, on, run_of(state))
    with pytest.raises(SlotClosed, match="a is not ours to record any more at this slot"):
        store.save(state, on, run_of(state), within=job)
    assert len(log(clean)) == 1


def test_what_the_server_says_to_a_job_is_the_jobs_to_hear(clean, store, job):
    """An executor that tries again has to know a serialization failure for what it is."""
    state = mark(store)
    with pytest.raises(psycopg2.errors.DivisionByZero), job.cursor() as cursor:
        cursor.execute("SELECT 1/0")
    with pytest.raises(psycopg2.errors.InFailedSqlTransaction):
        store.save(state, done(state), run_of(state), within=job)


def test_a_connection_like_ours_shares_the_database(clean, store, job):
    assert store.shares_database(job)
    assert store.shares_database(job), "asked twice"


def test_a_connection_to_elsewhere_does_not(clean, store, postgres_server):
    if clean == postgres_server:
        pytest.skip("needs a database of its own")
    with closing(psycopg2.connect(**_parameters(postgres_server))) as elsewhere:
        assert not store.shares_database(elsewhere)


def test_a_connection_with_another_search_path_does_not(clean, store):
    factory = factory_of(clean, dsn="options='-c search_path=pg_catalog'")
    with closing(factory.connect()) as elsewhere:
        assert not store.shares_database(elsewhere)


def test_a_connection_of_another_user_does_not(clean, superuser, store):
    with role(clean, "LOGIN PASSWORD 'x'"):
        user = clean._replace(user=LIMITED, password="x")
        with closing(factory_of(user).connect()) as elsewhere:
            assert not store.shares_database(elsewhere)


def test_a_connection_without_transactions_does_not(clean, store, job):
    job.autocommit = True
    assert not store.shares_database(job)


def test_a_connection_that_is_closed_does_not(clean, store, job):
    job.close()
    assert not store.shares_database(job)


def test_what_only_looks_like_a_connection_does_not(clean, store, job):
    class Lookalike:
        info = job.info
        closed = 0
        autocommit = False

    assert not store.shares_database(Lookalike())


def _parameters(database):
    return {
        name: getattr(database, name) for name in ("host", "port", "dbname", "user", "password")
    }


# -- a connection that is lost ------------------------------------------------


def test_a_connection_lost_before_a_claim_is_made_anew(clean, store):
    seen = put(store, "a")
    want = wanted(store, seen=seen)
    terminate(clean, store)
    claimed = store.claim(want, ())
    assert claimed.marked
    assert claimed.state == store.read("a")
    assert claimed.state.claim == store.holder(NOW)
    assert store.save(claimed.state, done(claimed.state), run_of(claimed.state))


def losing(open_store, database, text, **options):
    """A store that never hears that the server did the first statement with this text."""
    factory = Watched(factory_of(database))
    store = open_store(database, factory=lambda _: factory, **options)

    def answered(connection, query):
        if text in query:
            factory.answered = lambda *_: None
            database.terminate(connection.info.backend_pid)
            with connection.cursor() as cursor:
                cursor.execute("SELECT 'this finds it out'")

    factory.answered = answered
    return store


def test_a_claim_whose_answer_was_lost_is_ours_all_the_same(clean, open_store, other):
    put(other, "a")
    mark(other, "b")
    store = losing(open_store, clean, "try_advisory_lock")
    state = mark(store)
    assert state.claim == store.holder(NOW)
    assert claim(other) is None
    assert store.save(state, done(state), run_of(state))
    assert len(log(clean)) == 2


def test_a_first_claim_whose_answer_was_lost_is_ours_all_the_same(clean, open_store):
    store = losing(open_store, clean, "try_advisory_lock")
    state = mark(store)
    assert store.save(state, done(state), run_of(state))


# -- the record of one job, and the claim on the next ----------------------------

BREAK = """
    CREATE SEQUENCE breaks;
    CREATE FUNCTION break() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NEW.app_name = '{app_name}' AND nextval('public.breaks') <= {times} THEN
                {how};
            END IF;
            RETURN NULL;
        END
    $$;
    CREATE CONSTRAINT TRIGGER break AFTER UPDATE ON crontabber {when}
        FOR EACH ROW EXECUTE FUNCTION break();
"""
REFUSE = "RAISE EXCEPTION 'not tonight'"
END = "PERFORM pg_terminate_backend(pg_backend_pid())"


@contextmanager
def broken(database, app_name, how, when="", times=1):
    """Have something go wrong on the server when the row of a job is written."""
    database.execute(BREAK.format(app_name=app_name, how=how, when=when, times=times))
    yield
    database.execute("DROP FUNCTION break CASCADE; DROP SEQUENCE breaks")


@pytest.mark.parametrize("how", [REFUSE, END])
@pytest.mark.parametrize("when", ["", "DEFERRABLE INITIALLY DEFERRED"])
@pytest.mark.parametrize("app_name", ["a", "b"])
def test_a_fault_between_two_jobs_loses_neither(clean, store, other, how, when, app_name):
    """trap: after a lost connection a good run went unrecorded, or was recorded twice"""
    put(store, "b")
    state = mark(store, "a")
    with broken(clean, app_name, how, when):
        if (app_name, how) == ("a", REFUSE):
            with pytest.raises(StoreError, match="not tonight"):
                store.save(state, done(state), run_of(state))
        saved = store.save(state, done(state), run_of(state))
        store.release("a")
        want = wanted(store, "b", store.read("b"))
        if (app_name, how) == ("b", REFUSE):
            with pytest.raises(StoreError, match="not tonight"):
                store.claim(want, ())
        claimed = store.claim(want, ())
    assert claimed.marked
    assert claimed.state == other.read("b")
    assert claimed.state.claim == store.holder(NOW)
    assert other.read("a") == saved
    assert [row[0] for row in log(clean)] == ["b", "a"]
    assert other.claimed(["a", "b"]) == {"b"}
    store.save(claimed.state, done(claimed.state), run_of(claimed.state))
    store.release("b")
    mark(store, "c")
    assert other.claimed(["a", "b", "c"]) == {"c"}


@pytest.mark.parametrize("lose", [False, True])
def test_a_record_that_was_made_stays_made_when_the_next_claim_is_elsewhere(
    clean, open_store, other, lose
):
    """trap: what was recorded was told to be lost, as the next run had begun elsewhere"""
    factory = Watched(factory_of(clean))
    store = open_store(clean, factory=lambda _: factory, patience=0)
    state = mark(store, "a")

    def answered(connection, query):
        if "INSERT INTO public.crontabber_log" not in str(query):
            return
        factory.answered = lambda *_: None
        terminate(clean, store)
        seen = other.read("a")
        if lose:
            seen = other.save(seen, seen._replace(last_run=NOW - DAY))
        assert other.claim(wanted(other, "a", seen), ()).marked
        connection.close()
        raise psycopg2.OperationalError("the answer is lost")

    factory.answered = answered
    if lose:
        with pytest.raises(ClaimLost):
            store.save(state, done(state), run_of(state))
    else:
        saved = store.save(state, done(state), run_of(state))
        assert saved._replace(version=None) == done(state, version=None)
    assert other.read("a").ongoing
    assert [row[0] for row in log(clean)] == ["a"]


def test_a_session_that_a_pooler_changes_between_two_jobs_is_noticed(clean, store):
    """trap: through a pooler in transaction mode a lock is that of another session"""
    state = mark(store, "a")
    store._server.current.backend_pid += 1
    with pytest.raises(StoreError, match="pooler"):
        store.save(state, done(state), run_of(state))
    store.release("a")
    with pytest.raises(StoreError, match="pooler"):
        store.claim(wanted(store, "b"), ())


@pytest.mark.parametrize("mark_as", ["mark_new", "mark", "mark_alone"])
def test_a_claim_that_is_refused_gives_back_what_was_released(clean, store, other, mark_as):
    """trap: after one job whose row could not be written the last one stayed claimed"""
    if mark_as != "mark_new":
        put(other, "b")
        other.close()
    assert store.claim(wanted(store, "a"), (), "warehouse")
    store.release("a")
    want = wanted(store, "b", store.read("b"))
    when = "BEFORE INSERT OR UPDATE"
    clean.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql"
        f" AS $$ BEGIN {REFUSE}; END $$;"
        f"CREATE TRIGGER refuse {when} ON crontabber FOR EACH ROW EXECUTE FUNCTION refuse()"
    )
    with pytest.raises(StoreError, match="not tonight"):
        store.claim(want, ("p",) if mark_as == "mark" else ())
    clean.execute("DROP FUNCTION refuse CASCADE")
    assert "a" not in other.claimed(["a", "b"])
    assert other.claim(wanted(other, "z"), (), "warehouse").marked


def test_a_session_that_does_not_know_what_was_prepared_is_a_poolers(clean, store, job):
    """trap: it waited for a minute, for a session that lived"""
    for app_name in ("a", "b", "c"):  # prepared when used again
        put(store, app_name)
    state = mark(store, "d")
    session, pooled = store._server.current, store._server.current.connection
    job.autocommit = True
    session.connection, session._cursor = job, job.cursor(cursor_factory=extensions.cursor)
    with pytest.raises(StoreError, match="pooler"):
        store.save(state, done(state), run_of(state))
    pooled.close()


def test_a_connection_lost_during_a_run_does_not_lose_its_result(clean, store, other):
    """trap: after a lost connection the dead one stayed; a good run went unrecorded."""
    state = mark(store)
    terminate(clean, store)
    saved = store.save(state, done(state), run_of(state))
    assert other.read("a") == saved
    assert len(log(clean)) == 1
    store.release("a")
    store.close()
    assert mark(other)


@pytest.mark.parametrize("text", ["INSERT INTO public.crontabber_log"])
def test_a_record_whose_answer_was_lost_is_not_made_twice(clean, open_store, text):
    """trap: a connection lost in the recording commit."""
    store = losing(open_store, clean, text)
    state = mark(store)
    saved = store.save(state, done(state), run_of(state))
    assert store.read("a") == saved
    assert len(log(clean)) == 1


def test_a_backfill_goes_on_under_its_claim_when_the_connection_was_lost(clean, open_store, other):
    store = losing(open_store, clean, "INSERT INTO public.crontabber_log")
    state = mark(store)
    for n in range(3):
        after = state._replace(next_slot=SLOT + (n + 1) * DAY, last_run=NOW)
        state = store.save(state, after, run_of(state))
        assert claim(other) is None
    assert len(log(clean)) == 3


def test_a_backfill_whose_claim_somebody_has_by_now_does_not_go_on(clean, open_store, other):
    """trap: its record was made and only the answer lost, so it went on beside the other"""
    store = losing(open_store, clean, "INSERT INTO public.crontabber_log", patience=0)
    state = mark(store)
    lock_again = store._lock

    def lock(app_name):
        assert claim(other)
        return lock_again(app_name)

    store._lock = lock
    going_on = state._replace(next_slot=SLOT + DAY, last_run=NOW)
    with pytest.raises(ClaimLost, match="claimed by another session"):
        store.save(state, going_on, run_of(state))
    assert log(clean, "slot") == [(SLOT,)]


def take_with_lock(store, app_name, name="warehouse"):
    """Claim a job that never ran, with a lock; its row, None if the lock is taken."""
    try:
        return store.claim(wanted(store, app_name), (), name).state
    except LockHeld:
        return None


def test_a_claim_with_a_lock_is_one_round_trip(clean, open_store):
    factory = Watched(factory_of(clean))
    store = PostgresStore(factory)
    store.look(None)
    mark(store, "warm-up")
    before = len(factory.statements)
    assert take_with_lock(store, "a")
    new = [text for text in factory.statements[before:] if not text.startswith("PREPARE")]
    assert len(new) == 1
    store.close()


def test_a_lock_is_taken_by_one_of_many_at_once(clean, open_store):
    """trap: two processes that were started together ran at once what must not be"""
    stores = [open_store(clean) for _ in range(4)]
    stores[0].look(None)
    got = together(*(partial(take_with_lock, one, f"job-{n}") for n, one in enumerate(stores)))
    assert sum(state is not None for state in got) == 1


def test_a_lock_ends_with_the_connection(clean, store, other):
    assert take_with_lock(store, "a")
    terminate(clean, store)
    assert take_with_lock(other, "b")


def test_a_claim_over_a_new_connection_has_its_lock(clean, store, other):
    store.look(None)
    mark(store, "c")
    terminate(clean, store)
    assert take_with_lock(store, "a")
    assert not take_with_lock(other, "b")


def test_a_backfill_goes_on_under_its_lock_when_the_connection_was_lost(clean, store, other):
    state = take_with_lock(store, "a")
    terminate(clean, store)
    going_on = state._replace(next_slot=SLOT + DAY, last_run=NOW)
    saved = store.save(state, going_on, run_of(state))
    assert saved.ongoing
    assert not take_with_lock(other, "b")
    store.save(saved, done(saved), run_of(saved))
    store.release("a")
    mark(store, "c")
    assert take_with_lock(other, "b")


def test_a_backfill_does_not_go_on_without_its_lock(clean, store, other):
    """trap: two jobs with one lock run at once, since one of them lost its connection"""
    state = take_with_lock(store, "a")
    terminate(clean, store)
    assert take_with_lock(other, "b")
    going_on = state._replace(next_slot=SLOT + DAY, last_run=NOW)
    saved = store.save(state, going_on, run_of(state))
    assert (saved.ongoing, saved.claim, saved.next_slot) == (None, None, SLOT + DAY)
    assert store.read("a") == saved
    assert len(log(clean)) == 1


def test_a_table_of_the_version_before_is_upgraded(clean, store):
    """What 1.0 had before it counted attempts."""
    put(store, "a")
    clean.execute("ALTER TABLE crontabber DROP COLUMN attempts, DROP COLUMN gave_up")
    assert store.read("a").attempts == 0
    assert store.look(None).states["a"].gave_up is False


def test_a_connection_found_lost_by_a_read_has_lost_the_claim_too(clean, store, other):
    """A claim must not seem ours because a new connection was made meanwhile."""
    state = mark(store)
    terminate(clean, store)
    assert store.read("a") == state
    assert store.save(state, state._replace(next_slot=SLOT + DAY), run_of(state))
    assert claim(other) is None, "it was taken again"


def test_a_release_without_a_run_survives_a_lost_connection(clean, store):
    state = mark(store)
    terminate(clean, store)
    assert store.save(state, state._replace(ongoing=None, claim=None)).ongoing is None


def test_a_mark_that_a_crashing_server_forgot_is_made_again(clean, store, other):
    put(store, "a")
    before = clean.execute("SELECT ongoing, claim_time FROM crontabber")
    state = mark(store)
    terminate(clean, store)
    clean.execute("UPDATE crontabber SET (ongoing, claim_time) = (%s, %s)", before[0])
    saved = store.save(state, done(state, last_run=NOW + DAY), run_of(state))
    assert other.read("a") == saved
    assert len(log(clean)) == 2
    store.release("a")
    mark(store, "b")
    assert mark(other), "the lock, which was taken twice, was given back as often"


def test_a_row_that_a_crashing_server_forgot_is_made_again(clean, store):
    state = mark(store)
    terminate(clean, store)
    clean.execute("DELETE FROM crontabber")
    saved = store.save(state, done(state), run_of(state))
    assert store.read("a") == saved
    assert len(log(clean)) == 1


def test_a_job_that_somebody_else_claims_meanwhile_is_not_overwritten(clean, open_store, other):
    """trap: an executor that tried for ever overwrote the other's claim."""
    store = open_store(clean, patience=0)
    state = mark(store)
    terminate(clean, store)
    found = taken(other).state
    assert found
    with pytest.raises(ClaimLost, match="claimed by another session"):
        store.save(state, done(state), run_of(state))
    again = other.save(found, wanted(other, seen=failed(found)), run_of(found, ERROR))
    assert other.read("a") == again


def test_a_job_that_somebody_else_runs_meanwhile_is_given_up_at_once(clean, store, other):
    state = mark(store)
    terminate(clean, store)
    found = taken(other).state
    assert found
    after = failed(found, ongoing=NOW + DAY)
    again = other.save(found, after, run_of(found, ERROR))
    with pytest.raises(ClaimLost, match="claimed by another session"):
        store.save(state, done(state), run_of(state))
    assert other.read("a") == again


def test_a_job_that_somebody_else_ran_meanwhile_is_not_overwritten(clean, store, other):
    state = mark(store)
    terminate(clean, store)
    found = taken(other).state
    assert found
    ran = other.save(found, done(found, last_run=NOW + DAY), run_of(found))
    other.close()
    with pytest.raises(ClaimLost, match="changed by another session"):
        store.save(state, done(state), run_of(state))
    assert store.read("a") == ran


def test_the_ghost_of_ones_own_session_is_waited_for(clean, store, other, job):
    """The server may take a while to notice that a session's other end is gone."""
    state = mark(store)
    ghost, tries = store._server.current.connection, []
    store._server.current.connection = job
    job.close()
    _original = store._lock

    def lock(app_name):
        tries.append(app_name)
        if len(tries) == 2:
            clean.terminate(ghost.info.backend_pid)
        return _original(app_name)

    store._lock = lock
    assert store.save(state, done(state), run_of(state)) == other.read("a")
    assert len(tries) == 2
    ghost.close()


def test_a_claim_too_waits_for_the_ghost_of_ones_own_session(clean, open_store, job):
    """trap: a claim of which only the answer was lost was taken for that of another session"""
    factory = Watched(factory_of(clean))
    store = open_store(clean, factory=lambda _: factory)
    want = wanted(store)
    ghost = store._server.current.connection
    job.close()

    def answered(connection, query):
        if "try_advisory_lock" not in query:
            return
        if connection is ghost:
            store._server.current.connection = job
            raise psycopg2.OperationalError("the answer is lost")
        clean.terminate(ghost.info.backend_pid)

    factory.answered = answered
    claimed = store.claim(want, ())
    assert claimed.marked
    assert claimed.state == store.read("a")
    assert claimed.state.claim == store.holder(NOW)
    ghost.close()


def test_a_result_waits_for_a_server_that_is_restarted(open_store):
    """trap: after a lost connection a good run went unrecorded."""
    with own_server() as server:
        store = open_store(server.database, patience=30)
        state = mark(store)
        server.stop()
        starting = threading.Thread(target=server.start)
        starting.start()
        saved = store.save(state, done(state), run_of(state))
        starting.join()
        assert store.read("a") == saved
        assert len(log(server.database)) == 1
        store.close()
        server.restart()
        assert mark(open_store(server.database))


@pytest.mark.parametrize(("on_terminal", "level"), [(False, "INFO"), (True, "WARNING")])
def test_a_wait_that_ends_well_is_told_to_a_person_only(
    clean, open_store, unreachable, caplog, on_terminal, level
):
    """trap: cron mailed that the tick waited, although nothing failed"""
    caplog.set_level("INFO")
    store = open_store(clean)
    state = mark(store)
    terminate(clean, store)

    class BackSoon:
        def connect(self):
            store._server._factory = factory_of(clean)
            return factory_of(unreachable).connect()

        unavailable = factory_of(unreachable).unavailable

    store._server._factory = BackSoon()
    with stderr_of(on_terminal=on_terminal):
        saved = store.save(state, done(state), run_of(state))
    assert store.read("a") == saved
    [record] = caplog.records
    assert record.levelname == level
    assert record.getMessage().startswith("waiting for up to 10 s, as cannot use the database")


def test_a_wait_that_a_signal_ends_says_what_it_waited_for(
    clean, open_store, unreachable, caplog, monkeypatch
):
    store = open_store(clean, patience=0)
    state = mark(store)
    terminate(clean, store)
    store._server._factory = factory_of(unreachable)
    heard = SimpleNamespace(pending=Stopped(15, "SIGTERM"))
    monkeypatch.setattr(pending, "installed", [heard])
    with pytest.raises(Stopped):
        store.save(state, done(state), run_of(state))
    [record] = caplog.records
    assert record.levelname == "WARNING"
    assert record.getMessage().startswith("stopped while waiting, as cannot use the database")


@contextmanager
def stderr_of(*, on_terminal):
    """A process whose stderr is a terminal, or none."""
    before = os.dup(2)
    ours, theirs = pty.openpty() if on_terminal else os.pipe()
    os.dup2(theirs, 2)
    try:
        yield
    finally:
        os.dup2(before, 2)
        for each in (before, ours, theirs):
            os.close(each)


def test_a_result_does_not_wait_for_ever(clean, open_store, unreachable):
    store = open_store(clean, patience=0)
    state = mark(store)
    terminate(clean, store)
    store._server._factory = factory_of(unreachable)
    with pytest.raises(DatabaseUnavailable):
        store.save(state, done(state), run_of(state))
    with pytest.raises(DatabaseUnavailable):
        store.read("a")


@pytest.fixture
def unreachable(clean, tmp_path):
    """A database on no server, with a password."""
    return clean._replace(host=str(tmp_path), password="s3cret")


def test_a_server_that_is_not_there_is_one_line_without_the_password(unreachable, open_store):
    """trap: secrets never reach an error message."""
    store = open_store(unreachable, patience=0)
    for ask in (lambda: store.look(None), lambda: store.read("a"), lambda: store.holder(NOW)):
        with pytest.raises(DatabaseUnavailable, match="cannot use the database") as error:
            ask()
        assert one_line(error)
        assert unreachable.host in str(error.value)
        assert "s3cret" not in str(error.value)
    store.close()


def test_a_job_that_runs_is_not_reset_until_its_session_is_gone(clean, store, other):
    mark(store)
    with pytest.raises(JobOngoingError):
        other.reset("a")
    terminate(clean, store)
    assert other.reset("a") is True


def test_a_reset_that_fails_leaves_no_claim(clean, superuser, store, other):
    put(other, "a")
    other.close()
    with role(clean) as dsn:
        clean.execute(f"GRANT SELECT, INSERT, UPDATE ON crontabber TO {LIMITED}")
        limited = PostgresStore(factory_of(clean, dsn=dsn))
        with pytest.raises(StoreError, match="permission denied"):
            limited.reset("a")
        mark(limited, "b")
        assert mark(store, "a")
        limited.close()


# -- privileges ---------------------------------------------------------------


@contextmanager
def role(database, attributes="NOLOGIN"):
    """Have the role `LIMITED`; the dsn with which others are it."""
    name = sql.Identifier(LIMITED)
    database.execute(sql.SQL("CREATE ROLE {} " + attributes).format(name))
    try:
        yield f"options='-c role={LIMITED}'"
    finally:
        database.execute(sql.SQL("DROP OWNED BY {0}; DROP ROLE {0}").format(name))


GRANTS = {
    "crontabber": "SELECT, INSERT, UPDATE, DELETE ON crontabber",
    "crontabber_log": "SELECT, INSERT, UPDATE, DELETE ON crontabber_log",
    "crontabber_log_id_seq": "USAGE ON SEQUENCE crontabber_log_id_seq",
}


def grant(database, *names):
    for name in names:
        database.execute(f"GRANT {GRANTS[name]} TO {LIMITED}")


def test_few_privileges_suffice_once_there_are_tables(clean, superuser, open_store, job):
    open_store(clean).look(None)
    with role(clean) as dsn:
        grant(clean, *GRANTS)
        limited = open_store(clean, dsn=dsn)
        put(limited, "a")
        assert limited.look(["m.A"]).states
        state = mark(limited)
        terminate(clean, limited)
        error = failed(state, ongoing=NOW)
        state = limited.save(state, error, run_of(state, ERROR))
        limited.save(state, done(state), run_of(state))
        limited.release("a")
        assert limited.reset("a")
        limited.close()


@pytest.mark.parametrize("missing", GRANTS)
def test_a_missing_privilege_is_one_line_that_says_what_is_needed(
    clean, superuser, open_store, missing
):
    open_store(clean).look(None)
    with role(clean) as dsn:
        grant(clean, *(GRANTS.keys() - {missing}))
        limited = open_store(clean, dsn=dsn)
        with pytest.raises(
            StoreError, match=f"permission denied .* {missing}; the user needs"
        ) as e:
            put(limited, "a")
        limited.close()
    assert one_line(e)


# -- cost ---------------------------------------------------------------------


@pytest.mark.parametrize("analyzed", [False, True])
def test_a_look_at_a_thousand_jobs_among_many_rows_uses_the_indexes(clean, store, analyzed):
    """trap: cost. However many ghosts there are, and even with wrong statistics."""
    store.look([])
    clean.execute("ALTER TABLE crontabber SET (autovacuum_enabled = false)")
    clean.execute(
        "INSERT INTO crontabber (app_name, class_path, depends_on)"
        " SELECT 'app' || n, 'pkg.mod.Class' || n, ARRAY['app' || n * 31 %% 100000]"
        " FROM generate_series(1, 100000) AS n",
        (),
    )
    if analyzed:
        clean.execute("ANALYZE crontabber")
    class_paths = [f"pkg.mod.Class{n * 7}" for n in range(1, 1001)]
    parameters = {"class_paths": class_paths, "tables_owner": ""}
    look = located(load_queries()["look"], "public")
    plan = "\n".join(line for (line,) in clean.execute(f"EXPLAIN {look}", parameters))
    assert "crontabber_class_path_idx" in plan
    assert "crontabber_unique_app_name_idx" in plan
    assert "Seq Scan on crontabber" not in plan
    jobs = [n * 7 for n in range(1, 1001)]
    found = set(store.look(parameters["class_paths"]).states)
    assert found == {f"app{n}" for n in jobs} | {f"app{n * 31 % 100000}" for n in jobs}


def test_who_looks_again_notices_that_the_tables_were_made_anew(store, other, clean):
    """Its locks would be those of the old table, and another session could run the job too."""
    mark(store)
    clean.execute("DROP TABLE crontabber, crontabber_log")
    other.migrate()
    with pytest.raises(StoreError, match="created anew"):
        store.look_again(["a"])
