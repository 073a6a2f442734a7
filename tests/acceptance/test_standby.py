"""A hot standby: advisory locks, which tell whether a run is alive, are not replicated."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from crontabber.errors import ConfigError
from tests.acceptance.rows import CONF
from tests.server import own_programs, own_server
from tests.support import TIMEOUT, Command, Database

APP = """\
import time
from crontabber.base import BaseCronApp

class Long(BaseCronApp):
    app_name = 'long'

    def run(self):
        print('running', flush=True)
        time.sleep(3600)
"""
NOTE = "this server is a standby, which cannot tell whether jobs that are marked as running"


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[Database, Database]]:
    """A server, and a standby that streams from it."""
    try:
        has_it = (own_programs() / "pg_basebackup").exists()
    except ConfigError:
        has_it = False
    if not has_it:
        pytest.skip("there is no pg_basebackup to make a standby with")
    with own_server() as primary, own_server(primary=primary.database) as standby:
        yield primary.database, standby.database


def caught_up(primary: Database, standby: Database) -> None:
    """Wait until the standby has replayed all that the primary has written."""
    [(written,)] = primary.execute("SELECT pg_current_wal_flush_lsn()")
    give_up = time.monotonic() + TIMEOUT
    while not standby.execute("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", [written])[0][0]:
        assert time.monotonic() < give_up
        time.sleep(0.05)


@contextmanager
def running(crontabber: Command) -> Iterator[None]:
    """The job runs meanwhile; then its process is killed."""
    with crontabber.popen(CONF) as tick:
        try:
            assert tick.stdout
            assert tick.stdout.readline() == "running\n"
            yield
        finally:
            tick.kill()


def test_a_running_job_is_not_called_crashed_on_a_standby(
    crontabber: Command, pair: tuple[Database, Database]
) -> None:
    """trap: on a standby every running job looked crashed"""
    primary, standby = pair
    assert standby.execute("SELECT pg_is_in_recovery()") == [(True,)]
    crontabber.write("apps.py", APP)
    crontabber.configure(primary, "apps.Long|1d")
    there = f"--resource.postgresql.host={standby.host}"

    def ask(verb: str, *arguments: str) -> tuple[int, str]:
        primary.execute("SELECT pg_switch_wal()")  # as the mark's commit is not waited for
        caught_up(primary, standby)
        done = crontabber(CONF, verb, *arguments)
        assert done.stderr == ""
        return done.returncode, done.stdout

    with running(crontabber):
        assert ask("--nagios")[0] == 0
        code, line = ask("--nagios", there)
        assert line.startswith(f"OK - the one job is well; {NOTE}")
        assert code == 0
        assert " | jobs=1 failed=0;" in line
        code, listing = ask("--list-jobs", there)
        assert code == 0
        assert listing.startswith(NOTE)
        assert "Ongoing now!" in listing
        assert "Error!!" not in listing
    # the primary can tell
    assert ask("--nagios")[0] == 2
    code, line = ask("--nagios", there)
    assert (code, NOTE in line) == (0, True)
    assert "Ongoing now!" in ask("--list-jobs", there)[1]
    assert NOTE not in ask("--list-jobs")[1]


def test_on_a_standby_no_tables_are_made(
    crontabber: Command, pair: tuple[Database, Database]
) -> None:
    primary, standby = pair
    primary.execute("DROP DATABASE IF EXISTS nothing_yet")
    primary.execute("CREATE DATABASE nothing_yet")
    caught_up(primary, standby)
    crontabber.write("apps.py", APP)
    crontabber.configure(standby._replace(dbname="nothing_yet"), "apps.Long|1d")
    done = crontabber(CONF, "--nagios")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("WARNING - long has not been seen by a tick: there are no tables")
    assert NOTE in done.stdout
