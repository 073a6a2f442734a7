"""What to do when an answer was lost: a table of what was found, and the verdict."""

from datetime import timedelta

import pytest

from crontabber.schedule.model import Claim, JobState
from crontabber.store import ClaimResult
from crontabber.store.recovery import (
    ClaimVerdict,
    SaveVerdict,
    after_lost_claim,
    after_lost_save,
)
from tests.stores import DAY, ERROR, NOW, SLOT, done

OURS = Claim("here", 1, 11, NOW)
OURS_AGAIN = OURS._replace(backend_pid=12)
THEIRS = Claim("there", 2, 21, NOW + timedelta(seconds=5))

SEEN = JobState("a", next_run=SLOT, next_slot=SLOT, first_run=NOW, last_run=NOW - DAY, version="1")
MARKED = SEEN._replace(ongoing=NOW, claim=OURS, version="2")
DONE = done(MARKED, version="3")
GOES_ON = done(MARKED, ongoing=NOW, claim=OURS, version="3")
CLAIMED_SINCE = DONE._replace(ongoing=THEIRS.time, claim=THEIRS, version="4")
RUN_SINCE = CLAIMED_SINCE._replace(last_run=THEIRS.time, version="5")
THEIR_MARK = SEEN._replace(ongoing=THEIRS.time, claim=THEIRS, version="4")
FAILED = MARKED._replace(ongoing=None, claim=None, last_run=NOW, last_error=ERROR, version="3")


@pytest.mark.parametrize(
    ("found", "after", "locked", "verdict"),
    [
        (MARKED, DONE, True, SaveVerdict.WRITE),
        (MARKED, DONE, False, SaveVerdict.STILL_HELD),
        (DONE, DONE, True, SaveVerdict.RECORDED),
        (DONE, DONE, False, SaveVerdict.RECORDED),
        (FAILED, FAILED, False, SaveVerdict.RECORDED),
        (GOES_ON, GOES_ON, True, SaveVerdict.RECORDED),
        (GOES_ON, GOES_ON, False, SaveVerdict.STILL_HELD),
        (CLAIMED_SINCE, DONE, False, SaveVerdict.OVERTAKEN),
        (CLAIMED_SINCE, DONE, True, SaveVerdict.OVERTAKEN),
        (CLAIMED_SINCE, FAILED, False, SaveVerdict.CLAIM_LOST),
        (RUN_SINCE, DONE, False, SaveVerdict.CLAIM_LOST),
        (THEIR_MARK, DONE, False, SaveVerdict.CLAIM_LOST),
        (None, DONE, False, SaveVerdict.CLAIM_LOST),
        (SEEN, DONE, True, SaveVerdict.MARK_FIRST),
        (None, DONE, True, SaveVerdict.MARK_FIRST),
        (RUN_SINCE._replace(ongoing=None, claim=None), DONE, True, SaveVerdict.WRITE),
    ],
)
def test_a_record_whose_answer_was_lost(
    found: JobState | None, after: JobState, locked: bool, verdict: SaveVerdict
) -> None:
    found = found and found._replace(version="9")
    assert after_lost_save(found, MARKED, after, locked=locked) is verdict


@pytest.mark.parametrize(
    ("result", "found", "verdict"),
    [
        (None, None, ClaimVerdict.STILL_HELD),
        (None, SEEN, ClaimVerdict.STILL_HELD),
        (None, MARKED, ClaimVerdict.STILL_HELD),
        (None, THEIR_MARK, ClaimVerdict.TAKEN),
        (ClaimResult(MARKED, {}, marked=True), None, ClaimVerdict.GRANTED),
        (ClaimResult(None, {}, marked=False), None, ClaimVerdict.GRANTED),
        (ClaimResult(DONE, {}, marked=False), None, ClaimVerdict.GRANTED),
        (ClaimResult(THEIR_MARK, {}, marked=False), None, ClaimVerdict.GRANTED),
        (ClaimResult(MARKED, {}, marked=False), None, ClaimVerdict.MARKED_BEFORE),
    ],
)
def test_a_claim_whose_answer_was_lost(
    result: ClaimResult | None, found: JobState | None, verdict: ClaimVerdict
) -> None:
    wanted = MARKED._replace(claim=OURS_AGAIN)
    assert after_lost_claim(result, found, wanted) is verdict
