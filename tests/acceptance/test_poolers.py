"""Ticks through a pooler: in transaction mode refused, in session mode as ever."""

import contextlib
import os
import select
import subprocess
from collections.abc import Iterator

import pytest

from tests.acceptance.rows import CONF, runs
from tests.acceptance.test_dependencies import held
from tests.pgbouncer import PROGRAM, pgbouncer
from tests.pooler import Pooler
from tests.support import TIMEOUT, Command, Database

APPS = """\
from crontabber.base import BaseCronApp
from crontabber.mixins import as_backfill_cron_app

@as_backfill_cron_app
class Slow(BaseCronApp):
    app_name = 'slow'

    def run(self, date):
        with open('dates', 'a') as dates:
            dates.write(f'{date}\\n')
        with open('begun', 'w') as begun:
            begun.write('.')
        open('go').close()  # waits until the other end is opened too

class Quick(BaseCronApp):
    app_name = 'quick'

    def run(self):
        with open('quick', 'a') as quick:
            quick.write('.')
"""

NEEDS_PGBOUNCER = pytest.mark.skipif(PROGRAM is None, reason="PgBouncer is not installed")
REFUSAL = "use session pooling or a direct connection"
PGBOUNCER = pytest.param("pgbouncer", marks=NEEDS_PGBOUNCER)


@pytest.fixture(params=["pooler", PGBOUNCER])
def pooled(request: pytest.FixtureRequest, database: Database) -> Iterator[Database]:
    """The database behind a pooler of one session, which each transaction gets."""
    if request.param == "pooler":
        with Pooler(database) as pooler:
            yield pooler.database
    else:
        with pgbouncer(database, "transaction", size=1) as where:
            yield where


def locks(database: Database) -> int:
    """How many advisory locks there are in the database."""
    [(count,)] = database.execute(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    return int(count)


def is_refused(done: "subprocess.CompletedProcess[str]") -> bool:
    """Whether it said in one line that it is the pooler, and exited with 1."""
    assert "Traceback" not in done.stderr
    return done.returncode == 1 and done.stderr.count(REFUSAL) == 1 and "pooler" in done.stderr


@contextlib.contextmanager
def begun_or_over(crontabber: Command, *arguments: str) -> "Iterator[subprocess.Popen[str]]":
    """A command that is in the middle of its job, or was refused; it goes on at the end."""
    begun, go = (crontabber.directory / name for name in ("begun", "go"))
    for path in (begun, go):
        os.mkfifo(path)
    with crontabber.popen(*arguments) as process, begun.open("r+b", buffering=0) as said:
        try:
            while not (has_begun := select.select([said], [], [], 0.05)[0]):
                if process.poll() is not None:
                    break
            if has_begun:
                said.read(1)
            yield process
            if has_begun:
                go.open("w").close()
            process.communicate(timeout=TIMEOUT)
        finally:
            process.kill()


def prepare(crontabber: Command, database: Database) -> None:
    """Make the tables, over a direct line."""
    crontabber.write("jobs/apps.py", APPS)
    crontabber.configure(database, "jobs.apps.Quick|1h")
    assert crontabber(CONF, "--list-jobs").returncode == 0


def test_a_tick_through_a_pooler_in_transaction_mode_is_refused_before_anything_runs(
    crontabber: Command, database: Database, pooled: Database
) -> None:
    """trap: alone it did well, and the locks of its jobs stayed in the pool"""
    prepare(crontabber, database)
    crontabber.configure(pooled, "jobs.apps.Quick|1h")
    assert is_refused(crontabber(CONF))
    assert not (crontabber.directory / "quick").exists()
    assert runs(database) == []
    assert locks(database) == 0


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_tick_in_the_session_of_another_leaves_its_run_alone(
    crontabber: Command, database: Database, pooled: Database, count: int
) -> None:
    """trap: the lock was re-entrant: a live run was called a crash, and its date run beside it"""
    prepare(crontabber, database)
    crontabber.configure(pooled, "jobs.apps.Slow|1d")
    with begun_or_over(crontabber, CONF) as process:
        for _ in range(count):
            done = crontabber(CONF)
            assert is_refused(done), done.stderr
    assert process.returncode in (0, 1)
    assert runs(database) in ([], [("slow", None)])
    dates = crontabber.directory / "dates"
    assert not dates.exists() or len(dates.read_text().splitlines()) == 1
    assert locks(database) == 0


@NEEDS_PGBOUNCER
def test_in_session_mode_claims_are_claims(crontabber: Command, database: Database) -> None:
    prepare(crontabber, database)
    with contextlib.ExitStack() as stack:
        pooled = stack.enter_context(pgbouncer(database, "session", size=5))
        crontabber.configure(pooled, "jobs.apps.Slow|1d\njobs.apps.Quick|1h")
        with held(crontabber, CONF):
            done = crontabber(CONF)
            assert (done.returncode, done.stderr) == (3, "")
        assert sorted(runs(database)) == [("quick", None), ("slow", None)]
        assert locks(database) == 0


@NEEDS_PGBOUNCER
def test_in_session_mode_one_session_is_enough(crontabber: Command, database: Database) -> None:
    """trap: the second connection that finds it out has to wait for the first"""
    prepare(crontabber, database)
    with pgbouncer(database, "session", size=1) as pooled:
        crontabber.configure(pooled, "jobs.apps.Quick|1h")
        done = crontabber(CONF)
        assert (done.returncode, done.stderr) == (0, "")
    assert runs(database) == [("quick", None)]
