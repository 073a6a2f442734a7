"""Connections: how they are made, handed out, and closed again."""

from contextlib import closing

import psycopg2
import pytest
from psycopg2.extensions import TRANSACTION_STATUS_IDLE
from psycopg2.extras import DictCursor

from crontabber.connection_factory import ConnectionFactory, PooledConnectionFactory
from crontabber.dbapi2_util import single_value_sql
from crontabber.errors import ConfigError
from crontabber.store.postgres import PostgresStore
from tests.apps import configured, options_of

PID = "select pg_backend_pid()"


@pytest.fixture
def database(module_database):
    return module_database


@pytest.fixture(params=[ConnectionFactory, PooledConnectionFactory])
def any_factory(request, database):
    factory = make(request.param, database)
    yield factory
    factory.close()


def make(cls, database=None, **options):
    where = options_of(database) if database else {}
    where = {name.rpartition(".")[2]: value for name, value in where.items()}
    return cls(configured(cls, {f"class.{name}": v for name, v in {**where, **options}.items()}))


def terminate(database, *connections):
    for connection in connections:
        database.terminate(connection.info.backend_pid)


# -- where to -----------------------------------------------------------------


def test_options_lead_to_the_database(database):
    with make(ConnectionFactory, database)() as connection:
        assert single_value_sql(connection, "select current_database()") == database.dbname


def test_variables_of_libpq_lead_to_the_database_where_options_are_empty(database, monkeypatch):
    for name, value in database.environ().items():
        monkeypatch.setenv(name, value)
    with make(ConnectionFactory)() as connection:
        assert single_value_sql(connection, "select current_database()") == database.dbname


def test_a_service_file_leads_to_the_database(database, monkeypatch, tmp_path):
    path = tmp_path / "services"
    lines = (f"{name[2:].lower()}={value}" for name, value in database.environ().items())
    path.write_text("\n".join(["[here]", *lines]).replace("database=", "dbname=") + "\n")
    monkeypatch.setenv("PGSERVICEFILE", str(path))
    factory = make(ConnectionFactory, dsn="service=here")
    with factory() as connection:
        assert single_value_sql(connection, "select current_database()") == database.dbname
    assert factory.describe() == "service here"


@pytest.mark.parametrize(
    "form", ["host={0.host} dbname={0.dbname}", "postgresql:///{0.dbname}?host={0.host}"]
)
def test_a_dsn_leads_to_the_database_and_single_options_win_over_its_parts(database, form):
    rest = {"port": database.port, "password": database.password}
    dsn = form.format(database) + ("&" if "?" in form else " ") + "user=nobody"
    factory = make(ConnectionFactory, dsn=dsn, user=database.user, **rest)
    with factory() as connection:
        assert single_value_sql(connection, "select current_database()") == database.dbname
        assert single_value_sql(connection, "select current_user") == database.user


def test_a_dsn_wins_over_the_options_for_timeouts():
    factory = make(ConnectionFactory, dsn="connect_timeout=3 application_name=mine")
    assert factory.parameters()["connect_timeout"] == "3"
    assert factory.parameters()["application_name"] == "mine"


def test_options_that_are_empty_are_left_to_libpq():
    timeouts = ("connect_timeout", "keepalives_idle", "keepalives_interval", "keepalives_count")
    empty = dict.fromkeys((*timeouts, "tcp_user_timeout"), "")
    assert make(ConnectionFactory, **empty).parameters() == {
        "fallback_application_name": "crontabber"
    }


def test_a_connection_bears_our_name_and_our_timeouts(database):
    with make(ConnectionFactory, database)() as connection:
        assert single_value_sql(connection, "show application_name") == "crontabber"
        told = connection.info.dsn_parameters
    assert told["connect_timeout"] == "10"
    assert (told["keepalives_idle"], told["keepalives_interval"], told["keepalives_count"]) == (
        "30",
        "10",
        "3",
    )
    with make(ConnectionFactory, database, application_name="ours")() as connection:
        assert single_value_sql(connection, "show application_name") == "ours"


def test_values_with_blanks_and_quotes_reach_libpq_whole():
    """trap: a blank in a password failed or injected another host."""
    password = r"it's \ a host=evil port=1 "
    factory = make(ConnectionFactory, host="127.0.0.1", port="9", user="", password=password)
    seen = psycopg2.extensions.parse_dsn(psycopg2.extensions.make_dsn(**factory.parameters()))
    assert seen["password"] == password
    assert (seen["host"], seen["port"]) == ("127.0.0.1", "9")
    with pytest.raises(psycopg2.OperationalError, match=r'server at "127\.0\.0\.1", port 9 failed'):
        factory.connect()


def test_an_empty_user_is_not_the_beginning_of_the_password():
    """trap: an empty user became password=pw."""
    parameters = make(ConnectionFactory, user="", password="pw").parameters()
    assert "user" not in parameters
    assert parameters["password"] == "pw"


@pytest.mark.parametrize("dsn", ["geheim", "postgresql://u:geheim@[", "host=a passwort=geheim"])
def test_a_dsn_that_is_none_is_an_error_of_the_config_without_its_text(dsn):
    with pytest.raises(ConfigError, match="the option dsn is not a connection string") as caught:
        make(ConnectionFactory, dsn=dsn).connect()
    assert "geheim" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_secrets_are_marked_as_secrets():
    options = ConnectionFactory.get_required_config()
    assert {name for name in options if options[name].secret} == {"dsn", "password"}


def test_what_cannot_be_reached_is_told_in_one_line_without_the_password():
    factory = make(
        ConnectionFactory, host="127.0.0.1", port="9", dbname="d", user="anna", password="geheim"
    )
    with pytest.raises(psycopg2.OperationalError) as caught:
        factory.connect()
    line = factory.unavailable(caught.value)
    assert line.startswith(
        "cannot use the database (host 127.0.0.1, port 9, user anna, database d): connection to"
    )
    assert "refused" in line
    assert "\n" not in line
    assert "********" in factory.unavailable(Exception("the geheim password"))
    assert factory.unavailable(TimeoutError()).endswith(": TimeoutError")


# -- opening and closing ------------------------------------------------------


def test_a_connection_is_open_inside_and_closed_outside(database):
    with make(ConnectionFactory, database)() as connection:
        assert not connection.closed
    assert connection.closed
    with pytest.raises(KeyError), make(ConnectionFactory, database)() as connection:
        raise KeyError
    assert connection.closed


def test_what_was_not_committed_is_lost_and_what_was_is_not(any_factory, database):
    database.execute("create table if not exists t (a int); truncate t")
    with any_factory() as connection:
        connection.cursor().execute("insert into t values (1)")
        connection.commit()
        connection.cursor().execute("insert into t values (2)")
    assert database.execute("select a from t") == [(1,)]


def test_locks_are_gone_when_the_context_is_left(any_factory, database):
    """Not some time later, when the server notices: hence many times, and at once."""
    database.execute("create table if not exists t (a int)")
    with closing(database.connect()) as other:
        for _ in range(50):
            with any_factory() as connection:
                connection.cursor().execute("lock table t")
            other.cursor().execute("begin; lock table t nowait; commit")


def test_a_factory_closes_only_what_it_opened(any_factory):
    """trap: closing an unpooled connection dropped that of another caller."""
    with any_factory() as outer:
        with any_factory() as inner:
            assert inner is not outer
        assert not outer.closed
        any_factory.close()
        assert single_value_sql(outer, "select 1") == 1


@pytest.mark.parametrize("end", ["close", "terminate"])
def test_a_connection_that_ended_inside_is_no_error(any_factory, database, end):
    with any_factory() as connection:
        connection.cursor().execute("select 1")
        connection.close() if end == "close" else terminate(database, connection)
    assert connection.closed


# -- the pool -----------------------------------------------------------------


@pytest.fixture
def pool(database):
    pool = make(PooledConnectionFactory, database)
    yield pool
    pool.close()


def pid(pool, name=None):
    with pool(name) as connection:
        return single_value_sql(connection, PID)


def test_a_pool_hands_out_what_it_was_given_back(pool):
    assert pid(pool) == pid(pool)
    assert pid(pool, "a") == pid(pool, "a")


def test_a_name_has_connections_of_its_own(pool):
    assert pid(pool, "a") != pid(pool, "b")


def test_a_connection_in_use_is_not_handed_out_again(pool):
    with pool("a") as first, pool("a") as second:
        assert first is not second


def test_a_connection_comes_back_without_a_transaction(pool):
    with pool() as connection:
        connection.cursor().execute("select 1")
    assert connection.get_transaction_status() == TRANSACTION_STATUS_IDLE


def characteristics(connection):
    return (
        connection.autocommit,
        connection.isolation_level,
        connection.readonly,
        connection.deferrable,
        connection.cursor_factory,
    )


def test_the_next_user_begins_as_the_first_did(pool, database):
    """trap: one user's autocommit was the next one's, whose transaction kept its row"""
    database.execute("create table if not exists t (a int); truncate t")
    with pool() as connection:
        as_made = characteristics(connection)
        connection.set_session("SERIALIZABLE", readonly=True, deferrable=True, autocommit=True)
        connection.cursor_factory = DictCursor
    with pool() as again:
        assert again is connection
        assert characteristics(again) == as_made
        assert single_value_sql(again, "show transaction_isolation") == "read committed"
        again.cursor().execute("insert into t values (1)")
    assert database.execute("select a from t") == []


def test_a_factory_with_connections_of_its_own_kind_gets_them_back_as_it_made_them(database):
    class ReadOnly(PooledConnectionFactory):
        def connect(self):
            connection = super().connect()
            connection.set_session(readonly=True, autocommit=True)
            return connection

    with closing(make(ReadOnly, database)) as pool:
        with pool() as connection:
            connection.set_session(readonly=False, autocommit=False)
        with pool() as again:
            assert again is connection
            assert single_value_sql(again, "show transaction_read_only") == "on"
            assert again.autocommit


def test_a_connection_is_given_back_without_a_word_to_the_server(pool, database):
    def last_heard():
        told = "select query, query_start from pg_stat_activity where pid = %s"
        return database.execute(told, (connection.info.backend_pid,))

    with pool() as connection:
        connection.cursor().execute("select 1")
        connection.commit()
        before = last_heard()
    assert last_heard() == before


def test_a_connection_that_died_in_use_leaves_the_pool(pool, database):
    """trap: after a lost connection the dead one stayed in the pool."""
    with pool() as connection:
        terminate(database, connection)
        with pytest.raises(psycopg2.OperationalError):
            connection.cursor().execute("select 1")
    assert not any(pool._idle.values())
    assert single_value_sql_of(pool) == 1


def test_connections_that_died_while_idle_are_not_handed_out(pool, database):
    """trap: after a lost connection the dead one stayed in the pool."""
    with pool() as first, pool() as second:
        pass
    terminate(database, first, second)
    assert single_value_sql_of(pool) == 1
    assert first.closed
    assert second.closed


def single_value_sql_of(pool):
    with pool() as connection:
        return single_value_sql(connection, "select 1")


def test_a_closed_pool_has_closed_its_connections_and_can_be_used_again(pool):
    with pool() as connection:
        pass
    assert not connection.closed
    pool.close()
    assert connection.closed
    assert single_value_sql_of(pool) == 1


# -- what may pass ------------------------------------------------------------

NO = (
    "select 1 / 0",
    "select * from nowhere",
    "selct",
    "set local statement_timeout = 1; select pg_sleep(60)",
)


@pytest.mark.parametrize("sql", NO)
def test_what_is_wrong_with_a_statement_does_not_pass(database, sql):
    factory = make(ConnectionFactory, database)
    with factory() as connection, pytest.raises(psycopg2.Error) as caught:
        connection.cursor().execute(sql)
    assert not factory.is_operational_exception(caught.value)


@pytest.mark.parametrize(
    "sqlstate", ["40001", "40P01", "57P01", "57P02", "57P03", "53300", "08006"]
)
def test_what_the_server_says_of_itself_and_of_races_passes(database, sqlstate):
    factory = make(ConnectionFactory, database)
    with factory() as connection, pytest.raises(psycopg2.Error) as caught:
        connection.cursor().execute(
            f"do $$ begin raise 'in any words' using errcode = '{sqlstate}'; end $$"
        )
    assert factory.is_operational_exception(caught.value)


def test_a_lock_that_is_not_available_does_not_pass(database):
    """trap: the infinite back-off executor retried a lock error."""
    database.execute("create table if not exists t (a int)")
    factory = make(ConnectionFactory, database)
    with factory() as first, factory() as second:
        first.cursor().execute("lock table t")
        with pytest.raises(psycopg2.errors.LockNotAvailable) as caught:
            second.cursor().execute("lock table t nowait")
    assert not factory.is_operational_exception(caught.value)


def test_a_lost_and_a_refused_connection_pass(database):
    factory = make(ConnectionFactory, database)
    with factory() as connection:
        terminate(database, connection)
        with pytest.raises(psycopg2.Error) as lost:
            connection.cursor().execute("select 1")
    assert factory.is_operational_exception(lost.value)
    with pytest.raises(psycopg2.Error) as refused:
        make(ConnectionFactory, host="127.0.0.1", port="9").connect()
    assert factory.is_operational_exception(refused.value)


@pytest.mark.parametrize(
    "error",
    [
        KeyError("server closed the connection unexpectedly"),
        ConfigError("the connection is closed"),
        psycopg2.InterfaceError("cursor already closed"),
    ],
)
def test_the_text_of_an_error_says_nothing(error):
    assert not make(ConnectionFactory).is_operational_exception(error)


# -- what subclasses did in 0.18 ----------------------------------------------


class Elsewhere(ConnectionFactory):
    """Its connections are told apart by their name for the application."""

    def connection(self, name=None):
        connection = super().connection(name)
        connection.cursor().execute("set application_name = 'elsewhere'")
        return connection


class ElsewhereWithName(ConnectionFactory):
    """It does not call ours, and must have an argument."""

    def connection(self, name):  # type: ignore[override]
        parameters = {**self.parameters(), "application_name": "elsewhere"}
        return psycopg2.connect(psycopg2.extensions.make_dsn(**parameters))


@pytest.mark.parametrize("cls", [Elsewhere, ElsewhereWithName])
def test_a_subclass_may_make_its_connections_itself(database, cls):
    """trap: `connection()` was bypassed, which can be another database"""
    factory = make(cls, database)
    with factory() as connection, factory("named") as named:
        assert single_value_sql(connection, "show application_name") == "elsewhere"
        assert single_value_sql(named, "show application_name") == "elsewhere"
    assert connection.closed
    with closing(factory.connect()) as connection:
        assert single_value_sql(connection, "show application_name") == "elsewhere"


def test_a_store_works_with_the_connections_of_a_subclass(database):
    """trap: the state was kept in another database than 0.18 had kept it in"""
    store = PostgresStore(make(ElsewhereWithName, database))
    store.look([])
    [name] = database.execute(
        "select application_name from pg_stat_activity"
        " where pid <> pg_backend_pid() and datname = current_database()"
    )
    store.close()
    assert name == ("elsewhere",)


def test_the_exceptions_of_the_driver_are_there_without_importing_it(any_factory):
    assert any_factory.IntegrityError is psycopg2.IntegrityError
    assert ConnectionFactory.IntegrityError is psycopg2.IntegrityError
    assert any_factory.operational_exceptions == (
        psycopg2.OperationalError,
        psycopg2.InterfaceError,
    )


def test_a_connection_may_be_closed_by_force(any_factory):
    with any_factory() as connection:
        any_factory.close_connection(connection, force=True)
        assert connection.closed
    any_factory.force_reconnect()
