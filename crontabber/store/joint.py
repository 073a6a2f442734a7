"""The record of a run in the transaction of the job itself, so that one commit decides both."""

from collections.abc import Sequence
from typing import Any

from psycopg2.extensions import connection as Connection

from ..errors import SlotClosed
from ..schedule.ledger import Span
from ..schedule.model import JobState, Run
from .rows import saving, written
from .session import Session, plain_cursor
from .sql import load_queries, located


def can_record(connection: Any, session: Session, table: int) -> bool:
    """Whether a transaction of *connection* could carry the record of a run.

    It has to be in the database of *session*, as the same user, and allowed to write to the
    table with the oid *table*.
    """
    if not isinstance(connection, Connection) or connection.closed or connection.autocommit:
        return False
    ours, theirs = session.connection.info, connection.info
    if any(
        getattr(ours, name) != getattr(theirs, name)
        for name in ("host", "port", "dbname", "user", "options")
    ):
        return False
    with plain_cursor(connection) as cursor:
        cursor.execute(load_queries()["may_record"], {"table": table})
        row = cursor.fetchone()
    return row is not None and bool(row[0])


def record(
    connection: Connection,
    schema: str,
    before: JobState,
    after: JobState,
    run: Run | None,
    spans: Sequence[Span] = (),
) -> JobState:
    """Write the record in the transaction of *connection*; *after* as it was written.

    *schema* is where the tables are, quoted.

    Raises `SlotClosed`, which rolls back the transaction; errors of the driver pass.
    """
    name, parameters = saving(before, after, run, spans)
    with plain_cursor(connection) as cursor:
        cursor.execute(located(load_queries()[name], schema), parameters)
        row = cursor.fetchone()
    if row is None:
        raise SlotClosed(f"{after.app_name} is not ours to record any more at this slot")
    return written(after, row)
