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
        self._make_directory()
        self._run("initdb", "--auth=trust", "--username=postgres", "--no-sync")

    def make_standby(self, primary: Database) -> None:
        """Make the files of a server that replicates *primary*, by streaming."""
        self._make_directory()
        where = (f"--host={primary.host}", f"--port={primary.port}", f"--username={primary.user}")
        options = ("--write-recovery-conf", "--checkpoint=fast", "--no-sync")
        self._run("pg_basebackup", *where, *options)

    def _make_directory(self) -> None:
        self._data.mkdir(mode=0o700)
        if owner := server_identity().get("user"):
            for path in (self._directory, self._data):
                shutil.chown(path, owner)

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

    def become_standby(self) -> None:
        """Be read-only from now on, as a replica is that has caught up."""
        self.stop()
        (self._data / "standby.signal").touch()
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


def own_programs() -> Path:
    """The directory of the programs that the tests run; a `ConfigError` if there are none."""
    return Path(_PROGRAMS) if _PROGRAMS else bin_directory()


@contextmanager
def own_server(programs: Path | None = None, primary: Database | None = None) -> Iterator[Server]:
    """A running server of one's own, or a standby of *primary*; it is gone at the end.

    *programs* is the directory of PostgreSQL's programs; None means those of the tests.
    """
    programs = programs or own_programs()
    make_reachable(programs)
    with server_directory() as directory:
        server = Server(directory, programs)
        if primary:
            server.make_standby(primary)
        else:
            server.make()
        server.start()
        try:
            yield server
        finally:
            server.stop()
