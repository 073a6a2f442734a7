"""Reading the log, and who holds which locks: for people who ask, never for an idle tick."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from ..errors import LogNotIndexed, StoreError
from ..schedule.model import Run
from ..schedule.transition import CRASHED
from .keys import key_of_job, shared_key
from .rows import array_text

if TYPE_CHECKING:
    from ..schedule.history import LastRun, Trace
    from . import StateStore
    from .server import Server


class LogReading:
    """How `PostgresStore` reads for people; see `crontabber.store.StateStore` for its laws."""

    _server: "Server"

    def history(
        self,
        app_name: str,
        from_: datetime | None = None,
        to: datetime | None = None,
        *,
        failed: bool = False,
        limit: int | None = None,
    ) -> list[Run]:
        """See `StateStore.history`."""
        from .logrows import run_of

        self._require_index()
        rows = self._server.query(
            "history",
            migrate=False,
            app_name=app_name,
            first=from_ and from_.isoformat(),
            last=to and to.isoformat(),
            failed=failed,
            limit=limit,
        )
        return [run_of(row) for row in reversed(rows)]

    def last_runs(self, app_names: Collection[str]) -> "dict[str, LastRun]":
        """See `StateStore.last_runs`."""
        from ..schedule.history import LastRun

        self._require_index()
        rows = self._server.query("last_runs", migrate=False, names=array_text(app_names))
        return {row[0]: LastRun(*row[1:]) for row in rows}

    def recent_runs(self, app_names: Collection[str], limit: int) -> "dict[str, tuple[Trace, ...]]":
        """See `StateStore.recent_runs`."""
        from .logrows import traces_of

        self._require_index()
        names = array_text(app_names)
        rows = self._server.query(
            "recent_runs", migrate=False, names=names, limit=limit, crashed=CRASHED
        )
        return {name: traces_of(text) for name, text in rows}

    def runs_since(
        self, app_names: Collection[str], since: datetime, seconds: int
    ) -> "dict[str, list[Trace]]":
        """See `StateStore.runs_since`."""
        from .logrows import trace_of

        self._require_index()
        names = array_text(app_names)
        rows = self._server.query(
            "runs_since",
            migrate=False,
            names=names,
            since=since.isoformat(),
            seconds=seconds,
            crashed=CRASHED,
        )
        found: dict[str, list[Trace]] = {}
        for row in rows:
            found.setdefault(row[0], []).append(trace_of(row))
        return found

    def claimed(self, app_names: Collection[str]) -> set[str]:
        """See `StateStore.claimed`."""
        table, held = self._server.find().table, self._held()
        return {name for name in app_names if key_of_job(table, name) in held}

    def held_locks(self, locks: Collection[str]) -> set[str]:
        """See `StateStore.held_locks`."""
        table, held = self._server.find().table, self._held()
        return {lock for lock in locks if shared_key(table, lock) in held}

    def _held(self) -> set[int]:
        """The keys of all advisory locks in this database."""
        return {row[0] for row in self._server.query("held")}

    def _require_index(self) -> None:
        """Raise `LogNotIndexed` if the log is large, and has no index on names and times."""
        if self._server.place is None:
            self._server.look("find_tables", migrate=False)
        indexed, size = self._server.query("log_index", migrate=False)[0]
        if not indexed:
            raise LogNotIndexed(
                f"the table crontabber_log is large ({size}) and has no index on app_name and "
                "log_time, so that reading it would take minutes: CREATE INDEX CONCURRENTLY "
                "crontabber_log_app_name_idx ON crontabber_log (app_name, log_time)"
            )


def last_runs_if_quick(store: "StateStore", app_names: Collection[str]) -> "Mapping[str, LastRun]":
    """What the log says of the last runs; nothing if it cannot be read quickly, or at all."""
    try:
        return store.last_runs(app_names) if app_names else {}
    except StoreError:  # such as a role that may not read it
        return {}
