"""The place of the measurements: a PostgreSQL on a disk, and jobs that do nothing."""

import contextlib
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import psycopg2

from crontabber import embedded

from .measure import Work, memory, process, processor

ROOT = Path(__file__).resolve().parents[1]
FLOOR = [sys.executable, str(Path(__file__).with_name("floor.py"))]
"""The script that does the least; see there."""
_SCRIPT = Path(sys.executable).with_name("crontabber")
COMMAND = [str(_SCRIPT)] if _SCRIPT.exists() else [sys.executable, "-m", "crontabber"]

SETTINGS = {
    # else as it comes: it waits for the disk at each commit. No checkpoint, and no vacuum,
    # shall fall into some figure.
    "checkpoint_timeout": "30min",
    "max_wal_size": "8GB",
    "autovacuum": "off",
}

_ROWS = """
INSERT INTO crontabber (
    app_name, class_path, next_run, next_slot, first_run, last_run, own_last_run, last_success,
    error_count, depends_on, plan, backfill
)
SELECT
    'app-' || number, 'apps.App' || number, slot, slot, now, now, now, now, 0, '{}', %(plan)s,
    %(backfill)s
FROM
    generate_series(%(first)s, %(last)s) AS number,
    (SELECT now() AS now, date_trunc('minute', now()) + interval '1 day' AS slot) AS times
"""
_LOG = """
INSERT INTO crontabber_log (app_name, log_time, slot, success, duration, host)
SELECT
    'app-' || number %% 1000, time, time, time, '0.01 s', 'host'
FROM
    generate_series(%(first)s, %(last)s) AS number,
    LATERAL (SELECT now() - interval '1 year' + interval '1 second' * number AS time) AS times
"""
# As the migrations make them; ten million rows are not put into them one by one.
_NO_INDEXES = "DROP INDEX IF EXISTS crontabber_log_app_name_idx, crontabber_log_log_time_idx"
_INDEXES = """
CREATE INDEX crontabber_log_app_name_idx ON crontabber_log (app_name, log_time);
CREATE INDEX crontabber_log_log_time_idx ON crontabber_log USING brin (log_time);
"""
_DUE = """
UPDATE crontabber SET next_run = oldest, next_slot = oldest
FROM (
    SELECT date_trunc('minute', now()) - interval '1 minute' * (%(slots)s - 1) AS oldest
) AS slot
WHERE app_name IN (SELECT 'app-' || number FROM generate_series(0, %(jobs)s - 1) AS number)
"""
_SYNCS = """
SELECT sum(fsyncs) FROM pg_stat_io WHERE object = 'wal' AND backend_type = 'client backend'
"""
_OTHERS = """
SELECT count(*) FROM pg_stat_activity
WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
"""


class Traffic(NamedTuple):
    """The statements that a command sent to its database, as the server logged them."""

    connections: int
    statements: int
    syncs: int
    """How often a commit waited for the disk."""


class Server:
    """A private PostgreSQL, with a log."""

    def __init__(self, directory: Path, parameters: embedded.ConnectionParameters) -> None:
        self.directory = directory
        self.parameters = parameters
        self.log = directory / "server" / "postgresql.log"

    def create(self, dbname: str) -> "Database":
        """A new database."""
        Database(self, "postgres").execute(f"CREATE DATABASE {dbname}")
        return Database(self, dbname)


class Database:
    """A database on that server."""

    def __init__(self, server: Server, dbname: str) -> None:
        self.server = server
        parameters = {**server.parameters, "dbname": dbname}
        self.dsn = " ".join(f"{name}={value}" for name, value in parameters.items())

    def execute(self, statement: str, **parameters: Any) -> list[tuple[Any, ...]]:
        """Run a statement over a connection of its own; the rows, if it has any."""
        connection = psycopg2.connect(self.dsn)
        connection.autocommit = True
        with contextlib.closing(connection), connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []

    def await_none(self, statement: str) -> None:
        """Wait until a statement has no rows; over one connection, so that it costs little."""
        connection = psycopg2.connect(self.dsn)
        connection.autocommit = True
        with contextlib.closing(connection), connection.cursor() as cursor:
            cursor.execute(statement)
            while cursor.fetchall():
                time.sleep(0.02)
                cursor.execute(statement)

    def value(self, statement: str) -> int:
        """The one number that a statement answers."""
        return int(self.execute(statement)[0][0] or 0)


class Installation:
    """A crontabber.ini of *count* jobs, their classes, and a database in which all have run."""

    def __init__(self, server: Server, name: str, count: int, *, backfill: bool = False) -> None:
        self.count = count
        self.backfill = backfill
        self.directory = server.directory / f"site-{name}"
        self.directory.mkdir()
        self.database = server.create(name)
        self.logged = 0
        self._write_apps()
        self._write_ini([0])
        self.run(self.tick)()  # which makes the tables
        self.database.execute("TRUNCATE crontabber, crontabber_log")
        self.remember(count)
        self._write_ini(list(range(count)))

    def _write_ini(self, numbers: Sequence[int]) -> None:
        jobs = "\n".join(f"apps.App{number}|{self._frequency}" for number in numbers)
        (self.directory / "crontabber.ini").write_text(
            f"[crontabber]\njobs='''\n{jobs}\n'''\n"
            f'[resource]\n[[postgresql]]\ndsn="{self.database.dsn}"\n'
        )

    def _write_apps(self) -> None:
        decorator, argument = ("@as_backfill_cron_app\n", ", date") if self.backfill else ("", "")
        apps = (
            f"{decorator}class App{number}(BaseCronApp):\n"
            f"    app_name = 'app-{number}'\n\n"
            f"    def run(self{argument}):\n        pass\n"
            for number in range(self.count)
        )
        imports = (
            "from crontabber.base import BaseCronApp\n"
            "from crontabber.mixins import as_backfill_cron_app\n"
        )
        (self.directory / "apps.py").write_text("\n\n".join([imports, *apps]))

    @property
    def _frequency(self) -> str:
        return "1m" if self.backfill else "1d"

    # -- what is in the database ---------------------------------------------------

    def remember(self, count: int, first: int = 0) -> None:
        """Have so many jobs, configured or not, look as if they had run a moment ago."""
        self.database.execute(
            _ROWS, first=first, last=count - 1, plan=self._frequency, backfill=self.backfill
        )
        self.database.execute("VACUUM ANALYZE crontabber")

    def fill_log(self, count: int) -> None:
        """Have the log hold so many rows, if it has less."""
        if count > self.logged:
            self.database.execute(_NO_INDEXES)
            self.database.execute(_LOG, first=self.logged + 1, last=count)
            self.database.execute(_INDEXES)
            self.database.execute("VACUUM ANALYZE crontabber_log")
            self.database.execute("CHECKPOINT")
            self.logged = count

    def make_due(self, jobs: int, slots: int = 1) -> None:
        """Let so many jobs wait for the oldest of so many slots."""
        self.database.execute(_DUE, jobs=jobs, slots=slots)
        self.database.execute("VACUUM crontabber")

    # -- what is started -------------------------------------------------------------

    @property
    def tick(self) -> list[str]:
        """The command line that people have in their crontabs."""
        return [*COMMAND, "--admin.conf=crontabber.ini"]

    @property
    def floor(self) -> list[str]:
        """The command line of the script that does the least with a database."""
        return [*FLOOR, self.database.dsn]

    def run(self, command: Sequence[str]) -> Work:
        """Start a command here."""
        return process(command, environ(), str(self.directory))

    def busy(self, jobs: int, slots: int = 1) -> Work:
        """Make jobs due, which is not measured, and run a tick."""
        tick = self.run(self.tick)

        def work() -> float:
            self.make_due(jobs, slots)
            return tick()

        return work

    def processor(self, command: Sequence[str]) -> Work:
        """Start a command here; the processor time that it took."""
        return processor(command, environ(), str(self.directory))

    def memory(self, command: Sequence[str]) -> Work:
        """Start a command here; the most memory that it had, in bytes."""
        return memory(command, environ(), str(self.directory))

    def traffic(self) -> Traffic:
        """Run a tick; what it said to the database."""
        listen = {"PGOPTIONS": "-c log_statement=all -c log_disconnections=on"}
        heard, syncs = self.database.server.log.stat().st_size, self.database.value(_SYNCS)
        process(self.tick, {**environ(), **listen}, str(self.directory))()
        while self.database.value(_OTHERS):
            pass  # what a session did counts when it has ended
        log = self.database.server.log.read_text()[heard:]
        entries = re.split(r"^\d{4}-\S+ \S+ \S+ \[\d+\] ", log, flags=re.MULTILINE)
        said = [entry for entry in entries if entry.startswith("LOG:  statement: ")]
        return Traffic(
            connections=sum("disconnection: " in entry for entry in entries),
            statements=sum(bool(part.strip()) for entry in said for part in entry.split(";")),
            syncs=self.database.value(_SYNCS) - syncs,
        )


def environ() -> dict[str, str]:
    """The environment of what is measured: it may keep the bytecode that it compiles."""
    ours = ("PG", "PYTHON", "CRONTABBER", "crontabber.")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**kept, "PYTHONPATH": f".{os.pathsep}{ROOT}", "TZ": "UTC"}


@contextlib.contextmanager
def server(directory: Path) -> Iterator[Server]:
    """A server whose files are in *directory*, for as long as it takes."""
    with tempfile.TemporaryDirectory(
        prefix="crontabber-benchmark-", dir=directory, ignore_cleanup_errors=True
    ) as name:
        home = Path(name)
        home.chmod(0o711)  # as root, PostgreSQL runs as another user
        with embedded.server(home / "server", linger=0.2, settings=SETTINGS) as parameters:
            yield Server(home, parameters)
        embedded.wait_until_stopped(home / "server")


_HAND = """
CREATE TABLE jobs (name text PRIMARY KEY, last_run timestamptz, plan text, errors integer);
CREATE TABLE runs (id serial PRIMARY KEY, name text, time timestamptz, duration interval);
INSERT INTO jobs SELECT 'app-' || number, now(), '1d', 0 FROM generate_series(1, 1000) AS number;
"""


def by_hand(database: Database, count: int = 1000) -> Work:
    """What a run has to write, by psycopg2: an update and an insert; the seconds of each."""
    database.execute(_HAND)

    def work() -> float:
        connection = psycopg2.connect(database.dsn)
        with contextlib.closing(connection), connection.cursor() as cursor:
            began = time.perf_counter()
            for number in range(count):
                name = f"app-{number % 1000 + 1}"
                cursor.execute("UPDATE jobs SET last_run = now() WHERE name = %s", (name,))
                cursor.execute(
                    "INSERT INTO runs (name, time, duration) VALUES (%s, now(), '1 s')", (name,)
                )
                connection.commit()
            return (time.perf_counter() - began) / count

    return work


def commits(database: Database, count: int = 1000) -> Work:
    """pgbench's work, an update and an insert, *count* times; the seconds of each."""

    def pgbench(*arguments: str) -> str:
        program = embedded.bin_directory() / "pgbench"
        line = [str(program), *arguments, database.dsn]
        return subprocess.run(line, capture_output=True, text=True, check=True).stdout

    def work() -> float:
        found = re.search(
            r"^tps = ([\d.]+)", pgbench("-N", "-n", "-c1", f"-t{count}"), re.MULTILINE
        )
        assert found, "pgbench tells how many transactions it made in a second"
        return 1 / float(found[1])

    pgbench("-i", "-q")
    return work
