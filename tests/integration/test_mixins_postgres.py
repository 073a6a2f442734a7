"""The three levels of help with PostgreSQL, as chapter 1.2.4 of the manual has them."""

import itertools

import psycopg2
import pytest
from psycopg2 import errors
from psycopg2.extensions import connection as Connection

from crontabber.base import BaseCronApp
from crontabber.connection_factory import ConnectionFactory, PooledConnectionFactory
from crontabber.dbapi2_util import execute_no_results, single_value_sql
from crontabber.errors import ConfigError, SlotClosed
from crontabber.mixins import (
    as_backfill_cron_app,
    as_single_postgres_transaction,
    using_postgres,
    with_postgres_connection_as_argument,
    with_single_transaction,
    with_transactional_resource,
)
from crontabber.transaction_executor import (
    TransactionExecutor,
    TransactionExecutorWithInfiniteBackoff,
)
from tests.apps import SLOT, configured, make, options_of, run

INFINITE = "crontabber.transaction_executor.TransactionExecutorWithInfiniteBackoff"


@pytest.fixture(scope="module")
def database(module_database):
    module_database.execute("create table t (a text)")
    return module_database


@pytest.fixture(autouse=True)
def _empty(database):
    database.execute("truncate t")


def insert(connection, text):
    execute_no_results(connection, "insert into t values (%s)", (str(text),))


def rows(database):
    return [a for (a,) in database.execute("select a from t order by a")]


# -- using_postgres -----------------------------------------------------------


@using_postgres()
class WithFactory(BaseCronApp):
    app_name = "with-factory"

    def run(self):
        with self.database_connection_factory() as connection:
            assert isinstance(connection, Connection)
            assert not connection.closed
            insert(connection, "committed")
            connection.commit()
            insert(connection, "not committed")
        assert connection.closed


def test_the_factory_gives_connections_and_closes_them(database):
    run(make(WithFactory, database))
    assert rows(database) == ["committed"]


@using_postgres()
class WithExecutor(BaseCronApp):
    app_name = "with-executor"

    def execute_lots_of_sql(self, connection, texts):
        for text in texts:
            insert(connection, text)
            if text == "bad":
                raise KeyError(text)
        return len(texts)

    def run(self):
        self.done = self.database_transaction_executor(self.execute_lots_of_sql, self.texts)


def test_the_executor_commits_what_ends_normally(database):
    app = make(WithExecutor, database)
    app.texts = ["a", "b"]
    run(app)
    assert rows(database) == ["a", "b"]
    assert app.done == 2


def test_the_executor_rolls_back_what_raises(database):
    app = make(WithExecutor, database)
    app.texts = ["a", "bad", "b"]
    with pytest.raises(KeyError, match="bad"):
        run(app)
    assert rows(database) == []


# -- with_postgres_connection_as_argument --------------------------------------


@using_postgres()
@with_postgres_connection_as_argument()
class WithConnection(BaseCronApp):
    app_name = "postgres-enabled-app"
    connection = None

    def run(self, connection):
        self.connection = connection
        assert not connection.closed
        insert(connection, "lost")
        connection.rollback()
        insert(connection, "kept")
        connection.commit()
        insert(connection, "lost too")


def test_an_app_with_a_connection_commits_for_itself(database):
    app = make(WithConnection, database)
    run(app)
    assert rows(database) == ["kept"]
    assert app.connection.closed


def test_an_app_with_a_connection_that_fails_keeps_what_it_committed(database):
    class Failing(WithConnection):
        def run(self, connection):
            super().run(connection)
            raise KeyError

    app = make(Failing, database)
    with pytest.raises(KeyError):
        run(app)
    assert rows(database) == ["kept"]
    assert app.connection.closed


def test_the_executor_of_an_app_with_a_connection_has_another_one(database):
    class Both(WithConnection):
        def run(self, connection):
            insert(connection, "lost")
            self.database_transaction_executor(insert, "kept")
            self.pids = {
                single_value_sql(connection, "select pg_backend_pid()"),
                self.database_transaction_executor(single_value_sql, "select pg_backend_pid()"),
            }

    app = make(Both, database)
    run(app)
    assert rows(database) == ["kept"]
    assert len(app.pids) == 2


def test_no_connection_is_left_behind(database):
    count = (
        "select count(*) from pg_stat_activity"
        " where datname = current_database() and application_name = 'crontabber'"
    )
    for cls in (WithFactory, WithConnection, Transaction):
        run(make(cls, database))
    while database.execute(count) != [(0,)]:
        pass  # a session that was closed takes a moment to end


# -- as_single_postgres_transaction ---------------------------------------------


@using_postgres()
@as_single_postgres_transaction()
class Transaction(BaseCronApp):
    app_name = "single-transaction"
    bad_situation = False

    def run(self, connection, *date):
        insert(connection, *date or ("done",))
        if self.bad_situation:
            raise KeyError("get me out of here")


def test_a_run_that_ends_normally_is_committed(database):
    run(make(Transaction, database))
    assert rows(database) == ["done"]


def test_a_run_that_raises_is_rolled_back(database):
    app = make(Transaction, database)
    app.bad_situation = True
    with pytest.raises(KeyError, match="get me out of here"):
        run(app)
    assert rows(database) == []


def test_a_run_whose_error_was_swallowed_is_no_success(database):
    class Swallowing(Transaction):
        def run(self, connection):
            super().run(connection)
            with pytest.raises(errors.DivisionByZero):
                execute_no_results(connection, "select 1 / 0")

    with pytest.raises(errors.InFailedSqlTransaction):
        run(make(Swallowing, database))


@pytest.mark.parametrize(
    "decorators",
    list(
        itertools.permutations(
            [using_postgres(), as_single_postgres_transaction(), as_backfill_cron_app]
        )
    ),
)
def test_any_order_with_backfill_and_a_retry_gives_the_connection_first(database, decorators):
    class AnyOrder(BaseCronApp):
        app_name = "any-order"
        runs = 0

        def run(self, connection, date):
            self.runs += 1
            insert(connection, date.isoformat())
            if self.runs == 1:
                raise errors.DeadlockDetected from lost(connection)

    for decorate in decorators:
        assert decorate(AnyOrder) is AnyOrder
    options = {
        "resource.postgresql.transaction_executor_class": INFINITE,
        "resource.postgresql.backoff_delays": "0",
    }
    app = make(AnyOrder, database, **options)
    assert run(app) == [SLOT]
    assert rows(database) == [SLOT.isoformat()]
    assert app.runs == 2


def lost(connection):
    """Have the connection die."""
    with pytest.raises(psycopg2.OperationalError) as caught:
        execute_no_results(connection, "select pg_terminate_backend(pg_backend_pid())")
    return caught.value


# -- the record of a run ----------------------------------------------------------


def test_the_record_commits_with_the_work(database):
    app = make(Transaction, database)
    seen = []

    def record(connection):
        insert(connection, "record")
        seen.append(rows(database))

    app.before_commit = record
    run(app)
    assert seen == [[]]
    assert rows(database) == ["done", "record"]


def test_a_record_that_is_refused_undoes_the_work_and_is_not_tried_again(database):
    """trap: the infinite back-off executor … then overwrote the other's claim."""
    app = make(Transaction, database, resource__postgresql__transaction_executor_class=INFINITE)
    refusals = []

    def refuse(connection):
        refusals.append(connection)
        raise SlotClosed

    app.before_commit = refuse
    with pytest.raises(SlotClosed):
        run(app)
    assert rows(database) == []
    assert len(refusals) == 1


def test_the_record_is_made_on_every_try(database):
    options = {
        "resource.postgresql.transaction_executor_class": INFINITE,
        "resource.postgresql.backoff_delays": "0",
    }
    app = make(Transaction, database, **options)
    tries = []

    def record(connection):
        tries.append(connection)
        insert(connection, f"record {len(tries)}")
        if len(tries) < 3:
            raise lost(connection)

    app.before_commit = record
    run(app)
    assert rows(database) == ["done", "record 3"]


# -- configuration ------------------------------------------------------------------


def test_the_options_of_the_resource_are_those_of_all_apps(database):
    options = {**options_of(database), "resource.postgresql.application_name": "everybody"}
    for cls in (WithFactory, Transaction):
        config = configured(cls, options)
        assert config.database.application_name == "everybody"
        assert config.database.dbname == database.dbname
        assert config.database.transaction_executor_class is TransactionExecutor
        assert config.database.database_class is ConnectionFactory


def test_an_app_can_have_its_own_options(database):
    pooled = "crontabber.connection_factory.PooledConnectionFactory"
    options = {
        **options_of(database),
        "class.database.application_name": "mine",
        "class.database.database_class": pooled,
        "class.database.transaction_executor_class": INFINITE,
        "class.database.backoff_delays": "1, 2",
    }
    app = WithFactory(configured(WithFactory, options))
    assert isinstance(app.database_connection_factory, PooledConnectionFactory)
    assert isinstance(app.database_transaction_executor, TransactionExecutorWithInfiniteBackoff)
    assert app.config.database.backoff_delays == (1, 2)
    with app.database_connection_factory() as connection:
        assert single_value_sql(connection, "show application_name") == "mine"


def test_a_password_of_the_resource_is_a_secret_of_every_app():
    assert Transaction.get_required_config().database.database_class.reference_value_from
    assert ConnectionFactory.get_required_config().password.secret


def test_a_connection_without_using_postgres_says_what_is_missing():
    @as_single_postgres_transaction()
    class Lonely(BaseCronApp):
        def run(self, connection):
            pass

    with pytest.raises(ConfigError, match=r"Lonely wants .* add the decorator @using_postgres\(\)"):
        run(make(Lonely))


def test_two_databases_are_two_resources(database, postgres_server):
    @using_postgres()
    @as_single_postgres_transaction()
    @with_transactional_resource("crontabber.connection_factory.ConnectionFactory", "other")
    @with_single_transaction("other")
    class Two(BaseCronApp):
        app_name = "two"

        def run(self, connection, other):
            self.names = [
                single_value_sql(each, "select current_database()") for each in (connection, other)
            ]
            insert(connection, "one")

    elsewhere = {
        f"class.other.{name.rpartition('.')[2]}": value
        for name, value in options_of(postgres_server).items()
    }
    app = make(Two, database, **elsewhere)
    recorded = []
    app.before_commit = lambda connection: recorded.append(
        single_value_sql(connection, "select current_database()")
    )
    run(app)
    assert app.names == [database.dbname, postgres_server.dbname]
    assert recorded == [database.dbname]
    assert rows(database) == ["one"]
