"""What a tick does not do: it imports little, and says little to the database."""

import contextlib
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from tests import warm
from tests.support import TIMEOUT, Command, Database

FORBIDDEN = {
    "asyncio",
    "concurrent",
    "crontabber.tick.attempt",
    "crontabber.base",
    "crontabber.tick.batch",
    "crontabber.clean",
    "crontabber.config.apps",
    "crontabber.config.appspec",
    "crontabber.config.dump",
    "crontabber.config.jobdump",
    "crontabber.config.joboptions",
    "crontabber.config.section",
    "crontabber.config.usage",
    "crontabber.contrib",
    "crontabber.embedded",
    "crontabber.tick.failures",
    "crontabber.log.setup",
    "crontabber.mixins",
    "crontabber.process.command_app",
    "crontabber.process.commands",
    "crontabber.reporters.budget",
    "crontabber.reporters.carrier",
    "crontabber.reporters.courier",
    "crontabber.reporters.distant",
    "crontabber.reporters.log",
    "crontabber.reporters.notify",
    "crontabber.reporters.otel",
    "crontabber.reporters.pings",
    "crontabber.reporters.textfile",
    "crontabber.schedule.changes",
    "crontabber.schedule.figures",
    "crontabber.secrecy.redactor",
    "crontabber.reporters.sentry",
    "crontabber.reporters.terminal",
    "crontabber.tick.claim",
    "crontabber.schedule.dag",
    "crontabber.schedule.health",
    "crontabber.process.signals",
    "crontabber.log.syslog",
    "crontabber.testing",
    "crontabber.views",
    "dataclasses",
    "difflib",
    "graphlib",
    "hashlib",
    "importlib.metadata",
    "jobs",
    "logging",
    "multiprocessing",
    "psutil",
    "raven",
    "requests",
    "rich",
    "sentry_sdk",
    "socketserver",
    "subprocess",
    "threading",
    "traceback",
    "unittest",
    "urllib.request",
    "uuid",
}
"""What an idle tick has no use for; with all that is in these packages."""

FLOOR = """
import sys
before = set(sys.modules)
from crontabber.config import compat
import psycopg2, zoneinfo
print("\\n".join(set(sys.modules) - before))
"""
"""What configman, psycopg2 and zoneinfo import on their own is no choice of ours."""

SPY = """
import atexit, os, sys
atexit.register(lambda: open(os.environ["SPY"], "w").write("\\n".join(sys.modules)))
"""
"""A ``sitecustomize`` that writes down at the end what was imported."""


COMMITS = """
CREATE TABLE commits (transaction bigint, waits boolean);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO public.commits
            SELECT txid_current(), current_setting('synchronous_commit') <> 'off';
        RETURN NULL;
    END
$$;
CREATE CONSTRAINT TRIGGER note AFTER INSERT OR UPDATE ON crontabber
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION note();
CREATE CONSTRAINT TRIGGER note AFTER INSERT ON crontabber_log
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION note()
"""
"""Note at each commit whether it is to wait for the disk."""


class Jobs:
    """An installation of jobs that do nothing."""

    def __init__(self, crontabber: Command, database: Database) -> None:
        self.crontabber = crontabber
        self.database = database
        self.listed = self.more = ""
        self.sections = ""

    def install(self, count: int, frequency: str = "1d", decorator: str = "") -> None:
        """List so many jobs, every other of which depends on the one before, and run them."""
        lines = ["from crontabber.base import BaseCronApp", "from crontabber.mixins import *"]
        for number in range(count):
            lines += [
                decorator,
                f"class Job{number}(BaseCronApp):",
                f"    app_name = 'job-{number}'",
                f"    depends_on = {(f'job-{number - 1}',) if number % 2 else ()!r}",
                "    def run(self, *date): pass",
            ]
        self.crontabber.write("jobs.py", "\n".join(lines))
        self.listed = "\n".join(f"jobs.Job{number}|{frequency}" for number in range(count))
        self.tick()

    def install_commands(self, count: int) -> None:
        """List so many jobs that are sections of the ini, and run them."""
        names = [f"job-{number}" for number in range(count)]
        sections = (f"[[{name}]]\ncommand=true\ntimeout=1h" for name in names)
        self.sections = "\n".join(["[job]", *sections])
        self.listed = "\n".join(f"{name}|1d" for name in names)
        self.tick()

    def tick(self, database: Database | None = None, **env: str) -> None:
        """Tick, successfully and without a word."""
        more = f"{self.more}\n{self.sections}"
        self.crontabber.configure(database or self.database, self.listed, more)
        done = self.crontabber("--admin.conf=crontabber.ini", env=env)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

    def make_due(self, minutes: int = 0) -> None:
        """Let every job wait for a slot that came up so many minutes ago."""
        self.database.execute(
            "UPDATE crontabber SET next_run = slot, next_slot = slot"
            " FROM (SELECT date_trunc('minute', now()) - interval '1 minute' * %s AS slot) AS due",
            [minutes],
        )

    def messages(self) -> list[list[str]]:
        """Tick, and give what it says to the server, for each connection that it makes."""
        with wiretap(self.database) as (port, heard):
            tapped = self.database._replace(host="127.0.0.1", port=port)
            self.tick(tapped, PGSSLMODE="disable", PGGSSENCMODE="disable")
        return heard

    def traffic(self) -> list[list[str]]:
        """The same, statement by statement."""
        return [
            [statement.strip() for message in messages for statement in message.split(";")]
            for messages in self.messages()
        ]

    def runs(self) -> int:
        """How many runs there were."""
        [(count,)] = self.database.execute("SELECT count(*) FROM crontabber_log")
        return int(count)


@pytest.fixture
def jobs(crontabber: Command, database: Database) -> Jobs:
    return Jobs(crontabber, database)


@contextlib.contextmanager
def wiretap(database: Database) -> Iterator[tuple[int, list[list[str]]]]:
    """A port that leads to the server, and the queries heard there, by connection."""
    heard: list[list[str]] = []

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                heard.append([])
                threads.append(threading.Thread(target=serve, args=(client, heard[-1])))
                threads[-1].start()

    def serve(client: socket.socket, queries: list[str]) -> None:
        with client, connect(database) as server:
            answers = threading.Thread(target=pass_on, args=(server, client))
            answers.start()
            queries += queries_in(pass_on(client, server))
            answers.join()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threads = [threading.Thread(target=accept)]
        threads[0].start()
        yield listener.getsockname()[1], heard
        listener.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join(TIMEOUT)


def connect(database: Database) -> socket.socket:
    if not database.host.startswith("/"):
        return socket.create_connection((database.host, database.port))
    server = socket.socket(socket.AF_UNIX)
    server.connect(f"{database.host}/.s.PGSQL.{database.port}")
    return server


def pass_on(source: socket.socket, target: socket.socket) -> bytes:
    """Pass on what one side says until it ends; all that it said."""
    said = b""
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            said += data
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    return said


def queries_in(said: bytes) -> Iterator[str]:
    """The texts of PostgreSQL's simple queries; what comes first has no kind."""
    position = int.from_bytes(said[:4], "big")
    while position < len(said):
        kind, length = (
            said[position : position + 1],
            int.from_bytes(said[position + 1 :][:4], "big"),
        )
        if kind == b"Q":
            yield said[position + 5 : position + length].decode()
        position += 1 + length


# -- what it imports -----------------------------------------------------------


def imported(jobs: Jobs) -> set[str]:
    """What a tick imports that those whom it cannot do without do not."""
    if warm.COVERAGE in os.environ:
        pytest.skip("what counts lines imports modules of its own")
    modules = imported_by(jobs, jobs.tick)
    command = [sys.executable, "-S", "-c", FLOOR]
    paths = {"PYTHONPATH": os.pathsep.join(sys.path)}
    floor = subprocess.run(command, env=paths, capture_output=True, text=True, check=True)
    return modules - set(floor.stdout.split())


def imported_by(jobs: Jobs, start: Callable[..., object]) -> set[str]:
    """What the command imports that *start* starts, in the environment that it is given."""
    spy = jobs.crontabber.directory / "imported"
    jobs.crontabber.write("sitecustomize.py", SPY)
    start(SPY=str(spy))
    return set(spy.read_text().split())


def forbidden(modules: set[str]) -> set[str]:
    return {
        module
        for module in modules
        if any(f"{module}.".startswith(f"{package}.") for package in FORBIDDEN)
    }


def test_an_idle_tick_imports_nothing_that_it_does_not_need(jobs):
    """trap: each start imported raven, the logging handlers and every job's module"""
    jobs.install(4)
    assert forbidden(imported(jobs)) == set()
    jobs.make_due()
    assert forbidden(imported(jobs)) >= {"crontabber.tick.claim", "jobs", "logging"}, "it can fail"


def test_an_idle_tick_reads_no_option_of_commands_and_asks_once(jobs):
    jobs.install_commands(30)
    [statements] = jobs.traffic()
    assert len(statements) == 1
    assert forbidden(imported(jobs)) == set()
    jobs.make_due()
    assert forbidden(imported(jobs)) >= {"crontabber.process.command_app"}, "it can fail"


def test_a_section_about_a_class_costs_an_idle_tick_no_import_and_no_statement(jobs):
    """The rows say which names there are"""
    sections = ("job-3", "jobs.Job2")
    jobs.sections = "\n".join(["[job]", *(f"[[{name}]]\ntimeout=1h" for name in sections)])
    jobs.install(4)
    [statements] = jobs.traffic()
    assert len(statements) == 1
    assert forbidden(imported(jobs)) == set()


def test_help_imports_neither_the_driver_nor_what_runs_jobs(jobs):
    def ask(**env: str) -> None:
        done = jobs.crontabber("--help=settings", env=env)
        assert "--resource.postgresql.dsn" in done.stdout, "also the options of the driver's class"

    modules = imported_by(jobs, ask)
    unneeded = {"psycopg2", "zoneinfo", "crontabber.app", "crontabber.store", "crontabber.views"}
    assert {"configman", "crontabber.connection_factory"} <= modules
    assert modules & unneeded == set()


# -- what it says to the database ----------------------------------------------


@pytest.mark.parametrize("count", [1, 30])
def test_an_idle_tick_is_one_statement_over_one_connection(jobs, count):
    """trap: the original says three statements a job, due or not"""
    jobs.install(count)
    [statements] = jobs.traffic()
    assert len(statements) == 1
    assert "now()" in statements[0]


def test_metrics_take_no_more_statements(jobs, tmp_path):
    jobs.install(4)
    jobs.more = f"textfile={tmp_path}/crontabber.prom"
    [statements] = jobs.traffic()
    assert len(statements) == 1
    assert 'crontabber_job_status{job="job-3"} 0' in (tmp_path / "crontabber.prom").read_text()


def test_to_be_told_of_costs_no_more_commits(jobs):
    """What people were told is a part of the record."""
    jobs.crontabber.write("jobs.py", FAILING)
    jobs.listed = "jobs.Job|1d"
    jobs.crontabber.configure(jobs.database, jobs.listed)
    jobs.database.execute("SELECT 1")
    jobs.crontabber("--admin.conf=crontabber.ini")
    jobs.database.execute("UPDATE crontabber SET told = NULL, next_run = now(), next_slot = now()")
    jobs.database.execute(COMMITS)
    for told in (True, False, True):  # it begins to fail, fails again, and is well again
        jobs.database.execute("TRUNCATE commits")
        jobs.database.execute("UPDATE crontabber SET next_run = now() - interval '1 minute'")
        jobs.database.execute("TRUNCATE commits")
        if told and jobs.runs() == 3:
            jobs.crontabber.write("fine", "")
        done = jobs.crontabber("--admin.conf=crontabber.ini")
        assert bool(done.stderr) is told, done.stderr
        assert waits(jobs) == 1


FAILING = """
from pathlib import Path
from crontabber.base import BaseCronApp

class Job(BaseCronApp):
    app_name = "job"
    def run(self):
        if not Path("fine").exists():
            raise ValueError("no")
"""


def test_a_run_is_at_most_four_statements_and_waits_for_the_disk_once(jobs):
    """trap: the original says 23 statements a run, and commits most of them"""
    count = 20
    jobs.install(count)
    jobs.make_due()
    jobs.database.execute(COMMITS)
    [statements] = jobs.traffic()
    session = [text for text in statements if "pg_settings" in text or text.startswith("PREPARE")]
    look_and_unlock = 2
    assert len(session) <= 6, "however many jobs there are"
    assert len(statements) - len(session) - look_and_unlock <= 4 * count
    assert jobs.runs() == 2 * count
    assert waits(jobs) == count


def test_a_run_is_two_round_trips(jobs):
    """One for the claim, and one for the record."""
    count = 20
    jobs.install(count)
    jobs.make_due()
    [messages] = jobs.messages()
    look, session, plans, unlock = 1, 1, 4, 1
    assert len(messages) <= look + session + 2 * count + plans + unlock
    assert jobs.runs() == 2 * count


def test_a_slot_of_a_backfill_is_one_statement_that_waits_for_the_disk_once(jobs):
    jobs.install(1, "1m", "@as_backfill_cron_app")
    jobs.make_due(minutes=19)
    jobs.database.execute(COMMITS)
    [statements] = jobs.traffic()
    slots = jobs.runs() - 1
    assert slots >= 20
    look, session, claim, plan, unlock = 1, 1, 2, 1, 1
    assert len(statements) == look + session + claim + slots + plan + unlock
    assert waits(jobs) == slots


def waits(jobs: Jobs) -> int:
    """How many commits waited for the disk."""
    [(count,)] = jobs.database.execute(
        "SELECT count(DISTINCT transaction) FROM commits WHERE waits"
    )
    return int(count)
