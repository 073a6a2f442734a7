"""A tick where nothing can be written: it says so once, also when nothing is due, and exits 1."""

import subprocess

import pytest
from psycopg2 import sql

from tests.acceptance.rows import CONF, snapshot
from tests.server import own_server
from tests.support import Command, Database

JOBS = "jobs.apps.One|1h\njobs.apps.Two|1h"
APPS = """\
from crontabber.base import BaseCronApp

class One(BaseCronApp):
    app_name = 'one'

    def run(self):
        pass

class Two(One):
    app_name = 'two'
"""


@pytest.fixture
def read_only(crontabber: Command, database: Database) -> Database:
    """A database on which jobs have run, and where by default nothing is written any more."""
    crontabber.write("jobs/apps.py", APPS)
    crontabber.configure(database, JOBS)
    assert crontabber(CONF).returncode == 0
    name = sql.Identifier(database.dbname)
    setting = sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = {}")
    database.execute(setting.format(name, sql.SQL("on")))
    return database


def is_told(done: "subprocess.CompletedProcess[str]", why: str) -> bool:
    """Whether there is one line that says that no job can be run, and *why*."""
    [line] = done.stderr.splitlines()
    return done.returncode == 1 and "no job can be run: " in line and why in line


@pytest.mark.parametrize("due", [True, False])
def test_a_tick_on_a_server_for_reading_says_so_once(
    crontabber: Command, read_only: Database, due: bool
) -> None:
    if due:
        connection = read_only.connect()
        with connection.cursor() as cursor:
            cursor.execute("SET default_transaction_read_only = off")
            cursor.execute("UPDATE crontabber SET next_run = now(), next_slot = now()")
        connection.close()
    before = snapshot(read_only)
    for arguments in ((), ("--job=one",), ("--job=one", "--force")):
        done = crontabber(CONF, *arguments)
        assert is_told(done, "default_transaction_read_only"), done.stderr
    assert snapshot(read_only) == before
    assert crontabber(CONF, "--list-jobs").returncode == 0


def test_a_first_tick_on_a_server_for_reading_says_so(
    crontabber: Command, database: Database
) -> None:
    name = sql.Identifier(database.dbname)
    database.execute(
        sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = on").format(name)
    )
    crontabber.write("jobs/apps.py", APPS)
    crontabber.configure(database, JOBS)
    done = crontabber(CONF)
    [line] = done.stderr.splitlines()
    assert done.returncode == 1
    assert "read-only" in line


def test_a_tick_on_a_standby_says_so_once(crontabber: Command) -> None:
    crontabber.write("jobs/apps.py", APPS)
    with own_server() as server:
        crontabber.configure(server.database, JOBS)
        assert crontabber(CONF).returncode == 0
        server.become_standby()
        done = crontabber(CONF)
    assert is_told(done, "the server is a standby"), done.stderr
