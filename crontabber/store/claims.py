"""What the server is asked when a claim is wanted, and what its answer means."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..errors import LockHeld
from ..schedule.model import JobState
from .rows import Row, array_text, claim_parameters, state_of
from .session import ConnectionGone, Session, SessionChanged


class Answer(NamedTuple):
    """What the server says of a claim that was taken."""

    version: str | None
    """That of the row, which is marked; None if it is not as it was seen."""
    states: Mapping[str, JobState]
    """The rows that were read, by app_name."""


_ROW = 5
"""How many columns come before those that tell of rows: see ``answer`` in queries.sql."""


class Asked(NamedTuple):
    """A claim that the server is asked for."""

    session: Session
    wanted: JobState
    parents: Sequence[str]
    keys: tuple[int, ...]
    """The key of its own lock, and of the one that it shares."""
    rows: Sequence[Row] | None = None
    """What the server answered; None if that is not known, or not yet."""

    @property
    def mark(self) -> str:
        """The statement that marks the row."""
        if self.wanted.version is None:
            return "mark_new"
        return "mark" if self.parents else "mark_alone"

    @property
    def locking(self) -> dict[str, Any]:
        """The parameters of what takes the locks."""
        key, *shared = self.keys
        return {
            "lock": key,
            "shared_lock": shared[0] if shared else None,
            "backend_pid": self.session.backend_pid,
        }

    @property
    def marking(self) -> dict[str, Any]:
        """The parameters of `mark`, but for the locks that it gives back."""
        names = array_text([self.wanted.app_name, *self.parents])
        return {**claim_parameters(self.wanted), "names": names}

    @property
    def recorded(self) -> tuple[str, int]:
        """The version of the record that was made along with it, empty if none; and by whom."""
        assert self.rows is not None, "the server has answered"
        _, answered_by, version = self.rows[0][:3]
        return version, answered_by

    def answer(self) -> Answer | None:
        """What the server says; None if the claim is taken.

        Raises `LockHeld` if only the shared lock is, `ConnectionGone` if there is no answer.
        """
        if self.rows is None:
            raise ConnectionGone("the connection was lost, and with it the answer to a claim")
        locked, answered_by = self.rows[0][:2]
        if answered_by != self.session.backend_pid:
            raise SessionChanged
        if locked == "held":
            raise LockHeld
        if locked == "no":
            return None
        version = self.rows[0][_ROW]
        rows = (row[_ROW + 1 :] for row in self.rows)
        states = (state_of(row) for row in rows if row and row[0] is not None)
        return Answer(version, {state.app_name: state for state in states})


def hashed(name: str) -> int:
    """The key of an advisory lock."""
    import hashlib  # only needed for claims

    digest = hashlib.sha256(name.encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
