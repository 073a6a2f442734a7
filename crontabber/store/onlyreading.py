"""A store that only reads: for pages that are open all day, and for a role that may only read."""

from typing import Any

from .administration import Administration
from .postgres import PostgresStore
from .rows import Row
from .server import PATIENCE, Server


class ReadingServer(Server):
    """Each statement in a transaction of its own that cannot write, and ends after seconds.

    Nothing is set for the session: a pooler may give it to a tick.
    """

    def query(self, *names: str, migrate: bool = False, **parameters: Any) -> list[Row]:
        """See `Server.query`; tables that are missing are always a `TablesNotReady`."""
        # whether others can write is not to be asked where we cannot
        limits = "reading" if names == ("access",) else "reading_only"
        return super().query(limits, *names, migrate=False, **parameters)


class ReadingStore(PostgresStore):
    """What `PostgresStore` reads; all that it would write the server refuses."""

    def __init__(self, factory: Any, tables_owner: str = "") -> None:
        Administration.__init__(self, ReadingServer(factory, PATIENCE, tables_owner))
        self._shared = {}
