"""Stores for pages: no statement lasts, and what only reads cannot write.

Pages are open all day, and are read by a role that may only read.
"""

import os
import socket
from contextlib import suppress
from typing import Any

import psycopg2

from .administration import Administration
from .postgres import PostgresStore
from .rows import Row
from .server import Server

_PATIENCE = 3.0
"""For how many seconds what a person asks for is tried again: the person can do so too."""


class LimitedServer(Server):
    """Each statement in a transaction of its own that ends after seconds, by the server's clock.

    Nothing is set for the session: a pooler may give it to a tick.
    """

    limits = "reading"

    def query(self, *names: str, migrate: bool = True, **parameters: Any) -> list[Row]:
        """See `Server.query`."""
        return super().query(self.limits, *names, migrate=migrate, **parameters)


class ReadingServer(LimitedServer):
    """The same, in transactions that cannot write."""

    limits = "reading_only"

    def query(self, *names: str, migrate: bool = False, **parameters: Any) -> list[Row]:
        """See `Server.query`; tables that are missing are always a `TablesNotReady`."""
        if names == ("access",):  # whether others can write is not to be asked where we cannot
            return Server.query(self, "reading", *names, migrate=False, **parameters)
        return super().query(*names, migrate=False, **parameters)


class LimitedStore(PostgresStore):
    """A `PostgresStore` for what a person does on a page, and waits for."""

    def __init__(self, factory: Any, tables_owner: str = "") -> None:
        Administration.__init__(self, self._made(factory, tables_owner))
        self._shared = {}

    @staticmethod
    def _made(factory: Any, tables_owner: str) -> Server:
        return LimitedServer(factory, _PATIENCE, tables_owner)

    def interrupt(self) -> None:
        """From another thread: have a statement end that waits for a server which is silent.

        Such a server keeps to no limit. The session is lost by it.
        """
        session = self._server.current
        with suppress(OSError, psycopg2.Error):
            if session and not session.lost:
                with socket.socket(fileno=os.dup(session.connection.fileno())) as line:
                    line.shutdown(socket.SHUT_RDWR)


class ReadingStore(LimitedStore):
    """What `PostgresStore` reads; all that it would write the server refuses."""

    @staticmethod
    def _made(factory: Any, tables_owner: str) -> Server:
        return ReadingServer(factory, 0.0, tables_owner)
