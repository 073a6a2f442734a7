"""The server behind the store: reached when needed, again after a loss, its tables made."""

from collections.abc import Callable
from typing import Any, TypeVar

import psycopg2
from psycopg2 import errors

from ..errors import ClaimLost, DatabaseUnavailable, StoreError
from ..process import clock
from .rows import Row, printable
from .session import ConnectionGone, Session, explained, first_line
from .sql import load_migrations, load_queries

T = TypeVar("T")

_MISSING = (errors.UndefinedTable, errors.UndefinedColumn)
_UNPRINTABLE = (errors.UntranslatableCharacter, errors.CharacterNotInRepertoire, ValueError)

PATIENCE = 60.0
"""For how many seconds a result waits for a server that is gone, before it is given up."""

_PAUSE = 0.5

_TO_OWNER = (
    "run crontabber once as their owner; if they exist, the user needs USAGE on their schema"
)


class StillHeld(ClaimLost):
    """The claim is held by a session that may be the ghost of our own."""


class Server:
    """One server, through one session at a time; see `PostgresStore` for what it is made from."""

    def __init__(self, factory: Any, patience: float) -> None:
        self._factory = factory
        self._patience = patience
        self.current: Session | None = None
        """Our session, as long as there is one; it may be lost."""

    def session(self) -> Session:
        """Our session on the server; a new one if there is none any more."""
        if self.current is None or self.current.lost:
            try:
                self.current = Session(self._factory.connect())
            except psycopg2.Error as error:
                raise DatabaseUnavailable(self._factory.unavailable(error)) from error
        return self.current

    def query(self, *names: str, **parameters: Any) -> list[Row]:
        """Ask the server: again if the tables were missing, or a text was not storable."""
        with explained():
            try:
                return self.session().run(*names, **parameters)
            except _MISSING:
                self.migrate()
            except _UNPRINTABLE:
                parameters = printable(parameters)
            return self.session().run(*names, **parameters)

    def with_reconnect(self, attempt: Callable[[], T]) -> T:
        """What *attempt* returns, as soon as the server lets it; for as long as we can wait."""
        give_up = clock.monotonic() + self._patience
        while True:
            try:
                return attempt()
            except (DatabaseUnavailable, ConnectionGone, StillHeld):
                if clock.monotonic() >= give_up:
                    raise
                clock.sleep(min(_PAUSE, self._patience))

    def migrate(self) -> None:
        """Make the tables, or bring those of an older version up to date; harmless twice."""
        statements = [load_queries()["begin_migration"], *load_migrations()]
        try:
            self.session().query(";".join(statements))  # in one go, so in one transaction
        except psycopg2.Error as error:
            denied = isinstance(error, (errors.InsufficientPrivilege, errors.InvalidSchemaName))
            raise StoreError(
                f"the tables cannot be made or upgraded: {first_line(error)}; "
                + (_TO_OWNER if denied else "the next tick tries again")
            ) from error

    def close(self) -> None:
        """Let go of the session; its claims end with it."""
        if self.current:
            self.current.close()
            self.current = None
