"""A role that may create in ``public``, or take locks, gets nothing and stops nothing for ever."""

import re
from collections.abc import Iterator
from contextlib import closing

import pytest
from psycopg2 import sql

from crontabber.errors import StoreError
from crontabber.process import clock
from crontabber.schedule.grammar import JobLine
from crontabber.store.postgres import PostgresStore
from crontabber.store.sql import load_queries
from tests.stores import SLOT, claim, done, factory_of, mark, put, run_of
from tests.support import Database

LINES = (JobLine.parse("m.A|1d"), JobLine.parse("m.B|1d|03:00"))
CONSTRUCTS = {"any", "array", "values", "coalesce", "nullif", "greatest", "least", "exists", "in"}
"""What looks like a function and is grammar."""
WORDS = {"as", "from", "and", "not", "where", "filter", "select", "over", "conflict", "using", "or"}


@pytest.fixture
def neighbour(database: Database) -> Iterator[Database]:
    """The same database for a role that may create in ``public``, and no more."""
    [(is_super,)] = database.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
    if not is_super:
        pytest.skip("roles are made by a superuser only")
    role = f"mallory_{database.dbname}"
    database.execute(
        sql.SQL("CREATE ROLE {0} LOGIN; GRANT USAGE, CREATE ON SCHEMA public TO {0}").format(
            sql.Identifier(role)
        )
    )
    yield database._replace(user=role)
    database.execute(
        sql.SQL("DROP OWNED BY {0} CASCADE; DROP ROLE {0}").format(sql.Identifier(role))
    )


@pytest.fixture
def store(database: Database) -> Iterator[PostgresStore]:
    store = PostgresStore(factory_of(database), patience=2)
    yield store
    store.close()


def test_every_function_of_a_statement_is_named_with_its_schema() -> None:
    """trap: public.unnest(text[]) matched better than pg_catalog.unnest(anyarray)"""
    for name, text in load_queries().items():
        called = re.findall(r"(?<![\w.'])([a-z_][a-z0-9_]*)\s*\(", re.sub(r"'[^']*'", "''", text))
        tables = {
            "crontabber",
            "crontabber_log",
            "given",
            "wanted",
            "head",
            "span",
            "note",
            "place",
        }
        assert not set(called) - CONSTRUCTS - WORDS - tables, name


def test_functions_of_a_neighbour_are_not_called(
    database: Database, neighbour: Database, store: PostgresStore
) -> None:
    """trap: an idle tick called a function of another role, with the ticker's rights"""
    neighbour.execute(
        """
        CREATE TABLE public.called (name text);
        GRANT INSERT ON public.called TO PUBLIC;
        CREATE FUNCTION public.unnest(text[]) RETURNS SETOF text LANGUAGE sql AS
            $$ INSERT INTO public.called VALUES ('unnest'); SELECT pg_catalog.unnest($1) $$;
        CREATE FUNCTION public.unnest(bigint[]) RETURNS SETOF bigint LANGUAGE sql AS
            $$ INSERT INTO public.called VALUES ('unnest'); SELECT pg_catalog.unnest($1) $$;
        CREATE FUNCTION public.count(boolean) RETURNS bigint LANGUAGE sql AS
            $$ INSERT INTO public.called VALUES ('count'); SELECT 1::bigint $$;
        CREATE FUNCTION public.times(integer, double precision) RETURNS double precision
            LANGUAGE sql AS
            $$ INSERT INTO public.called VALUES ('*'); SELECT $2 $$;
        CREATE OPERATOR public.* (
            LEFTARG = integer, RIGHTARG = double precision, FUNCTION = public.times
        );
        CREATE FUNCTION public.same(oid, regclass) RETURNS boolean LANGUAGE sql AS
            $$ INSERT INTO public.called VALUES ('='); SELECT true $$;
        CREATE OPERATOR public.= (LEFTARG = oid, RIGHTARG = regclass, FUNCTION = public.same);
        """
    )
    store.look_for_due(LINES, "")
    store.look(None)
    state = mark(store)
    store.save(state, done(state), run_of(state))
    store.release("a")
    put(store, "b")
    store.claimed(["a"])
    store.reset("a")
    assert database.execute("SELECT * FROM public.called") == []


def test_tables_that_a_neighbour_made_are_refused_by_name(
    database: Database, neighbour: Database, store: PostgresStore
) -> None:
    """trap: a role made the tables, with a trigger, before the first tick"""
    with closing(PostgresStore(factory_of(neighbour), patience=0)) as theirs:
        theirs.look(())
    database.execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO PUBLIC")
    with pytest.raises(StoreError, match=f"table crontabber.* belongs to {neighbour.user}") as told:
        store.look_for_due(LINES, "")
    assert "tables_owner" in str(told.value)
    with pytest.raises(StoreError, match="belongs to"):
        claim(store)
    with closing(PostgresStore(factory_of(database), 0, neighbour.user)) as trusting:
        assert trusting.look(None).states == {}


def test_a_ledger_that_a_neighbour_made_is_refused_by_name(
    neighbour: Database, store: PostgresStore
) -> None:
    """trap: the ledger is made late, so that another role may have made one, with a trigger"""
    store.look(())
    neighbour.execute("CREATE TABLE public.crontabber_spans (app_name text)")
    with pytest.raises(StoreError, match=f"table crontabber_spans belongs to {neighbour.user}"):
        store.look(())


def test_a_trigger_of_a_neighbour_is_refused_by_name(
    database: Database, neighbour: Database, store: PostgresStore
) -> None:
    store.look(())
    neighbour.execute(
        "CREATE FUNCTION public.spy() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RETURN NEW; END $$"
    )
    database.execute(
        "CREATE TRIGGER spy BEFORE UPDATE ON crontabber FOR EACH ROW EXECUTE FUNCTION public.spy()"
    )
    with pytest.raises(StoreError, match=f"trigger spy .* function of {neighbour.user}"):
        store.look(())


def test_a_temporary_table_of_our_name_swallows_no_record(
    database: Database, store: PostgresStore
) -> None:
    """trap: a job's temporary table came first on the search path"""
    with closing(factory_of(database).connect()) as job, job.cursor() as cursor:
        state = mark(store)
        cursor.execute(
            "CREATE TEMP TABLE crontabber (LIKE public.crontabber);"
            "CREATE TEMP TABLE crontabber_log (LIKE public.crontabber_log)"
        )
        assert store.shares_database(job)
        store.save(state, done(state), run_of(state), within=job)
        job.commit()
    assert database.execute("SELECT slot FROM public.crontabber_log") == [(SLOT,)]


def test_a_first_tick_does_not_wait_for_ever_for_the_key_of_migrations(
    database: Database, store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """trap: a role with no right but CONNECT took it, and the first tick hung"""
    queries = dict(load_queries())
    queries["begin_migration"] = queries["begin_migration"].replace("'10s'", "'50ms'")
    monkeypatch.setattr("crontabber.store.session.load_queries", lambda: queries)
    with closing(database.connect()) as other, other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(x'63726F6E74616200'::bigint)")
        with pytest.raises(StoreError, match="in the way: process"):
            store.look(())


def test_a_look_at_a_locked_table_ends_and_names_who_locked_it(
    database: Database, store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """trap: LOCK TABLE crontabber, and twelve ticks piled up"""
    store.look(())
    monkeypatch.setattr("crontabber.store.session.ANSWER", 0.5)
    told = "no answer within 0.5 s; in the way: process .*psql"
    psql = factory_of(database, application_name="psql").connect()
    with (
        closing(PostgresStore(factory_of(database), patience=0)) as fresh,
        closing(psql) as other,
        other.cursor() as cursor,
    ):
        cursor.execute("LOCK TABLE crontabber")
        with pytest.raises(StoreError, match=told):
            fresh.look_for_due(LINES, "")


@pytest.mark.parametrize("obstacle", ["row", "table"])
def test_a_record_outlasts_a_lock(
    database: Database,
    store: PostgresStore,
    monkeypatch: pytest.MonkeyPatch,
    obstacle: str,
) -> None:
    """trap: an open SELECT … FOR UPDATE in psql made a success a crash"""
    state = mark(store)
    session = store._server.session()
    session.query("SET lock_timeout = '100ms'")
    other = factory_of(database).connect()
    with other.cursor() as cursor:
        statements = {
            "row": "SELECT 1 FROM crontabber FOR UPDATE",
            "table": "LOCK TABLE crontabber_log",
        }
        cursor.execute(statements[obstacle])
    slept = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 2:
            other.close()

    monkeypatch.setattr(clock, "sleep", sleep)
    saved = store.save(state, done(state), run_of(state))
    assert len(slept) == 2
    assert store.read("a") == saved
    assert database.execute("SELECT count(*) FROM crontabber_log") == [(1,)]
