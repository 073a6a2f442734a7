"""The manual's chapter 1.2.4: what PostgreSQL has when an app of each kind has run."""

import pytest

from tests.acceptance.rows import CONF, pass_time, ran, runs, state
from tests.support import Command, Database, fresh_database

LISTED = """\
import datetime
from crontabber.base import BaseCronApp
from crontabber.mixins import *

def insert(connection, what):
    connection.cursor().execute('insert into done values (%s)', [what])

class GetMeOutOfHereError(Exception):
    pass

"""
USING = """\
def execute_lots_of_sql(connection, sql_in_a_list):
    cursor = connection.cursor()
    for an_sql_statement in sql_in_a_list:
        cursor.execute(an_sql_statement)

@using_postgres()
class MyPGApp(BaseCronApp):
    app_name = 'my-pg-app'

    def run(self):
        with self.database_connection_factory() as pg_connection:
            cursor = pg_connection.cursor()
            cursor.execute('create table done (what text)')
            pg_connection.commit()
            insert(pg_connection, 'not committed')
        assert pg_connection.closed
        self.database_transaction_executor(execute_lots_of_sql, [
            "insert into done values ('first')",
            "update done set what = 'changed' where what = 'first'",
        ])
        try:
            self.database_transaction_executor(execute_lots_of_sql, [
                "insert into done values ('rolled back')",
                "insert into nowhere values (1)",
            ])
        except Exception as error:
            self.config.logger.error('as it should: %s', type(error).__name__)
        self.database_transaction_executor(insert, self.config.database.dbname)

@with_postgres_transactions()
class OlderName(BaseCronApp):
    app_name = 'older-name'
    depends_on = 'my-pg-app'

    def run(self):
        self.database_transaction_executor(insert, self.app_name)
"""
ARGUMENT = """\
@using_postgres()
@with_postgres_connection_as_argument()
class Commits(BaseCronApp):
    app_name = 'commits'

    def run(self, connection):
        insert(connection, 'committed')
        connection.commit()
        insert(connection, 'lost at the end')
        type(self).connection = connection

@with_postgres_connection_as_argument()
@using_postgres()
class Raises(BaseCronApp):
    app_name = 'raises'
    depends_on = 'commits'

    def run(self, connection):
        assert Commits.connection.closed
        insert(connection, 'committed before the exception')
        connection.commit()
        insert(connection, 'lost with the exception')
        raise GetMeOutOfHereError()

@using_postgres()
@with_resource_connection_as_argument('database')
class HasAnotherForItsTransactions(BaseCronApp):
    app_name = 'has-another'

    def run(self, connection):
        self.database_transaction_executor(insert, 'by the executor')
        insert(connection, 'by the argument')
"""
SINGLE = """\
class Single(BaseCronApp):
    def run(self, connection, *date):
        insert(connection, ' '.join([self.app_name, *map(str, date)]))
        if self.app_name.startswith('bad'):
            raise GetMeOutOfHereError()

@using_postgres()
@as_single_postgres_transaction()
class Good(Single):
    app_name = 'good'

@using_postgres()
@as_single_postgres_transaction()
class Bad(Single):
    app_name = 'bad'

@with_postgres_transactions()
@with_single_postgres_transaction()
class Older(Single):
    app_name = 'older'

@with_transactional_resource(
    'crontabber.connection_factory.ConnectionFactory', 'database', 'resource.postgresql')
@with_single_transaction('database')
class General(Single):
    app_name = 'general'

@as_backfill_cron_app
@with_subprocess
@using_postgres()
@as_single_postgres_transaction()
class Dated(Single):
    app_name = 'dated'

@as_single_postgres_transaction()
@using_postgres()
@as_backfill_cron_app
class BadDated(Single):
    app_name = 'bad-dated'
"""


def done_in(database: Database) -> list[str]:
    """What the jobs' transactions left in the table ``done``, in order of the alphabet."""
    return sorted(what for (what,) in database.execute("SELECT what FROM done"))


def test_using_postgres_gives_connections_and_transactions(
    crontabber: Command, database: Database
) -> None:
    crontabber.write("jobs/pg.py", LISTED + USING)
    crontabber.configure(database, "jobs.pg.MyPGApp|1h\njobs.pg.OlderName|1h")
    done = crontabber(CONF)
    assert done.returncode == 0
    assert "as it should: UndefinedTable" in done.stderr
    assert ran(database) == ["my-pg-app", "older-name"]
    assert done_in(database) == sorted(["changed", database.dbname, "older-name"])


def test_a_connection_as_argument_is_the_apps_own_to_commit(
    crontabber: Command, database: Database
) -> None:
    database.execute("CREATE TABLE done (what text)")
    crontabber.write("jobs/pg.py", LISTED + ARGUMENT)
    crontabber.configure(
        database,
        "jobs.pg.Commits|1h; jobs.pg.Raises|1h; jobs.pg.HasAnotherForItsTransactions|1h",
    )
    done = crontabber(CONF)
    assert done.returncode == 0
    assert runs(database) == [
        ("commits", None),
        ("raises", "<class 'jobs.pg.GetMeOutOfHereError'>"),
        ("has-another", None),
    ]
    assert done_in(database) == [
        "by the executor",
        "committed",
        "committed before the exception",
    ]
    [(left,)] = database.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"
        " AND state LIKE 'idle in transaction%%'",
        [database.dbname],
    )
    assert left == 0


def test_a_single_transaction_is_committed_by_success_and_rolled_back_by_an_exception(
    crontabber: Command, database: Database
) -> None:
    database.execute("CREATE TABLE done (what text)")
    crontabber.write("jobs/pg.py", LISTED + SINGLE)
    names = ["good", "bad", "older", "general", "dated", "bad-dated"]
    classes = ["Good", "Bad", "Older", "General", "Dated", "BadDated"]
    crontabber.configure(database, "\n".join(f"jobs.pg.{name}|1h" for name in classes))
    done = crontabber(CONF)
    assert done.returncode == 0
    failed = {name for name, error in runs(database) if error}
    assert failed == {"bad", "bad-dated"}
    assert [name for name, _ in runs(database)] == names
    kept = done_in(database)
    assert [what for what in kept if " " not in what] == ["general", "good", "older"]
    [with_date] = [what for what in kept if " " in what]
    assert with_date.startswith("dated 20")

    # three slots later: each in a transaction of its own, recorded with it
    pass_time(database, "3 hours")
    crontabber(CONF)
    assert len([what for what in done_in(database) if what.startswith("dated")]) == 4
    assert state(database, "dated").error_count == 0
    assert state(database, "bad-dated").error_count == 2


def test_a_job_may_work_in_another_database_than_crontabber(
    crontabber: Command, database: Database, postgres_server: Database
) -> None:
    crontabber.write("jobs/pg.py", LISTED + SINGLE)
    with fresh_database(postgres_server) as other:
        if other.dbname == database.dbname:
            pytest.skip("there is but one database to test with")
        other.execute("CREATE TABLE done (what text)")
        crontabber.configure(
            database,
            "jobs.pg.Good|1h\njobs.pg.Dated|1h",
            f"""
            [[class-Good]]
            [[[database]]]
            dbname={other.dbname}
            [[class-Dated]]
            [[[database]]]
            dbname={other.dbname}
            """,
        )
        done = crontabber(CONF)
        assert (done.returncode, done.stderr) == (0, "")
        assert len(done_in(other)) == 2
        assert ran(database) == ["good", "dated"]


def test_a_connection_that_is_asked_for_without_using_postgres_says_what_is_missing(
    crontabber: Command, database: Database
) -> None:
    crontabber.write(
        "jobs/pg.py",
        LISTED
        + """\
@with_postgres_connection_as_argument()
class Forgot(BaseCronApp):
    app_name = 'forgot'
    def run(self, connection):
        pass
""",
    )
    crontabber.configure(database, "jobs.pg.Forgot|1h")
    done = crontabber(CONF)
    assert "add the decorator @using_postgres()" in done.stderr
    assert state(database, "forgot").error_count == 1
