"""One session on the server: whether it lives, and the claims that live with it."""

import os
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg2
from psycopg2 import errors, extensions
from psycopg2.extensions import connection as Connection

from ..database import waiting
from ..database.cursor import OwnCursor
from ..database.driver import is_loss, is_passing
from ..errors import LockHeld, SessionShared, Stopped, StoreError
from .rows import Row, array_text
from .sql import load_queries, located, prepared
from .texts import as_latin1, from_latin1

_REPEATED = frozenset(
    {
        "lock",
        "look_again",
        "mark",
        "mark_alone",
        "mark_new",
        "save_and_log",
        "save_asked",
        "save_and_log_and_pass",
        "save_success",
    }
)
"""The statements that are used for every run."""


_POOLED = (
    "a pooler in transaction mode stands before the database: the session that has a claim "
    "changes, or serves others too; use session pooling or a direct connection for crontabber"
)


ANSWER = 75.0
"""Seconds after which a server that does not answer is given up. More than ``lock_timeout``."""


GRACE = 1.5
"""For how many seconds an answer is waited for even after a signal."""


class SessionChanged(SessionShared):
    """The server's session does not have our claims, or is not ours alone."""

    def __init__(self) -> None:
        super().__init__(_POOLED)


class ConnectionGone(StoreError):
    """The connection to the database was lost."""


class Unanswered(ConnectionGone):
    """The connection was given up because the server did not answer in time."""


class Obstacle(StoreError):
    """Something temporary stands in the way: a lock, a full disk, a busy server."""


class Session:
    """What one connection has on the server; all of it is gone when the connection is.

    It belongs to this process alone. A child that a job forks drops it: otherwise the claims of a
    killed process would live for as long as the child does.
    """

    def __init__(self, connection: Connection, here: str = "") -> None:
        if not isinstance(connection, Connection):  # of a class that the configuration names
            kind = type(connection).__name__
            raise StoreError(f"connect() of the database_class returns no connection, but {kind}")
        connection.autocommit = True
        self._encoded: Callable[[Any], Any] = _as_is
        self._decoded: Callable[[list[Row]], list[Row]] = _as_is
        encoding = "UTF8"  # any text can be sent; the server may still refuse it
        if connection.info.parameter_status("server_encoding") == "SQL_ASCII":
            # any bytes may be there, and in LATIN1 each is a character; ours are UTF-8
            self._encoded, self._decoded, encoding = as_latin1, from_latin1, "LATIN1"
        if connection.encoding != encoding:
            connection.set_client_encoding(encoding)
        self.connection = connection
        self.here = here
        """The schema of the tables, quoted; empty until the first statement found them."""
        self.backend_pid = 0
        """The server process that serves us; known when the session is prepared."""
        self.token = ""
        """What marks the server's session as ours: a pooler may have others use it too."""
        self.search_path = ""
        """The search path that we were given; known once the session is prepared."""
        _sessions.add(self)
        # One cursor for all statements: making one takes as long as using it. Its rows are
        # tuples, as they are read by position.
        self._cursor = plain_cursor(connection)
        self._locks: dict[str, tuple[int, ...]] = {}
        self._to_unlock: list[int] = []
        self._used: set[str] = set()
        self._kept: dict[str, str] = {}
        """How to run each named statement whose plan the server keeps."""

    @property
    def lost(self) -> bool:
        """Whether the connection is known to be gone; only a query finds that out."""
        return bool(self.connection.closed)

    def prepare(self, server_process: int) -> bool:
        """Prepare the session for claims, if this process of the server serves us.

        Returns False if another does; its session is left as it was. Raises
        `SessionChanged` if it has the mark of another tick.
        """
        token = os.urandom(8).hex()
        with explained():
            row = self.run("prepare_session", token=token, server_process=server_process)[0]
        if row[0] != server_process:
            return False
        if row[2] != token:
            raise SessionChanged
        self.backend_pid, self.search_path, self.token = row[:3]
        return True

    def refuse_shared(self) -> None:
        """Raise `SessionChanged` if the server's session has the mark of another tick."""
        token = self.run("session_token")[0][0]
        if token and token != self.token:
            raise SessionChanged

    def server_process(self) -> int:
        """The process that serves us at this moment."""
        return int(self.run("server_process")[0][0])

    def run(self, *names: str, **parameters: Any) -> list[Row]:
        """Run named statements as `query` does."""
        return self.query(";".join(map(self._text, names)), parameters)

    def run_script(self, name: str, scripts: Sequence[str], **parameters: Any) -> None:
        """Run a named statement and then *scripts* in one message, so in one transaction."""
        first = self._cursor.mogrify(load_queries()[name], self._encoded(parameters)).decode()
        self.query(";".join([first, *scripts]))

    def _text(self, name: str) -> str:
        """The text of a named statement, or of its execution if the server keeps its plan.

        To parse and plan it each time would be a third of what a run costs: 0.4 ms.
        """
        if kept := self._kept.get(name):
            return kept
        text = located(load_queries()[name], self.here)
        if name not in self._used:
            self._used.add(name)
            return text
        if name in _REPEATED:
            # a name of our own: the session from a pooler may have one of another client
            prepare, text = prepared(text, f"crontabber_{name}_{os.urandom(4).hex()}")
            self.query(prepare)
            self._kept[name] = text
        return text

    def query(self, query: str | bytes, parameters: Mapping[str, Any] | None = None) -> list[Row]:
        """Run statements in one round trip and one transaction; return the rows of the last.

        Raises `ConnectionGone` if there is no answer, `Stopped` after a signal, or what the
        driver raises.
        """
        try:
            with waiting.limited(ANSWER, GRACE):
                self._cursor.execute(self._encoded(query), self._encoded(parameters))
            rows: list[Row] = self._cursor.fetchall() if self._cursor.description else []
        except waiting.NoAnswer as error:
            self.connection.close()
            raise Unanswered(str(error)) from error
        except Stopped:
            self.connection.close()  # how far the server got is not known
            raise
        except psycopg2.Error as error:
            if is_loss(error):
                self.connection.close()
            if not self.lost:
                raise
            raise ConnectionGone(f"the connection was lost: {first_line(error)}") from error
        return self._decoded(rows)

    # -- claims ------------------------------------------------------------------

    def has_locked(self, answer: Row) -> bool:
        """Whether a claim was granted, by the *answer* of the ``lock`` statement.

        Raises `LockHeld` if only the shared lock is taken, and `SessionChanged` if the
        server's session is not ours alone.
        """
        locked, answered_by = answer
        if locked == "pooled" or answered_by != self.backend_pid:
            raise SessionChanged
        if locked == "held":
            raise LockHeld
        return bool(locked == "yes")

    def holds(self, app_name: str) -> bool:
        """Whether the claim on a job is ours, as far as we know."""
        return app_name in self._locks and not self.lost

    def locked(self, app_name: str, *keys: int) -> None:
        """Note that locks of a job were taken; the server counts one that we had before twice."""
        held = self._locks.get(app_name, ())
        self._to_unlock.extend(key for key in keys if key in held)
        self._locks[app_name] = (*held, *(key for key in keys if key not in held))

    def release(self, app_name: str) -> None:
        """Have the next `unlocking` release the locks of a job."""
        self._to_unlock.extend(self._locks.pop(app_name, ()))

    def unlocking(self) -> str:
        """The locks to release, as an array; the caller has to send it to the server."""
        keys, self._to_unlock = self._to_unlock, []
        return array_text(keys)

    def close(self) -> None:
        """Release all claims, and close the connection; harmless when it is gone."""
        try:
            for app_name in list(self._locks):
                self.release(app_name)
            if self.backend_pid:  # the session itself ends a little later
                self.run("leave_session", unlock=self.unlocking(), token=self.token)
            self.connection.close()
        except (ConnectionGone, psycopg2.Error):
            pass  # gone already, and our claims with it


def _as_is(value: Any) -> Any:
    return value


_sessions: "weakref.WeakSet[Session]" = weakref.WeakSet()


def _let_go() -> None:
    """In a child: redirect the descriptors to nowhere; if closed, their numbers would be reused."""
    for session in _sessions:
        if not session.lost:
            with open(os.devnull, "rb") as nowhere:  # noqa: PTH123  see sql/__init__.py
                os.dup2(nowhere.fileno(), session.connection.fileno())


os.register_at_fork(after_in_child=_let_go)


def plain_cursor(connection: Connection) -> extensions.cursor:
    """A cursor whose rows are tuples, even if the connection's own make other rows."""
    return connection.cursor(cursor_factory=OwnCursor)


def server_process(connection: Connection) -> int:
    """The process that serves a connection at this moment."""
    with plain_cursor(connection) as cursor:
        cursor.execute(load_queries()["server_process"])
        [(process,)] = cursor.fetchall()
        return int(process)


_NEEDED = (
    "; the user needs SELECT, INSERT, UPDATE and DELETE on crontabber, INSERT on crontabber_log, "
    "and USAGE on the sequence crontabber_log_id_seq"
)


@contextmanager
def explained() -> Iterator[None]:
    """Turn what the driver raises into a `StoreError` of one line."""
    try:
        yield
    except errors.InvalidSqlStatementName:  # it was prepared, but in another session
        raise SessionChanged from None
    except psycopg2.Error as error:
        if is_passing(error):
            raise Obstacle(f"the tables cannot be used now: {first_line(error)}") from error
        advice = _NEEDED if isinstance(error, errors.InsufficientPrivilege) else ""
        raise StoreError(f"the tables cannot be used: {first_line(error)}{advice}") from error


def first_line(error: psycopg2.Error) -> str:
    """What the server said, without its details."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
