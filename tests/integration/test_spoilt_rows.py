"""Rows that Python cannot have, or that are not UTF-8: each costs its job a line, not the tick."""

from collections.abc import Iterator
from contextlib import closing

import pytest
from psycopg2 import sql

from crontabber.schedule.grammar import JobLine
from crontabber.store.postgres import PostgresStore
from tests.acceptance.rows import CONF, ran
from tests.stores import factory_of, put
from tests.support import Command, Database

SPOILT = [
    ("next_run", "'infinity'", "next_run is infinity"),
    ("next_run", "'-infinity'", "next_run is -infinity"),
    ("next_run", "'20000-01-01Z'", "next_run is 20000-01-01 00:00:00+00"),
    ("next_slot", "'20000-01-01Z'", "next_slot is 20000-01-01 00:00:00+00"),
    ("first_run", "'0044-03-15 12:00Z BC'", "first_run is 0044-03-15 12:00:00+00 BC"),
    ("last_run", "'10000-01-01Z', own_last_run = '10000-01-01Z'", "last_run is 10000-01-01"),
    ("last_success", "'infinity'", "last_success is infinity"),
    ("ongoing", "'infinity'", "ongoing is infinity"),
    ("depends_on", "'{{a,b},{c,d}}'", "depends_on is an array of arrays"),
    ("depends_on", "'{a,NULL}'", "depends_on has a null"),
]

APPS = """\
from crontabber.base import BaseCronApp

class Bad(BaseCronApp):
    app_name = 'bad'

    def run(self):
        pass

class Good(BaseCronApp):
    app_name = 'good'

    def run(self):
        pass
"""


@pytest.fixture
def store(module_database: Database) -> Iterator[PostgresStore]:
    module_database.execute("DROP TABLE IF EXISTS crontabber, crontabber_log")
    name = sql.Identifier(module_database.dbname)
    module_database.execute(sql.SQL("ALTER DATABASE {} SET timezone TO 'UTC'").format(name))
    with closing(PostgresStore(factory_of(module_database), patience=0)) as store:
        yield store


@pytest.mark.parametrize(("column", "value", "fault"), SPOILT)
def test_what_is_wrong_with_a_row_is_read_with_it(
    module_database: Database, store: PostgresStore, column: str, value: str, fault: str
) -> None:
    """trap: one row that cannot be decoded ended every tick"""
    put(store, "bad")
    put(store, "good")
    module_database.execute(f"UPDATE crontabber SET {column} = {value} WHERE app_name = 'bad'")
    looks = [store.look(None), store.look(["m.A"])]
    looks.append(store.look_for_due([JobLine.parse("m.A|1d|03:00")], ""))
    for look in looks:
        assert (look.states["bad"].fault or "").startswith(fault)
        assert getattr(look.states["bad"], column) in (None, (), ("a",))
    assert store.read("good") == looks[0].states["good"]
    assert looks[0].states["good"].fault is None


@pytest.mark.parametrize("seen_before", [True, False])
def test_a_spoilt_row_costs_its_job_a_line(
    crontabber: Command, database: Database, seen_before: bool
) -> None:
    crontabber.write("jobs/apps.py", APPS)
    crontabber.configure(database, "jobs.apps.Bad|1h\njobs.apps.Good|1h")
    assert crontabber(CONF).returncode == 0
    database.execute("UPDATE crontabber SET next_run = 'infinity' WHERE app_name = 'bad'")
    database.execute(
        "UPDATE crontabber SET next_run = now() - interval '1 hour' WHERE app_name = 'good'"
    )
    if not seen_before:
        database.execute("UPDATE crontabber SET class_path = NULL, plan = NULL")
    done = crontabber(CONF)
    [line] = done.stderr.splitlines()
    assert done.returncode == 1
    assert "'jobs.apps.Bad|1h'" in line
    assert "next_run is infinity" in line
    assert "--reset-job=bad" in line
    assert ran(database) == ["bad", "good", "good"]
    done = crontabber(CONF, "--nagios")
    assert (done.returncode, "infinity" in done.stdout) == (2, True)
    assert "infinity" in crontabber(CONF, "--list-jobs").stdout
    assert crontabber(CONF, "--reset-job=bad").returncode == 0
    assert crontabber(CONF).returncode == 0
    assert ran(database, "bad") == ["bad", "bad"]


@pytest.mark.parametrize("column", ["last_error", "asked", "told"])
@pytest.mark.parametrize(
    "text",
    [
        "repeat('[', 5000) || repeat(']', 5000)",
        "'{\"value\": ' || repeat('9', 5000) || '}'",
        "'[' || repeat('9', 5000) || ']'",
    ],
    ids=["deep", "long in an object", "long"],
)
def test_json_that_python_does_not_take_ends_nothing(
    module_database: Database, store: PostgresStore, column: str, text: str
) -> None:
    """trap: a deep last_error ended --status and --list-jobs with a RecursionError"""
    put(store, "bad")
    module_database.execute(f"UPDATE crontabber SET {column} = ({text})::json")
    state = store.look(None).states["bad"]
    assert state.asked == ()
    assert state.fault is None
    assert (state.last_error is None) == (column != "last_error")


@pytest.fixture
def ascii_database(database: Database) -> Iterator[Database]:
    """A database that takes any bytes."""
    fresh = database._replace(dbname=f"{database.dbname}_ascii")
    name = sql.Identifier(fresh.dbname)
    database.execute(
        sql.SQL(
            "CREATE DATABASE {} ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
        ).format(name)
    )
    yield fresh
    database.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


def test_bytes_that_are_not_utf8_stop_nothing(
    crontabber: Command, ascii_database: Database
) -> None:
    """trap: a foreign byte in what an older crontabber remembered ended every tick"""
    crontabber.write("jobs/apps.py", APPS)
    crontabber.configure(ascii_database, "jobs.apps.Bad|1h\njobs.apps.Good|1h")
    assert crontabber(CONF).returncode == 0
    ascii_database.execute(
        "UPDATE crontabber SET next_run = now() - interval '1 hour', error_count = 1,"
        ' last_error = (E\'{"type": "x", "value": "caf\\351 \\303\\244"}\')::json'
        " WHERE app_name = 'bad'"
    )
    ascii_database.execute(
        "INSERT INTO crontabber (app_name, next_run, depends_on)"
        " VALUES (E'caf\\351', now(), ARRAY[E'\\344'])"
    )
    done = crontabber(CONF, "--list-jobs")
    assert done.stderr == ""
    shown = done.stdout
    assert "caf\ufffd ä" in shown
    assert "caf\ufffd" in crontabber(CONF, "--audit-ghosts").stdout
    done = crontabber(CONF)
    assert (done.returncode, done.stderr) == (0, "")
    assert ran(ascii_database, "bad") == ["bad", "bad"]
