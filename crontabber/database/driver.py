"""How to use psycopg2: open connections, close them, and tell what its errors mean.

Importing this imports psycopg2, which takes as long as Python itself.
"""

import contextlib
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

import psycopg2
from psycopg2 import errorcodes, extensions
from psycopg2.extensions import connection as Connection

from ..errors import ConfigError
from .interruptible import InterruptibleConnection
from .libpq import PARAMETERS

OPERATIONAL = (psycopg2.OperationalError, psycopg2.InterfaceError)
Error = psycopg2.Error
IntegrityError = psycopg2.IntegrityError
make_dsn = extensions.make_dsn

# The SQLSTATEs after which the same work may well succeed later.
_PASSING = {
    errorcodes.SERIALIZATION_FAILURE,
    errorcodes.DEADLOCK_DETECTED,
    errorcodes.TOO_MANY_CONNECTIONS,
    errorcodes.ADMIN_SHUTDOWN,
    errorcodes.CRASH_SHUTDOWN,
    errorcodes.CANNOT_CONNECT_NOW,
    "57P05",  # idle_session_timeout
}
_CONNECTION_EXCEPTION = "08"
_OBSTACLES = (
    errorcodes.LOCK_NOT_AVAILABLE,
    errorcodes.QUERY_CANCELED,
    errorcodes.READ_ONLY_SQL_TRANSACTION,  # as in the first moments after a failover
    errorcodes.IO_ERROR,
    *_PASSING,
)
_INSUFFICIENT_RESOURCES = "53"


_connect = psycopg2.connect  # bound here: a job may replace it for itself


def connect(parameters: Mapping[str, str]) -> Connection:
    """Open a connection whose queries end when a signal's handler raises.

    A `ConfigError` says which parameters the libpq in use does not know.
    """
    try:
        dsn = _dsn_of(parameters)
    except psycopg2.ProgrammingError:
        if not (unknown := [*unknown_to_libpq(parameters)]):
            raise
        raise ConfigError("; ".join(unknown)) from None
    return _connect(dsn, connection_factory=InterruptibleConnection)


def unknown_to_libpq(parameters: Mapping[str, str]) -> Iterator[str]:
    """The parameters that the libpq in use does not know, each with what to do about it."""
    version = extensions.libpq_version() // 10000
    for name in parameters:
        if not _is_known(name):
            yield (
                f"{name} is not known to libpq {version}: leave it out, or install a psycopg2 "
                "with a newer libpq"
            )


_NOWHERE = "/dev/null/nowhere"
"""A place where no server can have its socket."""


def refused_by_libpq(parameters: Mapping[str, str]) -> Iterator[str]:
    """What libpq refuses before it connects: a value, or a service that no file has.

    libpq is asked to connect to nowhere, which makes it check all else; no server is asked.
    """
    named = parameters.get("host") or parameters.get("hostaddr") or ""
    hosts = [_NOWHERE for _ in named.split(",")]
    nowhere = {**parameters, "host": ",".join(hosts), "hostaddr": ""}
    if not named:  # the environment or a service says how many hosts the ports are for
        nowhere["port"] = ""
    if (parameters.get("gssencmode") or os.environ.get("PGGSSENCMODE")) == "require":
        nowhere["gssencmode"] = "prefer"  # sockets never have it
    try:
        _connect(_dsn_of(nowhere)).close()
    except ConfigError as error:
        yield str(error)
    except psycopg2.ProgrammingError:
        return  # `unknown_to_libpq` reports what it does not know
    except psycopg2.Error as error:
        text = " ".join(str(error).split())
        if _NOWHERE not in text:
            guilty = [name for name in PARAMETERS if re.search(rf"\b{name}\b", text)]
            yield f"{max(guilty, key=len)} cannot be used: {text}" if guilty else text


def _dsn_of(parameters: Mapping[str, str]) -> str:
    try:
        return make_dsn(**parameters)
    except ValueError:
        guilty = ", ".join(name for name, text in parameters.items() if not _is_text(text))
        raise ConfigError(f"{guilty} cannot be used: {_NO_TEXT}") from None


_NO_TEXT = "it has a NUL or bytes that are not UTF-8"


def _is_text(text: str) -> bool:
    return "\0" not in text and text == text.encode(errors="replace").decode()


def _is_known(name: str) -> bool:
    try:
        extensions.parse_dsn(f"{name}=''")
    except psycopg2.ProgrammingError:
        return False
    return True


def parse_dsn(dsn: str) -> dict[str, str]:
    """The parts of a connection string or URL of libpq; a `ConfigError` if it is neither."""
    try:
        return extensions.parse_dsn(dsn)
    except psycopg2.ProgrammingError:
        # libpq's own message quotes the string, password and all
        raise ConfigError(
            "the option dsn is not a connection string: write it like "
            "postgresql://user@host/database or host=… dbname=… user=…"
        ) from None
    except ValueError:
        raise ConfigError(f"the option dsn cannot be used: {_NO_TEXT}") from None


def close(connection: Connection) -> None:
    """Roll back what was not committed, and close; harmless on a dead connection."""
    with contextlib.suppress(psycopg2.Error):
        _roll_back(connection)  # closing would do it too, but some time later
    with contextlib.suppress(psycopg2.Error):
        connection.close()


def reset(connection: Connection, characteristics: Mapping[str, Any]) -> bool:
    """Roll back what was not committed, and reset attributes; return whether that worked."""
    try:
        _roll_back(connection)
        for characteristic, value in characteristics.items():
            setattr(connection, characteristic, value)
    except psycopg2.Error:
        return False
    return True


def _roll_back(connection: Connection) -> None:
    """Roll back what was not committed; without asking the server if there is nothing."""
    idle = extensions.TRANSACTION_STATUS_IDLE
    if not connection.closed and connection.get_transaction_status() != idle:
        connection.rollback()


def is_operational(error: BaseException) -> bool:
    """See `ConnectionFactory.is_operational_exception`."""
    if not isinstance(error, psycopg2.Error):
        return False
    if error.pgcode is None:
        return isinstance(error, psycopg2.OperationalError) or is_loss(error)
    return error.pgcode in _PASSING or error.pgcode.startswith(_CONNECTION_EXCEPTION)


def is_passing(error: BaseException) -> bool:
    """Whether the same statement may succeed later, in the same session or another."""
    code = getattr(error, "pgcode", None) or ""
    return code in _OBSTACLES or code.startswith(_INSUFFICIENT_RESOURCES)


def is_loss(error: psycopg2.Error) -> bool:
    """Whether it is a lost connection that libpq did not recognise while it waited.

    Such a loss comes as an error without a class of its own and without a code.
    """
    return type(error) is psycopg2.DatabaseError and error.pgcode is None
