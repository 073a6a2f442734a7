"""Shorthands for queries."""

import sqlite3
from contextlib import closing

import pytest

from crontabber.dbapi2_util import (
    SQLDidNotReturnSingleRow,
    SQLDidNotReturnSingleValue,
    execute_no_results,
    execute_query_fetchall,
    execute_query_iter,
    single_row_sql,
    single_value_sql,
)
from crontabber.errors import CrontabberError

SERIES = "select g, g * g from generate_series(%s, %s) g"
NOTHING = "select 1 where false"


@pytest.fixture
def connection(module_database):
    with closing(module_database.connect()) as connection:
        connection.autocommit = False
        yield connection


def test_a_single_value(connection):
    assert single_value_sql(connection, "select 17, 22") == 17
    assert single_value_sql(connection, "select %s + 1", (1,)) == 2
    assert single_value_sql(connection, "select %(a)s + 1", {"a": 1}) == 2
    assert single_value_sql(connection, "select null") is None


def test_a_single_row(connection):
    assert single_row_sql(connection, "select 17, 22") == (17, 22)
    assert single_row_sql(connection, SERIES, (3, 3)) == (3, 9)


@pytest.mark.parametrize(
    ("function", "error"),
    [
        (single_value_sql, SQLDidNotReturnSingleValue),
        (single_row_sql, SQLDidNotReturnSingleRow),
    ],
)
def test_nothing_where_something_is_needed(connection, function, error):
    with pytest.raises(error, match="returned no"):
        function(connection, NOTHING)
    assert issubclass(error, CrontabberError)


def test_a_row_without_columns_has_no_value(connection):
    assert single_row_sql(connection, "select") == ()
    with pytest.raises(SQLDidNotReturnSingleValue):
        single_value_sql(connection, "select")


def test_rows_one_by_one(connection):
    rows = execute_query_iter(connection, SERIES, (1, 3))
    assert next(rows) == (1, 1)
    assert list(rows) == [(2, 4), (3, 9)]
    assert list(execute_query_iter(connection, NOTHING)) == []


def test_all_rows(connection):
    assert execute_query_fetchall(connection, SERIES, (1, 2)) == [(1, 1), (2, 4)]
    assert execute_query_fetchall(connection, NOTHING) == []


def test_a_statement_without_results(connection):
    execute_no_results(connection, "create temp table t (a int)")
    execute_no_results(connection, "insert into t values (%s)", (1,))
    assert execute_query_fetchall(connection, "select a from t") == [(1,)]


def test_nothing_is_committed(connection):
    execute_no_results(connection, "create table not_there (a int)")
    connection.rollback()
    assert single_value_sql(connection, "select to_regclass('not_there')") is None


def test_a_percent_sign_needs_no_doubling_without_parameters(connection):
    assert single_value_sql(connection, "select 'a' like 'a%'") is True


def test_too_few_parameters_are_not_taken_for_a_row_without_a_value(connection):
    """trap: the driver's IndexError was told as a query that returned nothing"""
    with pytest.raises(IndexError):
        single_value_sql(connection, "select %s, %s", (1,))


def test_a_driver_that_knows_no_none_for_no_parameters_will_do():
    """trap: sqlite3 refused every query without parameters"""
    with closing(sqlite3.connect(":memory:")) as connection:
        execute_no_results(connection, "create table t (a)")
        execute_no_results(connection, "insert into t values (?)", (1,))
        assert single_value_sql(connection, "select a from t") == 1
        assert single_row_sql(connection, "select a, a from t") == (1, 1)
        assert execute_query_fetchall(connection, "select a from t") == [(1,)]
