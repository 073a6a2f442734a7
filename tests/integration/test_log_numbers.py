"""The numbers of the log: they do not run out, and to see to that locks no large log."""

from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from crontabber.clean import Cleaned, clean_log
from crontabber.store import sql
from crontabber.store.numbers import LogNumbers
from crontabber.store.postgres import PostgresStore
from crontabber.store.sql import load_migrations, load_queries, located
from tests.stores import factory_of
from tests.support import Database

HIGHEST = (1 << 31) - 1
LOWEST = -(1 << 31)
MIGRATION = Path(sql.__file__).with_name("0007_log_numbers.sql").read_text()
STATEMENT = located(load_queries()["log_numbers"], "public")
# As crontabber 0.18 writes it.
INSERT = "INSERT INTO crontabber_log (app_name) VALUES ('app') RETURNING id"


def make_log(database: Database, rows: int) -> None:
    """A log as crontabber 0.18 has made and filled it."""
    database.execute(load_migrations()[0].replace("bigserial", "serial"))
    database.execute(
        "INSERT INTO crontabber_log (app_name, log_time)"
        " SELECT 'app', now() - '40 days'::interval FROM generate_series(1, %s)",
        (rows,),
    )


def migrate(database: Database) -> None:
    """All migrations, twice: they may be run again without harm."""
    for _ in range(2):
        for migration in load_migrations():
            database.execute(migration)


def insert(database: Database, times: int = 1) -> list[int]:
    return [database.execute(INSERT)[0][0] for _ in range(times)]


def numbers(database: Database) -> LogNumbers:
    [row] = database.execute(STATEMENT)
    return LogNumbers(*row)


def file_of_log(database: Database) -> Any:
    """It is another one after the table was written anew."""
    return database.execute("SELECT pg_relation_filenode('crontabber_log')")


def test_a_new_log_has_wide_numbers(database: Database) -> None:
    """trap: 100,000 jobs every five minutes use up 32 bits in 75 days, and nothing runs"""
    migrate(database)
    database.execute("SELECT setval('crontabber_log_id_seq', %s)", (HIGHEST,))
    assert insert(database, 2) == [HIGHEST + 1, HIGHEST + 2]
    assert numbers(database) == (HIGHEST + 2, True, False)
    assert numbers(database).warning() == ""


@pytest.mark.parametrize("rows", [0, 200_000])
def test_an_older_log_is_neither_rewritten_nor_locked(database: Database, rows: int) -> None:
    """trap: an upgrade that locks a log of ten million rows"""
    make_log(database, rows)
    before = file_of_log(database)
    with closing(database.connect()) as other:
        other.autocommit = False
        # a reader, and a writer: a migration that wants the table has to wait for them
        other.cursor().execute("INSERT INTO crontabber_log (id, app_name) VALUES (-1, 'open')")
        database.execute(f"SET lock_timeout = '100ms'; {MIGRATION}")
        other.rollback()
    migrate(database)
    assert file_of_log(database) == before
    assert insert(database) == [rows + 1]
    assert numbers(database) == (rows + 1, False, True)


@pytest.mark.parametrize("of_old_server", [False, True])
@pytest.mark.parametrize("last", [HIGHEST - 1, HIGHEST])
def test_the_numbers_of_an_older_log_go_on_below_zero(
    database: Database, of_old_server: bool, last: int
) -> None:
    """PostgreSQL before 10 made sequences of 64 bits for columns of 32."""
    make_log(database, 10)
    if of_old_server:
        database.execute("ALTER SEQUENCE crontabber_log_id_seq AS bigint")
    database.execute("SELECT setval('crontabber_log_id_seq', %s)", (last,))
    migrate(database)
    given = [*range(last + 1, HIGHEST + 1), LOWEST, LOWEST + 1, LOWEST + 2]
    assert insert(database, len(given)) == given


def test_a_log_whose_numbers_have_run_out_goes_on(database: Database) -> None:
    make_log(database, 10)
    database.execute("ALTER SEQUENCE crontabber_log_id_seq AS bigint")
    database.execute("SELECT setval('crontabber_log_id_seq', %s)", (HIGHEST,))
    with pytest.raises(psycopg2.errors.NumericValueOutOfRange):
        insert(database)
    migrate(database)
    assert insert(database, 2)[1] == LOWEST + 1


def test_numbers_that_are_given_by_other_means_are_left_alone(database: Database) -> None:
    make_log(database, 10)
    database.execute("ALTER TABLE crontabber_log ALTER COLUMN id DROP DEFAULT")
    database.execute("DROP SEQUENCE crontabber_log_id_seq")
    migrate(database)
    assert database.execute(STATEMENT) == []


def test_a_log_that_was_widened_by_hand_counts_up_again(database: Database) -> None:
    make_log(database, 10)
    migrate(database)
    database.execute("SELECT setval('crontabber_log_id_seq', %s)", (HIGHEST - 1,))
    assert insert(database, 3) == [HIGHEST, LOWEST, LOWEST + 1]
    database.execute("ALTER TABLE crontabber_log ALTER COLUMN id TYPE bigint")
    migrate(database)
    assert insert(database, 2) == [HIGHEST + 1, HIGHEST + 2]
    assert numbers(database) == (HIGHEST + 2, True, False)


def test_a_log_is_widened_without_a_long_lock_as_documented(database: Database) -> None:
    """What docs/howto/log.md says, run as it stands there, with a tick between the steps."""
    make_log(database, 20_000)
    migrate(database)
    before = file_of_log(database)
    page = Path(__file__).parents[2] / "docs" / "howto" / "log.md"
    steps = page.read_text().partition("**A larger log** is widened")[2].split("```postgresql\n")
    statements = [step.partition("```")[0] for step in steps[1:]]
    assert len(statements) == 4
    database.execute(statements[0])
    late = insert(database, 3)
    database.execute(statements[1])
    late += insert(database)
    for statement in statements[2].split(";\n"):
        if statement.strip():
            database.execute(statement)
        late += insert(database)
    database.execute(statements[3])
    late += insert(database)
    assert file_of_log(database) == before
    assert late == [*range(20_001, 20_001 + len(late))]
    assert numbers(database) == (late[-1], True, False)
    [(count, distinct)] = database.execute(
        "SELECT count(*), count(DISTINCT id) FROM crontabber_log"
    )
    assert count == distinct == 20_000 + len(late)
    assert database.execute(
        "SELECT column_name, data_type, is_nullable FROM information_schema.columns"
        " WHERE table_name = 'crontabber_log' AND column_name LIKE 'id%'"
    ) == [("id", "bigint", "NO")]
    with pytest.raises(psycopg2.errors.UniqueViolation):
        database.execute("INSERT INTO crontabber_log (id, app_name) VALUES (1, 'app')")
    migrate(database)
    assert file_of_log(database) == before


def test_a_log_is_widened_at_once_as_documented(database: Database) -> None:
    make_log(database, 20_000)
    migrate(database)
    page = Path(__file__).parents[2] / "docs" / "howto" / "log.md"
    _, _, rest = page.read_text().partition("**A log of up to a few million rows**")
    database.execute(rest.split("```postgresql\n")[1].partition("```")[0])
    assert numbers(database) == (20_000, True, False)
    assert insert(database) == [20_001]


def test_the_log_is_trimmed_too_when_numbers_have_gone_below_zero(database: Database) -> None:
    migrate(database)
    database.execute(
        "INSERT INTO crontabber_log (id, app_name, log_time)"
        " SELECT id, 'app', now() - days * '1 day'::interval"
        " FROM generate_series(1, 20) AS days,"
        "  LATERAL (SELECT CASE WHEN days > 5 THEN 1000 ELSE -1000 END - days AS id) AS given"
    )
    for batch in (1, 4, 5, 6, 1000):
        days = {1: 19.5, 4: 17.5, 5: 15.5, 6: 10.5, 1000: 2.5}[batch]
        with closing(database.connect()) as connection:
            connection.autocommit = False
            assert clean_log(connection, days, days, batch=batch) != Cleaned()
        [(oldest, count)] = database.execute(
            "SELECT max(now() - log_time) < %s * '1 day'::interval, count(*) FROM crontabber_log",
            (days,),
        )
        assert (oldest, count) == (True, int(days))


@pytest.mark.parametrize(
    ("state", "told"),
    [
        (LogNumbers(None, False, False), ""),
        (LogNumbers(1, False, False), ""),
        (LogNumbers((1 << 30) - 1, False, False), ""),
        (
            LogNumbers(1 << 30, False, False),
            "1,073,741,824 of 2,147,483,648 numbers, and no run",
        ),
        (LogNumbers(1 << 30, True, False), ""),
        (LogNumbers(HIGHEST, False, True), ""),
        (
            LogNumbers(LOWEST, False, True),
            "2,147,483,648 of 4,294,967,296 numbers, and",
        ),
        (LogNumbers(-1, False, True), "4,294,967,295 of 4,294,967,296 numbers"),
    ],
)
def test_a_warning_comes_when_half_of_the_numbers_are_used(state: LogNumbers, told: str) -> None:
    warning = state.warning()
    assert told in warning
    assert bool(told) == bool(warning)
    assert "\n" not in warning


def test_a_role_that_may_not_use_the_sequence_is_told_nothing(database: Database) -> None:
    migrate(database)
    insert(database)
    database.execute("CREATE ROLE numbers_reader")
    try:
        assert database.execute(f"SET ROLE numbers_reader; {STATEMENT}") == [(None, True, False)]
    finally:
        database.execute("DROP OWNED BY numbers_reader; DROP ROLE numbers_reader")


def test_the_first_tick_after_an_upgrade_sees_to_the_numbers(database: Database) -> None:
    """Tables of the version before: no statement of an idle tick asks for numbers."""
    make_log(database, 1)
    for migration in load_migrations()[1:6]:
        database.execute(migration)
    assert numbers(database) == (1, False, False)
    with closing(PostgresStore(factory_of(database))) as store:
        store.look_for_due([], "UTC")
    assert numbers(database) == (1, False, True)
