"""Trim the log: an app to schedule, so that ``crontabber_log`` does not grow for ever.

It needs one line in the jobs list: ``crontabber.clean.CleanLog|1d``.
"""

import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, NamedTuple

from .base import BaseCronApp
from .config.converters import days
from .mixins import using_postgres, with_postgres_connection_as_argument
from .store.rows import array_text
from .store.sql import load_queries

from configman import Namespace

BATCH = 1000
"""How many rows one transaction removes: some hundredths of a second."""
_BATCHES = 100
"""For how many transactions the log is searched once."""

SUCCESSES, ERRORS = 30.0, 180.0
"""For how many days rows are kept; errors longer, as that is what people look for."""
OUTPUT = 14.0
"""For how many days the output of runs is kept: it is the largest part of a row."""

_logger = logging.getLogger("crontabber")


class Cleaned(NamedTuple):
    """How many rows of the log were removed."""

    successes: int = 0
    errors: int = 0

    def __str__(self) -> str:
        return f"removed from the log: {self.text}"

    @property
    def text(self) -> str:
        """How many, in words."""
        return f"{self.successes} successes, {self.errors} errors"


def clean_log(connection: Any, successes: float, errors: float, batch: int = BATCH) -> Cleaned:
    """Remove from the log what is older than so many days, in transactions of *batch* rows.

    *connection* is psycopg2's, on the database of the tables, with no transaction begun.
    An interruption does no harm: what is done stays done.
    """
    cleaned = Cleaned()
    for row in _batches(connection, "find_old", "clean_log", batch, _days(successes, errors)):
        cleaned = Cleaned(*map(sum, zip(cleaned, row, strict=True)))
    return cleaned


def trim_output(connection: Any, days: float, batch: int = BATCH) -> int:
    """Remove output that is older than so many days, but no row; return from how many runs.

    For the rest, see `clean_log`.
    """
    age = {"output": timedelta(days=days)}
    return sum(
        count for (count,) in _batches(connection, "find_old_output", "trim_output", batch, age)
    )


def _batches(
    connection: Any, find: str, change: str, batch: int, ages: dict[str, timedelta]
) -> Iterator[tuple[int, ...]]:
    """Change the rows that are found, *batch* rows a transaction; yield what each returns."""
    more = True
    while more:
        found = _ask(connection, find, limit=batch * _BATCHES, **ages)
        changed = False
        for first in range(0, len(found), batch):
            rows = array_text(row for (row,) in found[first : first + batch])
            [counts] = _ask(connection, change, rows=rows, **ages)
            changed = changed or any(counts)
            yield counts
        more = len(found) == batch * _BATCHES and changed  # what cannot be removed, stays


def count_old(connection: Any, successes: float, errors: float) -> Cleaned:
    """How many rows `clean_log` would remove now."""
    [old] = _ask(connection, "count_old", **_days(successes, errors))
    return Cleaned(*old)


def count_old_output(connection: Any, days: float) -> int:
    """Of how many runs `trim_output` would remove the output now."""
    [(count,)] = _ask(connection, "count_old_output", output=timedelta(days=days))
    return int(count)


def _days(successes: float, errors: float) -> dict[str, timedelta]:
    return {"successes": timedelta(days=successes), "errors": timedelta(days=errors)}


def _ask(connection: Any, name: str, **parameters: object) -> list[tuple[Any, ...]]:
    with connection, connection.cursor() as cursor:
        cursor.execute(load_queries()[name], parameters)
        return list(cursor.fetchall())


@using_postgres()
@with_postgres_connection_as_argument()
class CleanLog(BaseCronApp):
    """Trims ``crontabber_log``; its user needs SELECT, DELETE and UPDATE on that."""

    app_name = "crontabber-clean-log"

    required_config = Namespace()
    required_config.add_option(
        "keep_successes_days",
        default=SUCCESSES,
        from_string_converter=days,
        doc="for how many days the log keeps runs that succeeded",
    )
    required_config.add_option(
        "keep_errors_days",
        default=ERRORS,
        from_string_converter=days,
        doc="for how many days the log keeps runs that failed",
    )
    required_config.add_option(
        "keep_output_days",
        default=OUTPUT,
        from_string_converter=days,
        doc="for how many days the log keeps what runs wrote to stdout and stderr",
    )

    def run(self, connection: Any) -> None:
        """Remove what is old, output first, and log how much it was."""
        config = self.config
        trimmed = trim_output(connection, config.keep_output_days)
        cleaned = clean_log(connection, config.keep_successes_days, config.keep_errors_days)
        extra = {"action": "cleaned", "app_name": self.app_name}
        what = f"{cleaned}, the output of {trimmed} runs"
        _logger.info("%s %s", self.app_name, what, extra=extra)
