"""What a person asks for of a job, when its row has changed meanwhile."""

import pytest

from crontabber.errors import StoreError
from crontabber.schedule.asked import AskedBackfill
from crontabber.schedule.model import JobState, Pause
from crontabber.store.memory import MemoryStore
from crontabber.testing import FakeClock
from crontabber.tick import marking
from tests.unit.schedules import DAY, at, job

NOON = at("2026-11-21 12:00")
DATES = ((NOON - 2 * DAY, NOON - DAY),)


def test_a_job_that_was_reset_meanwhile_is_not_said_to_be_paused() -> None:
    store = MemoryStore(FakeClock(NOON))
    wanted = Pause(NOON, None, "anna")
    with pytest.raises(StoreError, match=r"^a was reset at this moment; try again$"):
        marking.pause(store, job(name="a"), JobState("a"), wanted, NOON)
    marking.pause(store, job(name="a"), None, wanted, NOON)
    assert store.states["a"].pause == wanted


def test_a_job_that_was_reset_meanwhile_is_asked_for_nothing() -> None:
    store = MemoryStore(FakeClock(NOON))
    wanted = {name: AskedBackfill(1, DATES, "1d", 2) for name in ("a", "b")}
    store.add(JobState("a"))
    with pytest.raises(StoreError, match=r"^a or b was reset at this moment; try again$"):
        marking.ask(store, wanted, NOON, "anna")
    assert store.notes("a", 1) == []
    assert store.states["a"].asked == ()


def test_a_date_has_failed_until_it_is_done_also_if_it_is_to_be_tried_at_once() -> None:
    asked = AskedBackfill(1, DATES, "1d", 2)
    assert not marking.has_failed(JobState("a", asked=(asked,)))
    assert marking.has_failed(JobState("a", asked=(asked._replace(attempts=1),)))
