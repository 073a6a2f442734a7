"""The store in PostgreSQL: the tables ``crontabber`` and ``crontabber_log``.

A claim is a session-level advisory lock, so the server itself gives it back when the
session of a killed process ends. All statements are in ``sql/``.
"""

import functools
import os
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from psycopg2.extensions import connection as Connection

from ..errors import (
    ClaimLost,
    DatabaseUnavailable,
    JobOngoingError,
    SlotClosed,
    StoreError,
)
from ..schedule.model import Claim, JobState, Run
from . import ClaimRequest, ClaimResult, Snapshot
from .claims import Asked, hashed
from .rows import array_text, claim_parameters, saving, state_of
from .server import PATIENCE, Server, StillHeld
from .session import ConnectionGone, SessionChanged, plain_cursor
from .sql import load_queries


class PostgresStore:
    """Remembers jobs in PostgreSQL; see `crontabber.store.StateStore` for its laws.

    *factory* is a ``ConnectionFactory``: it opens connections, and words what went
    wrong without secrets. *patience* is in seconds.
    """

    def __init__(self, factory: Any, patience: float = PATIENCE) -> None:
        self._server = Server(factory, patience)
        self._oid = 0
        self._shared: dict[str, int] = {}
        """The keys of the locks that our claims share with others, by app_name."""
        self._sent: Asked | None = None
        """The claim that went along with the last record, until `claim` is asked for it."""

    # -- looking ---------------------------------------------------------------

    def look(self, class_paths: Sequence[str] | None) -> Snapshot:
        """See `StateStore.look`; makes or upgrades the tables if they need it."""
        name = "look_at_all" if class_paths is None else "look"
        rows = self._server.query(name, class_paths=array_text(class_paths or ()))
        now, zone, self._oid = rows[0][:3]
        states = (state_of(row[3:]) for row in rows if row[3] is not None)
        return Snapshot(now, zone, {state.app_name: state for state in states})

    def read(self, app_name: str) -> JobState | None:
        """See `StateStore.read`; waits for a server that is gone to come back."""
        return self._server.with_reconnect(lambda: self._read(app_name))

    def _read(self, app_name: str) -> JobState | None:
        rows = self._server.query("read", app_name=app_name)
        return state_of(rows[0]) if rows else None

    def migrate(self) -> None:
        """Make the tables, or bring those of an older version up to date; harmless twice."""
        self._server.migrate()

    # -- claiming --------------------------------------------------------------

    def holder(self, now: datetime) -> Claim:
        """See `StateStore.holder`."""
        return Claim(
            _host(), os.getpid(), self._server.session().ensure_prepared().backend_pid, now
        )

    def claim(
        self, wanted: JobState, parents: Sequence[str], lock: str | None = None
    ) -> ClaimResult | None:
        """See `StateStore.claim`; goes on over a new connection if the old one was lost."""
        claiming = ClaimRequest(wanted, parents, lock)
        sent, self._sent = self._sent, None
        try:
            if sent and sent.wanted is wanted:
                return self._answered(sent)
            return self._claim(claiming)
        except ConnectionGone:
            return self._server.with_reconnect(lambda: self._claim_again(claiming))

    def _claim_again(self, claiming: ClaimRequest) -> ClaimResult | None:
        """Claim over a new connection: the old one may have done so, and only not said it."""
        wanted = claiming.wanted
        assert wanted.claim is not None, "a claim names its holder"
        wanted = wanted._replace(claim=self.holder(wanted.claim.time))
        claimed = self._claim(claiming._replace(wanted=wanted))
        if claimed is None:
            found = self._read(wanted.app_name)
            if found is None or found.ongoing is None or _same_holder(found, wanted):
                # the server may not have noticed yet that our old session is gone
                raise StillHeld(f"{wanted.app_name} is claimed by a session that was lost")
            return None
        if claimed.marked or not _same_holder(claimed.state, wanted):
            return claimed
        assert claimed.state is not None
        return claimed._replace(state=self.save(claimed.state, wanted), marked=True)

    def _claim(self, claiming: ClaimRequest) -> ClaimResult | None:
        asked = self._ask(claiming)
        unlock = asked.session.unlocking()
        try:
            rows = self._server.query(
                "lock", asked.mark, unlock=unlock, recorded="{}", **asked.locking, **asked.marking
            )
        except StoreError:
            # as they may be: advisory locks survive a rollback
            asked.session.locked(asked.wanted.app_name, *asked.keys)
            asked.session.release(asked.wanted.app_name)
            raise
        return self._answered(asked._replace(rows=rows))

    def _ask(self, claiming: ClaimRequest) -> Asked:
        wanted, parents, lock = claiming
        keys = [self._key(wanted.app_name), *([self._shared_key(lock)] if lock else ())]
        return Asked(self._server.session().ensure_prepared(), wanted, parents, tuple(keys))

    def _answered(self, asked: Asked) -> ClaimResult | None:
        """What came of a claim that the server was asked for."""
        answer = asked.answer()
        if answer is None:
            return None
        name = asked.wanted.app_name
        asked.session.locked(name, *asked.keys)
        if asked.keys[1:]:
            self._shared[name] = asked.keys[1]
        of_parents = {each: answer.states[each] for each in asked.parents if each in answer.states}
        if answer.version is None:
            own = self._read(name) if asked.mark == "mark_alone" else answer.states.get(name)
            return ClaimResult(own, of_parents, marked=False)
        return ClaimResult(asked.wanted._replace(version=answer.version), of_parents, marked=True)

    def release(self, app_name: str) -> None:
        """See `StateStore.release`; told to the server along with the next claim."""
        self._shared.pop(app_name, None)
        if self._server.current:
            self._server.current.release(app_name)

    def claimed(self, app_names: Collection[str]) -> set[str]:
        """See `StateStore.claimed`."""
        held = {row[0] for row in self._server.query("held")}
        return {name for name in app_names if self._key(name) in held}

    # -- saving ----------------------------------------------------------------

    def add(self, state: JobState) -> JobState | None:
        """See `StateStore.add`; it needs no claim, as there is nothing to be claimed yet."""
        rows = self._server.query("add", **claim_parameters(state))
        return state._replace(version=rows[0][0]) if rows else None

    def save(
        self,
        before: JobState,
        after: JobState,
        run: Run | None = None,
        within: Any = None,
        then: ClaimRequest | None = None,
    ) -> JobState:
        """See `StateStore.save`; waits for a server that is gone to come back."""
        if within is not None:
            version = self._save_within(within, before, after, run)
        else:
            try:
                version = self._save(before, after, run, then)
            except (ConnectionGone, DatabaseUnavailable):
                if not _is_claimed(before, after):
                    raise
                return self._server.with_reconnect(lambda: self._save_again(before, after, run))
        return after._replace(version=version)

    def _save(
        self, before: JobState, after: JobState, run: Run | None, then: ClaimRequest | None = None
    ) -> str:
        if _is_claimed(before, after) and not self._holds(after.app_name):
            raise ConnectionGone(f"the claim on {after.app_name} went with its connection")
        backend_pid = self._server.session().ensure_prepared().backend_pid
        name, parameters = saving(before, after, run)
        if then and name == "save_success":
            version, answered_by = self._save_and_claim(after.app_name, parameters, then)
        else:
            rows = self._server.query(name, **parameters)
            version, answered_by = rows[0] if rows else ("", backend_pid)
        if answered_by != backend_pid:
            raise SessionChanged
        if not version:
            raise ClaimLost(f"the row of {after.app_name} was changed by somebody else meanwhile")
        return str(version)

    def _save_and_claim(
        self, app_name: str, parameters: Mapping[str, Any], then: ClaimRequest
    ) -> tuple[str, int]:
        """Save a success and, in the same round trip, give back its claim and take the next.

        Whatever goes wrong, the connection is given up, and with it all that is locked: over
        a new one `_save_again` and `_claim_again` find out how far the server got.
        """
        self._sent = asked = self._ask(then)
        self.release(app_name)
        session = asked.session
        try:
            rows = self._server.query_both(
                ("save_success_and_lock", {**parameters, **asked.locking}),
                (asked.mark, {**asked.marking, "recorded": session.unlocking()}),
            )
        except StoreError as error:
            session.connection.close()
            if isinstance(error, SessionChanged):
                self._sent = None
                raise
            raise ConnectionGone(str(error)) from error
        self._sent = asked._replace(rows=rows)
        return self._sent.recorded

    def _save_within(
        self, connection: Connection, before: JobState, after: JobState, run: Run | None
    ) -> str:
        name, parameters = saving(before, after, run)
        with plain_cursor(connection) as cursor:
            cursor.execute(load_queries()[name], parameters)
            row = cursor.fetchone()
        if row is None:
            raise SlotClosed(f"{after.app_name} is not ours to record any more at this slot")
        return str(row[0])

    def _save_again(self, before: JobState, after: JobState, run: Run | None) -> JobState:
        """Save over a new connection, if nobody has taken the job over meanwhile."""
        name = after.app_name
        locked, found = self._lock(name), self._read(name)
        if found and _is_record(found, after) and (locked or not after.ongoing):
            written = after._replace(version=found.version)  # and only the answer was lost
            return written if self._may_go_on(after) else self._stopped(written)
        if found and _has_outcome(found, before, after):
            return after  # the same, and by now somebody else has the claim
        if not locked:
            # the server may not have noticed yet that our old session is gone
            ours = found and found.ongoing == before.ongoing
            lost = StillHeld if ours else ClaimLost
            raise lost(f"the connection was lost, and {name} is claimed by somebody else")
        if before.ongoing and _lacks_mark(found, before):
            # the server crashed, and the mark's commit is not waited for
            version = found.version if found else None
            again = self._claim(ClaimRequest(before._replace(version=version), (), None))
            before = again.state if again and again.state else before
        written = after._replace(version=self._save(before, after, run))
        return written if self._may_go_on(after) else self._stopped(written)

    def _may_go_on(self, after: JobState) -> bool:
        """Whether a claim that was taken again has its lock again too, if it needs one."""
        shared = self._shared.get(after.app_name)
        if after.ongoing is None or shared is None:
            return True
        return self._try_lock(after.app_name, shared)

    def _stopped(self, written: JobState) -> JobState:
        """Take the mark away: another job with the lock has begun meanwhile."""
        after = written._replace(ongoing=None, claim=None)
        return after._replace(version=self._save(written, after, None))

    # -- administration --------------------------------------------------------

    def reset(self, app_name: str) -> bool:
        """See `StateStore.reset`."""
        if not self._lock(app_name):
            raise JobOngoingError(f"{app_name} is running now; reset it when it has finished")
        try:
            return bool(self._server.query("forget", app_name=app_name))
        finally:
            self.release(app_name)

    def shares_database(self, connection: Any) -> bool:
        """See `StateStore.shares_database`; its transaction looks for tables as we do then."""
        if not isinstance(connection, Connection) or connection.closed or connection.autocommit:
            return False
        session = self._server.session().ensure_prepared()
        ours, theirs = session.connection.info, connection.info
        if any(
            getattr(ours, name) != getattr(theirs, name)
            for name in ("host", "port", "dbname", "user", "options")
        ):
            return False
        with plain_cursor(connection) as cursor:
            parameters = {"table": self._table, "search_path": session.search_path}
            cursor.execute(load_queries()["may_record"], parameters)
            row = cursor.fetchone()
        return row is not None and bool(row[0])

    def close(self) -> None:
        """See `StateStore.close`."""
        self._sent = None
        self._server.close()

    # -- locks -----------------------------------------------------------------

    @property
    def _table(self) -> int:
        """The number that the server knows the table of states by."""
        if not self._oid:
            self.look(())
        return self._oid

    def _key(self, app_name: str) -> int:
        """The advisory lock of a job: its name, and the table that it is in."""
        return hashed(f"{self._table}:{app_name}")

    def _shared_key(self, lock: str) -> int:
        """The advisory lock that jobs share, which is never that of a job."""
        return hashed(f"lock:{self._table}:{lock}")

    def _lock(self, app_name: str) -> bool:
        return self._try_lock(app_name, self._key(app_name))

    def _try_lock(self, app_name: str, key: int) -> bool:
        if not self._server.query("try_lock", lock=key)[0][0]:
            return False
        self._server.session().locked(app_name, key)
        return True

    def _holds(self, app_name: str) -> bool:
        return self._server.current is not None and self._server.current.holds(app_name)


@functools.cache
def _host() -> str:
    return os.uname().nodename


def _is_claimed(before: JobState, after: JobState) -> bool:
    """Whether the write belongs to a claim, so that only its holder may make it."""
    return before.ongoing is not None or after.ongoing is not None


def _same_holder(state: JobState | None, wanted: JobState) -> bool:
    if state is None or state.claim is None or wanted.claim is None:
        return False
    ours, theirs = wanted.claim, state.claim
    return (ours.host, ours.pid, ours.time) == (theirs.host, theirs.pid, theirs.time)


def _is_record(found: JobState, after: JobState) -> bool:
    """Whether the row says what *after* was to make it say."""
    return found._replace(version=None, claim=None) == after._replace(version=None, claim=None)


def _has_outcome(found: JobState, before: JobState, after: JobState) -> bool:
    """Whether the last run of a job is in its row, whoever has claimed it for the next.

    The time at which it began tells it from all others; and a claim does not change that.
    """
    if after.ongoing or after.last_run == before.last_run:
        return False
    return (found.last_run, found.last_error) == (after.last_run, after.last_error)


def _lacks_mark(found: JobState | None, before: JobState) -> bool:
    """Whether the row is as it was before it was marked."""
    return found is None or (found.ongoing is None and found.last_run == before.last_run)
