"""Three workers and a tick, shown in a few seconds: one worker is killed, and nothing is lost.

The workers are Procrastinate's, as they would run on three hosts; the tick is cron's.
"""

# A script on its own, which speaks, and runs what it shows.
# ruff: noqa: INP001, T201

import contextlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg2

from crontabber import embedded
from crontabber.errors import CrontabberError

SITE = Path(__file__).resolve().parent / "cluster"
MANY = 100
"""Jobs that do nothing, for the throughput."""
PYTHON = (sys.executable, "-m")
WORKER = ("procrastinate", "--verbose", "--app=crontabber.contrib.procrastinate.app", "worker")
BEGINS = re.compile(r"Starting job crontabber\[\d+\]\(app_name='([\w-]+)'")
"""What a worker logs when it begins with a job."""
LOG = "SELECT app_name, success, exc_value FROM crontabber_log ORDER BY id"
RATE = """
    SELECT count(*) / extract(epoch FROM max(log_time) - min(log_time - duration))
    FROM crontabber_log WHERE success IS NOT NULL
"""


def main() -> None:
    """The demonstration."""
    with embedded.server(SITE / "crontabber-postgresql") as server:
        show_a_kill(Site(server, "cluster", "crontabber.ini"))
        (SITE / "many.ini").write_text(many())
        show_throughput(Site(server, "many", "many.ini"))


def show_a_kill(site: "Site") -> None:
    """Few jobs that depend on each other, and a worker that is killed in the middle of one."""
    tell("Three workers, as on three hosts:")
    with site.workers(3) as workers:
        tell("A tick hands over what is due and free to run; each job that is done frees its")
        tell("children: extract -> transform -> load -> report, which needs rates too.")
        site.tick()
        pid = site.running("transform")
        victim = psutil.Process(psutil.Process(pid).ppid())
        killed = [*workers].index(victim.pid) + 1
        tell(f"Worker {killed}, which runs 'transform', is killed in the middle of it.")
        print(f"$ kill -9 {victim.pid}", flush=True)
        victim.kill()
        workers[victim.pid].wait()
        site.freed(pid)
        tell("The next tick sees that it is gone, and hands the job over again.")
        site.tick()
        site.finished()
    tell("All that happened, and which worker did it:")
    for app_name, success, error in site.query(LOG):
        others = [n for n in site.workers_of(app_name) if app_name != "transform" or n != killed]
        who = others[-1] if success else killed
        print(f"  worker {who}  {app_name:10} {'succeeded' if success else error}")
    tell("What is remembered: every job succeeded once.")
    site.tick("--status")


def show_throughput(site: "Site") -> None:
    """Many jobs at once."""
    tell(f"Three workers, and {MANY} jobs that do nothing and are due at once:")
    with site.workers(3):
        site.tick()
        site.finished(MANY)
        [(rate,)] = site.query(RATE)
        tell(f"{rate:.0f} jobs a second, from the start of the first to the end of the last.")
        for number, count in enumerate(site.counts(), 1):
            print(f"  worker {number}  ran {count}")


def many() -> str:
    """The configuration of many jobs, all of one class."""
    names = [f"nothing-{number}" for number in range(1, MANY + 1)]
    jobs = "\n".join(f"  {name}|1d" for name in names)
    sections = "".join(f"[[{name}]]\nclass=warehouse.Nothing\n" for name in names)
    return f"[crontabber]\nengine=procrastinate\njobs='''\n{jobs}\n'''\n\n[job]\n{sections}"


class Site:
    """A database, made anew, and what is done to it."""

    def __init__(self, server: Any, dbname: str, configuration: str) -> None:
        self._server = {**server, "dbname": dbname}
        self._configuration = configuration
        self.query(f"DROP DATABASE IF EXISTS {dbname} WITH (FORCE)", "postgres")
        self.query(f"CREATE DATABASE {dbname}", "postgres")
        self._environ = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, [str(SITE), os.environ.get("PYTHONPATH")])),
            "PGHOST": str(server["host"]),
            "PGPORT": str(server["port"]),
            "PGUSER": str(server["user"]),
            "PGDATABASE": dbname,
            "CRONTABBER_CONF": configuration,
        }

    def tick(self, *options: str) -> None:
        """Show a crontabber command and run it."""
        line = ["crontabber", f"--admin.conf={self._configuration}", *options]
        print("$", *line, flush=True)
        subprocess.run([*PYTHON, *line], cwd=SITE, env=self._environ, check=True)
        print(flush=True)

    @contextlib.contextmanager
    def workers(self, count: int) -> Iterator[dict[int, "subprocess.Popen[bytes]"]]:
        """So many workers, by their pids; they are asked to end at the end."""
        print(f"$ CRONTABBER_CONF={self._configuration}", *WORKER, "&", flush=True)
        started = []
        for path in self._logs(count):
            with path.open("w") as log:
                started.append(
                    subprocess.Popen(
                        [*PYTHON, *WORKER], cwd=SITE, env=self._environ, stdout=log, stderr=log
                    )
                )
        try:
            self.await_row("SELECT 1 FROM procrastinate_workers HAVING count(*) = %s", count)
            yield {worker.pid: worker for worker in started}
        finally:
            for worker in started:
                worker.terminate()
            for worker in started:
                worker.wait()

    def workers_of(self, app_name: str) -> list[int]:
        """The workers that began with a job, by their numbers."""
        return [
            number
            for number, path in enumerate(self._logs(3), 1)
            if app_name in BEGINS.findall(path.read_text())
        ]

    def counts(self) -> list[int]:
        """How many jobs each worker ran."""
        return [len(BEGINS.findall(path.read_text())) for path in self._logs(3)]

    @staticmethod
    def _logs(count: int) -> list[Path]:
        return [SITE / f"worker-{number}.log" for number in range(1, count + 1)]

    def running(self, app_name: str) -> int:
        """Wait until a job runs; the process that runs it."""
        return int(
            self.await_row(
                "SELECT claim_pid FROM crontabber WHERE ongoing IS NOT NULL AND app_name = %s",
                app_name,
            )
        )

    def freed(self, pid: int) -> None:
        """Wait until the server has noticed that a process is gone."""
        self.await_row(
            "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM crontabber JOIN pg_stat_activity"
            " ON pid = claim_backend_pid WHERE claim_pid = %s)",
            pid,
        )

    def finished(self, count: int = 5) -> None:
        """Wait until so many jobs have succeeded."""
        self.await_row(
            "SELECT 1 FROM crontabber WHERE last_success IS NOT NULL AND ongoing IS NULL"
            " AND last_error IS NULL HAVING count(*) = %s",
            count,
        )

    def await_row(self, statement: str, *parameters: object) -> Any:
        """Wait until a query has a row, and for half a minute at most; its first value."""
        for _ in range(300):
            with contextlib.suppress(psycopg2.errors.UndefinedTable):  # which a worker makes
                if rows := self.query(statement, parameters=parameters):
                    return rows[0][0]
            time.sleep(0.1)
        sys.exit(f"That did not work: see {SITE / 'worker-*.log'}")

    def query(
        self, statement: str, dbname: str = "", parameters: tuple[object, ...] | None = None
    ) -> list[Any]:
        """The rows of a statement."""
        server = {**self._server, "dbname": dbname} if dbname else self._server
        connection = psycopg2.connect(**server)
        connection.autocommit = True
        with contextlib.closing(connection), connection.cursor() as cursor:
            cursor.execute(statement, parameters or None)
            return list(cursor.fetchall()) if cursor.description else []


def tell(text: str) -> None:
    """Explain what comes next."""
    print(f"\033[2m# {text}\033[0m" if sys.stdout.isatty() else f"# {text}", flush=True)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
    except CrontabberError as error:  # such as of a directory that another user could change
        sys.exit(f"{error}")
