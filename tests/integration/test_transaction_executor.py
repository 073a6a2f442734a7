"""Transactions: what is committed, what is rolled back, what is tried again."""

import contextlib
import logging
import signal
import threading

import psycopg2
import pytest
from psycopg2 import errors

from crontabber.connection_factory import ConnectionFactory, PooledConnectionFactory
from crontabber.dbapi2_util import execute_no_results, single_value_sql
from crontabber.errors import ClaimLost, SlotClosed
from crontabber.transaction_executor import (
    TransactionExecutor,
    TransactionExecutorWithInfiniteBackoff,
    TransactionExecutorWithLimitedBackoff,
)
from tests.apps import configured, options_of
from tests.server import own_server

from configman.config_exceptions import CannotConvertError

BACKING_OFF = [TransactionExecutorWithInfiniteBackoff, TransactionExecutorWithLimitedBackoff]
EXECUTORS = [TransactionExecutor, *BACKING_OFF]
INSERT = "insert into t values (%s)"


@pytest.fixture(scope="module")
def database(module_database):
    module_database.execute("create table t (a int)")
    return module_database


@pytest.fixture(autouse=True)
def _empty(database):
    database.execute("truncate t")


def make(cls, database, factory=ConnectionFactory, delays="0, 0"):
    where = {f"class.{name.rpartition('.')[2]}": v for name, v in options_of(database).items()}
    backs_off = issubclass(cls, tuple(BACKING_OFF))
    delays = {"class.backoff_delays": delays} if backs_off else {}
    return cls(configured(cls, delays), factory(configured(factory, where)))


@pytest.fixture(params=EXECUTORS)
def executor(request, database):
    return make(request.param, database)


@pytest.fixture(params=BACKING_OFF)
def patient(request, database):
    return make(request.param, database)


def insert(connection, value):
    execute_no_results(connection, INSERT, (value,))
    return value


def rows(database):
    return [a for (a,) in database.execute("select a from t order by a")]


# -- one transaction ----------------------------------------------------------


def test_a_function_that_returns_is_committed_and_its_result_returned(executor, database):
    assert executor(insert, 7) == 7
    assert executor(insert, value=8) == 8
    assert rows(database) == [7, 8]


@pytest.mark.parametrize("error", [KeyError("x"), SlotClosed(), ClaimLost(), KeyboardInterrupt()])
def test_a_function_that_raises_is_rolled_back_and_not_tried_again(executor, database, error):
    calls = []

    def work(connection):
        calls.append(connection)
        insert(connection, 1)
        raise error

    with pytest.raises(type(error)) as caught:
        executor(work)
    assert caught.value is error
    assert rows(database) == []
    assert len(calls) == 1
    assert calls[0].closed


def test_a_statement_that_fails_is_not_tried_again(executor, database):
    calls = []

    def work(connection):
        calls.append(1)
        insert(connection, "no number")

    with pytest.raises(errors.InvalidTextRepresentation):
        executor(work)
    assert calls == [1]


def test_an_error_that_was_swallowed_is_not_taken_for_success(executor, database):
    def work(connection):
        insert(connection, 1)
        with pytest.raises(errors.DivisionByZero):
            execute_no_results(connection, "select 1 / 0")

    with pytest.raises(errors.InFailedSqlTransaction, match="cannot be committed"):
        executor(work)
    assert rows(database) == []


def test_a_commit_that_fails_is_an_error(executor, database):
    def work(connection):
        execute_no_results(
            connection,
            "create temp table u (a int unique deferrable initially deferred) on commit drop;"
            "insert into u values (1), (1)",
        )
        insert(connection, 1)

    with pytest.raises(errors.UniqueViolation):
        executor(work)
    assert rows(database) == []


def test_a_plain_executor_tries_once(database):
    calls = []

    def work(connection):
        calls.append(1)
        raise psycopg2.OperationalError("lost")

    with pytest.raises(psycopg2.OperationalError, match="lost"):
        make(TransactionExecutor, database)(work)
    assert calls == [1]


# -- and again ----------------------------------------------------------------


def lose(database, connection):
    pid = single_value_sql(connection, "select pg_backend_pid()")
    database.terminate(pid)


@pytest.mark.parametrize("factory", [ConnectionFactory, PooledConnectionFactory])
@pytest.mark.parametrize("cls", BACKING_OFF)
def test_a_lost_connection_is_tried_again_on_a_new_one(cls, factory, database):
    """trap: after a lost connection the dead one stayed in the pool."""
    connections = []

    def work(connection):
        connections.append(connection)
        insert(connection, len(connections))
        if len(connections) < 3:
            lose(database, connection)
            insert(connection, 99)
        return "done"

    assert make(cls, database, factory)(work) == "done"
    assert rows(database) == [3]
    assert len(set(map(id, connections))) == 3


def test_a_connection_lost_before_the_commit_is_tried_again(patient, database):
    calls = []

    def work(connection):
        calls.append(1)
        insert(connection, len(calls))
        if len(calls) == 1:
            lose(database, connection)

    patient(work)
    assert rows(database) == [2]


def test_a_loss_that_shows_as_misuse_is_tried_again(patient, database):
    """``with connection`` rolls back at its end, and the driver calls that a misuse."""
    calls = []

    def work(connection):
        calls.append(1)
        with connection, connection.cursor() as cursor:
            if len(calls) == 1:
                lose(database, connection)
            cursor.execute(INSERT, (len(calls),))

    patient(work)
    assert rows(database) == [2]


def test_a_connection_that_the_function_closed_itself_is_not_tried_again(patient):
    calls = []

    def work(connection):
        calls.append(1)
        connection.close()
        insert(connection, 1)

    with pytest.raises(psycopg2.InterfaceError):
        patient(work)
    assert calls == [1]


def test_a_serialization_failure_is_tried_again(patient, database):
    calls = []
    database.execute("insert into t values (1)")

    def work(connection):
        calls.append(1)
        connection.set_session(isolation_level="SERIALIZABLE")
        value = single_value_sql(connection, "select a from t")
        if len(calls) == 1:
            database.execute("update t set a = 10")
        execute_no_results(connection, "update t set a = %s", (value + 1,))

    patient(work)
    assert rows(database) == [11]
    assert len(calls) == 2


def test_a_deadlock_is_tried_again(database):
    """Two transactions that each want what the other has; both are done in the end."""
    database.execute("insert into t values (1), (2)")
    both_hold = threading.Barrier(2)
    calls = []

    def work(connection, first, second):
        calls.append(first)
        execute_no_results(connection, "set local deadlock_timeout = '10ms'")
        execute_no_results(connection, "update t set a = a + 10 where mod(a, 10) = %s", (first,))
        if len(calls) <= 2:
            both_hold.wait()
        execute_no_results(connection, "update t set a = a + 10 where mod(a, 10) = %s", (second,))

    def run(*order):
        make(TransactionExecutorWithLimitedBackoff, database)(work, *order)

    thread = threading.Thread(target=run, args=(2, 1))
    thread.start()
    run(1, 2)
    thread.join()
    assert rows(database) == [21, 22]
    assert len(calls) == 3


def test_a_lock_error_is_not_tried_again(patient, database):
    """trap: the infinite back-off executor retried a lock error."""
    calls = []

    def work(connection):
        calls.append(1)
        execute_no_results(connection, "lock table t nowait")

    with ConnectionFactory(patient.connection_factory.config)() as holder:
        execute_no_results(holder, "lock table t")
        with pytest.raises(errors.LockNotAvailable):
            patient(work)
    assert calls == [1]


def test_limited_backoff_ends_with_the_error_of_the_database(database):
    executor = make(TransactionExecutorWithLimitedBackoff, database, delays="0, 0, 0")
    calls = []

    def work(connection):
        calls.append(1)
        lose(database, connection)
        insert(connection, 1)

    with pytest.raises(
        psycopg2.OperationalError, match=r"terminating connection|closed the connec"
    ):
        executor(work)
    assert len(calls) == 4


def test_infinite_backoff_repeats_the_last_delay(database, monkeypatch):
    slept: list[float] = []
    monkeypatch.setattr("crontabber.process.clock.sleep", slept.append)
    executor = make(TransactionExecutorWithInfiniteBackoff, database, delays="1, 2, 3")

    def work(connection):
        if len(slept) < 7:
            raise psycopg2.OperationalError

    executor(work)
    assert slept == [1, 2, 3, 3, 3, 3, 3]


def test_a_record_that_is_refused_is_not_tried_again_after_a_lost_answer(database):
    """A commit whose answer was lost is found done: the work is not done twice."""
    for cls in BACKING_OFF:
        calls: list[int] = []

        def work(connection, calls=calls):
            calls.append(1)
            if len(calls) == 2:
                raise SlotClosed
            raise psycopg2.OperationalError("the answer was lost")

        with pytest.raises(SlotClosed):
            make(cls, database)(work)
        assert len(calls) == 2


# -- a resource of one's own ---------------------------------------------------


class Away(Exception):
    """What the server of some other resource says."""


class Plain:
    """All that a resource needs: it is called for a connection."""

    def __init__(self):
        self.rolled_back = 0

    @contextlib.contextmanager
    def __call__(self):
        yield self

    def commit(self):
        pass

    def rollback(self):
        self.rolled_back += 1


class WithExceptions(Plain):
    operational_exceptions = (Away,)


@pytest.fixture(params=BACKING_OFF)
def own(request):
    return lambda factory: request.param(
        configured(request.param, {"class.backoff_delays": "0, 0"}), factory
    )


def test_a_resource_that_names_no_passing_errors_is_tried_once(own):
    """trap: the error was hidden behind an AttributeError"""
    factory = Plain()

    def work(connection):
        raise Away("for lunch")

    with pytest.raises(Away, match="for lunch"):
        own(factory)(work)
    assert factory.rolled_back == 1


def test_a_resource_may_just_name_the_classes_of_its_passing_errors(own):
    factory = WithExceptions()

    def work(connection):
        if factory.rolled_back < 2:
            raise Away("for\nlunch")
        raise KeyError

    with pytest.raises(KeyError):
        own(factory)(work)
    assert factory.rolled_back == 3


def test_the_wait_for_such_a_resource_is_told_in_one_line(own, caplog, monkeypatch):
    slept: list[float] = []
    monkeypatch.setattr("crontabber.process.clock.sleep", slept.append)
    executor = own(WithExceptions())
    executor.config.backoff_delays = (5,)

    def work(connection):
        if not slept:
            raise Away("for\nlunch")

    executor(work)
    assert caplog.messages == ["cannot use the database: for lunch; next try in 5 seconds"]


# -- waiting ------------------------------------------------------------------


def test_a_long_wait_says_so_in_the_log(database, monkeypatch, caplog):
    slept: list[float] = []
    monkeypatch.setattr("crontabber.process.clock.sleep", slept.append)
    executor = make(TransactionExecutorWithLimitedBackoff, database, delays="25")

    def work(connection):
        if not slept:
            raise psycopg2.OperationalError("the server\n  is away")

    executor(work)
    assert slept == [10, 10, 5]
    assert [record.getMessage().rpartition("; ")[2] for record in caplog.records] == [
        "next try in 25 seconds",
        "next try in 15 seconds",
        "next try in 5 seconds",
    ]
    assert all("): the server is away; " in record.getMessage() for record in caplog.records)
    assert {record.levelname for record in caplog.records} == {"WARNING"}


def test_a_wait_without_log_lines_is_one_sleep(database, monkeypatch, caplog):
    slept: list[float] = []
    monkeypatch.setattr("crontabber.process.clock.sleep", slept.append)
    executor = make(TransactionExecutorWithLimitedBackoff, database, delays="25")
    executor.config.wait_log_interval = 0

    def work(connection):
        if not slept:
            raise psycopg2.OperationalError

    executor(work)
    assert slept == [25]
    assert len(caplog.records) == 1


class Stop(BaseException):
    """What a signal's handler raises."""


@pytest.mark.parametrize("cls", BACKING_OFF)
def test_a_signal_ends_the_wait(cls, database):
    executor = make(cls, database, delays="3600")

    def stop(signum, frame):
        raise Stop

    def work(connection):
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        raise psycopg2.OperationalError

    previous = signal.signal(signal.SIGALRM, stop)
    try:
        with pytest.raises(Stop):
            executor(work)
    finally:
        signal.signal(signal.SIGALRM, previous)


@pytest.mark.parametrize("text", ["", "x", "1,,2", "1, -2", "inf", "nan", "1 2"])
def test_delays_that_are_no_seconds_are_refused(database, text):
    with pytest.raises(CannotConvertError, match="backoff_delays"):
        make(TransactionExecutorWithInfiniteBackoff, database, delays=text)


def test_the_delays_are_those_of_the_manual_and_come_back_from_their_text():
    option = TransactionExecutorWithLimitedBackoff.get_required_config().backoff_delays
    option.set_value(option.default)
    assert option.value == (10, 30, 60, 120, 300)
    assert str(option) == "10, 30, 60, 120, 300"


# -- a server that goes and comes ---------------------------------------------


@pytest.fixture(scope="module")
def server():
    with own_server() as server:
        server.database.execute("create table t (a int)")
        yield server


@pytest.mark.parametrize("cls", BACKING_OFF)
def test_a_restart_in_the_middle_is_survived(cls, server):
    server.database.execute("truncate t")
    calls = []

    def work(connection):
        calls.append(1)
        insert(connection, len(calls))
        if len(calls) == 1:
            server.restart()
        insert(connection, 10 * len(calls))

    make(cls, server.database)(work)
    assert rows(server.database) == [2, 20]


class Starter(logging.Handler):
    """Starts a server when the executor has said twice that it waits."""

    def __init__(self, server):
        super().__init__()
        self.server = server
        self.messages = []

    def emit(self, record):
        self.messages.append(record.getMessage())
        if len(self.messages) == 2:
            self.server.start()


def test_a_server_that_is_away_is_waited_for(server):
    server.database.execute("truncate t")
    executor = make(TransactionExecutorWithInfiniteBackoff, server.database, delays="0")
    executor.config.wait_log_interval = 0.01
    executor.config.backoff_delays = (0.01,)
    stopped: list[float] = []

    def work(connection):
        if not stopped:
            stopped.append(True)
            server.stop()
        insert(connection, 1)

    logger = logging.getLogger("crontabber.transaction_executor")
    starter = Starter(server)
    logger.addHandler(starter)
    try:
        executor(work)
    finally:
        logger.removeHandler(starter)
    assert rows(server.database) == [1]
    assert "connection to server on socket" in starter.messages[1]


def test_limited_backoff_gives_up_on_a_server_that_stays_away(server):
    executor = make(TransactionExecutorWithLimitedBackoff, server.database)
    server.stop()
    try:
        with pytest.raises(psycopg2.OperationalError, match="connection to server on socket"):
            executor(insert, 1)
    finally:
        server.start()


# -- what subclasses did in 0.18 ----------------------------------------------


class Quit(Exception):
    """What a quit check raises."""


def quitting(cls, database, check):
    def init(self, config, factory, quit_check_callback=check):
        cls.__init__(self, config, factory, quit_check_callback)

    return make(type("Quitting", (cls,), {"__init__": init}), database)


@pytest.mark.parametrize("cls", EXECUTORS)
def test_a_quit_check_is_asked_before_each_try(cls, database):
    """trap: an executor that passed `quit_check_callback` raised TypeError"""

    def check():
        raise Quit

    calls: list[object] = []
    executor = quitting(cls, database, check)
    with pytest.raises(Quit):
        executor(calls.append)
    executor.quit_check_callback = None
    executor(calls.append)
    assert len(calls) == 1


@pytest.mark.parametrize("cls", BACKING_OFF)
def test_a_quit_check_ends_a_wait_within_a_second(cls, database, monkeypatch):
    slept: list[float] = []
    asked: list[float] = []

    def check():
        asked.append(1)
        if len(slept) == 3:
            raise Quit

    def work(connection):
        raise psycopg2.OperationalError("away")

    monkeypatch.setattr("crontabber.process.clock.sleep", slept.append)
    executor = quitting(cls, database, check)
    executor.config.backoff_delays = (300,)
    with pytest.raises(Quit):
        executor(work)
    assert slept == [1.0, 1.0, 1.0]
    assert len(asked) == 5  # before the try, and before each second


@pytest.mark.parametrize("cls", EXECUTORS)
@pytest.mark.parametrize("callback", [None, lambda: True])
def test_what_a_quit_check_returns_means_nothing(cls, database, callback):
    assert quitting(cls, database, callback)(insert, 7) == 7
