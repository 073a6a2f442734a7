"""Real ticks and real workers, as processes."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any

import psutil

from crontabber.config.sources import CONF
from tests import warm
from tests.support import TIMEOUT, Command, Database

TICK = ("--admin.conf=crontabber.ini", "--engine=procrastinate")
APP = "crontabber.contrib.procrastinate.app"
GATE = 816
"""The advisory lock for which a job waits, if it likes."""
POLL = 0.02


class Worker:
    """A worker: ``procrastinate worker``, in a group of its own."""

    def __init__(
        self, command: Command, app: str, env: Mapping[str, str] | None = None, *options: str
    ) -> None:
        self._output = (command.directory / "workers.log").open("a")
        line = [f"--app={app}", "worker", *options]
        self.process = warm.popen(
            [sys.executable, "-m", "procrastinate", *line],
            cwd=command.directory,
            env=command.environ({CONF: "crontabber.ini", **(env or {})}),
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=self._output,
            start_new_session=True,
        )
        self.pid = self.process.pid

    def children(self) -> list[int]:
        """The processes in which it runs jobs."""
        return [process.pid for process in psutil.Process(self.pid).children()]

    def signal(self, number: int, *, group: bool = False) -> None:
        """Send it a signal; with *group* to its processes too."""
        with contextlib.suppress(ProcessLookupError):
            (os.killpg if group else os.kill)(self.pid, number)

    def wait(self) -> int:
        """Wait for its end; the exit status, negative for a signal."""
        return self.process.wait(TIMEOUT)

    def end(self) -> None:
        """Kill all that is left of it."""
        self.signal(signal.SIGKILL, group=True)
        self.wait()
        self._output.close()


class Cluster:
    """One configuration and its database; use it as a context manager."""

    def __init__(self, command: Command, database: Database) -> None:
        self.command = command
        self.database = database
        self.workers: list[Worker] = []

    def __enter__(self) -> "Cluster":
        return self

    def __exit__(self, *exception: object) -> None:
        while self.workers:
            self.workers.pop().end()

    def configure(self, apps: str, jobs: str, more: str = "") -> None:
        """Write the apps, as ``apps.py``, and the jobs list; and a table for them to write to."""
        self.command.write("apps.py", apps)
        self.command.configure(self.database, jobs, more)
        self.database.execute(
            "CREATE TABLE IF NOT EXISTS did (what text, at timestamptz DEFAULT clock_timestamp())"
        )

    def work(self, *options: str, env: Mapping[str, str] | None = None) -> Worker:
        """Start a worker."""
        worker = Worker(self.command, APP, env, *options)
        self.workers.append(worker)
        return worker

    def tick(self, *options: str) -> "subprocess.CompletedProcess[str]":
        """Run a tick that hands over."""
        return self.command(*TICK, *options)

    def did(self) -> list[str]:
        """What the jobs wrote, in that order."""
        return [what for (what,) in self.database.execute("SELECT what FROM did ORDER BY at")]

    def queued(self, status: str = "todo") -> list[str]:
        """The locks of the jobs in Procrastinate's table with this status, in order."""
        return [
            lock
            for (lock,) in self.database.execute(
                "SELECT lock FROM procrastinate_jobs"
                " WHERE status = %s AND lock IS NOT NULL ORDER BY id",
                (status,),
            )
        ]

    def until(
        self, query: str, parameters: Any = None, *, hurry: bool = False
    ) -> list[tuple[Any, ...]]:
        """Wait until a query has rows; with *hurry* jobs that were put back are soon due again."""
        for rows in self._answers(query, parameters):
            if rows:
                return rows
            if hurry:
                self.database.execute(
                    "UPDATE procrastinate_jobs SET scheduled_at = now() WHERE status = 'todo'"
                    " AND scheduled_at BETWEEN now() AND now() + '1 minute'::interval"
                )
        raise AssertionError(f"never: {query} {parameters or ''}\n{self.log()}")

    def until_done(self, *what: str, hurry: bool = False) -> None:
        """Wait until these have succeeded, as crontabber remembers it."""
        for app_name in what:
            self.until(
                "SELECT 1 FROM crontabber WHERE app_name = %s AND last_success IS NOT NULL"
                " AND ongoing IS NULL",
                (app_name,),
                hurry=hurry,
            )

    def back(self, app_name: str, how_far: str) -> None:
        """Make it as if all that happened to a job had happened earlier."""
        columns = "next_run next_slot first_run last_run own_last_run last_success".split()
        moved = ", ".join(f"{name} = {name} - %(how_far)s::interval" for name in columns)
        self.database.execute(
            f"UPDATE crontabber SET {moved} WHERE app_name = %(app_name)s",
            {"how_far": how_far, "app_name": app_name},
        )

    @contextlib.contextmanager
    def gate(self) -> Iterator[None]:
        """Have the jobs that come to the gate wait there, until this is over."""
        with contextlib.closing(self.database.connect()) as connection:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_lock(%s)", (GATE,))
            yield

    def until_at_gate(self) -> list[tuple[Any, ...]]:
        """Wait until a job is at the gate, and is the only one; the process that runs it."""
        self.until(
            "SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = %s",
            (GATE,),
        )
        return self.database.execute("SELECT claim_pid FROM crontabber WHERE ongoing IS NOT NULL")

    def until_freed(self, app_name: str) -> None:
        """Wait until the server has noticed that the session of a claim is gone."""
        self.until(
            "SELECT FROM crontabber WHERE app_name = %s AND claim_backend_pid NOT IN"
            " (SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted)",
            (app_name,),
        )

    def until_said(self, text: str) -> None:
        """Wait until a worker has said so."""
        end = time.monotonic() + TIMEOUT
        while text not in self.log():
            assert time.monotonic() < end, self.log()
            time.sleep(POLL)

    def log(self) -> str:
        """What the workers said."""
        with contextlib.suppress(FileNotFoundError):
            return (self.command.directory / "workers.log").read_text()
        return ""

    def _answers(self, query: str, parameters: Any) -> Iterator[list[tuple[Any, ...]]]:
        end = time.monotonic() + TIMEOUT
        with contextlib.closing(self.database.connect()) as connection:
            while time.monotonic() < end:
                with connection.cursor() as cursor:
                    cursor.execute(query, parameters)
                    yield cursor.fetchall()
                time.sleep(POLL)
