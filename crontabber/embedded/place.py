"""What lies in a data directory: the cluster, the log, the socket and the locks."""

import contextlib
import fcntl
import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ..errors import ConfigError

PORT = 5432
"""Part of the socket's name; nothing listens on the network."""
SUPERUSER = "postgres"
"""The only role of a new cluster."""
READY = "ready"
"""What a keeper says when its server answers; PostgreSQL uses the same word."""
# A socket's path has room for 104 bytes (macOS) with its end, 108 on Linux.
_LONGEST_SOCKET = 103


class Place:
    """A data directory, as an absolute path.

    Three locks (``flock``, so they end with the processes that hold them) say who is there:

    * ``users``: shared by everyone who uses the server; the keeper takes it exclusively
      before it stops the server, and keeps it until the server is gone.
    * ``keeper``: exclusive to the process that started the server and will stop it.
    * ``start``: exclusive to the user who is having a keeper started.
    """

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        self.directory = Path(directory).resolve()
        self.cluster = self.directory / "cluster"
        self.log = self.directory / "postgresql.log"

    def open_lock(self, name: str) -> int:
        """Open a lock's file; programs that are executed later do not inherit it."""
        try:
            return os.open(self.directory / f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise self.unusable(error) from None

    @contextlib.contextmanager
    def locked(self, name: str) -> Iterator[int]:
        """Hold a lock exclusively, waiting for it as long as it takes."""
        descriptor = self.open_lock(name)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield descriptor
        finally:
            os.close(descriptor)

    def unusable(self, error: OSError) -> ConfigError:
        """The error that says what is wrong with this directory."""
        return ConfigError(
            f"data_directory: {self.directory} cannot be used ({error.strerror}): "
            "name a directory that you may write to"
        )

    def is_kept(self) -> bool:
        """Whether a keeper lives."""
        descriptor = self.open_lock("keeper")
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        else:
            return False
        finally:
            os.close(descriptor)

    def major(self) -> int | None:
        """The major version of PostgreSQL that made the cluster; None without one."""
        try:
            return int((self.cluster / "PG_VERSION").read_text())
        except FileNotFoundError:
            return None

    def postmaster(self) -> list[str]:
        """The lines of ``postmaster.pid``, none without one; the first is the process id."""
        try:
            text = (self.cluster / "postmaster.pid").read_text()
        except FileNotFoundError:
            return []
        return [line.strip() for line in text.splitlines()]

    def socket_directory(self) -> Path | None:
        """Where the server listens; None when it does not run, or is not ready."""
        lines = self.postmaster()
        if len(lines) < 8 or lines[7] != READY:
            return None
        directory = Path(lines[4])
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(_socket(directory)))
            except OSError:
                return None
        return directory

    def new_socket_directory(self) -> Path:
        """Make a directory for the socket, for its owner only.

        It is in the data directory, unless that has a path too long for a socket, or with
        a comma, which separates hosts.
        """
        directory = self.directory / "socket"
        path = os.fsencode(_socket(directory))
        if len(path) > _LONGEST_SOCKET or b"," in path:
            return Path(tempfile.mkdtemp(prefix="crontabber-"))
        directory.mkdir(mode=0o700, exist_ok=True)
        return directory


def _socket(directory: Path) -> Path:
    return directory / f".s.PGSQL.{PORT}"
