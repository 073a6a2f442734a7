"""The account of a job: of each slot what became of it, without a gap, and none twice."""

import itertools
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crontabber.base import BaseCronApp
from crontabber.mixins import as_backfill_cron_app
from crontabber.schedule.account import Entry, account
from crontabber.schedule.asked import AskedBackfill
from crontabber.schedule.calendar import slots
from crontabber.schedule.dates import Mark, dates
from crontabber.schedule.grammar import JobLine, JobList, Schedule
from crontabber.schedule.ledger import Span, Verdict
from crontabber.schedule.missed import Passing, span_of, unpaused
from crontabber.schedule.model import JobSpec, JobState, LastError, Outcome, Pause, Run
from crontabber.schedule.plan import in_force
from crontabber.schedule.ranges import in_rows, slots_between
from crontabber.testing import Simulation
from crontabber.verbs.steer import reset_spans
from tests.unit.schedules import DAY, ERROR, HOUR, MINUTE, SECOND, at, job, waiting

START = datetime(2026, 11, 21, 3, 7, tzinfo=timezone.utc)
PLANS = ("10m", "1h", "15m")


class World:
    """One job in a simulation, and beside it a list of all slots that were due."""

    def __init__(self, *, backfill: bool, missed: str | None, too_late: str | None) -> None:
        self.broken = False
        self.due: set[datetime] = set()

        def run(*_: Any) -> None:
            if self.broken:
                raise OSError("no")

        body: dict[str, Any] = {"app_name": "a", "run": run, "__module__": __name__}
        body |= {"missed": missed, "too_late": too_late}
        self.app: Any = type("A", (BaseCronApp,), body)
        if backfill:
            self.app = as_backfill_cron_app(self.app)
        self.sim = Simulation({self.app: "10m"}, START)
        self.plan, self.backfill = "10m", backfill
        self.tick(0)

    @property
    def spec(self) -> JobSpec:
        return job(self.plan, backfill=self.backfill)._replace(app_name="a")

    @property
    def state(self) -> JobState | None:
        return self.sim.states.get("a")

    def see(self) -> None:
        """Note the slots that are due by the plan that counts now."""
        now = self.sim.clock.now()
        if self.state and self.state.next_slot:
            schedule, zone = in_force(self.spec, self.state)
            due = slots(schedule, self.state.next_slot, zone)
            self.due.update(itertools.takewhile(lambda slot: slot <= now, due))

    def tick(self, minutes: int) -> None:
        self.sim.clock.advance(minutes * MINUTE)
        before = self.state
        self.see()
        self.sim.tick()
        if before is None and self.state:
            assert self.state.first_slot
            self.due.add(self.state.first_slot)
        self.see()

    def edit(self, plan: str) -> None:
        self.plan = plan
        [line] = self.sim._job_list.lines
        line = JobLine(line.class_path, Schedule.parse(plan))
        self.sim._job_list = JobList((line,))

    def pause(self, minutes: int) -> None:
        now = self.sim.clock.now()
        self.sim.store.pause("a", Pause(now, now + minutes * MINUTE, "anna"))

    def resume(self) -> None:
        if (state := self.state) and state.pause:
            self.see()
            replan = unpaused(self.spec, state, self.sim.clock.now())
            self.sim.store.save(state, replan.state, spans=replan.spans)

    def reset(self) -> None:
        self.see()
        now = self.sim.clock.now()
        self.sim.store.reset("a", lambda state: (None, reset_spans(self.spec, state, now, "anna")))

    def ask(self, back: int) -> None:
        """Have dates of the past done, which may have been done before."""
        state = self.state
        if not (self.backfill and state and state.next_slot) or state.asked:
            return
        first, last = state.next_slot - back * HOUR, state.next_slot - MINUTE
        now = self.sim.clock.now()
        found = [*slots_between(self.spec, state, first, last, now)]
        if found and state.plan == self.plan:
            rows = in_rows(found, found)
            asked = AskedBackfill(1, rows, self.plan, len(found), wanted=rows, asked_at=now)
            self.sim.store.ask({"a": asked})

    def asked(self) -> set[datetime]:
        """The dates that were asked for, and are not done."""
        every = self.state.asked if self.state else ()
        return {
            slot
            for each in every
            for first, last in each.dates
            for slot in itertools.takewhile(
                lambda slot: slot <= last,  # noqa: B023  it is used at once
                slots(Schedule.parse(each.plan), first, self.spec.zone),
            )
        }

    def account(self, end: timedelta = timedelta()) -> list[Entry]:
        now = self.sim.clock.now()
        spans, runs = self.sim.store.ledger, self.sim.log
        return account(self.spec, self.state, spans, runs, START - DAY, now + end, now)


STEPS = st.one_of(
    st.tuples(st.just("tick"), st.integers(1, 50)),
    st.tuples(st.just("tick"), st.integers(1, 50)),
    st.tuples(st.just("broken"), st.booleans()),
    st.tuples(st.just("pause"), st.integers(1, 90)),
    st.tuples(st.just("resume")),
    st.tuples(st.just("reset")),
    st.tuples(st.just("edit"), st.sampled_from(PLANS)),
    st.tuples(st.just("ask"), st.integers(1, 3)),
)
KINDS = [
    {"backfill": True, "missed": None, "too_late": None},
    {"backfill": True, "missed": "latest", "too_late": None},
    {"backfill": True, "missed": None, "too_late": "1h"},
    {"backfill": False, "missed": None, "too_late": None},
    {"backfill": False, "missed": "none", "too_late": "20m"},
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: "-".join(map(str, kind.values())))
@settings(max_examples=5, deadline=None)
@given(steps=st.lists(STEPS, max_size=14))
def test_each_slot_has_one_entry_in_every_history(kind: Any, steps: list[Any]) -> None:
    world = World(**kind)
    for name, *arguments in steps:
        if name == "broken":
            world.broken = arguments[0]
        else:
            getattr(world, name)(*arguments)
    world.tick(1)
    found = world.account()
    for one, following in itertools.pairwise(found):
        assert one.first <= one.last < following.first
    for slot in sorted(world.due):
        entries = [entry for entry in found if entry.first <= slot <= entry.last]
        assert len(entries) == 1, f"{slot} has {entries}"
    others = {run.slot for run in world.sim.log} | world.asked() - world.due
    assert sum(entry.number for entry in found) == len(world.due | others)
    done = {run.slot for run in world.sim.log if run.outcome is Outcome.SUCCEEDED}
    for slot in world.due | others:
        [entry] = [entry for entry in found if entry.first <= slot <= entry.last]
        assert (slot in done) == (entry.verdict == "done")


def test_what_is_open_and_what_is_to_come() -> None:
    world = World(backfill=True, missed=None, too_late=None)
    world.sim.clock.advance(25 * MINUTE)
    found = world.account(HOUR)
    assert [(each.verdict, each.number) for each in found] == [
        ("done", 1),
        ("open", 2),
        ("to come", 6),
    ]


def test_a_log_that_was_trimmed_leaves_no_gap() -> None:
    world = World(backfill=True, missed=None, too_late=None)
    for _ in range(12):
        world.tick(10)
    whole = world.account()
    del world.sim.log[:6]
    trimmed = world.account()
    assert [entry[:5] for entry in trimmed] == [entry[:5] for entry in whole]
    assert sum(entry.number for entry in trimmed) == 13


def test_a_date_that_was_passed_over_and_then_done_on_purpose_is_done() -> None:
    world = World(backfill=True, missed=None, too_late=None)
    state = world.state
    assert state
    before = START - 20 * MINUTE
    passing = Passing(Verdict.BACKFILLED, "backfill 7", world.sim.clock.now(), "anna")
    world.sim.store.ledger += span_of(world.spec, state, before, before, passing)
    first, _ = world.account()
    assert (first.verdict, first.reason, first.by) == ("done", "backfill 7", "anna")


def test_dates_that_were_never_due_lie_between_and_are_not_called_done() -> None:
    spec = job("1d", backfill=True)._replace(app_name="a")
    opened = START.replace(hour=0, minute=0) + DAY
    state = JobState("a", next_slot=opened, next_run=opened, first_slot=opened - DAY, backfill=True)
    first = opened - 9 * DAY
    passing = Passing(Verdict.BACKFILLED, "backfill 1", START, "anna")
    spans = span_of(spec, state, first, first + 2 * DAY, passing)
    found = account(spec, state, spans, [], first, opened - MINUTE)
    rows = [(entry.first, entry.last, entry.number, entry.verdict) for entry in found]
    assert rows == [
        (first, first + 2 * DAY, 3, "done"),
        (opened - DAY, opened - DAY, 1, "done"),
    ]


@pytest.mark.parametrize("backfill", [False, True])
@pytest.mark.parametrize(
    ("outcomes", "verdict", "of_dates"),
    [
        ("done failed", "failed", "done"),
        ("failed done", "done", "done"),
        ("marked failed", "failed", "marked"),
        ("done crashed", "crashed", "done"),
    ],
)
def test_the_last_run_counts_but_a_date_that_is_done_stays_done(
    outcomes: str, verdict: str, of_dates: str, *, backfill: bool
) -> None:
    """trap: a job that was forced twice in a minute was done, although its last run failed"""
    kinds = {
        "done": Outcome.SUCCEEDED,
        "failed": Outcome.FAILED,
        "marked": Outcome.MARKED,
        "crashed": Outcome.CRASHED,
    }
    slot = START.replace(second=0)
    errors = {"failed": ERROR, "crashed": ERROR}
    runs = [
        Run("a", slot, slot + n * SECOND, SECOND, kinds[word], "host", errors.get(word))
        for n, word in enumerate(outcomes.split())
    ]
    row = JobState("a", next_slot=slot + HOUR, first_slot=slot, last_error=runs[-1].error)
    [entry] = account(job(backfill=backfill), row, (), runs, slot, slot)
    assert (entry.verdict, len(entry.runs)) == (of_dates if backfill else verdict, 2)
    assert entry.reason == ("ValueError: no" if entry.verdict in errors else "")


# -- dates that people asked for -------------------------------------------------------------

NOW = at("2026-11-28 12:00")
OPEN = at("2026-11-29 03:00")
DAILY = job("1d|03:00", name="a", backfill=True)
FIRST = OPEN - 9 * DAY
ERR = LastError("<class 'OSError'>", "no", "Traceback")


def row_of(*asked: AskedBackfill) -> JobState:
    """All dates from `FIRST` on are done."""
    done = OPEN - DAY
    return waiting(DAILY, OPEN, first_slot=FIRST, last_success=done, last_run=done, asked=asked)


def asked_for(*back: int) -> AskedBackfill:
    """Those days before the open one."""
    rows = tuple((OPEN - n * DAY, OPEN - n * DAY) for n in back)
    return AskedBackfill(7, rows, DAILY.plan, len(back), wanted=rows)


def failure(back: int) -> Run:
    slot = OPEN - back * DAY
    return Run("a", slot, NOW, SECOND, Outcome.FAILED, "host", ERR)


def passed(back: int, verdict: Verdict) -> tuple[Span, ...]:
    slot = OPEN - back * DAY
    return span_of(DAILY, row_of(), slot, slot, Passing(verdict, "why", NOW))


@pytest.mark.parametrize(
    ("asked", "failures", "spans", "verdict", "reason"),
    [
        # of before the first slot
        ((12,), (), (), "open", "requested: backfill 7"),
        ((12,), (12,), (), "failed", "OSError: no"),
        ((), (12,), (), "failed", "OSError: no"),  # cancelled
        ((), (12,), (Verdict.GIVEN_UP,), "given up", "why"),
        ((12,), (), (Verdict.GIVEN_UP,), "open", "requested: backfill 7"),
        # of the schedule, and done
        ((5,), (), (), "done", ""),
        ((5,), (5,), (), "done", ""),
        ((), (5,), (), "done", ""),
        ((), (5,), (Verdict.GIVEN_UP,), "done", ""),
        # of the schedule, and passed over
        ((5,), (), (Verdict.PASSED_OVER,), "open", "requested: backfill 7"),
        ((5,), (5,), (Verdict.PASSED_OVER,), "failed", "OSError: no"),
        ((), (5,), (Verdict.PASSED_OVER,), "passed over", "why"),
        ((), (5,), (Verdict.PASSED_OVER, Verdict.GIVEN_UP), "given up", "why"),
        ((), (), (Verdict.PASSED_OVER, Verdict.BACKFILLED), "done", "why"),
    ],
)
def test_a_date_that_was_asked_for_is_open_until_it_is_done(
    asked: tuple[int, ...],
    failures: tuple[int, ...],
    spans: tuple[Verdict, ...],
    verdict: str,
    reason: str,
) -> None:
    """trap: "All dates are done" while one was asked for; a redo that failed undid the date"""
    [back] = {*asked, *failures} or {5}
    slot = OPEN - back * DAY
    row = row_of(*([asked_for(*asked)] if asked else []))
    ledger = [span for each in spans for span in passed(back, each)]
    [entry] = account(DAILY, row, ledger, map(failure, failures), slot, slot, NOW, whole=False)
    assert (entry.verdict, entry.reason) == (verdict, reason)
    found = account(DAILY, row, ledger, map(failure, failures), FIRST - 5 * DAY, NOW, NOW)
    assert [e[3:5] for e in found if e.first <= slot <= e.last] == [(verdict, reason)]


@pytest.mark.parametrize(("asked", "mark"), [((12,), Mark.FAILED), ((), Mark.SKIPPED)])
def test_the_calendar_says_of_a_failed_date_whether_it_is_tried_again(
    asked: tuple[int, ...], mark: Mark
) -> None:
    row = row_of(asked_for(*asked)) if asked else row_of()
    found = dates(DAILY, row, [failure(12)], [], FIRST - 5 * DAY, NOW)
    assert [each.mark for each in found.stretches] == [mark, Mark.DONE]
