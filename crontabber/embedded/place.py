"""What is in a data directory: the cluster, the log, the socket and the locks.

The directory is ours. ``cluster`` and ``socket`` belong to the user that PostgreSQL runs as,
which is another one when we are root. SQL can change each file in them, so what they
say decides only whether the server is ready, and which of our programs to start.
"""

import contextlib
import fcntl
import os
import re
import socket
import stat
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ..errors import ConfigError
from .installation import server_identity
from .trust import open_plainly, private_directory, read_plainly

PORT = 5432
"""Part of the socket's name; nothing listens on the network."""
SUPERUSER = "postgres"
"""The only role of a new cluster."""
READY = "ready"
"""What a keeper writes when its server answers; PostgreSQL uses the same word."""
# A socket's path has room for 104 bytes (macOS) with its end, 108 on Linux.
_LONGEST_SOCKET = 103
_ASKED = struct.pack("!ii", 8, 80877103)
"""libpq's question for encryption; a server answers it with one byte."""
_PATIENCE = 5.0
"""Seconds for which that answer is awaited."""


class Place:
    """A data directory that exists, or is created with *mode*.

    Raises `ConfigError` if it cannot be used, or if other users could change it.

    Three locks (``flock``, so they end with the processes that hold them) say who is there:

    * ``users``: shared by all that use the server; the keeper takes it exclusively
      before it stops the server, and keeps it until the server is gone.
    * ``keeper``: exclusive to the process that started the server and will stop it.
    * ``start``: exclusive to the user who is having a keeper started.
    """

    def __init__(self, directory: str | os.PathLike[str], mode: int | None = None) -> None:
        self.directory = Path(directory)
        try:
            self.directory = private_directory(self.directory, mode)
        except OSError as error:
            raise self.unusable(error) from None
        self.cluster = self.directory / "cluster"
        self.log = self.directory / "postgresql.log"
        self._sockets = self.directory / "socket"
        self._link = self.directory / "socket.link"

    def unusable(self, error: OSError) -> ConfigError:
        """Return the error that says what is wrong with this directory."""
        return ConfigError(
            f"data_directory: {self.directory} cannot be used ({error.strerror}): "
            "name a directory that you may write to"
        )

    # -- locks -------------------------------------------------------------------

    def open_lock(self, name: str) -> int:
        """Open a lock's file; programs that are executed later do not inherit it."""
        try:
            return open_plainly(self.directory / f"{name}.lock", os.O_RDWR | os.O_CREAT)
        except OSError as error:
            raise self.unusable(error) from None

    @contextlib.contextmanager
    def locked(self, name: str) -> Iterator[int]:
        """Hold a lock exclusively; wait until it is free."""
        descriptor = self.open_lock(name)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield descriptor
        finally:
            os.close(descriptor)

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

    # -- the log -----------------------------------------------------------------

    def new_log(self) -> int:
        """Begin a new log; return its descriptor."""
        self.log.unlink(missing_ok=True)
        return open_plainly(self.log, os.O_WRONLY | os.O_CREAT | os.O_EXCL)

    def read_log(self) -> str:
        """Return the end of the log."""
        return read_plainly(self.log)

    # -- the cluster -------------------------------------------------------------

    def major(self) -> int | None:
        """Return the major version of PostgreSQL that made the cluster; None without one."""
        try:
            text = read_plainly(self.cluster / "PG_VERSION")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self.unusable(error) from None
        if not re.fullmatch(r"\d{1,3}(\.\d+)?\s*", text, re.ASCII):
            raise ConfigError(
                f"data_directory: {self.cluster}/PG_VERSION names no version of PostgreSQL: "
                "restore the directory, or name another"
            )
        return int(text.partition(".")[0])

    def postmaster(self) -> list[str]:
        """Return the lines of ``postmaster.pid``, none without one.

        The first is the process id and the eighth says whether the server is ready. SQL can
        change them.
        """
        try:
            text = read_plainly(self.cluster / "postmaster.pid")
        except OSError:
            return []
        return [line.strip() for line in text.splitlines()]

    # -- the socket --------------------------------------------------------------

    def socket_directory(self) -> Path | None:
        """Return where the server listens; None when it does not run, or is not ready."""
        directory = self._socket_directory()
        if directory is None or self.postmaster()[7:8] != [READY] or not _answers(directory):
            return None
        return directory

    def _socket_directory(self) -> Path | None:
        """Return the directory of the socket; None if the server has none."""
        try:
            directory = self._sockets if self._has_room else self._link.readlink()
            found = directory.lstat()
        except OSError:
            return None
        owner = server_identity().get("user", os.geteuid())
        return directory if stat.S_ISDIR(found.st_mode) and found.st_uid == owner else None

    @property
    def _has_room(self) -> bool:
        """Whether the socket can be in the data directory.

        It cannot if the path is too long for a socket, or has a comma, which separates hosts.
        """
        path = os.fsencode(_socket(self._sockets))
        return len(path) <= _LONGEST_SOCKET and b"," not in path

    def new_socket_directory(self) -> Path:
        """Create a directory for the socket, for its owner only.

        It is in the data directory, or a link there says where it is.
        """
        if self._has_room:
            self._sockets.mkdir(mode=0o700, exist_ok=True)
            return self._sockets
        self._link.unlink(missing_ok=True)
        elsewhere = Path(tempfile.mkdtemp(prefix="crontabber-"))
        self._link.symlink_to(elsewhere)
        return elsewhere

    def remove_socket_directory(self) -> None:
        """Remove the directory of the socket, if it is empty."""
        if directory := self._socket_directory():
            with contextlib.suppress(OSError):
                directory.rmdir()
        self._link.unlink(missing_ok=True)


def _socket(directory: Path) -> Path:
    return directory / f".s.PGSQL.{PORT}"


def _answers(directory: Path) -> bool:
    """Whether a server listens there that will take a connection.

    A connection alone proves nothing: after a server was killed, its socket lives on as long as a
    child that it had just made holds it, without an answer. A slow server does count.
    """
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(_PATIENCE)
        try:
            probe.connect(str(_socket(directory)))
            probe.sendall(_ASKED)
            return bool(probe.recv(1))
        except TimeoutError:
            return True
        except OSError:
            return False
