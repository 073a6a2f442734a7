"""The ledger: which slots were not run, and why. No decision to run a job reads it."""

import enum
from datetime import datetime
from typing import NamedTuple


class Verdict(enum.Enum):
    """Why consecutive slots were not run."""

    PASSED_OVER = "passed over"
    """Later slots were due as well, and only the latest is run."""
    TOO_LATE = "too late"
    """They were older than ``too_late`` allows."""
    PAUSED = "paused"
    """They came up while the job was paused."""
    MARKED = "marked"
    """A person marked them as done."""
    RESET = "reset"
    """They were open when a person reset the job."""
    GIVEN_UP = "given up"
    """They failed, and the app's ``retry`` gave up."""
    BACKFILLED = "backfilled"
    """They were done outside the schedule, because a person asked for it."""
    ASKED = "asked"
    """No slot was passed over: a person did something, and the reason says what."""
    REPLANNED = "replanned"
    """They belonged to a schedule that was edited, or to a clock that was wrong."""


class Span(NamedTuple):
    """Consecutive slots of a job that were not run, with one verdict: a row of the ledger."""

    app_name: str
    first: datetime
    last: datetime
    slots: int
    """How many there are."""
    verdict: Verdict
    reason: str
    plan: str
    """The schedule in force; see `JobSpec.plan`."""
    by: str
    """Who caused it: a person, or ``crontabber``."""
    at: datetime
    """When that was written."""


def note_of(app_name: str, what: str, by: str, now: datetime) -> Span:
    """That a person did *what* to a job; it is about no slot."""
    return Span(app_name, now, now, 0, Verdict.ASKED, what, "", by, now)
