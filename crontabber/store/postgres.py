"""The store in PostgreSQL: the tables ``crontabber`` and ``crontabber_log``.

A claim is a session-level advisory lock, so the server itself releases it when the
session of a killed process ends. All statements are in ``sql/``.
"""

import functools
import os
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from ..errors import (
    ClaimLost,
    DatabaseUnavailable,
    JobOngoingError,
    StoreError,
)
from ..schedule.grammar import JobLine
from ..schedule.ledger import Span
from ..schedule.model import Claim, JobState, Run
from . import ClaimResult, Settle, Snapshot, joint, nothing_to_settle
from .administration import Administration, forgetting
from .again import LookingAgain
from .keys import key_of_job, shared_key
from .listed import schedule_parameters
from .recovery import ClaimVerdict, SaveVerdict, after_lost_claim, after_lost_save
from .rows import (
    Row,
    array_text,
    claim_parameters,
    saving,
    state_of,
    states_of,
    written,
)
from .server import PATIENCE, Server, StillHeld
from .session import ConnectionGone, Obstacle, SessionChanged

_MINUTE = 60.0
"""For how many seconds a claim, and what is read for it, waits for a server that is gone."""


class PostgresStore(LookingAgain, Administration):
    """Remembers jobs in PostgreSQL; see `crontabber.store.StateStore` for its laws.

    *factory* is a ``ConnectionFactory``: it opens connections, and describes what went
    wrong without secrets. *patience* says for how many seconds a result waits to be
    recorded. *tables_owner* is a role that is trusted to own the tables.
    """

    server_class: type[Server] = Server

    def __init__(self, factory: Any, patience: float = PATIENCE, tables_owner: str = "") -> None:
        super().__init__(self.server_class(factory, patience, tables_owner))
        self._shared: dict[str, int] = {}
        """The keys of the locks that our claims share with others, by app_name."""

    # -- looking ---------------------------------------------------------------

    def look(self, class_paths: Sequence[str] | None, *, migrate: bool = True) -> Snapshot:
        """See `StateStore.look`; creates or upgrades the tables if necessary."""
        name = "look_at_all" if class_paths is None else "look"
        paths = array_text(class_paths or ())
        rows = self._server.look(name, migrate=migrate, class_paths=paths)
        now, zone = rows[0][:2]
        return Snapshot(now, zone, states_of(rows, 6), unwritable=rows[0][5] or "")

    def look_for_due(
        self, lines: Sequence[JobLine], zone: str, names: Collection[str] = ()
    ) -> Snapshot:
        """See `StateStore.look_for_due`; creates or upgrades the tables if necessary."""
        listed = schedule_parameters(lines)
        rows = self._server.look("look_for_due", zone=zone, names=array_text(names), **listed)
        now, server_zone, *_, unwritable, candidates = rows[0][:7]
        found, due = states_of(rows, 7), frozenset(candidates)
        return Snapshot(now, server_zone, found, due, unwritable or "")

    def read(self, app_name: str) -> JobState | None:
        """See `StateStore.read`; waits until a lost server is back."""
        return self._server.with_reconnect(lambda: self._read(app_name), _MINUTE)

    def _read(self, app_name: str) -> JobState | None:
        self._server.find()
        rows = self._server.query("read", app_name=app_name)
        return state_of(rows[0]) if rows else None

    def migrate(self) -> None:
        """Create the tables, or bring older ones up to date; harmless twice."""
        self._server.migrate()

    # -- claiming --------------------------------------------------------------

    def holder(self, now: datetime) -> Claim:
        """See `StateStore.holder`."""
        backend_pid = self._server.prepared_session().backend_pid
        return Claim(_host(), os.getpid(), backend_pid, now)

    def claim(
        self, wanted: JobState, parents: Sequence[str], lock: str | None = None
    ) -> ClaimResult | None:
        """See `StateStore.claim`; goes on over a new connection if the old one was lost."""
        try:
            return self._claim(wanted, parents, lock)
        except ConnectionGone:
            again = functools.partial(self._claim_again, wanted, parents, lock)
            return self._server.with_reconnect(again, _MINUTE)

    def _claim_again(
        self, wanted: JobState, parents: Sequence[str], lock: str | None
    ) -> ClaimResult | None:
        """Claim over a new connection: the old claim may have succeeded without an answer."""
        assert wanted.claim is not None, "a claim names its holder"
        wanted = wanted._replace(claim=self.holder(wanted.claim.time))
        result = self._claim(wanted, parents, lock)
        found = None if result else self._read(wanted.app_name)
        verdict = after_lost_claim(result, found, wanted)
        if verdict is ClaimVerdict.STILL_HELD:
            raise StillHeld(f"{wanted.app_name} is claimed by a session that was lost")
        if verdict is ClaimVerdict.MARKED_BEFORE and result and result.state:
            return result._replace(state=self.save(result.state, wanted), marked=True)
        return result

    def _claim(
        self, wanted: JobState, parents: Sequence[str], lock: str | None
    ) -> ClaimResult | None:
        name = wanted.app_name
        keys = [self._key(name), *([shared_key(self._table, lock)] if lock else ())]
        session = self._server.prepared_session()
        mark = "mark_new" if wanted.version is None else "mark" if parents else "mark_alone"
        parameters = {
            **claim_parameters(wanted),
            "names": array_text([name, *parents]),
            "lock": keys[0],
            "shared_lock": keys[1] if lock else None,
            "backend_pid": session.backend_pid,
            "token": session.token,
            "unlock": session.unlocking(),
        }
        try:
            rows = self._server.query("lock", mark, **parameters)
        except StoreError:
            # as they may be: advisory locks survive a rollback
            session.locked(name, *keys)
            session.release(name)
            raise
        if not session.has_locked(rows[0][:2]):
            return None
        session.locked(name, *keys)
        if lock:
            self._shared[name] = keys[1]
        return self._result(wanted, parents, rows)

    def _result(self, wanted: JobState, parents: Sequence[str], rows: Sequence[Row]) -> ClaimResult:
        """What was read under a claim that was taken: see ``answer`` in queries.sql."""
        version = rows[0][3]
        states = states_of(rows, 4) if rows[0][4:] else {}
        of_parents = {each: states[each] for each in parents if each in states}
        if version is not None:
            return ClaimResult(wanted._replace(version=version), of_parents, marked=True)
        own = states.get(wanted.app_name) if rows[0][4:] else self._read(wanted.app_name)
        return ClaimResult(own, of_parents, marked=False)

    def release(self, app_name: str) -> None:
        """See `StateStore.release`; the next claim sends it to the server."""
        self._shared.pop(app_name, None)
        if self._server.current:
            self._server.current.release(app_name)

    # -- saving ----------------------------------------------------------------

    def add(self, state: JobState) -> JobState | None:
        """See `StateStore.add`; it needs no claim, as there is nothing to be claimed yet."""
        self._server.find()
        rows = self._server.query("add", **claim_parameters(state))
        return state._replace(version=rows[0][0]) if rows else None

    def save(
        self,
        before: JobState,
        after: JobState,
        run: Run | None = None,
        within: Any = None,
        spans: Sequence[Span] = (),
    ) -> JobState:
        """See `StateStore.save`; waits until a lost server is back."""
        if spans:
            spans = self._server.with_reconnect(functools.partial(self._writable, spans))
        if within is not None:
            return joint.record(within, self._server.find().schema, before, after, run, spans)
        try:
            return self._save(before, after, run, spans)
        except (ConnectionGone, DatabaseUnavailable, Obstacle):
            if not _is_claimed(before, after):
                raise
            again = functools.partial(self._save_again, before, after, run, spans)
            return self._server.with_reconnect(again)

    def _save(
        self, before: JobState, after: JobState, run: Run | None, spans: Sequence[Span] = ()
    ) -> JobState:
        if _is_claimed(before, after) and not self._holds(after.app_name):
            raise ConnectionGone(f"the claim on {after.app_name} went with its connection")
        session = self._server.prepared_session()
        name, parameters = saving(before, after, run, spans)
        rows = self._server.query(name, **parameters)
        if rows and rows[0][-1] != session.backend_pid:
            raise SessionChanged
        if not rows:
            raise ClaimLost(f"the row of {after.app_name} was changed by another session meanwhile")
        return written(after, rows[0])

    def _save_again(
        self, before: JobState, after: JobState, run: Run | None, spans: Sequence[Span]
    ) -> JobState:
        """Save over a new connection, if no other session has taken the job over meanwhile."""
        name = after.app_name
        locked, found = self._lock(name), self._read(name)
        verdict = after_lost_save(found, before, after, locked=locked)
        if verdict is SaveVerdict.OVERTAKEN:
            return after
        if verdict in (SaveVerdict.STILL_HELD, SaveVerdict.CLAIM_LOST):
            lost = StillHeld if verdict is SaveVerdict.STILL_HELD else ClaimLost
            raise lost(f"the connection was lost, and {name} is claimed by another session")
        if verdict is SaveVerdict.RECORDED and found:
            saved = after._replace(version=found.version, pause=found.pause, asked=found.asked)
        else:
            if verdict is SaveVerdict.MARK_FIRST:
                before = self._marked_again(before, found)
            saved = self._save(before, after, run, spans)
        return saved if self._may_go_on(after) else self._stopped(saved)

    def _marked_again(self, before: JobState, found: JobState | None) -> JobState:
        unmarked = before._replace(version=found.version if found else None)
        again = self._claim(unmarked, (), None)
        return again.state if again and again.state else before

    def _may_go_on(self, after: JobState) -> bool:
        """Whether a claim that was taken again has its lock again too, if it needs one."""
        shared = self._shared.get(after.app_name)
        if after.ongoing is None or shared is None:
            return True
        return self._try_lock(after.app_name, shared)

    def _stopped(self, saved: JobState) -> JobState:
        """Remove the mark: another job with the lock has begun meanwhile."""
        return self._save(saved, saved._replace(ongoing=None, claim=None, asked_slot=None), None)

    def reset(self, app_name: str, settle: Settle = nothing_to_settle) -> bool:
        """See `StateStore.reset`."""
        if not self._lock(app_name):
            raise JobOngoingError(f"{app_name} is running now; reset it when it has finished")
        try:
            state = self._read(app_name)
            if state is None:
                return False
            crash, spans = settle(state)
            name, parameters = forgetting(app_name, crash, self._writable(spans))
            return bool(self._server.query(name, **parameters))
        finally:
            self.release(app_name)

    def shares_database(self, connection: Any) -> bool:
        """See `StateStore.shares_database`."""
        return joint.can_record(connection, self._server.prepared_session(), self._table)

    def close(self) -> None:
        """See `StateStore.close`."""
        self._server.close()

    @property
    def _table(self) -> int:
        """The oid of the table of states."""
        return self._server.find().table

    def _key(self, app_name: str) -> int:
        return key_of_job(self._table, app_name)

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
