"""The store in PostgreSQL: the tables ``crontabber`` and ``crontabber_log``.

A claim is a session-level advisory lock, so the server itself gives it back when the
session of a killed process ends. All statements are in ``sql/``.
"""

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from typing import Any

import psycopg2
from psycopg2 import errorcodes
from psycopg2.extensions import connection as Connection

from .. import clock
from ..errors import ClaimLost, DatabaseUnavailable, JobOngoingError, SlotClosed, StoreError
from ..schedule.model import Claim, JobState, Run
from . import Claimed, Look
from .rows import Row, printable, run_parameters, state_of, state_parameters
from .sql import load_migrations, load_queries

_MISSING = {errorcodes.UNDEFINED_TABLE, errorcodes.UNDEFINED_COLUMN}
_UNPRINTABLE = {errorcodes.UNTRANSLATABLE_CHARACTER, errorcodes.CHARACTER_NOT_IN_REPERTOIRE}
_MIGRATION_LOCK = 0x63726F6E74616200  # "crontab", so that it is recognised in pg_locks

PATIENCE = 60.0
"""For how many seconds a result waits for a server that is gone, before it is given up."""

POOLED = (
    "the database session changed under a claim, as a pooler in transaction mode does; "
    "use session pooling or a direct connection for crontabber"
)


class ConnectionGone(StoreError):
    """The connection to the database was lost."""


class PostgresStore:
    """Remembers jobs in PostgreSQL; see `crontabber.store.StateStore` for its laws.

    *factory* is a ``ConnectionFactory``: it opens connections, and words what went
    wrong without secrets. *patience* is in seconds.
    """

    def __init__(self, factory: Any, patience: float = PATIENCE) -> None:
        self._factory = factory
        self._patience = patience
        self._connection: Connection | None = None
        self._backend_pid: int | None = None
        self._table = 0
        self._locked: dict[str, int] = {}
        self._to_unlock: list[int] = []

    @cached_property
    def _sql(self) -> Mapping[str, str]:
        return load_queries()

    # -- looking ---------------------------------------------------------------

    def look(self, class_paths: Sequence[str] | None) -> Look:
        """See `StateStore.look`; makes or upgrades the tables if they need it."""
        query = self._sql["look_at_all" if class_paths is None else "look"]
        parameters = {"class_paths": list(class_paths or ())}
        try:
            rows = self._query(query, parameters)
        except psycopg2.Error as error:
            if error.pgcode not in _MISSING:
                raise StoreError(f"the state cannot be read: {_first_line(error)}") from error
            self.migrate()
            rows = self._query(query, parameters)
        now, zone, self._table = rows[0][:3]
        states = (state_of(row[3:]) for row in rows if row[3] is not None)
        return Look(now, zone, {state.app_name: state for state in states})

    def read(self, app_name: str) -> JobState | None:
        """The row of one job as it is now."""
        rows = self._query(self._sql["read"], {"app_name": app_name})
        return state_of(rows[0]) if rows else None

    def migrate(self) -> None:
        """Make the tables, or bring those of an older version up to date; harmless twice."""
        connection = self._open()
        connection.autocommit = False
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(self._sql["begin_migration"], {"lock": _MIGRATION_LOCK})
                for migration in load_migrations():
                    cursor.execute(migration)
        except psycopg2.Error as error:
            raise StoreError(
                f"the tables cannot be made or upgraded: {_first_line(error)}; "
                "run crontabber once as a user who may create tables"
            ) from error
        finally:
            if not connection.closed:
                connection.autocommit = True

    # -- claiming --------------------------------------------------------------

    def holder(self, now: datetime) -> Claim:
        """See `StateStore.holder`."""
        return Claim(os.uname().nodename, os.getpid(), self._session(), now)

    def claim(self, wanted: JobState, parents: Sequence[str]) -> Claimed | None:
        """See `StateStore.claim`; goes on over a new connection if the old one was lost."""
        try:
            return self._claim(wanted, parents)
        except ConnectionGone:
            assert wanted.claim is not None, "a claim names its holder"
            wanted = replace(wanted, claim=self.holder(wanted.claim.time))
            claimed = self._claim(wanted, parents)
        if claimed and not claimed.marked and _same_holder(claimed.state, wanted):
            # it was marked, but the answer got lost with the connection
            assert claimed.state is not None
            marked = self.save(claimed.state, wanted)
            return Claimed(marked, claimed.parents, marked=True)
        return claimed

    def _claim(self, wanted: JobState, parents: Sequence[str]) -> Claimed | None:
        session = self._session()
        key = self._key(wanted.app_name)
        names = [wanted.app_name, *parents]
        mark = self._sql["mark" if wanted.version else "mark_new"]
        parameters = {**state_parameters(wanted), "lock": key, "names": names}
        rows = self._query(f"{self._unlocks()}{self._sql['lock']};{mark}", parameters)
        locked, backend_pid, version = rows[0][:3]
        if backend_pid != session:
            raise StoreError(POOLED)
        if not locked:
            return None
        self._locked[wanted.app_name] = key
        known = {row[3]: state_of(row[3:]) for row in rows if row[3] is not None}
        if version is not None:
            known[wanted.app_name] = replace(wanted, version=version)
        state = known.get(wanted.app_name)
        return Claimed(state, {p: known[p] for p in parents if p in known}, version is not None)

    def release(self, app_name: str) -> None:
        """See `StateStore.release`; told to the server along with the next claim."""
        key = self._locked.pop(app_name, None)
        if key is not None:
            self._to_unlock.append(key)

    def _unlocks(self) -> str:
        keys, self._to_unlock = self._to_unlock, []
        return "".join(f"SELECT pg_advisory_unlock({key:d});" for key in keys)

    # -- saving ----------------------------------------------------------------

    def save(
        self, before: JobState, after: JobState, run: Run | None = None, within: Any = None
    ) -> JobState:
        """See `StateStore.save`."""
        if within is not None:
            version = self._save_within(within, before, after, run)
        else:
            try:
                version = self._save(before, after, run)
            except ConnectionGone:
                version = self._save_later(before, after, run)
        return replace(after, version=version)

    def _save(self, before: JobState, after: JobState, run: Run | None) -> str:
        query, parameters = self._saving(before, after, run)
        try:
            rows = self._query(query, parameters)
        except psycopg2.Error as error:
            if error.pgcode not in _UNPRINTABLE:
                raise StoreError(f"the state cannot be written: {_first_line(error)}") from error
            rows = self._query(query, printable(parameters))
        if not rows:
            raise ClaimLost(f"the row of {after.app_name} was changed by somebody else meanwhile")
        version, backend_pid = rows[0]
        if self._backend_pid not in (None, backend_pid):
            raise StoreError(POOLED)
        return str(version)

    def _save_within(
        self, connection: Connection, before: JobState, after: JobState, run: Run | None
    ) -> str:
        with connection.cursor() as cursor:
            cursor.execute(*self._saving(before, after, run))
            row = cursor.fetchone()
        if row is None:
            raise SlotClosed(f"{after.app_name} is not ours to record any more at this slot")
        return str(row[0])

    def _saving(
        self, before: JobState, after: JobState, run: Run | None
    ) -> tuple[str, dict[str, Any]]:
        parameters = state_parameters(after)
        parameters.update(
            was_version=before.version, was_ongoing=before.ongoing, was_slot=before.next_slot
        )
        if run is None:
            return self._sql["save"], parameters
        return self._sql["save_and_log"], {**parameters, **run_parameters(run)}

    def _save_later(self, before: JobState, after: JobState, run: Run | None) -> str:
        """Save over a new connection, if nobody has taken the job over meanwhile."""
        self._reconnect()
        if not self._query(self._sql["try_lock"], {"lock": self._key(after.app_name)})[0][0]:
            raise ClaimLost(f"the connection was lost, and {after.app_name} was taken over")
        self._locked[after.app_name] = self._key(after.app_name)
        found = self.read(after.app_name)
        if found and _is_record(found, after):
            return str(found.version)  # it had been written; only the answer was lost
        if found is None or (found.ongoing is None and found.last_run == before.last_run):
            self._mark_again(before, found)
        return self._save(before, after, run)

    def _mark_again(self, before: JobState, found: JobState | None) -> None:
        """The server crashed and forgot our mark, the commit of which was not waited for."""
        wanted = replace(before, version=found.version if found else None)
        self._claim(wanted, ())
        # the lock was taken twice, and has to be given back as often
        self._to_unlock.append(self._key(before.app_name))

    # -- administration --------------------------------------------------------

    def reset(self, app_name: str) -> bool:
        """See `StateStore.reset`."""
        key = self._key(app_name)
        if not self._query(self._sql["try_lock"], {"lock": key})[0][0]:
            raise JobOngoingError(f"{app_name} is running now; reset it when it has finished")
        self._locked[app_name] = key
        forgotten = self._query(self._sql["forget"], {"app_name": app_name})
        self.release(app_name)
        return bool(forgotten)

    def shares_database(self, connection: Any) -> bool:
        """See `StateStore.shares_database`: the same server, database and user."""
        ours, theirs = self._open().info, getattr(connection, "info", None)
        if theirs is None:
            return False
        return all(
            getattr(ours, name) == getattr(theirs, name)
            for name in ("host", "port", "dbname", "user", "options")
        )

    def close(self) -> None:
        """See `StateStore.close`."""
        if self._connection is None:
            return
        try:
            for app_name in list(self._locked):
                self.release(app_name)
            if self._to_unlock:  # not left to the end of the session, which comes a little later
                self._query(self._unlocks(), {})
            self._connection.close()
        except (ConnectionGone, psycopg2.Error):
            pass  # gone already, and our claims with it
        finally:
            self._drop()

    # -- the connection --------------------------------------------------------

    def _key(self, app_name: str) -> int:
        """The advisory lock of a job: its name, and the table that it is in."""
        if not self._table:
            self.look(())
        digest = hashlib.sha256(f"{self._table}:{app_name}".encode()).digest()
        return int.from_bytes(digest[:8], "big", signed=True)

    def _open(self) -> Connection:
        if self._connection is None:
            try:
                self._connection = self._factory.connect()
            except psycopg2.Error as error:
                raise DatabaseUnavailable(self._factory.unavailable(error)) from error
            self._connection.autocommit = True
        return self._connection

    def _session(self) -> int:
        """Our session on the server, made fit for claims; its backend's process id."""
        if self._backend_pid is None:
            self._backend_pid = self._query(self._sql["prepare_session"], {})[0][0]
        return self._backend_pid

    def _query(self, query: str, parameters: Mapping[str, Any]) -> list[Row]:
        connection = self._open()
        try:
            with connection.cursor() as cursor:
                cursor.execute(query, parameters)
                return cursor.fetchall() if cursor.description else []
        except psycopg2.Error as error:
            if not connection.closed:
                raise
            self._drop()
            raise ConnectionGone(f"the connection was lost: {_first_line(error)}") from error

    def _drop(self) -> None:
        self._connection = None
        self._backend_pid = None
        self._locked.clear()
        self._to_unlock.clear()

    def _reconnect(self) -> None:
        """Wait for the server to come back, for as long as our patience lasts."""
        give_up = clock.monotonic() + self._patience
        while True:
            try:
                self._session()
                return
            except (DatabaseUnavailable, ConnectionGone):
                if clock.monotonic() >= give_up:
                    raise
                clock.sleep(min(1.0, self._patience))


def _same_holder(state: JobState | None, wanted: JobState) -> bool:
    if state is None or state.claim is None or wanted.claim is None:
        return False
    ours, theirs = wanted.claim, state.claim
    return (ours.host, ours.pid, ours.time) == (theirs.host, theirs.pid, theirs.time)


def _is_record(found: JobState, after: JobState) -> bool:
    """Whether the row says what *after* was to make it say."""
    return replace(found, version=None, claim=None) == replace(after, version=None, claim=None)


def _first_line(error: psycopg2.Error) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
