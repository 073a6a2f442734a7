"""What to do when the answer to a claim or a record was lost.

Pure: from the rows to a verdict. The connection was lost, a new one was opened, and
the row was read again. The server may or may not have done what it was asked.
"""

import enum

from ..schedule.model import JobState
from . import ClaimResult


class SaveVerdict(enum.Enum):
    """The verdict on a record whose answer was lost."""

    RECORDED = "recorded"
    """It was written, and only the answer was lost."""
    OVERTAKEN = "overtaken"
    """It was written, and by now another session has the claim."""
    STILL_HELD = "still held"
    """The lock is held by a session that may be our own old one: try again in a moment."""
    CLAIM_LOST = "claim lost"
    """Another session runs the job."""
    MARK_FIRST = "mark first"
    """The server crashed, and the mark, whose commit is not waited for, is gone with it."""
    WRITE = "write"
    """It was not written, and the claim is ours again: write it."""


class ClaimVerdict(enum.Enum):
    """The verdict on a claim whose answer was lost, after a second try."""

    STILL_HELD = "still held"
    """The lock is held by a session that may be our own old one: try again in a moment."""
    TAKEN = "taken"
    """Another session has it."""
    GRANTED = "granted"
    """It was granted now, with what was read under it."""
    MARKED_BEFORE = "marked before"
    """It is ours, and the row has the mark of our first try."""


def after_lost_save(
    found: JobState | None, before: JobState, after: JobState, *, locked: bool
) -> SaveVerdict:
    """What to do about a record that was to replace *before* by *after*.

    *found* is the row as it is now; *locked* says whether the claim could be taken again.
    """
    if found and _is_record(found, after) and (locked or not after.ongoing):
        return SaveVerdict.RECORDED
    if found and _has_outcome(found, before, after):
        return SaveVerdict.OVERTAKEN
    if not locked:
        is_ours = found is not None and found.ongoing == before.ongoing
        return SaveVerdict.STILL_HELD if is_ours else SaveVerdict.CLAIM_LOST
    if before.ongoing and _lacks_mark(found, before):
        return SaveVerdict.MARK_FIRST
    return SaveVerdict.WRITE


def after_lost_claim(
    result: ClaimResult | None, found: JobState | None, wanted: JobState
) -> ClaimVerdict:
    """What to do about a claim that was to mark the row as *wanted*.

    *result* is what the second try got; *found* is the row if that got nothing.
    """
    if result is None:
        is_ours = found is None or found.ongoing is None or _same_holder(found, wanted)
        return ClaimVerdict.STILL_HELD if is_ours else ClaimVerdict.TAKEN
    if result.marked or not _same_holder(result.state, wanted):
        return ClaimVerdict.GRANTED
    return ClaimVerdict.MARKED_BEFORE


def _same_holder(state: JobState | None, wanted: JobState) -> bool:
    if state is None or state.claim is None or wanted.claim is None:
        return False
    ours, theirs = wanted.claim, state.claim
    return (ours.host, ours.pid, ours.time) == (theirs.host, theirs.pid, theirs.time)


def _is_record(found: JobState, after: JobState) -> bool:
    """Whether the row is as *after* was to make it."""
    return _outcome_of(found) == _outcome_of(after)


def _outcome_of(state: JobState) -> JobState:
    """What a record writes; people may have asked for other things meanwhile."""
    return state._replace(version=None, claim=None, pause=None, asked=())


def _has_outcome(found: JobState, before: JobState, after: JobState) -> bool:
    """Whether the row has the outcome of the run, even if the job is claimed for the next one.

    The time at which the run began identifies it; a claim does not change that.
    """
    if after.ongoing or after.last_run == before.last_run:
        return False
    return (found.last_run, found.last_error) == (after.last_run, after.last_error)


def _lacks_mark(found: JobState | None, before: JobState) -> bool:
    """Whether the row is as it was before it was marked."""
    return found is None or (found.ongoing is None and found.last_run == before.last_run)
