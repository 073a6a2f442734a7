"""Queries that end when a signal's handler raises, and all else as psycopg2 has it."""

import contextlib
import io
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing

import psycopg2
import pytest
from psycopg2 import extensions, extras

from crontabber.connection_factory import ConnectionFactory
from crontabber.errors import Stopped
from tests.apps import configured, options_of
from tests.support import ROOT, TIMEOUT

LONG = "select pg_sleep(3600)"


@pytest.fixture
def database(module_database):
    return module_database


@pytest.fixture
def connection(database):
    factory = ConnectionFactory(configured_factory(database))
    with closing(factory.connect()) as connection:
        yield connection


def configured_factory(database):
    options = {name.rpartition(".")[2]: value for name, value in options_of(database).items()}
    return configured(ConnectionFactory, {f"class.{name}": options[name] for name in options})


@contextlib.contextmanager
def signalled_in_query(database):
    """SIGUSR1, whose handler raises `Stopped`, as soon as a query of `LONG` runs."""

    def stop(signum, frame):
        raise Stopped(signum, signal.Signals(signum).name)

    def wait_and_kill():
        wait_until_running(database)
        os.kill(os.getpid(), signal.SIGUSR1)

    previous = signal.signal(signal.SIGUSR1, stop)
    thread = threading.Thread(target=wait_and_kill, daemon=True)
    thread.start()
    try:
        yield
    finally:
        thread.join()
        signal.signal(signal.SIGUSR1, previous)


def is_running(database):
    rows = database.execute(
        "select pid from pg_stat_activity where wait_event = 'PgSleep'"
        " and datname = current_database()"
    )
    return bool(rows)


def wait_until_running(database, running=True):
    deadline = time.monotonic() + TIMEOUT
    while is_running(database) != running:
        assert time.monotonic() < deadline


def wait_until_ended(database):
    """The server ends the query in a moment; by itself it would run for an hour."""
    wait_until_running(database, False)


def named(connection):
    cursor = connection.cursor("named")
    cursor.execute(LONG)
    return cursor


@pytest.mark.parametrize(
    "ask",
    [
        lambda connection: connection.cursor().execute(LONG),
        lambda connection: connection.cursor().executemany(LONG, [()]),
        lambda connection: connection.cursor().callproc("pg_sleep", (60,)),
        lambda connection: connection.cursor(cursor_factory=extras.RealDictCursor).execute(LONG),
        lambda connection: extras.execute_values(
            connection.cursor(), "select pg_sleep(3600), * from (values %s) v", [(1,)]
        ),
        lambda connection: named(connection).fetchone(),
        lambda connection: named(connection).fetchmany(1),
        lambda connection: named(connection).fetchall(),
        lambda connection: list(named(connection)),
        lambda connection: named(connection).scroll(1),
    ],
    ids="execute executemany callproc dict execute_values one many all iteration scroll".split(),
)
def test_a_query_ends_when_a_handler_raises(connection, database, ask):
    with signalled_in_query(database), pytest.raises(Stopped):
        ask(connection)
    wait_until_ended(database)
    assert connection.closed
    assert extensions.get_wait_callback() is None


def test_a_process_in_a_query_ends_at_sigterm(database, tmp_path):
    script = """if True:
        import signal
        from crontabber.connection_factory import ConnectionFactory
        from crontabber.errors import Stopped
        from configman.dotdict import DotDict

        def stop(signum, frame):
            raise Stopped(signum, "SIGTERM")

        signal.signal(signal.SIGTERM, stop)
        names = ConnectionFactory.required_config
        factory = ConnectionFactory(DotDict({name: names[name].default for name in names}))
        with factory() as connection:
            connection.cursor().execute("select pg_sleep(3600)")
    """
    command = [sys.executable, "-c", script]
    environment = {**os.environ, **database.environ(), "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        wait_until_running(database)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=TIMEOUT / 2)
    assert errors.rstrip().endswith("Stopped: stopped by SIGTERM")
    wait_until_ended(database)


def test_an_error_of_the_server_leaves_the_connection_open(connection):
    with pytest.raises(psycopg2.errors.DivisionByZero):
        connection.cursor().execute("select 1 / 0")
    assert not connection.closed
    assert extensions.get_wait_callback() is None
    connection.rollback()
    cursor = connection.cursor()
    cursor.execute("select 1")
    assert cursor.fetchall() == [(1,)]


def test_a_lost_server_is_an_operational_error(connection, database):
    cursor = connection.cursor()
    cursor.execute("select pg_backend_pid()")
    database.terminate(cursor.fetchone()[0])
    with pytest.raises(psycopg2.OperationalError):
        cursor.execute("select 1")
    assert connection.closed


def test_copy_and_large_objects_work(connection):
    cursor = connection.cursor()
    cursor.execute("create temp table t (a int, b text)")
    cursor.copy_expert("copy t from stdin", io.StringIO("1\tone\n2\ttwo\n"))
    cursor.copy_from(io.StringIO("3\tthree\n"), "t")
    out = io.StringIO()
    cursor.copy_expert("copy (select * from t order by a) to stdout", out)
    assert out.getvalue() == "1\tone\n2\ttwo\n3\tthree\n"
    large_object = connection.lobject(0, "wb")
    large_object.write(b"x" * 100_000)
    assert len(connection.lobject(large_object.oid, "rb").read()) == 100_000


def test_large_queries_and_results_come_through(connection):
    text = "ü" * 5_000_000
    cursor = connection.cursor()
    cursor.execute("select %s, g from generate_series(1, 3) g", (text,))
    assert cursor.fetchall() == [(text, 1), (text, 2), (text, 3)]


def test_named_cursors_work_as_ever(connection):
    with connection.cursor("named", scrollable=True) as cursor:
        cursor.itersize = 10
        cursor.execute("select * from generate_series(1, 100)")
        assert [row[0] for row in cursor] == list(range(1, 101))
        cursor.scroll(0, mode="absolute")
        assert cursor.fetchone() == (1,)
        assert cursor.fetchmany(2) == [(2,), (3,)]
        assert len(cursor.fetchall()) == 97


@pytest.mark.parametrize(
    "factory", [extras.DictCursor, extras.RealDictCursor, extras.NamedTupleCursor]
)
@pytest.mark.parametrize("name", [None, "named"])
def test_cursors_keep_their_class(connection, factory, name):
    with connection.cursor(name, cursor_factory=factory) as cursor:
        assert isinstance(cursor, factory)
        cursor.execute("select 1 as one")
        row = cursor.fetchone()
    assert (row.one if factory is extras.NamedTupleCursor else row["one"]) == 1


def test_the_default_cursor_class_of_a_connection_counts(connection):
    connection.cursor_factory = extras.RealDictCursor
    with connection.cursor() as cursor:
        cursor.execute("select 1 as one")
        assert cursor.fetchall() == [{"one": 1}]


def test_a_function_may_make_the_cursor(connection):
    with connection.cursor(
        cursor_factory=lambda *args: extensions.cursor(*args)  # noqa: PLW0108
    ) as cursor:
        cursor.execute("select 1")
        assert cursor.fetchone() == (1,)


def test_notices_and_notifications_arrive(connection):
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute("do $$ begin raise notice 'hello'; end $$; listen ours; notify ours")
    assert "hello" in connection.notices[-1]
    connection.poll()
    assert [notify.channel for notify in connection.notifies] == ["ours"]


def test_whoever_waits_in_another_way_is_left_alone(connection):
    waits = []

    def theirs(waiting):
        waits.append(waiting)
        extras.wait_select(waiting)

    extensions.set_wait_callback(theirs)
    try:
        connection.cursor().execute("select 1")
        assert extensions.get_wait_callback() is theirs
    finally:
        extensions.set_wait_callback(None)
    assert connection in waits


def test_another_thread_can_copy_at_the_same_time(database, connection):
    """trap: psycopg2's wait is the process's, and COPY is refused where it is Python's"""
    stop = threading.Event()
    errors: list[BaseException] = []

    def copy():
        with closing(
            psycopg2.connect(**{k: v for k, v in database._asdict().items() if v})
        ) as other:
            while not (stop.is_set() or errors):
                try:
                    other.cursor().copy_expert("COPY (SELECT 1) TO STDOUT", io.StringIO())
                except psycopg2.Error as error:
                    errors.append(error)

    thread = threading.Thread(target=copy)
    thread.start()
    with connection.cursor() as cursor:
        for _ in range(20):
            cursor.execute("SELECT pg_sleep(0.01)")
    stop.set()
    thread.join()
    assert errors == []


def test_other_threads_wait_as_ever(connection):
    found = []

    def ask():
        with connection.cursor() as cursor:
            cursor.execute("select 1")
            found.append((cursor.fetchone(), extensions.get_wait_callback()))

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    assert found == [((1,), None)]
