"""A PostgreSQL server that a test may stop and start."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from crontabber.embedded import bin_directory
from crontabber.embedded.installation import make_reachable, server_identity
from tests.support import Database, server_directory

PROGRAMS = "CRONTABBER_TEST_PROGRAMS"
"""The variable that names the directory of PostgreSQL's programs; without it, the embedded ones.

It is read when tests are collected: later they do not see their environment any more.
"""
_PROGRAMS = os.environ.get(PROGRAMS)


class Server:
    """A server of its own, in a directory; `database` says where it listens."""

    def __init__(self, directory: Path, programs: Path) -> None:
        self._directory = directory
        self._programs = programs
        self._data = directory / "data"
        self.database = Database(str(directory), 5432, "postgres", "postgres")

    def make(self) -> None:
        """Make the files of the server."""
        self._data.mkdir(mode=0o700)
        if owner := server_identity().get("user"):
            for path in (self._directory, self._data):
                shutil.chown(path, owner)
        self._run("initdb", "--auth=trust", "--username=postgres", "--no-sync")

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        options = f"-c listen_addresses= -c unix_socket_directories={self._directory} -c fsync=off"
        log = str(self._directory / "log")
        self._run("pg_ctl", "start", "--wait", f"--options={options}", f"--log={log}")

    def stop(self) -> None:
        """Stop it at once, as if it crashed."""
        self._run("pg_ctl", "stop", "--wait", "--mode=immediate")

    def restart(self) -> None:
        """Stop and start it."""
        self.stop()
        self.start()

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [self._programs / program, f"--pgdata={self._data}", *arguments],
            check=True,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **server_identity(),
        )


@contextmanager
def own_server(programs: Path | None = None) -> Iterator[Server]:
    """A running server of one's own; it is gone at the end, files and all.

    *programs* is the directory of PostgreSQL's programs; None means those of the tests.
    """
    programs = programs or (Path(_PROGRAMS) if _PROGRAMS else bin_directory())
    make_reachable(programs)
    with server_directory() as directory:
        server = Server(directory, programs)
        server.make()
        server.start()
        try:
            yield server
        finally:
            server.stop()
