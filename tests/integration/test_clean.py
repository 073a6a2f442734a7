"""Trimming the log: what goes, what stays, and that nothing is looked at twice."""

from contextlib import closing
from typing import Any

import pytest

from crontabber.clean import Cleaned, CleanLog, clean_log, count_old, trim_output
from crontabber.connection_factory import ConnectionFactory
from crontabber.errors import ConfigError
from crontabber.store.postgres import PostgresStore
from crontabber.testing import run_job
from tests.support import Database

from configman.dotdict import DotDict


@pytest.fixture
def log(database: Database) -> Database:
    """A log of 100 days: a success and an error each day, oldest first."""
    with closing(PostgresStore(_factory(database))) as store:
        store.migrate()
    database.execute(
        "INSERT INTO crontabber_log (app_name, log_time, exc_type)"
        " SELECT 'app', now() - days * '1 day'::interval - '1 hour'::interval, exc_type"
        " FROM generate_series(99, 0, -1) AS days, unnest(ARRAY[NULL, 'Error']) AS exc_type"
        " ORDER BY days DESC"
    )
    return database


def _factory(database: Database) -> ConnectionFactory:
    options = {n: option.default for n, option in ConnectionFactory.required_config.items()}
    names = ("host", "port", "dbname", "user", "password")
    return ConnectionFactory(DotDict(options | {n: str(getattr(database, n)) for n in names}))


def left(database: Database) -> tuple[int, int]:
    """How many successes and errors there are."""
    [row] = database.execute(
        "SELECT count(*) - count(exc_type), count(exc_type) FROM crontabber_log"
    )
    return row


@pytest.mark.parametrize("batch", [1, 7, 50, 1000])
@pytest.mark.parametrize(
    ("days", "kept"),
    [((30, 60), (30, 60)), ((60, 30), (60, 30)), ((0, 0.5), (0, 1)), ((365, 365), (100, 100))],
)
def test_what_is_older_goes(log, batch, days, kept):
    with closing(_factory(log).connect()) as connection:
        gone = clean_log(connection, days[0], days[1], batch=batch)
    assert left(log) == kept
    assert gone == Cleaned(100 - kept[0], 100 - kept[1])


def test_the_end_is_where_nothing_is_old(log):
    """trap: a large log is read to its end each day"""
    statements = []
    connection: Any
    with closing(_factory(log).connect()) as connection:
        real = connection.cursor

        def cursor():
            statements.append(1)
            return real()

        connection.cursor = cursor
        clean_log(connection, 90, 95, batch=10)
    assert len(statements) == 3  # 20 old rows, and a batch without


@pytest.fixture(params=["primary key", "none", "the same"])
def scrambled(request, log):
    """The same log after the sequence was set back: the lowest ids are the youngest."""
    log.execute("UPDATE crontabber_log SET id = 1000 - id")
    if request.param != "primary key":  # 0.18 made none
        log.execute("ALTER TABLE crontabber_log DROP CONSTRAINT crontabber_log_pkey")
    if request.param == "the same":
        log.execute("UPDATE crontabber_log SET id = 1")
    return log


@pytest.mark.parametrize("batch", [1, 7, 1000])
def test_age_counts_and_not_the_id(scrambled, batch):
    """trap: nothing was removed from a log whose lowest ids are the youngest"""
    with closing(_factory(scrambled).connect()) as connection:
        assert count_old(connection, 30, 60) == Cleaned(70, 40)
        assert clean_log(connection, 30, 60, batch=batch) == Cleaned(70, 40)
        assert count_old(connection, 30, 60) == Cleaned(0, 0)
    assert left(scrambled) == (30, 60)


def test_no_transaction_removes_more_than_a_batch(log, monkeypatch):
    monkeypatch.setattr("crontabber.clean._BATCHES", 2)  # so it is looked through several times
    log.execute(
        "CREATE TABLE removed (at timestamptz);"
        "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN INSERT INTO removed VALUES (now()); RETURN OLD; END $$;"
        "CREATE TRIGGER note BEFORE DELETE ON crontabber_log FOR EACH ROW EXECUTE FUNCTION note()"
    )
    with closing(_factory(log).connect()) as connection:
        assert clean_log(connection, 30, 60, batch=7) == Cleaned(70, 40)
    sizes = log.execute("SELECT count(*) FROM removed GROUP BY at ORDER BY at")
    assert [size for (size,) in sizes] == [7] * 15 + [5]


def test_a_row_that_may_not_go_is_not_tried_for_ever(log, monkeypatch):
    monkeypatch.setattr("crontabber.clean._BATCHES", 1)
    log.execute(
        "CREATE FUNCTION stay() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RETURN NULL; END $$;"
        "CREATE TRIGGER stay BEFORE DELETE ON crontabber_log FOR EACH ROW EXECUTE FUNCTION stay()"
    )
    with closing(_factory(log).connect()) as connection:
        assert clean_log(connection, 30, 60, batch=1) == Cleaned(0, 0)


def outputs(database: Database) -> int:
    """How many rows of the log have an output."""
    [(count,)] = database.execute("SELECT count(output) FROM crontabber_log")
    return int(count)


@pytest.mark.parametrize("batch", [1, 7, 1000])
def test_output_goes_first_and_the_rows_stay(log, batch):
    log.execute("UPDATE crontabber_log SET output = 'said' WHERE exc_type IS NULL")
    with closing(_factory(log).connect()) as connection:
        assert trim_output(connection, 40, batch=batch) == 60
        assert trim_output(connection, 40, batch=batch) == 0
    assert outputs(log) == 40
    assert left(log) == (100, 100)
    assert log.execute(
        "SELECT min(log_time) > now() - interval '41 days' FROM crontabber_log"
        " WHERE output IS NOT NULL"
    ) == [(True,)]


def test_it_is_an_app_to_schedule(log):
    place = {
        f"resource.postgresql.{name}": getattr(log, name)
        for name in ("host", "port", "dbname", "user")
    }
    log.execute("UPDATE crontabber_log SET output = 'said'")
    options = {"keep_successes_days": "10", "keep_errors_days": 20, "keep_output_days": "5"}
    run_job(CleanLog, options=options, settings=place)
    assert left(log) == (10, 20)
    assert outputs(log) == 10
    with pytest.raises(ConfigError, match="it is not a number"):
        run_job(CleanLog, options={"keep_errors_days": "x"}, settings=place)
