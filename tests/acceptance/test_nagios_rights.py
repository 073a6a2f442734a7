"""``--nagios`` never says OK for what can never run, and makes no tables."""

import os
import random
import string
from collections.abc import Callable, Iterator

import pytest
from psycopg2 import errors

from tests.acceptance.rows import CONF, snapshot
from tests.support import Command, Database

APP = """\
from crontabber.base import BaseCronApp

class App(BaseCronApp):
    app_name = 'app'

    def run(self):
        pass

class New(App):
    app_name = 'new'
"""
ALL = (
    "GRANT SELECT, INSERT, UPDATE, DELETE ON crontabber TO {role}",
    "GRANT INSERT ON crontabber_log TO {role}",
    "GRANT USAGE ON SEQUENCE crontabber_log_id_seq TO {role}",
)
ROLE, WATCH = f"crontabber_ticker_{os.getpid()}", f"crontabber_watch_{os.getpid()}"

Ask = Callable[..., tuple[int, str]]


@pytest.fixture
def ask(crontabber: Command, database: Database) -> Iterator[Ask]:
    """Tables with a job that is well, and two roles without rights; ask as one of them."""
    crontabber.write("apps.py", APP)
    crontabber.configure(database, "apps.App|1d")
    assert crontabber(CONF).returncode == 0
    try:
        for role in (ROLE, WATCH):
            database.execute(f"CREATE ROLE {role} LOGIN")
    except errors.InsufficientPrivilege:
        pytest.skip("the tests' user may not make roles")
    for role in (ROLE, WATCH):
        database.execute(f"GRANT USAGE ON SCHEMA public TO {role}")

    def ask(*arguments: str, user: str = ROLE, verb: str = "--nagios") -> tuple[int, str]:
        done = crontabber(CONF, verb, f"--resource.postgresql.user={user}", *arguments)
        assert done.stderr == ""
        return done.returncode, done.stdout.rstrip("\n").partition(" | ")[0]

    try:
        if "password" in crontabber(CONF, "--nagios", f"--resource.postgresql.user={ROLE}").stdout:
            pytest.skip("the tests' server asks roles for passwords")
        yield ask
    finally:
        for role in (ROLE, WATCH):
            database.execute(f"DROP OWNED BY {role} CASCADE")
            database.execute(f"DROP ROLE {role}")


def grant(database: Database, *statements: str, role: str = ROLE) -> None:
    for statement in statements or ALL:
        database.execute(statement.format(role=role))


def test_with_the_documented_rights_all_is_well(ask: Ask, database: Database) -> None:
    grant(database)
    assert ask() == (0, "OK - the one job is well")
    assert ask(verb="--configtest") == (0, "OK: the one job is well")


@pytest.mark.parametrize(
    ("revoke", "lacking", "status"),
    [
        ("INSERT ON crontabber", "INSERT on crontabber", 2),
        ("UPDATE ON crontabber", "UPDATE on crontabber", 2),
        ("INSERT ON crontabber_log", "INSERT on crontabber_log", 2),
        ("USAGE ON SEQUENCE crontabber_log_id_seq", "USAGE on crontabber_log_id_seq", 2),
        ("DELETE ON crontabber", "DELETE on crontabber", 1),
    ],
)
def test_a_right_that_is_lacking_is_never_ok(
    ask: Ask, database: Database, revoke: str, lacking: str, status: int
) -> None:
    grant(database, *ALL, f"REVOKE {revoke} FROM {{role}}")
    word = {1: "WARNING", 2: "CRITICAL"}[status]
    assert ask() == (status, f"{word} - role {ROLE} has no right to {lacking}")
    code, text = ask(verb="--configtest")
    assert (code, text) == (1, f"role {ROLE} has no right to {lacking}")


def test_a_role_that_may_only_read_says_whose_rights_to_check(ask: Ask, database: Database) -> None:
    grant(database, "GRANT SELECT ON crontabber TO {role}", role=WATCH)
    code, line = ask(user=WATCH)
    assert code == 1
    assert line.startswith(f"WARNING - role {WATCH} has no right to ")
    assert line.endswith("name the role that runs the jobs: nagios_role=ROLE")
    named = f"--crontabber.nagios_role={ROLE}"
    grant(database)
    assert ask(named, user=WATCH) == (0, "OK - the one job is well")
    grant(database, "REVOKE INSERT ON crontabber FROM {role}")
    critical = f"CRITICAL - role {ROLE} has no right to INSERT on crontabber"
    assert ask(named, user=WATCH) == (2, critical)
    code, line = ask("--crontabber.nagios_role=nobody_at_all", user=WATCH)
    assert code == 3
    assert "there is no role 'nobody_at_all'" in line


def test_no_right_to_read_and_no_way_to_the_schema_are_never_ok(
    ask: Ask, database: Database
) -> None:
    assert ask()[0] == 3
    grant(database)
    grant(database, "REVOKE USAGE ON SCHEMA public FROM {role}, PUBLIC")
    code, line = ask()
    assert code == 1
    assert "there are no tables of crontabber where the user of the database looks" in line


def test_no_right_to_make_the_tables_is_told_before_the_first_tick(
    ask: Ask, database: Database
) -> None:
    """trap: OK, and the first tick could not make them"""
    database.execute("DROP TABLE crontabber, crontabber_log")
    database.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    told = f"role {ROLE} has no right to CREATE on schema public; grant it for the first tick"
    code, text = ask(verb="--configtest")
    assert (code, text.startswith(told), len(text.splitlines())) == (1, True, 1)
    assert ask()[0] == 1
    grant(database, "GRANT CREATE ON SCHEMA public TO {role}")
    assert ask(verb="--configtest") == (0, "OK: the one job is well")
    grant(database, "ALTER ROLE {role} SET search_path = nowhere")
    assert ask(verb="--configtest")[1].startswith(
        f"role {ROLE} has no right to CREATE on any schema of its search_path;"
    )


def test_row_security_is_never_ok(ask: Ask, database: Database) -> None:
    grant(database)
    database.execute("ALTER TABLE crontabber ENABLE ROW LEVEL SECURITY")
    code, line = ask()
    assert code == 1  # it hides all rows
    assert line.startswith(f"WARNING - row security of crontabber can hide rows from role {ROLE}")
    assert "app has not been seen by a tick" in line
    database.execute("CREATE POLICY all_of_them ON crontabber USING (true)")
    assert ask()[0] == 1
    assert ask(verb="--configtest")[0] == 1
    grant(database, "ALTER ROLE {role} BYPASSRLS")
    assert ask()[0] == 0
    # hidden from the one who looks, or from the one who runs
    grant(database, "GRANT SELECT ON crontabber TO {role}", role=WATCH)
    assert ask(f"--crontabber.nagios_role={ROLE}", user=WATCH)[0] == 1
    grant(database, "ALTER ROLE {role} NOBYPASSRLS")
    database.execute("ALTER TABLE crontabber DISABLE ROW LEVEL SECURITY")
    assert ask()[0] == 0
    database.execute("ALTER TABLE crontabber_log ENABLE ROW LEVEL SECURITY")
    assert ask()[0] == 1


def test_a_role_whose_transactions_only_read_is_never_ok(ask: Ask, database: Database) -> None:
    grant(database, *ALL, "ALTER ROLE {role} SET default_transaction_read_only = on")
    code, line = ask()
    assert code == 2
    assert line == f"CRITICAL - transactions of role {ROLE} are read-only: no job can be run"


def test_a_name_too_long_for_the_index_is_never_ok(crontabber: Command, database: Database) -> None:
    letters = random.Random(1).choices(string.ascii_letters, k=3000)
    name = "".join(letters)
    crontabber.write("apps.py", f"{APP}\nclass Long(App):\n    app_name = {name!r}\n")
    crontabber.configure(database, "apps.App|1d\napps.Long|1d")
    assert crontabber(CONF).returncode == 1
    done = crontabber(CONF, "--nagios")
    assert done.returncode == 2
    assert "app_name of Long has 3000 bytes, and a name 2600 at most" in done.stdout
    assert len(done.stdout) < 1000
    assert crontabber(CONF, "--configtest").returncode == 1


def test_a_name_as_long_as_is_allowed_can_be_run(crontabber: Command, database: Database) -> None:
    name = "".join(random.Random(1).choices(string.ascii_letters, k=2600))
    crontabber.write("apps.py", f"{APP}\nclass Long(App):\n    app_name = {name!r}\n")
    crontabber.configure(database, "apps.Long|1d")
    done = crontabber(CONF)
    assert (done.returncode, done.stderr) == (0, "")
    assert crontabber(CONF, "--nagios").returncode == 0


def test_an_empty_database_is_a_warning_and_stays_empty(
    crontabber: Command, database: Database
) -> None:
    crontabber.write("apps.py", APP)
    crontabber.configure(database, "apps.App|1d\napps.New|1d")
    done = crontabber(CONF, "--nagios")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith(
        "WARNING - none of the 2 jobs has been seen by a tick: there are no tables of crontabber"
    )
    assert f"database {database.dbname}" in done.stdout
    assert database.execute("SELECT to_regclass('crontabber')") == [(None,)]


def test_another_crontabbers_tables_are_a_warning(crontabber: Command, database: Database) -> None:
    crontabber.write("apps.py", APP)
    crontabber.configure(database, "apps.App|1d")
    assert crontabber(CONF).returncode == 0
    crontabber.configure(database, "apps.New|1d")
    before = snapshot(database)
    done = crontabber(CONF, "--nagios")
    assert done.returncode == 1
    assert done.stdout.startswith("WARNING - new has not been seen by a tick: does cron run it, ")
    assert snapshot(database) == before


def test_tables_of_an_older_crontabber_are_not_upgraded(
    crontabber: Command, database: Database
) -> None:
    crontabber.write("apps.py", APP)
    crontabber.configure(database, "apps.App|1d")
    assert crontabber(CONF).returncode == 0
    database.execute("ALTER TABLE crontabber DROP COLUMN gave_up")
    done = crontabber(CONF, "--nagios")
    assert done.returncode == 1
    assert (
        "the tables are those of an older crontabber, which the next tick upgrades" in done.stdout
    )
    assert crontabber(CONF).returncode == 0
    assert crontabber(CONF, "--nagios").returncode == 0


def test_that_some_jobs_are_new_is_said(crontabber: Command, database: Database) -> None:
    """A job that was just listed is no reason to be called; it is not said to be well either."""
    crontabber.write("apps.py", APP)
    crontabber.configure(database, "apps.App|1d")
    assert crontabber(CONF).returncode == 0
    crontabber.configure(database, "apps.App|1d\napps.New|1d")
    done = crontabber(CONF, "--nagios")
    assert (done.returncode, done.stdout.partition(" | ")[0]) == (
        0,
        "OK - all 2 jobs are well; no tick has seen 1 of them yet",
    )


def test_numbers_of_the_log_that_run_out_are_told_long_before(ask: Ask, database: Database) -> None:
    """trap: after the last number no run can be recorded, and until then all was well"""
    for grant in ALL:
        database.execute(grant.format(role=ROLE))
    assert ask()[0] == 0
    database.execute("ALTER TABLE crontabber_log ALTER COLUMN id TYPE integer")
    database.execute("SELECT setval('crontabber_log_id_seq', 1 << 30)")
    what = "crontabber_log.id has used 1,073,741,824 of 2,147,483,648 numbers"
    status, line = ask()
    assert status == 1
    assert line.startswith(f"WARNING - {what}")
    status, line = ask(verb="--configtest")
    assert status == 0
    assert line.startswith(f"warning: {what}")
