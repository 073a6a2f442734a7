"""Trimming the log: what goes, what stays, and that nothing is looked at twice."""

from contextlib import closing

import pytest

from crontabber.clean import Cleaned, CleanLog, clean_log
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
        gone = clean_log(connection, *days, batch=batch)
    assert left(log) == kept
    assert gone == Cleaned(100 - kept[0], 100 - kept[1])


def test_the_end_is_where_nothing_is_old(log):
    """trap: a large log is read to its end each day"""
    statements = []
    with closing(_factory(log).connect()) as connection:
        real = connection.cursor

        def cursor():
            statements.append(1)
            return real()

        connection.cursor = cursor
        clean_log(connection, 90, 95, batch=10)
    assert len(statements) == 3  # 20 old rows, and a batch without


def test_it_is_an_app_to_schedule(log):
    place = {
        f"resource.postgresql.{name}": getattr(log, name)
        for name in ("host", "port", "dbname", "user")
    }
    run_job(CleanLog, options={"keep_successes_days": "10", "keep_errors_days": 20}, settings=place)
    assert left(log) == (10, 20)
    with pytest.raises(ConfigError, match="it is not a number"):
        run_job(CleanLog, options={"keep_errors_days": "x"}, settings=place)
