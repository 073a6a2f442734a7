"""The server behind the store: connects, reconnects after a loss, and creates the tables."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple, TypeVar

import psycopg2
from psycopg2 import errors

from ..errors import ClaimLost, DatabaseUnavailable, StoreError, TablesNotReady
from ..process import clock
from ..process.pending import pending
from .rows import Row
from .session import (
    GRACE,
    ConnectionGone,
    Obstacle,
    Session,
    SessionChanged,
    Unanswered,
    explained,
    first_line,
    server_process,
)
from .sql import load_migrations
from .texts import lacking, printable

T = TypeVar("T")

INFO, WARNING = 20, 30
"""Levels of `logging`, which an idle tick does not import."""

_MISSING = (
    errors.UndefinedTable,
    errors.UndefinedColumn,
    errors.InvalidColumnReference,  # ON CONFLICT (app_name) without a unique index
    errors.ObjectNotInPrerequisiteState,  # no replica identity, while a publication has all tables
)
_UNPRINTABLE = (errors.UntranslatableCharacter, errors.CharacterNotInRepertoire, ValueError)

PATIENCE = 300.0
"""For how many seconds a result waits to be recorded before it is given up."""

_PAUSE = 0.5

_TO_OWNER = (
    "run crontabber once as their owner; if they exist, the user needs USAGE on their schema"
)


def _not_ready(error: psycopg2.Error) -> str:
    if isinstance(error, errors.UndefinedColumn):
        return "the tables are those of an older crontabber, which the next tick upgrades"
    return "there are no tables of crontabber where the user of the database looks for them"


class StillHeld(ClaimLost):
    """The claim is held by a session that may be our own, which was lost."""


class Place(NamedTuple):
    """Where the tables are."""

    table: int
    """The oid of the table of states."""
    schema: str
    """Quoted."""


class Server:
    """One server, through one session at a time; see `PostgresStore` for the arguments."""

    def __init__(self, factory: Any, patience: float, tables_owner: str = "") -> None:
        self._factory = factory
        self._patience = patience
        self._tables_owner = tables_owner
        self.place: Place | None = None
        """Where the tables are, as soon as a statement has found them."""
        self.current: Session | None = None
        """Our session, as long as there is one; it may be lost."""

    def session(self) -> Session:
        """Our session on the server; a new one if the old one is gone."""
        if self.current is None or self.current.lost:
            connect = self._factory.connect if self.current is None else self._reconnect
            try:
                self.current = Session(connect(), self.place.schema if self.place else "")
            except psycopg2.Error as error:
                raise DatabaseUnavailable(self._factory.unavailable(error)) from error
        return self.current

    def _reconnect(self) -> Any:
        """Connect in a thread: libpq waits in C, where no signal handler runs."""
        import threading  # an idle tick connects once

        made: list[Any] = []

        def connect() -> None:
            try:
                made.append(self._factory.connect())
            except BaseException as error:  # noqa: BLE001  it is raised where it is waited for
                made.append(error)

        thread = threading.Thread(target=connect, daemon=True)
        thread.start()
        while thread.is_alive():
            thread.join(_PAUSE)
            if thread.is_alive() and (stopped := pending()):
                raise stopped
        if isinstance(made[0], BaseException):
            raise made[0]
        return made[0]

    def look(self, name: str, **parameters: Any) -> list[Row]:
        """Run a statement whose rows begin with time, zone and place, and remember the place.

        Raises `StoreError` if the tables belong to a role that is not trusted.
        """
        rows = self.query(name, tables_owner=self._tables_owner, **parameters)
        table, schema, untrusted = rows[0][2:5]
        if untrusted:
            raise StoreError(
                f"{untrusted}, and not to us, the owner of the database or a superuser: drop "
                "what should not be there, or name the role you trust in the option tables_owner"
            )
        self.place = Place(table, schema)
        self.session().here = schema
        return rows

    def find(self) -> Place:
        """Where the tables are; looked for if no statement has found them yet."""
        if self.place is None:
            self.look("find_tables")
        assert self.place, "a look learns it"
        return self.place

    def prepared_session(self) -> Session:
        """Our session, fit for claims.

        The tables are found first: a prepared session no longer has the search path
        that leads to them.
        """
        self.find()
        session = self.session()
        if not session.backend_pid and not session.prepare(session.connection.info.backend_pid):
            self._check_pooler(session)  # which has a key of its own
        return session

    def _check_pooler(self, session: Session) -> None:
        """Prepare *session* if the pooler in front of it keeps it for us; else `SessionChanged`.

        A lock that is taken in a session that others get too is no lock.
        """
        from .pooler import is_shared  # needed behind a pooler only

        with explained():
            process = session.server_process()
            shared = is_shared(session.server_process, self._factory.connect, server_process)
        if shared or not session.prepare(process):
            raise SessionChanged

    def query(self, *names: str, migrate: bool = True, **parameters: Any) -> list[Row]:
        """Ask the server; again if the tables lacked something, or a text could not be stored.

        Without *migrate*, missing tables are a `TablesNotReady`.
        """
        try:
            return self._query(names, parameters, migrate=migrate)
        except (psycopg2.Error, Unanswered):
            with explained(), self._naming_blockers():
                raise

    def _query(
        self, names: Sequence[str], parameters: dict[str, Any], *, migrate: bool
    ) -> list[Row]:
        try:
            return self.session().run(*names, **parameters)
        except _MISSING as error:
            if not migrate:
                now, zone = self.session().run("server_time")[0]
                raise TablesNotReady(_not_ready(error), now, zone) from error
            self.migrate()
        except _UNPRINTABLE:
            return self._as_printable(names, printable(parameters))
        try:
            return self.session().run(*names, **parameters)
        except errors.UndefinedTable:  # they were created, but in another session
            raise SessionChanged from None

    def _as_printable(self, names: Sequence[str], parameters: dict[str, Any]) -> list[Row]:
        session = self.session()
        try:
            return session.run(*names, **parameters)
        except _UNPRINTABLE as error:  # of a name, which must not be another one
            encoding = session.connection.info.parameter_status("server_encoding") or ""
            if not (found := lacking(parameters, encoding)):
                raise
            raise StoreError(
                f"{found[:20]!r} cannot be stored in the database, whose encoding is {encoding}: "
                f"write it in other characters ({' '.join(str(error).split())})"
            ) from error

    @contextmanager
    def _naming_blockers(self) -> Iterator[None]:
        """Add to an error about a wait who stood in the way."""
        try:
            yield
        except errors.LockNotAvailable as error:
            blockers = self._blockers() or "another session"
            raise Obstacle(
                f"the tables cannot be used now: {first_line(error)}; in the way: {blockers}"
            ) from error
        except Unanswered as error:
            blockers = self._blockers()
            if not blockers:
                raise
            raise Unanswered(f"{error}; in the way: {blockers}") from error

    def _blockers(self, *, readers: bool = False) -> str:
        """Who has a lock that we may have waited for; empty if that is not known.

        With *readers*, sessions that only read count too.
        """
        place = self.place
        with suppress(Exception):  # it is only for people
            session = self.session()
            table = place.table if place else None
            log = f"{place.schema}.crontabber_log" if place else "crontabber_log"
            return str(session.run("blockers", table=table, log=log, readers=readers)[0][0] or "")
        return ""

    def with_reconnect(self, attempt: Callable[[], T], patience: float | None = None) -> T:
        """What *attempt* returns, as soon as the server lets it.

        It is tried for the store's *patience* in seconds, or for fewer if given. Raises
        `Stopped` a moment after a signal.
        """
        began = clock.monotonic()
        give_up = began + min(self._patience, patience or self._patience)
        said = False
        while True:
            try:
                return attempt()
            except (DatabaseUnavailable, ConnectionGone, StillHeld, Obstacle) as error:
                now = clock.monotonic()
                stopped = pending()
                give_up = min(give_up, began + GRACE) if stopped else give_up
                if now >= give_up and stopped:
                    _tell(WARNING, "stopped while waiting, as %s", error)
                    raise stopped from error
                if now >= give_up:
                    raise
                if not said:
                    # otherwise it looks as if it hangs; but nothing has failed yet, and cron mails
                    level = WARNING if os.isatty(2) else INFO
                    _tell(level, "waiting for up to %.0f s, as %s", give_up - now, error)
                    said = True
                clock.sleep(min(_PAUSE, give_up - now))

    def migrate(self) -> None:
        """Create the tables, or bring older ones up to date; harmless twice."""
        session = self.session()
        session.refuse_shared()  # in the session of another tick no tables are found
        try:
            path = session.search_path
            session.run_script("begin_migration", load_migrations(), search_path=path)
        except psycopg2.Error as error:
            denied = isinstance(error, (errors.InsufficientPrivilege, errors.InvalidSchemaName))
            blockers = ""
            if isinstance(error, errors.LockNotAvailable):
                blockers = self._blockers(readers=True)
            raise StoreError(
                f"the tables cannot be made or upgraded: {first_line(error)}; "
                + (f"in the way: {blockers}; " if blockers else "")
                + (_TO_OWNER if denied else "the next tick tries again")
            ) from error

    def close(self) -> None:
        """Let go of the session; its claims end with it."""
        if self.current:
            self.current.close()
            self.current = None


def _tell(level: int, text: str, *values: object) -> None:
    import logging  # an idle tick has nothing to wait for

    extra = {"action": "wait", "app_name": ""}
    logging.getLogger("crontabber").log(level, text, *values, extra=extra)
