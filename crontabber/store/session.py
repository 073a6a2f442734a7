"""One session on the server: whether it lives, and the claims that live with it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import psycopg2
from psycopg2 import errors
from psycopg2.extensions import connection as Connection

from ..errors import StoreError
from .rows import Row
from .sql import load_queries


class ConnectionGone(StoreError):
    """The connection to the database was lost."""


class Session:
    """What one connection has on the server; all of it is gone when that is."""

    def __init__(self, connection: Connection) -> None:
        connection.autocommit = True
        if connection.encoding != "UTF8":  # any text can be sent; the server may still refuse it
            connection.set_client_encoding("UTF8")
        self.connection = connection
        self._locks: dict[str, int] = {}
        self._to_unlock: list[int] = []

    @property
    def lost(self) -> bool:
        """Whether the connection is known to be gone; it is asked for by a query only."""
        return bool(self.connection.closed)

    def query(self, query: str, parameters: Mapping[str, Any] | None = None) -> list[Row]:
        """Run statements in one round trip and one transaction; the rows of the last.

        Raises `ConnectionGone`, or what the driver raises.
        """
        try:
            with self.connection.cursor() as cursor:
                cursor.execute(query, parameters)
                return cursor.fetchall() if cursor.description else []
        except psycopg2.Error as error:
            if not self.lost:
                raise
            raise ConnectionGone(f"the connection was lost: {first_line(error)}") from error

    @cached_property
    def backend_pid(self) -> int:
        """The process that serves us; asking makes the session fit for claims."""
        return int(self.query(load_queries()["prepare_session"])[0][0])

    # -- claims ------------------------------------------------------------------

    def holds(self, app_name: str) -> bool:
        """Whether the claim on a job is ours, as far as we know."""
        return app_name in self._locks and not self.lost

    def locked(self, app_name: str, key: int) -> None:
        """The lock of a job was taken; if it was ours already, the server counts it twice."""
        if app_name in self._locks:
            self._to_unlock.append(key)
        self._locks[app_name] = key

    def release(self, app_name: str) -> None:
        """Have the lock of a job given back with the next `unlocking`."""
        if app_name in self._locks:
            self._to_unlock.append(self._locks.pop(app_name))

    def unlocking(self) -> dict[str, list[int]]:
        """The parameters of ``unlock``, which gives back what was released; run it."""
        keys, self._to_unlock = self._to_unlock, []
        return {"unlock": keys}

    def close(self) -> None:
        """Give back all claims, and close the connection; harmless when it is gone."""
        try:
            for app_name in list(self._locks):
                self.release(app_name)
            if self._to_unlock:  # the session itself ends a little later
                self.query(load_queries()["unlock"], self.unlocking())
            self.connection.close()
        except (ConnectionGone, psycopg2.Error):
            pass  # gone already, and our claims with it


_NEEDED = (
    "; the user needs SELECT, INSERT, UPDATE and DELETE on crontabber, INSERT on crontabber_log, "
    "and USAGE on the sequence crontabber_log_id_seq"
)


@contextmanager
def explained() -> Iterator[None]:
    """Turn what the driver raises into a `StoreError` of one line."""
    try:
        yield
    except psycopg2.Error as error:
        advice = _NEEDED if isinstance(error, errors.InsufficientPrivilege) else ""
        raise StoreError(f"the tables cannot be used: {first_line(error)}{advice}") from error


def first_line(error: psycopg2.Error) -> str:
    """What the server said, without its details."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
