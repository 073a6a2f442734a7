"""The operation of Django's migrations: it runs crontabber's own migrations."""

from typing import Any

from django.db.migrations.operations import RunSQL

from ...store.sql import load_migrations, load_queries
from .conf import value


class MakeTables(RunSQL):
    """Makes the two tables, or brings them up to date; harmless twice.

    It does so only in the database that ``CRONTABBER_DATABASE`` names. Backwards it does
    nothing: Django must not drop the state of jobs. crontabber may have made the tables before.
    """

    def __init__(self) -> None:
        begin = load_queries()["begin_migration"].replace("%(search_path)s", "''")
        super().__init__([begin, *load_migrations()], reverse_sql=RunSQL.noop)

    def deconstruct(self) -> Any:
        """How a migration writes the operation."""
        return type(self).__qualname__, [], {}

    def database_forwards(self, app_label: str, schema_editor: Any, *states: Any) -> None:
        """Run the statements, if it is our database."""
        if schema_editor.connection.alias == value("DATABASE"):
            super().database_forwards(app_label, schema_editor, *states)

    def describe(self) -> str:
        """What ``migrate --plan`` shows."""
        return "Make the tables crontabber and crontabber_log, or bring them up to date"
