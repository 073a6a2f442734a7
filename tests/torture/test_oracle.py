"""The oracle on histories written by hand: it has to see what is wrong, and nothing else."""

import dataclasses
from datetime import datetime, timedelta, timezone

import pytest

from tests.torture.oracle import Entry, Expected, History, Logged, judge

SLOT = datetime(2026, 11, 21, 3, tzinfo=timezone.utc)
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)


def at(seconds):
    return SLOT + MINUTE * 10 + SECOND * seconds


def run(start, end=None, *, app="job", slot=SLOT, pid=1):
    """The entries of a run; without an end if it has none."""
    entries = [Entry(app, slot, f"{app}-{start}", pid, "start", at(start))]
    if end is not None:
        entries.append(Entry(app, slot, f"{app}-{start}", pid, "end", at(end)))
    return entries


def good(seconds, *, app="job", slot=SLOT):
    return Logged(app, slot, slot, None, None, at(seconds))


def bad(seconds, *, slot=SLOT):
    return Logged("job", slot, None, "<class 'ValueError'>", "no", at(seconds))


def crash(seconds, pid, *, slot=SLOT, host="host"):
    value = f"process {pid} on {host} began at some time and did not finish"
    return Logged("job", slot, None, "<class 'crontabber.errors.JobCrashed'>", value, at(seconds))


def history(entries, log, *, killed=(), ongoing=(), **expected):
    of_job = Expected(**{"app": "job", "slots": (SLOT,), **expected})
    return History([of_job], entries, log, ongoing, frozenset(killed))


def counts(verdict):
    return verdict.slots, verdict.once, verdict.lost, verdict.twice, verdict.repeated


@pytest.mark.parametrize("transaction", [False, True])
def test_a_slot_done_once(transaction):
    verdict = judge(history(run(0, 1), [good(2)], transaction=transaction))
    assert counts(verdict) == (1, 1, 0, 0, 0)
    assert verdict.violations == ()


def test_slots_of_a_backfill():
    later = SLOT + MINUTE
    entries = run(0, 1) + run(3, 4, slot=later)
    log = [good(2), good(5, slot=later)]
    verdict = judge(history(entries, log, slots=(SLOT, later), backfill=True))
    assert counts(verdict) == (2, 2, 0, 0, 0)
    assert verdict.violations == ()


@pytest.mark.parametrize("end", [1, None], ids=["after its end", "before its end"])
def test_a_run_that_was_killed_may_be_run_again_if_the_log_says_so(end):
    entries = run(0, end, pid=7) + run(5, 6)
    verdict = judge(history(entries, [crash(4, 7), good(7)], killed=[7]))
    assert counts(verdict) == (1, 0, 0, 0, 1)
    assert verdict.violations == ()


def test_a_run_that_failed_may_be_run_again():
    verdict = judge(history(run(0) + run(5, 6), [bad(1), good(7)]))
    assert counts(verdict) == (1, 0, 0, 0, 1)
    assert verdict.violations == ()


def test_killed_before_the_run_began():
    verdict = judge(history(run(5, 6), [crash(4, 7), good(7)], killed=[7]))
    assert counts(verdict) == (1, 1, 0, 0, 0)
    assert verdict.violations == ()


def test_whatever_slot_it_was():
    assert judge(history(run(0, 1), [good(2)], slots=None)).violations == ()
    assert judge(history([], [], slots=None)).violations == ("job never ran",)


AGAIN = run(0, 1, pid=7) + run(5, 6)


@pytest.mark.parametrize(
    ("told", "violation"),
    [
        (history([], []), "was lost: it was begun 0 times"),
        (history(run(0), [good(2)]), "was lost: it was begun 1 times"),
        (history([], [good(2)]), "was lost"),
        (history(run(0, 1), []), "logged as a success 0 times"),
        (history(run(0, 1), [good(2), good(3)]), "logged as a success 2 times"),
        (history(AGAIN, [good(2), good(7)]), "process 7 lived"),
        (history(AGAIN, [good(7)]), "process 7 lived, and no failure is logged"),
        (history(AGAIN, [good(7)], killed=[7]), "no crash of process 7 on host is logged"),
        (history(AGAIN, [crash(4, 8), good(7)], killed=[7]), "no crash of process 7"),
        (history(AGAIN, [crash(4, 77), good(7)], killed=[7]), "no crash of process 7"),
        (history(AGAIN, [crash(4, 7, host="else"), good(7)], killed=[7]), "no crash of process 7"),
        (history(AGAIN, [bad(4), good(7)], killed=[7]), "no crash of process 7"),
        (
            history(AGAIN, [crash(4, 7, slot=SLOT - MINUTE), good(7)], killed=[7]),
            "no crash of process 7",
        ),
        (
            history(AGAIN, [crash(4, 7), good(7)], killed=[7], transaction=True),
            "done 2 times, and is a single transaction",
        ),
        (history(run(0) + run(2) + run(5, 6), [bad(1), good(7)]), "process 1 lived"),
        (history(run(0, 3) + run(2, 5, pid=7), [bad(4), good(6)]), "ran twice at once"),
        (history(run(0, 1), [good(2), crash(3, 9)]), "it was not killed"),
        (history(run(0, 1), [good(2)], ongoing=["job"]), "job is marked ongoing"),
        (history(run(0, 1), [good(2)], slots=()), "that were not due"),
        (
            history(
                run(3, 4) + run(0, 1, slot=SLOT + MINUTE),
                [good(2, slot=SLOT + MINUTE), good(5)],
                slots=(SLOT, SLOT + MINUTE),
                backfill=True,
            ),
            "03:00:00+00:00 after 2026-11-21 03:01:00",
        ),
    ],
)
def test_a_broken_promise_is_told(told, violation):
    assert violation in " | ".join(judge(told).violations)


def test_a_process_has_one_slot_in_flight_at_most():
    later = SLOT + MINUTE
    entries = AGAIN + run(2, 3, slot=later, pid=7) + run(8, 9, slot=later)
    log = [crash(4, 7), good(7), crash(4, 7, slot=later), good(10, slot=later)]
    told = history(entries, log, slots=(SLOT, later), killed=[7])
    assert "process 7 had 2 slots in flight at once" in judge(told).violations


@pytest.mark.parametrize(
    ("parent_done", "child_began", "faults"),
    [(2, 3, 0), (4, 3, 1), (None, 3, 1)],
    ids=["after", "before", "without"],
)
def test_a_child_runs_after_its_parent(parent_done, child_began, faults):
    told = history(
        run(0, 1) + run(child_began, child_began + 1, app="child"),
        [good(9, app="child"), *([good(parent_done)] if parent_done else [])],
    )
    child = Expected("child", (SLOT,), parents=("job",))
    told = dataclasses.replace(told, expected=[*told.expected, child])
    violations = [text for text in judge(told).violations if "child" in text]
    assert violations == ["child ran before job had succeeded"] * faults


@pytest.mark.parametrize(
    ("lock", "ends", "expected"),
    [
        ("it", 3, ("job and other ran at once, and share the lock 'it'",)),
        ("it", 1, ()),
        ("another", 3, ()),
    ],
)
def test_jobs_that_share_a_lock_and_run_at_once(lock, ends, expected):
    jobs = [Expected("job", (SLOT,), lock="it"), Expected("other", (SLOT,), lock=lock)]
    entries = run(0, ends) + run(2, 4, app="other")
    log = [good(5), good(5, app="other")]
    assert judge(History(jobs, entries, log)).violations == expected
