"""Workers of Procrastinate, one to four: ``python -m benchmarks.procrastinate``.

How many jobs a second they run that do nothing, how long a job that is due waits for an
idle worker, and how long a child waits after its parent: see docs/procrastinate.md.
"""

import argparse
import contextlib
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from .arena import Server, environ, server

_ENGINE = "--engine=procrastinate"
_ROUNDS = 4
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
        with _started(line, count, self.directory, self.environ):
            while self.execute("SELECT count(*) FROM procrastinate_workers") != [(count,)]:
                time.sleep(0.1)
            self.make_due(count * 4)
            self.tick(_ENGINE)
            self.await_quiet()
            yield

    def await_quiet(self) -> None:
        """Wait until nothing is due or queued."""
        self.database.await_none(
            "SELECT 1 FROM procrastinate_jobs UNION ALL"
            " SELECT 1 FROM crontabber WHERE next_run <= now() OR ongoing IS NOT NULL LIMIT 1"
        )

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
        gaps: list[timedelta] = [start - end for (_, end), (start, _) in itertools.pairwise(rows)]
        return statistics.median(gap.total_seconds() for gap in gaps)


_PLAIN = """
import os, procrastinate
connector = procrastinate.PsycopgConnector(conninfo=os.environ["PLAIN_DSN"], min_size=1, max_size=4)
app = procrastinate.App(connector=connector, worker_defaults={"delete_jobs": "successful"})

@app.task(name="nothing")
def nothing():
    pass
"""


class Plain:
    """Procrastinate without us: so many tasks that do nothing."""

    def __init__(self, server: Server, count: int) -> None:
        self.count = count
        self.directory = server.directory / "site-plain"
        self.directory.mkdir()
        self.database = server.create("plain")
        self.execute = self.database.execute
        self.environ = {**environ(), "PLAIN_DSN": self.database.dsn}
        (self.directory / "plain.py").write_text(_PLAIN)
        self._run("schema", "--apply")
        self.execute("CREATE TABLE done (at timestamptz)")
        self.execute(
            "CREATE FUNCTION done() RETURNS trigger LANGUAGE plpgsql AS $$"
            " BEGIN INSERT INTO done VALUES (clock_timestamp()); RETURN OLD; END $$;"
            " CREATE TRIGGER done AFTER DELETE ON procrastinate_jobs"
            " FOR EACH ROW EXECUTE PROCEDURE done()"
        )

    def _command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "procrastinate", "-a", "plain.app", *words]

    def _run(self, *words: str) -> None:
        subprocess.run(self._command(*words), cwd=self.directory, env=self.environ, check=True)

    @contextlib.contextmanager
    def workers(self, count: int, *options: str) -> Iterator[None]:
        """So many workers, warm and idle."""
        line = self._command("--log-level=error", "worker", *options)
        with _started(line, count, self.directory, self.environ):
            while self.execute("SELECT count(*) FROM procrastinate_workers") != [(count,)]:
                time.sleep(0.1)
            yield

    def jobs_per_second(self) -> float:
        """All tasks are queued at once; from the first end to the last."""
        self.execute("TRUNCATE done")
        self.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, args)"
            " SELECT 'default', 'nothing', '{}' FROM generate_series(1, %(count)s)",
            count=self.count,
        )
        self.database.await_none("SELECT 1 FROM procrastinate_jobs LIMIT 1")
        [(rate,)] = self.execute(
            "SELECT (count(*) - 1) / extract(epoch FROM max(at) - min(at)) FROM done"
        )
        return float(rate)


@contextlib.contextmanager
def _started(
    line: list[str], count: int, directory: Path, environment: dict[str, str]
) -> Iterator[None]:
    """So many processes of a command, which are ended afterwards."""
    started = [
        subprocess.Popen(line, cwd=directory, env=environment, stderr=subprocess.DEVNULL)
        for _ in range(count)
    ]
    try:
        yield
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait()


def processor(server: Server) -> float:
    """The processor seconds of PostgreSQL and of the workers that run now, with their children."""
    postmaster = int((server.directory / "server/cluster/postmaster.pid").read_text().split()[0])
    stats = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            stats[int(path.parent.name)] = path.read_text().rpartition(")")[2].split()
    counted, roots = 0, {postmaster, os.getpid()}
    for pid, fields in stats.items():
        ancestor = pid
        while ancestor in stats and ancestor not in roots:
            ancestor = int(stats[ancestor][1])
        if ancestor in roots and pid != os.getpid():
            counted += sum(map(int, fields[11:13]))
            counted += sum(map(int, fields[13:15])) if pid == postmaster else 0
    return counted / os.sysconf("SC_CLK_TCK")


class Figures(NamedTuple):
    """The best of several rounds, as the machine may be busy with other work."""

    rates: list[float]
    """Jobs a second."""
    spent: list[float]
    """Seconds of the processors a job."""

    def __str__(self) -> str:
        rates = ", ".join(f"{rate:.0f}" for rate in self.rates)
        return (
            f"{max(self.rates):.0f} jobs a second (of {rates}), "
            f"{min(self.spent) * 1000:.1f} ms of the processors a job"
        )


def compare(made: Server, many: Site, plain: Plain, count: int, *options: str) -> Figures:
    """So many workers of both kinds, in turn: what happens beside hits both."""
    sites: tuple[Site | Plain, ...] = (many, plain)
    found = {site: Figures([], []) for site in sites}
    with many.workers(count, *options), plain.workers(count, *options):
        for site in sites * _ROUNDS:
            began = processor(made)
            found[site].rates.append(site.jobs_per_second())
            found[site].spent.append((processor(made) - began) / site.count)
    what = " ".join([f"{count} worker{'s'[: count > 1]}", *options])
    ours, theirs = found[many], found[plain]
    say(f"{what}, crontabber: {ours}")
    say(f"{what}, plain Procrastinate: {theirs}")
    faster, dearer = (
        max(ours.rates) / max(theirs.rates),
        min(ours.spent) / min(theirs.spent),
    )
    say(f"{what}: {faster:.2f} of plain Procrastinate, and {dearer:.2f} of its processor time")
    return ours


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.procrastinate", description=__doc__)
    parser.add_argument("--jobs", type=int, default=400)
    parser.add_argument("--directory", type=Path, default=Path(tempfile.gettempdir()))
    options = parser.parse_args()
    with server(options.directory) as made:
        many = Site(made, "many", options.jobs)
        say(f"a tick without workers: {many.jobs_per_second_of_a_tick():.0f} jobs a second")
        plain = Plain(made, options.jobs)
        one = compare(made, many, plain, 1)
        compare(made, many, plain, 1, "-c4")
        two = compare(made, many, plain, 2)
        compare(made, many, plain, 4)
        dearer = min(two.spent) / min(one.spent)
        more = max(two.rates) / max(one.rates)
        say(f"2 workers: {more:.2f} of one, and {dearer:.2f} of its processor time a job")
        chain = Site(made, "chain", 20, chained=True)
        with chain.workers(2):
            due, queued = chain.latency()
            say(f"a job starts {queued:.3f} s after it is queued, {due:.2f} s after it is due")
            chain.from_parent_to_child()  # the processes see their jobs for the first time
            say(f"a child starts {chain.from_parent_to_child():.3f} s after its parent has ended")


def say(line: str) -> None:
    """To stdout, at once."""
    print(line, flush=True)  # noqa: T201  it is a command


if __name__ == "__main__":
    main()
