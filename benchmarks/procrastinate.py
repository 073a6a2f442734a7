"""Workers of Procrastinate, one to four: ``python -m benchmarks.procrastinate``.

How many jobs a second they run that do nothing, how long a job that is due waits for an
idle worker, and how long a child waits after its parent: see docs/procrastinate.md.
"""

import argparse
import contextlib
import itertools
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from .arena import Server, environ, server

_ENGINE = "--engine=procrastinate"
_NOTE = """
    CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN INSERT INTO queued VALUES (clock_timestamp()); RETURN NEW; END $$;
    CREATE TRIGGER note AFTER INSERT ON procrastinate_jobs
        FOR EACH ROW EXECUTE PROCEDURE note();
"""
_WORKER = (sys.executable, "-m", "procrastinate", "-a", "crontabber.contrib.procrastinate.app")


class Site:
    """So many jobs that do nothing, each the child of the one before it if *chained*."""

    def __init__(self, server: Server, name: str, count: int, *, chained: bool = False) -> None:
        self.count = count
        self.directory = server.directory / f"site-{name}"
        self.directory.mkdir()
        self.database = server.create(name)
        self.execute = self.database.execute
        self.environ = {**environ(), "CRONTABBER_CONF": "crontabber.ini"}
        self._write(chained)
        self.tick(_ENGINE)  # which makes the tables
        self.execute("DELETE FROM procrastinate_jobs")
        self.tick()  # all have run now
        self.execute("CREATE TABLE queued (at timestamptz)")
        self.execute(_NOTE)

    def _write(self, chained: bool) -> None:
        apps = (
            f"class App{number}(BaseCronApp):\n"
            f"    app_name = 'app-{number}'\n"
            f"    depends_on = {f'app-{number - 1}' if chained and number else ()!r}\n\n"
            "    def run(self):\n        pass\n"
            for number in range(self.count)
        )
        head = "from crontabber.base import BaseCronApp\n"
        (self.directory / "apps.py").write_text("\n\n".join([head, *apps]))
        jobs = "\n".join(f"apps.App{number}|1d" for number in range(self.count))
        (self.directory / "crontabber.ini").write_text(
            f"[crontabber]\njobs='''\n{jobs}\n'''\n"
            f'[resource]\n[[postgresql]]\ndsn="{self.database.dsn}"\n'
        )

    def tick(self, *options: str) -> None:
        """Tick, and make Procrastinate's tables if they are needed."""
        line = [sys.executable, "-m", "crontabber", "--admin.conf=crontabber.ini", *options]
        subprocess.run(line, cwd=self.directory, env=self.environ, check=True)

    def make_due(self, jobs: int | None = None) -> None:
        """Let so many jobs be due, or all."""
        self.execute("TRUNCATE crontabber_log; TRUNCATE queued")
        self.execute(
            "UPDATE crontabber SET next_run = now(), next_slot = date_trunc('minute', now()),"
            " last_run = last_run - interval '1 day', own_last_run = last_run - interval '1 day'"
            " WHERE app_name = ANY (ARRAY(SELECT app_name FROM crontabber LIMIT %(jobs)s))",
            jobs=jobs,
        )

    @contextlib.contextmanager
    def workers(self, count: int, *options: str) -> Iterator[None]:
        """So many workers, warm and idle."""
        line = [*_WORKER, "--log-level=error", "worker", *options]
        started = [
            subprocess.Popen(line, cwd=self.directory, env=self.environ, stderr=subprocess.DEVNULL)
            for _ in range(count)
        ]
        try:
            while self.execute("SELECT count(*) FROM procrastinate_workers") != [(count,)]:
                time.sleep(0.1)
            self.make_due(count * 4)
            self.tick(_ENGINE)
            self.await_quiet()
            yield
        finally:
            for worker in started:
                worker.terminate()
            for worker in started:
                worker.wait()

    def await_quiet(self) -> None:
        """Wait until nothing is due or queued."""
        while self.execute(
            "SELECT 1 FROM crontabber WHERE next_run <= now() OR ongoing IS NOT NULL"
            " UNION ALL SELECT 1 FROM procrastinate_jobs LIMIT 1"
        ):
            time.sleep(0.02)

    def jobs_per_second(self) -> float:
        """All jobs are due at once; counted from the first start to the last end."""
        self.make_due()
        self.tick(_ENGINE)
        return self._rate()

    def jobs_per_second_of_a_tick(self) -> float:
        """The same without workers."""
        self.make_due()
        self.tick()
        return self._rate()

    def _rate(self) -> float:
        self.await_quiet()
        [(rate,)] = self.execute(
            "SELECT count(*) / extract(epoch FROM max(log_time) - min(log_time - duration))"
            " FROM crontabber_log WHERE success IS NOT NULL"
        )
        return float(rate)

    def latency(self) -> tuple[float, float]:
        """One job is due, and the workers idle: from then, and from the queue, to its start."""
        since_due, since_queued = [], []
        for _ in range(10):
            [(due,)] = self.execute("SELECT clock_timestamp()")
            self.make_due(1)
            self.tick(_ENGINE)
            self.await_quiet()
            [(began,)] = self.execute("SELECT max(last_run) FROM crontabber")
            [(queued,)] = self.execute("SELECT max(at) FROM queued")
            since_due.append((began - due).total_seconds())
            since_queued.append((began - queued).total_seconds())
        return statistics.median(since_due), statistics.median(since_queued)

    def from_parent_to_child(self) -> float:
        """The seconds from the end of a parent to the start of its child, of a whole chain."""
        self.make_due()
        self.tick(_ENGINE)
        self.await_quiet()
        rows = self.execute("SELECT log_time - duration, log_time FROM crontabber_log ORDER BY id")
        assert len(rows) == self.count
        return statistics.median(
            (start - end).total_seconds() for (_, end), (start, _) in itertools.pairwise(rows)
        )


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.procrastinate", description=__doc__)
    parser.add_argument("--jobs", type=int, default=400)
    parser.add_argument("--directory", type=Path, default=Path(tempfile.gettempdir()))
    options = parser.parse_args()
    with server(options.directory) as made:
        many = Site(made, "many", options.jobs)
        say(f"a tick without workers: {many.jobs_per_second_of_a_tick():.0f} jobs a second")
        for count, more in ((1, ()), (1, ("-c4",)), (2, ()), (4, ())):
            with many.workers(count, *more):
                what = " ".join([f"{count} worker{'s'[: count > 1]}", *more])
                rates = [many.jobs_per_second() for _ in range(3)]
                say(f"{what}: {max(rates):.0f} jobs a second (of {_list(rates)})")
        chain = Site(made, "chain", 20, chained=True)
        with chain.workers(2):
            due, queued = chain.latency()
            say(f"a job starts {queued:.3f} s after it is queued, {due:.2f} s after it is due")
            chain.from_parent_to_child()  # the processes see their jobs for the first time
            say(f"a child starts {chain.from_parent_to_child():.3f} s after its parent has ended")


def _list(rates: list[float]) -> str:
    return ", ".join(f"{rate:.0f}" for rate in rates)


def say(line: str) -> None:
    """To stdout, at once."""
    print(line, flush=True)  # noqa: T201  it is a command


if __name__ == "__main__":
    main()
