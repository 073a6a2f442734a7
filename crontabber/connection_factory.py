"""Connections to PostgreSQL: opened, handed out, and closed again."""

import contextlib
import select
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from .config import compat  # noqa: F401  configman cannot be imported before
from .database import libpq

from configman import Namespace, RequiredConfig

# ``driver`` is imported where it is needed: just for the options, which --help shows,
# psycopg2 would cost as long as Python itself.
if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from .secrecy.redactor import Redactor

_IDENTITY = {
    "host": "the server's name or address, or the directory of its socket",
    "port": "the server's port",
    "dbname": "the name of the database",
    "user": "the name of the database's user",
    "password": "the user's password",
}
_TUNING = {
    "connect_timeout": ("10", "how many seconds the server has to answer a new connection"),
    "keepalives_idle": ("30", "after how many seconds of silence a keepalive is sent"),
    "keepalives_interval": ("10", "how many seconds lie between unanswered keepalives"),
    "keepalives_count": ("3", "after how many unanswered keepalives the connection is lost"),
    "tcp_user_timeout": ("60000", "how many milliseconds sent data may stay unacknowledged"),
    "application_name": ("", "the name in pg_stat_activity; crontabber if empty"),
}

_CHARACTERISTICS = ("autocommit", "isolation_level", "readonly", "deferrable", "cursor_factory")
"""What a user can change of a connection without telling the server."""


def _options() -> Namespace:
    options = Namespace()
    options.add_option(
        "dsn",
        default="",
        doc="a libpq connection string or URL; the options below, and libpq's others such as "
        "sslmode, override its parts",
        secret=True,
    )
    for name, doc in _IDENTITY.items():
        options.add_option(
            name, default="", doc=f"{doc}; libpq's own if empty", secret=name == "password"
        )
    for name, (default, doc) in _TUNING.items():
        options.add_option(name, default=default, doc=doc)
    return options


_OTHERS = libpq.PARAMETERS - {*_IDENTITY, *_TUNING}


class _OfDriver:
    """An attribute of the driver, which is imported when the attribute is read."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, instance: object, owner: type) -> Any:
        from .database import driver

        return getattr(driver, self._name)


class ConnectionFactory(RequiredConfig):  # type: ignore[misc]
    """Opens a new connection each time, and closes it at the end.

    An empty option means what libpq makes of it: its environment variables (PGHOST, …),
    a service or pgpass file, its default. Host, port, dbname, user and password, and any
    other parameter of libpq, win over the same parts of ``dsn``; ``dsn`` wins over the options
    for time-outs.

    A subclass may override `connect`, or `connection`, as it did in crontabber 0.18.
    """

    required_config = _options()
    optional_config: Mapping[str, tuple[str, bool]] = {
        name: (f"libpq's parameter {name}", name in libpq.SECRETS) for name in sorted(_OTHERS)
    }
    """The options that exist only if they are set: their docs, and whether they are secret."""

    operational_exceptions = _OfDriver("OPERATIONAL")
    """What a refused or lost connection raises. Other things raise it too: call
    `is_operational_exception`."""
    IntegrityError = _OfDriver("IntegrityError")
    """The driver's, for code that does not want to import that."""

    def __init__(self, config: Any) -> None:
        self.config = config

    def connect(self) -> "Connection":
        """Open a new connection, which the caller has to close.

        Its queries end when a signal's handler raises. Raises what the driver raises,
        and `ConfigError` if ``dsn`` is not a connection string.
        """
        return self.connection(None)

    def connection(self, name: str | None = None) -> "Connection":
        """Open a connection, as in crontabber 0.18. *name* means nothing here."""
        from .database.driver import connect

        return connect(self.parameters())

    @contextlib.contextmanager
    def __call__(self, name: str | None = None) -> "Iterator[Connection]":
        """A context with a connection, which ends with `close_connection`."""
        is_ours = getattr(self.connect, "__func__", None) is ConnectionFactory.connect
        connection = self.connection(name) if is_ours else self.connect()
        try:
            yield connection
        finally:
            self.close_connection(connection)

    def close_connection(self, connection: "Connection", force: bool = False) -> None:
        """Roll back what was not committed, and close; harmless on a dead connection.

        *force* means nothing here: no connection is kept.
        """
        from .database.driver import close

        close(connection)

    def close(self) -> None:
        """Close what the factory keeps open: nothing."""

    def force_reconnect(self) -> None:
        """Make the next connection a new one, as each is here."""

    def is_operational_exception(self, error: BaseException) -> bool:
        """Whether the same work, on a new connection, may succeed later.

        That is so if the connection was refused or lost, if the server goes down or
        comes up, and if a transaction lost against another (deadlock, serialization).
        The class and the SQLSTATE decide, never the text.
        """
        from .database.driver import is_operational

        return is_operational(error)

    def parameters(self) -> dict[str, str]:
        """The parameters for libpq: only those that are set somewhere."""
        return {
            "fallback_application_name": "crontabber",
            **self._set(_TUNING),
            **self._parsed(self.config.dsn),
            **self._set(_IDENTITY),
            **self._set(_OTHERS.intersection(self.config)),  # but those of sections around it
        }

    @staticmethod
    def _parsed(dsn: str) -> dict[str, str]:
        if not dsn:
            return {}
        from .database.driver import parse_dsn

        return parse_dsn(dsn)

    def _set(self, names: Iterable[str]) -> dict[str, str]:
        texts = {name: self.config[name] for name in names}
        return {name: str(text) for name, text in texts.items() if text not in (None, "")}

    def describe(self) -> str:
        """Where `connect` goes, for people: never the password."""
        return libpq.describe(self.parameters())

    def redactor(self) -> "Redactor":
        """Takes the passwords out of texts."""
        from .config.secrets import within
        from .secrecy.redactor import Redactor

        try:
            parameters = self.parameters()
        except Exception:  # noqa: BLE001  of that people are told by those who connect
            parameters = self._set(_IDENTITY)
        dsn = self.config.dsn
        secrets = {*libpq.secrets(parameters), dsn, *within(dsn)} - {""}
        return Redactor(frozenset(secrets), frozenset(libpq.known(parameters)))

    def redact(self, text: str) -> str:
        """*text* with asterisks for the password, wherever it occurs."""
        return self.redactor()(text)

    def unavailable(self, error: BaseException) -> str:
        """One line: where `connect` goes, and why the connection cannot be used."""
        reason = " ".join(self.redact(str(error)).split()) or type(error).__name__
        return f"cannot use the database ({self.describe()}): {reason}"


class PooledConnectionFactory(ConnectionFactory):
    """Keeps its connections open, by name, and hands them out again.

    One in use is never handed out again; a dead one is not kept. What a user changed
    with ``set_session``, ``autocommit`` and the like is undone; what the server was told
    with ``SET`` stays, as do prepared statements and temporary tables.
    """

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self._idle: defaultdict[str | None, list[Connection]] = defaultdict(list)

    @contextlib.contextmanager
    def __call__(self, name: str | None = None) -> "Iterator[Connection]":
        """A context with a connection that served this *name* before, or a new one.

        What was not committed is rolled back at its end.
        """
        connection = self._take(name)
        characteristics = {each: getattr(connection, each) for each in _CHARACTERISTICS}
        try:
            yield connection
        finally:
            self._give_back(name, connection, characteristics)

    def _take(self, name: str | None) -> "Connection":
        idle = self._idle[name]
        while idle:
            connection = idle.pop()
            if _is_quiet(connection):
                return connection
            self.close_connection(connection)
        return self.connect()

    def _give_back(
        self, name: str | None, connection: "Connection", characteristics: Mapping[str, Any]
    ) -> None:
        from .database.driver import reset

        if not reset(connection, characteristics):
            self.close_connection(connection)
        if not connection.closed:
            self._idle[name].append(connection)

    def close(self) -> None:
        """Close the connections that are not in use."""
        super().close()
        for idle in self._idle.values():
            while idle:
                self.close_connection(idle.pop())


def _is_quiet(connection: "Connection") -> bool:
    """Whether an idle connection lives: a server that ended it has sent a message."""
    return not connection.closed and not select.select([connection], [], [], 0)[0]
