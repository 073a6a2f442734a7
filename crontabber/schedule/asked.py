"""Requested backfills: dates of a backfill app that a person wants besides its schedule."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

Row = tuple[datetime, datetime]
"""First and last slot of consecutive ones."""
Dates = tuple[Row, ...]


def is_among(slot: datetime, rows: Iterable[Row]) -> bool:
    """Whether *slot* is in one of the rows."""
    return any(first <= slot <= last for first, last in rows)


class AskedBackfill(NamedTuple):
    """Dates of a backfill app that a person asked for, besides those of its schedule."""

    number: int
    """By which people speak of it; the same for a job and those of its children."""
    dates: Dates
    """What is left to do: first and last slot of each row of consecutive slots."""
    plan: str
    """The schedule by which those slots follow each other; see `JobSpec.plan`."""
    total: int
    """How many dates it had."""
    wanted: Dates = ()
    """All that was to be done, in the form of ``dates``."""
    newest_first: bool = False
    attempts: int = 0
    """How many runs of its next date failed."""
    retry_at: datetime | None = None
    """When to try that date again; None: as soon as there is time."""
    error: str = ""
    """Why that date failed."""
    chained: bool = False
    """Whether jobs that depend on each other do it, date by date."""
    asked_at: datetime | None = None
    by: str = ""
