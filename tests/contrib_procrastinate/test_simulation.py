"""A day of few jobs on few workers, as ``python -m benchmarks.simulation`` has it of many."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest

from benchmarks.simulation import Memory, Options, Queue, simulate
from crontabber.contrib.procrastinate.due_job import DueJob
from crontabber.schedule.model import JobState, Run

FEW = Options(150, 5, timedelta(hours=1), failing=0.1, killed=0.05, seed=815)
PROMISES = ("lost", "done twice", "done before its parent")


def test_a_day_of_failures_loses_nothing() -> None:
    account = simulate(FEW)
    assert {what: account[what] for what in PROMISES} == dict.fromkeys(PROMISES, 0)
    assert account["runs that failed, and were tried again"]
    assert account["workers killed in a run, which was run again"]


def dead_workers_keep_their_claims(patch: pytest.MonkeyPatch) -> None:
    def kill(self: Memory) -> None:
        self._mine.clear()  # so they are given back to no one
        self.dead = True

    patch.setattr(Memory, "kill", kill)


def records_are_lost(patch: pytest.MonkeyPatch) -> None:
    save = Memory.save
    seen: set[str] = set()

    def lose(
        self: Memory, before: JobState, after: JobState, run: Run | None = None, **more: Any
    ) -> JobState:
        if run and before.app_name not in seen:
            seen.add(before.app_name)
            run, after = None, after._replace(next_slot=before.next_slot, next_run=before.next_run)
        return save(self, before, after, run, **more)

    patch.setattr(Memory, "save", lose)


def children_do_not_wait(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("crontabber.tick.claim.wait_of", lambda *of: None)
    patch.setattr("crontabber.schedule.decide.wait_of", lambda *of: None)


def jobs_are_queued_when_handed_over_twice(patch: pytest.MonkeyPatch) -> None:
    put = Queue.put
    seen: set[str] = set()

    def forget(self: Queue, due: Sequence[DueJob]) -> None:
        put(self, [each for each in due if each.app_name in seen])
        seen.update(each.app_name for each in due)

    patch.setattr(Queue, "put", forget)


@pytest.mark.parametrize(
    ("sabotage", "noticed"),
    [
        (dead_workers_keep_their_claims, "lost"),
        (records_are_lost, "done twice"),
        (children_do_not_wait, "done before its parent"),
        (jobs_are_queued_when_handed_over_twice, "late, by more than 3660 s"),
    ],
)
def test_sabotage_is_noticed(
    sabotage: Callable[[pytest.MonkeyPatch], None], noticed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = simulate(FEW)[noticed]
    sabotage(monkeypatch)
    assert simulate(FEW)[noticed] > sound  # type: ignore[operator]  # they are numbers
