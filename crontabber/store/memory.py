"""The store in memory: for tests, and for simulations of months in seconds."""

import itertools
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from ..errors import ClaimLost, JobOngoingError, LockHeld
from ..process.clock import Clock, SystemClock
from ..schedule.asked import AskedBackfill
from ..schedule.findings import Access
from ..schedule.grammar import JobLine
from ..schedule.history import LastRun, Trace, ended, last_run, trace, traces
from ..schedule.ledger import Span
from ..schedule.model import Claim, JobState, Pause, Run
from . import ClaimResult, Settle, Snapshot, nothing_to_settle

M = TypeVar("M", bound="MemoryStore")


class MemoryStore:
    """Remembers jobs in this process; see `crontabber.store.StateStore` for its laws.

    *zone* is the name of the time zone of ``HH:MM``.
    """

    def __init__(self, clock: Clock | None = None, zone: str = "UTC") -> None:
        self.clock = clock or SystemClock()
        self.zone = zone
        self.states: dict[str, JobState] = {}
        """What is remembered, by app_name."""
        self.log: list[Run] = []
        """Every run that was recorded, in order."""
        self.ledger: list[Span] = []
        """Every span that was written, in order."""
        self._numbers = itertools.count(1)
        self._claims: dict[str, str | None] = {}
        """The claims of all sessions, by app_name, and the locks that they hold."""
        self._mine: set[str] = set()
        """Those of this session."""
        self._versions = itertools.count(1)
        self._session = 1
        self._sessions = itertools.count(2)

    def another_session(self: M) -> M:
        """Another session on the same memory, as another process would have."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__, _session=next(self._sessions), _mine=set())
        return other

    def look(self, class_paths: Sequence[str] | None, *, migrate: bool = True) -> Snapshot:
        """See `StateStore.look`; there are no tables to create."""
        if class_paths is None:
            return Snapshot(self.clock.now(), self.zone, dict(self.states))
        wanted = {*class_paths, None}
        found = {n: s for n, s in self.states.items() if s.class_path in wanted}
        parents = {parent for state in found.values() for parent in state.depends_on}
        found |= {n: s for n, s in self.states.items() if n in parents}
        return Snapshot(self.clock.now(), self.zone, found)

    def look_for_due(
        self, lines: Sequence[JobLine], zone: str, names: Collection[str] = ()
    ) -> Snapshot:
        """See `StateStore.look_for_due`; all rows are at hand, so none is left out."""
        return self.look([line.class_path for line in lines])

    def look_again(self, app_names: Collection[str]) -> Snapshot:
        """See `StateStore.look_again`; `release` has taken effect already."""
        found = {name: self.states[name] for name in app_names if name in self.states}
        return Snapshot(self.clock.now(), self.zone, found)

    def access(self, role: str = "") -> Access:
        """See `StateStore.access`: everything."""
        return Access(role=role)

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
        found = [
            run
            for run in self.log
            if run.app_name == app_name
            and (from_ is None or run.slot >= from_)
            and (to is None or run.slot <= to)
            and (run.error or not failed)
        ]
        return found if limit is None else found[max(len(found) - limit, 0) :]

    def last_runs(self, app_names: Collection[str]) -> dict[str, LastRun]:
        """See `StateStore.last_runs`."""
        found = ((name, last_run(self.history(name))) for name in app_names)
        return {name: run for name, run in found if run}

    def recent_runs(self, app_names: Collection[str], limit: int) -> dict[str, list[Trace]]:
        """See `StateStore.recent_runs`."""
        found = {name: self.history(name, limit=limit)[::-1] for name in app_names}
        return {name: [*map(trace, runs)] for name, runs in found.items() if runs}

    def runs_since(
        self, app_names: Collection[str], since: datetime, seconds: int
    ) -> dict[str, list[Trace]]:
        """See `StateStore.runs_since`."""
        runs = {name: [r for r in self.history(name) if ended(r) >= since] for name in app_names}
        return {name: traces(found, seconds) for name, found in runs.items() if found}

    def read(self, app_name: str) -> JobState | None:
        """See `StateStore.read`."""
        return self.states.get(app_name)

    def holder(self, now: datetime) -> Claim:
        """See `StateStore.holder`."""
        return Claim("memory", self._session, self._session, now)

    def claim(
        self, wanted: JobState, parents: Sequence[str], lock: str | None = None
    ) -> ClaimResult | None:
        """See `StateStore.claim`."""
        name = wanted.app_name
        if self._is_taken(name):
            return None
        if lock and any(
            held == lock and claimed not in self._mine for claimed, held in self._claims.items()
        ):
            raise LockHeld
        self._claims[name] = lock
        self._mine.add(name)
        found = self.states.get(name)
        marked = (found and found.version) == wanted.version and not (found and found.ongoing)
        if marked:
            found = self._write(wanted)
        known = {p: self.states[p] for p in parents if p in self.states}
        return ClaimResult(found, known, marked)

    def claimed(self, app_names: Collection[str]) -> set[str]:
        """See `StateStore.claimed`."""
        return {name for name in app_names if name in self._claims}

    def held_locks(self, locks: Collection[str]) -> set[str]:
        """See `StateStore.held_locks`."""
        return {held for held in self._claims.values() if held and held in locks}

    def add(self, state: JobState) -> JobState | None:
        """See `StateStore.add`."""
        return None if state.app_name in self.states else self._write(state)

    def save(
        self,
        before: JobState,
        after: JobState,
        run: Run | None = None,
        within: Any = None,
        spans: Sequence[Span] = (),
    ) -> JobState:
        """See `StateStore.save`; there is no connection to be *within*."""
        found = self.states.get(before.app_name)
        if found is None or not _is_ours(found, before, run):
            raise ClaimLost(f"{after.app_name} was changed by another session meanwhile")
        self.ledger.extend(spans)
        if run:
            self.log.append(run)
        if run or before.ongoing:
            changed = {each.number for each in set(before.asked) - set(after.asked)}
            ours = {each.number: each for each in after.asked if each.number in changed}
            asked = (ours.get(n.number) if n.number in changed else n for n in found.asked)
            kept = tuple(each for each in asked if each is not None)
            after = after._replace(pause=found.pause, asked=kept)
        return self._write(after)

    def _write(self, state: JobState) -> JobState:
        written = state._replace(version=str(next(self._versions)))
        self.states[state.app_name] = written
        return written

    def release(self, app_name: str) -> None:
        """See `StateStore.release`."""
        if app_name in self._mine:
            self._mine.remove(app_name)
            del self._claims[app_name]

    def _is_taken(self, app_name: str) -> bool:
        return app_name in self._claims and app_name not in self._mine

    def shares_database(self, connection: Any) -> bool:
        """See `StateStore.shares_database`: memory has no transactions to join."""
        return False

    def ask(self, wanted: Mapping[str, AskedBackfill], spans: Sequence[Span] = ()) -> bool:
        """See `StateStore.ask`."""
        if not wanted.keys() <= self.states.keys():
            return False
        self.ledger.extend(spans)
        for app_name, asked in wanted.items():
            state = self.states[app_name]
            self._write(state._replace(asked=(*state.asked, asked)))
        return True

    def cancel(self, app_name: str, number: int, spans: Sequence[Span] = ()) -> bool:
        """See `StateStore.cancel`."""
        state = self.states.get(app_name, JobState(app_name))
        rest = tuple(each for each in state.asked if each.number != number)
        if rest == state.asked:
            return False
        self.ledger.extend(spans)
        self._write(state._replace(asked=rest))
        return True

    def next_number(self) -> int:
        """See `StateStore.next_number`."""
        return next(self._numbers)

    def pause(self, app_name: str, pause: Pause | None, spans: Sequence[Span] = ()) -> bool:
        """See `StateStore.pause`."""
        if app_name not in self.states:
            return False
        self.ledger.extend(spans)
        self._write(self.states[app_name]._replace(pause=pause))
        return True

    def spans(self, app_name: str, first: datetime, last: datetime) -> list[Span]:
        """See `StateStore.spans`."""
        ours = (span for span in self.ledger if span.app_name == app_name and span.slots)
        return [span for span in ours if span.last >= first and span.first <= last]

    def notes(self, app_name: str, limit: int) -> list[Span]:
        """See `StateStore.notes`."""
        ours = (span for span in self.ledger if span.app_name == app_name and not span.slots)
        return [*reversed([*ours])][:limit]

    def reset(self, app_name: str, settle: Settle = nothing_to_settle) -> bool:
        """See `StateStore.reset`."""
        if self._is_taken(app_name):
            raise JobOngoingError(f"{app_name} is running now; reset it when it has finished")
        state = self.states.get(app_name)
        if state is None:
            return False
        crash, spans = settle(state)
        if crash:
            self.log.append(crash)
        self.ledger.extend(spans)
        del self.states[app_name]
        return True

    def close(self) -> None:
        """See `StateStore.close`."""
        for app_name in list(self._mine):
            self.release(app_name)


def _is_ours(found: JobState, before: JobState, run: Run | None) -> bool:
    """Whether the row is what the caller had seen, as far as the write needs that."""
    if run is None and before.ongoing is None:
        return found.version == before.version
    if (found.ongoing, found.asked_slot) != (before.ongoing, before.asked_slot):
        return False
    return bool(before.asked_slot) or before.next_slot in (None, found.next_slot)
