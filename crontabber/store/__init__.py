"""REMEMBER: the contract of every store: what is remembered, and who may run what.

Others use this module and `postgres.PostgresStore`; tests use `memory.MemoryStore`. All SQL is
in ``sql/``. The laws of the contract, which one suite of tests checks for each store:

* `StateStore.claim` gives the right to a job to one caller at a time, and what it
  reads under the claim is what counts. A caller that dies loses its claims at once.
* `StateStore.save` writes the state of a job and the log of its run together or not
  at all, and only over the state that the caller names.
* A state that was saved is what the next look or claim of any session finds.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from ..schedule.asked import AskedBackfill
from ..schedule.grammar import JobLine
from ..schedule.ledger import Span
from ..schedule.model import Claim, JobState, Pause, Run

if TYPE_CHECKING:  # no tick needs it
    from ..schedule.findings import Access
    from ..schedule.history import LastRun, Trace


Settle = Callable[[JobState], tuple[Run | None, Sequence[Span]]]
"""From the row of a job that is forgotten to the crash to log, if any, and to spans."""


def nothing_to_settle(_: JobState) -> tuple[None, tuple[()]]:
    """Forget without a line in the log or the ledger."""
    return None, ()


class Snapshot(NamedTuple):
    """One look at the store, at one moment."""

    now: datetime
    """The store's time, aware."""
    zone: str
    """The store's time zone, by its name in the time zone database."""
    states: Mapping[str, JobState]
    """By app_name."""
    candidates: frozenset[str] | None = None
    """The class paths of the listed jobs that may be due; None: of all of them."""
    unwritable: str = ""
    """Why nothing can be written there, so that no job can run; empty if it can."""

    def may_be_due(self, class_path: str) -> bool:
        """Whether the job of this class may be due."""
        return self.candidates is None or class_path in self.candidates


class ClaimResult(NamedTuple):
    """A claim that was taken, and what was read under it."""

    state: JobState | None
    """The job's row, marked if ``marked``; None if it has none."""
    parents: Mapping[str, JobState]
    """The rows of its parents, by app_name."""
    marked: bool
    """Whether the row was as the caller had seen it, and is marked ongoing now."""


class StateStore(Protocol):
    """Remembers jobs and grants claims."""

    def look(self, class_paths: Sequence[str] | None, *, migrate: bool = True) -> Snapshot:
        """Read the rows of these classes and those of no known class, and of their parents.

        None reads all rows. Raises `DatabaseUnavailable`, as all others may; without
        *migrate*, `TablesNotReady` where tables would be made or upgraded otherwise.
        """
        ...

    def look_for_due(
        self, lines: Sequence[JobLine], zone: str, names: Collection[str] = ()
    ) -> Snapshot:
        """Read the rows of those jobs that may be due, of their parents, and of *names*.

        *zone* is the name of the zone of the schedules; empty: the store's own. A row is
        left out only if `crontabber.schedule.decide` is sure to say that its job is not
        due, so that a thousand jobs that wait cost next to nothing.
        """
        ...

    def look_again(self, app_names: Collection[str]) -> Snapshot:
        """Release on the server what `release` noted, and read the rows of these jobs only.

        For a process that does one run after the other. Only the first `look` says whether jobs
        can run here at all. Raises `SessionShared` if the session is no longer ours alone, and
        `StoreError` if the tables were created again.
        """
        ...

    def access(self, role: str = "") -> "Access":
        """What the *role* that runs the jobs may do; empty: that of our own connection."""
        ...

    def history(
        self,
        app_name: str,
        from_: datetime | None = None,
        to: datetime | None = None,
        *,
        failed: bool = False,
        limit: int | None = None,
    ) -> "list[Run]":
        """The runs of a job at the slots *from_* to *to*, both included, oldest record first.

        With *failed* only those that failed; with *limit* the newest only. A run whose slot the
        log lacks counts as one at the minute in which it began. Raises
        `LogNotIndexed` if reading a large log would take minutes, as it lacks an index.
        """
        ...

    def last_runs(self, app_names: Collection[str]) -> "Mapping[str, LastRun]":
        """What the log says of the last run of these jobs; raises as `history` does."""
        ...

    def recent_runs(
        self, app_names: Collection[str], limit: int
    ) -> "Mapping[str, Sequence[Trace]]":
        """The newest *limit* runs of each of these jobs, the newest first; raises as `history`."""
        ...

    def runs_since(
        self, app_names: Collection[str], since: datetime, seconds: int
    ) -> "Mapping[str, Sequence[Trace]]":
        """What was recorded for these jobs *since* a time, the newest first.

        Runs that ended alike within the same *seconds* are one `Trace`. Raises as `history` does.
        """
        ...

    def read(self, app_name: str) -> JobState | None:
        """The row of one job as it is now; None if it has none."""
        ...

    def holder(self, now: datetime) -> Claim:
        """Who we are, as a claim taken at *now* would say."""
        ...

    def claim(
        self, wanted: JobState, parents: Sequence[str], lock: str | None = None
    ) -> ClaimResult | None:
        """Take the claim on a job, and mark its row as *wanted* if it is as it was seen.

        ``wanted.version`` tells what was seen; None, that there was no row. Returns None
        if the claim is taken. The claim stays ours until `release` or the end, and with
        it the *lock*, which jobs may share; raises `LockHeld`, and leaves the claim, if
        another session has a claim with this lock.
        """
        ...

    def claimed(self, app_names: Collection[str]) -> set[str]:
        """Which of these jobs a session has a claim on; the others are only marked so."""
        ...

    def held_locks(self, locks: Collection[str]) -> set[str]:
        """Which of these locks, which jobs share, a session holds."""
        ...

    def add(self, state: JobState) -> JobState | None:
        """Write the row of a job that has none, and return it; None if it has one by now."""
        ...

    def save(
        self,
        before: JobState,
        after: JobState,
        run: Run | None = None,
        within: Any = None,
        spans: Sequence[Span] = (),
    ) -> JobState:
        """Replace *before* by *after*, and log *run* and *spans*, in one transaction.

        *within* is a job's own database connection, for which `shares_database` said
        yes: then its transaction does the writing, and its commit decides. Returns
        *after* with its new version; under a claim it leaves alone the pause and those
        backfills that *run* does not belong to, and returns them as they are. Raises
        `ClaimLost` if the row is not *before* any more: under a claim only its mark and its slot
        count, and what else was edited meanwhile is overwritten. Returns it without its mark if
        the claim was lost and cannot be taken again with its lock: then the job cannot go on.
        *within* it is `SlotClosed`, which rolls back the transaction; what the driver raises
        there is passed on.
        """
        ...

    def release(self, app_name: str) -> None:
        """Release the claim on a job; harmless when there is none.

        The server learns of it with our next claim, or by `close`.
        """
        ...

    def ask(self, wanted: Mapping[str, AskedBackfill], spans: Sequence[Span] = ()) -> bool:
        """Request backfills, by app_name, and write *spans*.

        All of them, or none, which is False, if a job has no row.
        """
        ...

    def cancel(self, app_name: str, number: int, spans: Sequence[Span] = ()) -> bool:
        """Forget a job's backfill of that number, and write *spans*; False if it has none."""
        ...

    def next_number(self) -> int:
        """A number that no backfill has."""
        ...

    def pause(self, app_name: str, pause: Pause | None, spans: Sequence[Span] = ()) -> bool:
        """Pause a job that has a row, or end its pause, and write *spans*; False without a row.

        Also while it is being run.
        """
        ...

    def spans(self, app_name: str, first: datetime, last: datetime) -> list[Span]:
        """Which of a job's slots from *first* to *last* were not run, in the order of writing."""
        ...

    def notes(self, app_name: str, limit: int) -> list[Span]:
        """What people did to a job, the newest first."""
        ...

    def shares_database(self, connection: Any) -> bool:
        """Whether a transaction of this connection could carry the record of a run."""
        ...

    def reset(self, app_name: str, settle: Settle = nothing_to_settle) -> bool:
        """Forget a job, not its log. False if there was nothing to forget.

        *settle* makes a log row and spans from its row, which are written with that.
        Raises `JobOngoingError` if the job is being run.
        """
        ...

    def close(self) -> None:
        """Let go of everything; claims end with it."""
        ...
