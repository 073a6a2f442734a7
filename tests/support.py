"""What tests need to stand on: databases of their own, and the command as a process."""

import contextlib
import itertools
import os
import pty
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import ISOLATION_LEVEL_AUTOCOMMIT

from tests import warm

ROOT = Path(__file__).resolve().parents[1]
TIMEOUT = 60
"""Seconds after which a process that a test waits for is taken to hang."""


class Database(NamedTuple):
    """Where a PostgreSQL database is."""

    host: str
    port: int
    dbname: str
    user: str
    password: str = ""

    def connect(self) -> Any:
        """A new psycopg2 connection, in autocommit; close it, or use ``contextlib.closing``."""
        connection = psycopg2.connect(
            host=self.host,
            port=self.port,
            dbname=self.dbname,
            user=self.user,
            password=self.password,
        )
        connection.set_isolation_level(ISOLATION_LEVEL_AUTOCOMMIT)
        return connection

    def execute(self, statement: Any, parameters: Any = None) -> list[tuple[Any, ...]]:
        """Run one statement over a connection of its own; the rows, if it has any."""
        with contextlib.closing(self.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []

    def terminate(self, pid: int) -> None:
        """End a session of the server, if it lives, and return when it has ended.

        With a time-out `pg_terminate_backend` would wait for that itself, but for PostgreSQL 13.
        """
        self.execute("SELECT pg_terminate_backend(%s)", [pid])
        give_up = time.monotonic() + TIMEOUT
        while self.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", [pid]):
            assert time.monotonic() < give_up, f"session {pid} does not end"

    def ini_section(self) -> str:
        """The part of a crontabber.ini that leads here."""
        return textwrap.dedent(
            f"""\
            [resource]
            [[postgresql]]
            host={self.host}
            port={self.port}
            dbname={self.dbname}
            user={self.user}
            password={self.password}
            """
        )

    def environ(self) -> dict[str, str]:
        """libpq's variables that lead here."""
        variables = {
            "PGHOST": self.host,
            "PGPORT": str(self.port),
            "PGDATABASE": self.dbname,
            "PGUSER": self.user,
            "PGPASSWORD": self.password,
        }
        return {name: value for name, value in variables.items() if value}


@contextlib.contextmanager
def signals_heard() -> Iterator[None]:
    """Processes hear signals that are ignored here, as they are after nohup and ``&``."""
    ignored = [
        number
        for number in (signal.SIGHUP, signal.SIGINT)
        if signal.getsignal(number) is signal.SIG_IGN
    ]
    for number in ignored:
        usual = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
        signal.signal(number, usual)
    try:
        yield
    finally:
        for number in ignored:
            signal.signal(number, signal.SIG_IGN)


@contextlib.contextmanager
def server_directory() -> Iterator[Path]:
    """A directory for a private server: in memory if there is room, as a new database is all I/O.

    PostgreSQL can get there, although it runs as another user when we are root.
    """
    with tempfile.TemporaryDirectory(
        prefix="crontabber-tests-", dir=memory_directory(), ignore_cleanup_errors=True
    ) as name:
        Path(name).chmod(0o711)
        yield Path(name)


def memory_directory() -> str | None:
    """A file system in memory with a gigabyte to spare, and for programs, too; None without one."""
    shared = "/dev/shm"
    if os.access(shared, os.W_OK) and shutil.disk_usage(shared).free > 1 << 30:
        return None if os.statvfs(shared).f_flag & os.ST_NOEXEC else shared
    return None


_numbers = itertools.count(1)


@contextlib.contextmanager
def fresh_database(server: Database) -> Iterator[Database]:
    """An empty database: a new one, or *server*'s own, emptied, where we may make none."""
    with contextlib.closing(server.connect()) as connection, connection.cursor() as cursor:
        if not _may_create_databases(cursor):
            _empty(server)
            yield server
            return
        fresh = server._replace(dbname=f"crontabber_test_{os.getpid()}_{next(_numbers)}")
        name = sql.Identifier(fresh.dbname)
        how = sql.SQL(_copied(connection.server_version))
        cursor.execute(sql.SQL("CREATE DATABASE {} {}").format(name, how))
        try:
            yield fresh
        finally:
            cursor.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


def _may_create_databases(cursor: Any) -> bool:
    cursor.execute("SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user")
    [(allowed,)] = cursor.fetchall()
    return bool(allowed)


def _copied(server_version: int) -> str:
    """How a database is made with the least work: its files are copied, past the log.

    Before PostgreSQL 15 that was the only way.
    """
    return "STRATEGY file_copy" if server_version >= 150000 else ""


def _empty(database: Database) -> None:
    """Drop all that the user owns in the database, and the database's settings."""
    database.execute("DROP OWNED BY CURRENT_USER CASCADE")
    database.execute(sql.SQL("ALTER DATABASE {} RESET ALL").format(sql.Identifier(database.dbname)))


class Command:
    """The real ``crontabber`` command, run as a process in a directory of its own.

    Calling it runs the command to its end. The process sees nothing of the environment
    of the tests but what is given as *env*; its home and its ``PYTHONPATH`` are the directory.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def write(self, name: str, text: str) -> Path:
        """Write a file, its text dedented; packages on the way get their ``__init__.py``."""
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".py":
            for package in path.relative_to(self.directory).parents[:-1]:
                (self.directory / package / "__init__.py").touch()
        path.write_text(textwrap.dedent(text))
        return path

    def configure(self, database: Database, jobs: str, more: str = "") -> Path:
        """Write ``crontabber.ini`` with these jobs; *more* is added to ``[crontabber]``."""
        return self.write(
            "crontabber.ini",
            f"[crontabber]\njobs='''\n{textwrap.dedent(jobs).strip()}\n'''\n"
            f"{textwrap.dedent(more)}\n{database.ini_section()}",
        )

    def __call__(
        self, *arguments: str, env: Mapping[str, str] | None = None, **options: Any
    ) -> "subprocess.CompletedProcess[str]":
        """Run the command to its end; *options* are those of `subprocess.run`."""
        timeout, given = options.pop("timeout", TIMEOUT), options.pop("input", None)
        if given is not None:
            options["stdin"] = subprocess.PIPE
        with self.popen(*arguments, env=env, **options) as process:
            try:
                output, errors = process.communicate(given, timeout)
            finally:
                process.kill()
        return subprocess.CompletedProcess(process.args, process.returncode, output, errors)

    def popen(
        self, *arguments: str, env: Mapping[str, str] | None = None, **options: Any
    ) -> "subprocess.Popen[str]":
        """Start the command, its output in pipes; use it as a context manager."""
        options = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "text": True,
            **options,
        }
        return warm.popen(
            self.line(*arguments), cwd=self.directory, env=self.environ(env), **options
        )

    def tty(
        self, *arguments: str, env: Mapping[str, str] | None = None
    ) -> "subprocess.CompletedProcess[str]":
        """Run the command on a terminal; ``stdout`` is all that was shown, in plain line ends."""
        ours, theirs = pty.openpty()
        try:
            process = self.popen(
                *arguments,
                env={"TERM": "xterm", "COLUMNS": "80", "LINES": "24", **(env or {})},
                stdin=theirs,
                stdout=theirs,
                stderr=theirs,
                start_new_session=True,
            )
        finally:
            os.close(theirs)
        with process, os.fdopen(ours, "rb", buffering=0) as terminal, alarm(process):
            shown = b"".join(iter(lambda: _read(terminal), b""))
            status = process.wait()
        text = shown.decode().replace("\r\n", "\n")
        return subprocess.CompletedProcess(process.args, status, text, "")

    def line(self, *arguments: str) -> list[str]:
        """The command line."""
        return [sys.executable, "-m", "crontabber", *arguments]

    def environ(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment of the process."""
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.directory),
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "PYTHONPATH": os.pathsep.join([str(self.directory), str(ROOT)]),
            "PYTHONDONTWRITEBYTECODE": "1",
            **{name: value for name, value in os.environ.items() if name == warm.COVERAGE},
            **(more or {}),
        }


@contextlib.contextmanager
def alarm(process: "subprocess.Popen[str]") -> Iterator[None]:
    """Kill the process, should it hang."""
    timer = threading.Timer(TIMEOUT, process.kill)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _read(terminal: Any) -> bytes:
    """What was shown since; nothing at the end, which Linux reports as an error."""
    try:
        return bytes(terminal.read(65536))
    except OSError:
        return b""
