"""Shorthands for queries on a DB-API connection. None of them commits."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any

from .errors import CrontabberError

Parameters = Sequence[Any] | Mapping[str, Any] | None
Row = tuple[Any, ...]


class SQLDidNotReturnSingleValue(CrontabberError):
    """The query returned no value where one was needed."""


class SQLDidNotReturnSingleRow(CrontabberError):
    """The query returned no row where one was needed."""


def single_value_sql(connection: Any, sql: str, parameters: Parameters = None) -> Any:
    """The first column of the first row; raises `SQLDidNotReturnSingleValue` if there is none."""
    try:
        row = single_row_sql(connection, sql, parameters)
    except SQLDidNotReturnSingleRow:
        raise SQLDidNotReturnSingleValue from None
    if not row:  # PostgreSQL has rows without columns
        raise SQLDidNotReturnSingleValue
    return row[0]


def single_row_sql(connection: Any, sql: str, parameters: Parameters = None) -> Row:
    """The first row; raises `SQLDidNotReturnSingleRow` if there is none."""
    with closing(connection.cursor()) as cursor:
        _execute(cursor, sql, parameters)
        row: Row | None = cursor.fetchone()
    if row is None:
        raise SQLDidNotReturnSingleRow
    return row


def execute_query_iter(connection: Any, sql: str, parameters: Parameters = None) -> Iterator[Row]:
    """Yield the rows; the query runs when the first one is asked for."""
    with closing(connection.cursor()) as cursor:
        _execute(cursor, sql, parameters)
        yield from cursor


def execute_query_fetchall(connection: Any, sql: str, parameters: Parameters = None) -> list[Row]:
    """All rows, in a list."""
    return list(execute_query_iter(connection, sql, parameters))


def execute_no_results(connection: Any, sql: str, parameters: Parameters = None) -> None:
    """Run a statement that returns nothing."""
    with closing(connection.cursor()) as cursor:
        _execute(cursor, sql, parameters)


def _execute(cursor: Any, sql: str, parameters: Parameters) -> None:
    """Execute as the driver wants it: some do not take None for no parameters.

    psycopg2, for one, takes ``%`` literally only without parameters, not with an empty list.
    """
    if parameters is None:
        cursor.execute(sql)
    else:
        cursor.execute(sql, parameters)
