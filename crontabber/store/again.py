"""Looking again over one session: for a process that lives on between runs, like a worker's."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from ..errors import StoreError
from . import Snapshot
from .rows import array_text, states_of
from .session import SessionChanged

if TYPE_CHECKING:
    from .server import Server


class LookingAgain:
    """How `PostgresStore` serves one run after the other; see `StateStore` for its laws."""

    _server: "Server"

    def look_again(self, app_names: Collection[str]) -> Snapshot:
        """See `StateStore.look_again`."""
        session = self._server.prepared_session()
        rows = self._server.query(
            "look_again", names=array_text(app_names), unlock=session.unlocking()
        )
        _, backend_pid, token, table, now, zone = rows[0][:6]
        if (backend_pid, token) != (session.backend_pid, session.token):
            raise SessionChanged
        if table != self._server.find().table:
            raise StoreError("the tables were created anew, so the locks of jobs are others")
        return Snapshot(now, zone, states_of(rows, 6))
