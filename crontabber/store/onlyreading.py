"""Stores for pages: every statement has a time limit, and what only reads cannot write.

Pages are open all day, and may have a read-only role.
"""

import os
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import psycopg2

from ..schedule.model import JobState
from . import Snapshot
from .postgres import PostgresStore
from .rows import Row, array_text, states_of
from .server import Server
from .session import Session


class LimitedServer(Server):
    """Runs each statement in a transaction of its own, which the server ends after seconds.

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
        if names == ("access",):  # where we cannot write, we cannot ask whether others can
            return Server.query(self, "reading", *names, migrate=False, **parameters)
        return super().query(*names, migrate=False, **parameters)


class LimitedStore(PostgresStore):
    """A `PostgresStore` for an action on a page, for which a person waits."""

    server_class = LimitedServer
    patience = 3.0
    """For how many seconds an action is tried again: the person can retry too."""

    def __init__(self, factory: Any, tables_owner: str = "") -> None:
        super().__init__(factory, self.patience, tables_owner)

    @contextmanager
    def in_time(self, seconds: float) -> Iterator[None]:
        """A context in which a silent server is given up after *seconds*."""
        over = threading.Event()

        def watch() -> None:
            while not over.wait(seconds):
                self.interrupt()

        threading.Thread(target=watch, name="crontabber-patience", daemon=True).start()
        try:
            yield
        finally:
            over.set()

    def interrupt(self) -> None:
        """From another thread: end a statement that waits for a silent server.

        Such a server ignores time limits. The session is lost.
        """
        session = self._server.current
        with suppress(OSError, psycopg2.Error):
            if session and not session.lost:
                with socket.socket(fileno=os.dup(session.connection.fileno())) as line:
                    line.shutdown(socket.SHUT_RDWR)


class ReadingStore(LimitedStore):
    """Reads as `PostgresStore` does; the server refuses all writes."""

    server_class = ReadingServer
    patience = 0.0

    def __init__(self, factory: Any, tables_owner: str = "") -> None:
        super().__init__(factory, tables_owner)
        self._known: Mapping[str, JobState] = {}
        """The rows of the last look, by app_name."""
        self._known_by: Session | None = None
        """The session that read them: the next may be on another server."""

    def look(self, class_paths: Sequence[str] | None, *, migrate: bool = True) -> Snapshot:
        """See `StateStore.look`; rows of the last look that did not change are not read again."""
        if class_paths is None:
            return super().look(None, migrate=migrate)
        if self._known_by is not (session := self._server.session()):
            self._known_by, self._known = session, {}
        known = (f"{state.version} {name}" for name, state in self._known.items())
        rows = self._server.look(
            "look_at_changes", class_paths=array_text(class_paths), known=array_text(known)
        )
        now, zone, *_, unwritable, unchanged = rows[0][:7]
        states = {name: self._known[name] for name in unchanged} | states_of(rows, 7)
        self._known = states
        return Snapshot(now, zone, states, unwritable=unwritable or "")
