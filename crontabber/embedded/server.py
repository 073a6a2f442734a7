"""Use a private PostgreSQL: start it, or join the one that runs."""

import contextlib
import fcntl
import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypedDict

from ..errors import DatabaseUnavailable
from ..process import clock
from ..process.python import module_command
from .installation import bin_directory, make_reachable, minimal_environment
from .place import PORT, READY, SUPERUSER, Place

LINGER = 3.0
"""Seconds for which an unused server waits for its next user (up to twice as long)."""

_POLL = 0.02


class ConnectionParameters(TypedDict):
    """How to connect, as libpq's parameters; ``host`` is the directory of a Unix socket."""

    host: str
    port: int
    dbname: str
    user: str


class User:
    """A process's use of the server in a data directory; the server runs as long as that lasts.

    It ends with `close`, or with the process, however that ends. A child that the process
    forks is the same user, until it closes the descriptor, executes a program or ends: a
    daemon made by forking keeps the server for as long as it lives.
    """

    def __init__(
        self,
        data_directory: str | os.PathLike[str],
        *,
        linger: float = LINGER,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self._place = _prepare(data_directory)
        self._linger = linger
        self._settings = dict(settings or {})
        self._lock = self._place.open_lock("users")
        # Waits only for a keeper that is stopping the server at this moment.
        fcntl.flock(self._lock, fcntl.LOCK_SH)
        os.utime(self._lock)

    def parameters(self, dbname: str = "postgres") -> ConnectionParameters:
        """Return how to connect to *dbname*, once the server runs; start it if it does not."""
        directory = self._place.socket_directory() if self._place.is_kept() else None
        if directory is None:
            with self._place.locked("start"):
                directory = self._wait_for_keeper() or self._start()
        return {"host": str(directory), "port": PORT, "dbname": dbname, "user": SUPERUSER}

    def close(self) -> None:
        """End the use; call this once."""
        os.close(self._lock)

    def _wait_for_keeper(self) -> Path | None:
        """Return where the server listens, as soon as it does; None when it has no keeper.

        A keeper may be starting for a user who was killed, or ending because its server
        crashed. Where a server runs without one, a new keeper takes it over.
        """
        while self._place.is_kept():
            if directory := self._place.socket_directory():
                return directory
            clock.sleep(_POLL)
        return None

    def _start(self) -> Path:
        """Start a keeper, which starts the server."""
        done = subprocess.run(
            module_command(
                "crontabber.embedded.keeper",
                str(self._place.directory),
                str(self._linger),
                json.dumps(self._settings),
            ),
            cwd="/",
            env={**minimal_environment(), "PYTHONPATH": str(Path(__file__).parents[2])},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            text=True,
            check=False,
        )
        directory = self._place.socket_directory()
        *_, message = done.stdout.strip().splitlines() or ["its keeper was killed"]
        if message != READY or directory is None:
            raise DatabaseUnavailable(
                f"the embedded PostgreSQL in {self._place.directory} does not start: {message}"
            )
        return directory


def _prepare(data_directory: str | os.PathLike[str]) -> Place:
    """Create the directory, and check all that can be wrong before anything is started."""
    mode = 0o700 if os.geteuid() else 0o711  # as root, PostgreSQL's user passes through
    place = Place(data_directory, mode)
    try:
        programs = bin_directory(place.major())
        make_reachable(place.directory)
        make_reachable(programs)
    except OSError as error:
        raise place.unusable(error) from None
    return place


@contextlib.contextmanager
def server(
    data_directory: str | os.PathLike[str],
    *,
    linger: float = LINGER,
    settings: Mapping[str, str] | None = None,
) -> Iterator[ConnectionParameters]:
    """Keep a server running in *data_directory* in the block; start it, or join a running one.

    Gives the parameters of a connection to the database ``postgres``. *linger* (seconds)
    and *settings* (PostgreSQL's parameters, by name) count if this starts the server.
    A `ConfigError` says that the directory or the installation cannot be used, a
    `DatabaseUnavailable` that the server does not start.
    """
    user = User(data_directory, linger=linger, settings=settings)
    try:
        yield user.parameters()
    finally:
        user.close()


def wait_until_stopped(data_directory: str | os.PathLike[str]) -> None:
    """Wait until no server runs in *data_directory*."""
    with Place(data_directory).locked("keeper"):
        pass
