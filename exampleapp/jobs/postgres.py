"""Jobs that use PostgreSQL, with more and more done for them.

They read from ``[resource] [[postgresql]]`` where the database is, as crontabber itself does.
"""

from crontabber.base import BaseCronApp
from crontabber.mixins import (
    as_backfill_cron_app,
    as_single_postgres_transaction,
    using_postgres,
    with_postgres_connection_as_argument,
)


@using_postgres()
class UsingPostgres(BaseCronApp):
    """Gets a factory of connections, and an executor that runs functions as transactions."""

    app_name = "using-postgres"

    def run(self):
        """Make the table of the others, in a transaction; then look at it."""
        self.database_transaction_executor(make_table)
        with self.database_connection_factory() as connection:
            cursor = connection.cursor()
            cursor.execute("SELECT count(*) FROM example")
            self.config.logger.info("%s rows so far", *cursor.fetchone())


def make_table(connection):
    """Make the table, if there is none yet."""
    connection.cursor().execute(
        "CREATE TABLE IF NOT EXISTS example (app_name text NOT NULL, slot timestamptz NOT NULL)"
    )


@using_postgres()
@with_postgres_connection_as_argument()
class ConnectionAsArgument(BaseCronApp):
    """Gets a connection, and commits by itself."""

    app_name = "connection-as-argument"
    depends_on = ("using-postgres",)

    def run(self, connection):
        """Add a row. What is not committed is lost when ``run`` ends."""
        connection.cursor().execute("INSERT INTO example VALUES (%s, now())", [self.app_name])
        connection.commit()


@using_postgres()
@as_single_postgres_transaction()
class SingleTransaction(BaseCronApp):
    """Is one transaction: committed when ``run`` returns, rolled back when it raises."""

    app_name = "single-transaction"
    depends_on = ("using-postgres",)

    def run(self, connection):
        """Add a row."""
        connection.cursor().execute("INSERT INTO example VALUES (%s, now())", [self.app_name])


@using_postgres()
@as_single_postgres_transaction()
@as_backfill_cron_app
class ExactlyOnce(BaseCronApp):
    """Does each date exactly once, also if processes are killed at any moment.

    That a date is done is recorded in the very transaction that does it.
    """

    app_name = "exactly-once"
    depends_on = ("using-postgres",)

    def run(self, connection, date):
        """Add a row for the date."""
        connection.cursor().execute("INSERT INTO example VALUES (%s, %s)", [self.app_name, date])
