"""What is remembered after a claim, a success, a failure and a crash; and long runs of them."""

import itertools
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from crontabber.schedule.calendar import first_slot, latest_slot, slots
from crontabber.schedule.decide import decide
from crontabber.schedule.model import JobSpec, JobState, LastError, Outcome, Replan, Run, RunNow
from crontabber.schedule.plan import plan
from crontabber.schedule.retry import Advice
from crontabber.schedule.transition import (
    CRASHED,
    claimed,
    crash_of,
    crashed,
    crashed_slot,
    failed,
    passed_by_crash,
    released,
    succeeded,
    tried_again,
)
from tests.unit.schedules import (
    DAY,
    ERROR,
    HOUR,
    MINUTE,
    SECOND,
    at,
    claim,
    job,
    waiting,
)

NOON = at("2026-11-21 12:00")
NOW = NOON + 2 * SECOND


def running(spec, slot, started=NOW, **more):
    """*spec* was claimed at *started*, to run *slot*."""
    return claimed(spec, waiting(spec, slot, **more), claim(started))


# -- claimed -------------------------------------------------------------------


def test_a_first_claim_writes_down_what_is_open():
    spec = job("1d|03:00", depends_on=("parent",), backfill=True)
    assert claimed(spec, None, claim(NOW)) == JobState(
        app_name="app",
        next_run=at("2026-11-21 03:00"),
        next_slot=at("2026-11-21 03:00"),
        first_run=NOW,
        depends_on=("parent",),
        ongoing=NOW,
        class_path="jobs.app",
        plan="1d|03:00 UTC",
        backfill=True,
        first_slot=at("2026-11-21 03:00"),
        claim=claim(NOW),
    )


def test_a_later_claim_changes_nothing_that_is_planned():
    spec = job()
    state = waiting(spec, NOON, first_run=NOW - DAY, last_run=NOW - HOUR, error_count=3)
    assert released(claimed(spec, state, claim(NOW))) == state._replace(
        class_path="jobs.app", backfill=False
    )


def test_a_claim_on_an_inherited_row_pins_its_slot():
    """trap: a backfill app failing since its first run for three days lost those dates."""
    spec = job("1d", backfill=True)
    state = JobState("app", first_run=NOW - 3 * DAY, next_run=NOW - SECOND, last_error=ERROR)
    state = claimed(spec, state, claim(NOW))
    assert state.next_slot == NOON - 3 * DAY
    assert (state.first_run, state.next_run) == (NOW - 3 * DAY, NOW - SECOND)
    state = failed(spec, state, state.next_slot, NOW, ERROR)
    assert state.next_slot == NOON - 3 * DAY


def test_a_claim_ends_the_wait_and_knows_the_first_slot_of_a_job_that_never_ran():
    state = waiting(job(), NOON, waits_for="parent", waits_since=NOON)
    after = claimed(job(), state, claim(NOW))
    assert (after.waits_for, after.waits_since, after.first_slot) == (None, None, NOON)
    ran = state._replace(last_run=NOON - DAY, first_slot=NOON - DAY)
    assert claimed(job(), ran, claim(NOW)).first_slot == NOON - DAY


# -- succeeded -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("schedule", "slot", "started", "upcoming"),
    [
        ("5m", "2026-11-21 12:00", "2026-11-21 12:00:00.9", "2026-11-21 12:05"),
        ("5m", "2026-11-21 12:00", "2026-11-21 12:04:59", "2026-11-21 12:05"),
        ("1d|23:00", "2026-11-20 23:00", "2026-11-21 00:30", "2026-11-21 23:00"),
        ("1d|02:00", "2026-11-20 02:00", "2026-11-21 00:30", "2026-11-21 02:00"),
    ],
)
def test_the_next_run_is_counted_from_the_slot(schedule, slot, started, upcoming):
    """trap: `next_run = now + interval` drifted; `1d|23:00` at 00:30 skipped the next night."""
    spec = job(schedule)
    before = running(spec, at(slot), at(started), error_count=2, last_error=ERROR)
    after = succeeded(spec, before, at(slot), at(started), at(started))
    assert after == before._replace(
        next_run=at(upcoming),
        next_slot=at(upcoming),
        last_run=at(started),
        last_success=at(started),
        error_count=0,
        last_error=None,
        ongoing=None,
        claim=None,
    )


def test_a_success_forgets_that_a_failure_was_told_and_given_up():
    before = running(job(), NOON, last_error=ERROR, gave_up=True, attempts=3, told="{}")
    after = succeeded(job(), before, NOON, NOW, NOW)
    assert (after.gave_up, after.attempts, after.told, after.last_error) == (False, 0, None, None)


def test_a_job_that_missed_slots_runs_once_and_then_as_ever():
    spec = job("1h")
    state = running(spec, NOON - 3 * DAY)
    slot = plan(spec, state, NOW).slot_at(spec, state, NOW)
    assert slot == NOON
    assert succeeded(spec, state, slot, NOW, NOW).next_run == NOON + HOUR


def test_a_slot_that_came_up_during_a_long_run_is_due_at_the_next_tick():
    spec = job("5m")
    after = succeeded(spec, running(spec, NOON), NOON, NOW, NOW)
    assert after.next_run
    assert after.next_run < NOW + HOUR


def test_a_backfill_app_keeps_its_claim_until_no_slot_is_open():
    """trap: the position was saved only after the whole catch-up."""
    spec = job("1h", backfill=True)
    state = running(spec, NOON - 2 * HOUR)
    for n in (-2, -1, 0):
        assert state.ongoing
        assert state.next_slot == NOON + n * HOUR
        state = succeeded(spec, state, state.next_slot, NOW + n * MINUTE, NOW)
        assert state.last_success == NOON + n * HOUR
    assert state.ongoing is state.claim is None
    assert state.next_slot == state.next_run == NOON + HOUR


def test_what_comes_due_during_a_catch_up_waits_for_the_next_tick():
    spec = job("5m", backfill=True)
    state = succeeded(spec, running(spec, NOON), NOON, NOW + HOUR, NOW)
    assert state.ongoing is None
    assert state.next_slot == NOON + 5 * MINUTE


def test_a_run_ahead_of_the_plan_does_not_move_it():
    """trap: `--job` and `--force` moved `next_run`."""
    spec = job("7d|23:00")
    slot = at("2026-11-23 23:00")
    before = running(spec, slot)
    ran = plan(spec, before, NOW).slot_at(spec, before, NOW)
    assert ran == NOON
    after = succeeded(spec, before, ran, NOW, NOW)
    assert (after.next_run, after.next_slot) == (slot, slot)
    after = failed(spec, before, ran, NOW, ERROR)
    assert (after.next_run, after.next_slot) == (NOW + 5 * MINUTE, slot)
    nearly = slot - MINUTE
    assert failed(spec, before, nearly, nearly, ERROR).next_run == slot


@pytest.mark.parametrize("backfill", [False, True])
def test_an_edited_schedule_counts_when_its_predecessors_slots_are_done(backfill):
    """It invents no slots of the past."""
    before, spec = job("1d|03:00", backfill=backfill), job("5m", backfill=backfill)
    state, done = claimed(spec, waiting(before, at("2026-11-19 03:00")), claim(NOW)), []
    while state.ongoing:
        slot = plan(spec, state, NOW).slot_at(spec, state, NOW)
        done.append(slot)
        state = succeeded(spec, state, slot, NOW, NOW)
    dates = ["2026-11-19 03:00", "2026-11-20 03:00", "2026-11-21 03:00"]
    assert done == [at(date) for date in (dates if backfill else dates[-1:])]
    assert (state.plan, state.next_slot, state.next_run) == ("5m", *[NOON + 5 * MINUTE] * 2)


def test_an_edited_schedule_counts_in_its_zone_once_no_slot_of_the_old_one_is_due():
    old, horizon = {"plan": "1d|03:00 UTC"}, at("2026-11-21 03:00")
    dates = job("5m", backfill=True)
    slot = at("2026-11-20 03:00")
    after = succeeded(dates, running(dates, slot, horizon, **old), slot, horizon, horizon)
    assert (after.next_slot, after.plan) == (horizon, "1d|03:00 UTC")  # due at this very moment
    ahead = running(job("5m"), at("2026-11-22 03:00"), **old)  # a run ahead of the plan
    after = succeeded(job("5m"), ahead, NOON, NOW, NOW)
    assert (after.next_slot, after.plan) == (NOON + 5 * MINUTE, "5m")
    spec = job("1d|06:00", zone="Europe/Berlin")
    after = succeeded(spec, running(spec, horizon, **old), horizon, NOW, NOW)
    assert after.next_slot == at("2026-11-22 05:00")


# -- failed --------------------------------------------------------------------


@pytest.mark.parametrize("backfill", [False, True])
def test_a_failure_keeps_the_slot_and_moves_only_when_to_try(backfill):
    """trap: in cronrun a backfill slot that failed was lost."""
    spec = job("1d|03:00", backfill=backfill)
    slot = at("2026-11-21 03:00")
    before = running(spec, slot, error_count=1, last_success=slot - DAY)
    assert failed(spec, before, slot, NOW, ERROR) == before._replace(
        next_run=NOW + 5 * MINUTE,
        last_run=NOW,
        error_count=2,
        attempts=1,
        last_error=ERROR,
        ongoing=None,
        claim=None,
    )


def test_three_days_of_failures_and_then_each_date_once():
    """trap: a backfill app failing since its first run for three days ran for now only."""
    spec, state, done = job("1d|03:00", backfill=True), None, []
    started = at("2026-11-18 03:00:02")
    while started < at("2026-11-21 12:00"):
        state = claimed(spec, state, claim(started))
        assert state.next_slot
        state = failed(spec, state, state.next_slot, started, ERROR)
        assert state.next_run
        started = max(state.next_run, started + HOUR)
    state = claimed(spec, state, claim(started))
    while state.ongoing:
        assert state.next_slot
        done.append(f"{state.next_slot:%d %H:%M}")
        state = succeeded(spec, state, state.next_slot, started, started)
    assert done == ["18 03:00", "19 03:00", "20 03:00", "21 03:00"]
    assert (state.error_count, state.last_error) == (0, None)


# -- crashed -------------------------------------------------------------------


@pytest.mark.parametrize("backfill", [False, True])
def test_a_crashed_job_is_due_at_once_and_its_slot_stays_open(backfill):
    """trap: SIGKILL left the job ongoing for 12 h."""
    spec = job("1d|03:00", backfill=backfill)
    slot = at("2026-11-21 03:00")
    before = running(spec, slot, NOW - MINUTE)
    after = crashed(spec, before, NOW)
    assert crashed_slot(spec, before) == slot
    assert (after.next_slot, after.next_run, after.last_run) == (slot, slot, NOW - MINUTE)
    assert (after.ongoing, after.claim, after.error_count) == (None, None, 1)
    assert after.last_error
    assert after.last_error.type == CRASHED == "<class 'crontabber.errors.JobCrashed'>"
    assert after.last_error.value == (
        "process 7 on host began at 2026-11-21 11:59:02 UTC and did not finish"
    )
    assert decide(spec, after, {}, NOW) == RunNow()


def test_a_crash_is_about_the_slot_that_was_run():
    """trap: of two open slots the later is run; its crash was logged as that of the earlier"""
    spec = job("1h")
    before = running(spec, at("2026-11-21 09:00"))
    after = crashed(spec, before, NOW)
    assert crash_of(spec, before).slot == after.next_slot == NOON
    assert (after.attempts, decide(spec, after, {}, NOW)) == (1, RunNow())
    [span] = passed_by_crash(spec, before, after)
    assert (span.first, span.last) == (at("2026-11-21 09:00"), at("2026-11-21 11:00"))
    assert crash_of(None, before).slot == at("2026-11-21 09:00")


def test_the_record_of_a_crash_says_who_began_when_and_at_what():
    spec = job("1h")
    state = running(spec, NOON)
    words = "process 7 on host began at 2026-11-21 12:00:02 UTC and did not finish"
    error = LastError(CRASHED, words, "")
    assert crashed(spec, state, NOW).last_error == error
    assert crash_of(spec, state) == Run("app", NOON, NOW, None, Outcome.CRASHED, "host", error)
    by_older = crash_of(spec, state._replace(claim=None))
    assert by_older.host == ""
    assert by_older.error
    assert by_older.error.value == words.replace("process 7 on host", "an older crontabber")


def test_what_failed_is_tried_again_at_once_and_what_did_not_is_left_alone():
    spec = job("1h")
    well = waiting(spec, NOON + HOUR, last_run=NOON, last_success=NOON)
    assert tried_again(well, NOW) == well
    ill = well._replace(last_error=ERROR, attempts=3, gave_up=True)
    assert tried_again(ill, NOW) == ill._replace(next_run=NOW, attempts=0, gave_up=False)


def test_a_job_that_gives_up_waits_for_the_next_slot_of_an_edited_schedule():
    spec, old = job("5m"), "1d|03:00 UTC"
    before = running(spec, at("2026-11-19 03:00"), plan=old, attempts=2)
    slot = at("2026-11-21 03:00")
    given_up = Advice(again=None)
    assert crashed_slot(spec, before) == slot
    for after in (
        failed(spec, before, slot, NOW, ERROR, given_up),
        crashed(spec, before, NOW, given_up),
    ):
        assert (after.next_slot, after.next_run, after.plan) == (*[NOON + 5 * MINUTE] * 2, "5m")
        assert (after.attempts, after.error_count, after.last_run) == (0, 1, NOW)


def test_from_the_second_crash_on_the_retry_of_the_app_says_when():
    spec, advice = job("1d|03:00"), Advice(NOW + 20 * MINUTE)
    once = crashed(spec, running(spec, NOON, NOW - MINUTE), NOW, advice)
    assert once.next_run
    assert once.next_run <= NOW
    twice = crashed(spec, claimed(spec, once, claim(NOW)), NOW + MINUTE, advice)
    assert twice.next_run == NOW + 20 * MINUTE


def test_a_second_crash_in_a_row_waits_like_a_failure():
    spec = job("1d|03:00")
    once = crashed(spec, running(spec, NOON, NOW - MINUTE), NOW)
    twice = crashed(spec, claimed(spec, once, claim(NOW)), NOW + MINUTE)
    assert (twice.error_count, twice.next_slot) == (2, NOON)
    assert twice.next_run == NOW + 6 * MINUTE
    thrice = crashed(spec, claimed(spec, twice, claim(twice.next_run)), twice.next_run + HOUR)
    assert thrice.next_run == twice.next_run + HOUR + 5 * MINUTE


def test_a_second_crash_does_not_wait_longer_than_for_the_next_slot():
    spec = job("1m")
    once = crashed(spec, running(spec, NOON), NOW + MINUTE)
    twice = crashed(spec, claimed(spec, once, claim(NOW + MINUTE)), NOW + 2 * MINUTE)
    assert twice.next_run == NOON + 3 * MINUTE


def test_a_crash_after_a_failure_or_a_success_is_the_first_again():
    spec = job("1d|03:00")
    once = crashed(spec, running(spec, NOON), NOW)
    for after in (
        failed(spec, claimed(spec, once, claim(NOW)), NOON, NOW, ERROR),
        succeeded(spec, claimed(spec, once, claim(NOW)), NOON, NOW, NOW),
    ):
        later = NOW + 2 * DAY
        again = crashed(spec, claimed(spec, after, claim(later)), later + MINUTE)
        assert again.next_run
        assert again.next_run <= later


def test_the_crash_of_a_forced_run_is_about_its_own_minute():
    spec = job("1d|23:00")
    state = running(spec, at("2026-11-21 23:00"))
    assert crashed_slot(spec, state) == NOON
    assert crashed(spec, state, NOW + MINUTE).next_slot == at("2026-11-21 23:00")


def test_the_mark_of_an_older_crontabber_that_grew_old_is_a_crash_too():
    """trap: a row with neither next_run nor ongoing was never due again."""
    spec = job("1h")
    state = JobState("app", ongoing=NOW - 13 * HOUR)
    after = crashed(spec, state, NOW)
    assert crashed_slot(spec, state) == NOON - 13 * HOUR
    assert after.last_error
    assert after.last_error.value.startswith("an older crontabber began at 2026-11-20 23:00:02")
    assert decide(spec, after, {}, NOW) == RunNow()


# -- simulations ---------------------------------------------------------------


@dataclass
class World:
    """A job, and ticks that run it as the runner does; it remembers what was done."""

    spec: JobSpec
    state: JobState | None = None
    clock: datetime = NOW
    done: list[datetime] = field(default_factory=list)
    tried: list[tuple[datetime, Outcome]] = field(default_factory=list)
    """When each run began, and how it ended."""

    @property
    def row(self) -> JobState:
        """The state, once there is one."""
        assert self.state
        return self.state

    @property
    def next_run(self) -> datetime:
        """When it is tried next."""
        assert self.row.next_run
        return self.row.next_run

    def tick(self, outcomes, length=SECOND):
        """One start of crontabber; runs take *length*, and end as *outcomes* says."""
        now = self.clock
        if self.state and self.state.ongoing:
            self.state = crashed(self.spec, self.state, now)
        decision = decide(self.spec, self.state, {}, now)
        if isinstance(decision, Replan):
            self.state = decision.state
        if self.state is None and decision != RunNow():
            self.state = released(claimed(self.spec, None, claim(now)))._replace(first_run=None)
        if decision == RunNow():
            self.state = claimed(self.spec, self.state, claim(now))
            self.run(now, outcomes, length)

    def run(self, now, outcomes, length):
        """Run slots until none is open, one fails, or the process dies."""
        while self.row.ongoing:
            started, outcome = self.clock, next(outcomes)
            slot = plan(self.spec, self.row, now).slot_at(self.spec, self.row, now)
            assert slot <= now
            self.tried.append((started, outcome))
            self.clock += length
            if outcome is Outcome.CRASHED:
                return
            if outcome is Outcome.FAILED:
                self.state = failed(self.spec, self.row, slot, started, ERROR)
            else:
                self.done.append(slot)
                self.state = succeeded(self.spec, self.row, slot, started, now)

    def settle(self):
        """Two quiet ticks: the first finds a crash or a retry, the second what is left."""
        well = itertools.repeat(Outcome.SUCCEEDED)
        self.clock += 6 * MINUTE
        self.tick(well, 0 * SECOND)
        if self.row.last_error:
            self.clock = max(self.clock, self.next_run)
        self.tick(well, 0 * SECOND)


well = Outcome.SUCCEEDED
texts = st.sampled_from(["1m", "5m", "7m", "1h", "36h", "1d", "1d|02:30", "1d|23:00", "3d|00:00"])
zones = st.sampled_from(
    ["UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Africa/Cairo"]
)
starts = st.integers(0, 365 * 86400 - 1).map(lambda n: at("2026-01-01 00:00") + n * SECOND)
pauses = st.one_of(
    st.integers(1, 900), st.sampled_from([60, 300, 3600]), st.integers(3600, 3 * 86400)
).map(lambda n: n * SECOND)
lengths = st.sampled_from([0, 1, 59, 400, 4000, 90000]).map(lambda n: n * SECOND)
outcomes = st.lists(st.sampled_from(Outcome), max_size=3)
ticks = st.lists(st.tuples(pauses, lengths, outcomes), min_size=1, max_size=12)
simulated = settings(deadline=None, max_examples=30)


def short(text, steps):
    """Not more than some hundreds of slots: minutes of weeks prove nothing more.

    A run may take a little longer than its period, and so cross the next slot.
    """
    period = job(text).schedule.frequency.period
    return [(min(p, 10 * period), min(n, 1.2 * period), o) for p, n, o in steps]


@simulated
@given(texts, zones, starts, ticks)
@example("1d|02:30", "America/New_York", at("2026-03-06 12:00"), [(DAY, SECOND, [])] * 4)
@example("5m", "UTC", NOW, [(HOUR, SECOND, [well, Outcome.CRASHED]), (HOUR, SECOND, [])])
def test_a_backfill_app_gets_each_slot_once_and_in_order(text, zone, start, steps):
    """trap: dates were lost or repeated when runs failed, were killed or came late."""
    spec = job(text, zone=zone, backfill=True)
    world = World(spec, clock=start)
    for pause, length, ends in short(text, steps):
        world.tick(itertools.chain(ends, itertools.repeat(well)), length)
        assert world.state
        world.clock += pause
    world.settle()
    first = first_slot(spec.schedule, start, spec.zone)
    expected = itertools.takewhile(
        lambda slot: slot <= world.clock, slots(spec.schedule, first, spec.zone)
    )
    assert world.done == list(expected)


@simulated
@given(texts, zones, starts, ticks)
@example("5m", "UTC", NOW, [(300 * SECOND, SECOND, [])] * 12)
def test_an_ordinary_job_never_waits_longer_than_it_should(text, zone, start, steps):
    """trap: drift; a retry later than the job's own period; a crash that blocked for hours."""
    spec = job(text, zone=zone)
    world = World(spec, clock=start)
    first = first_slot(spec.schedule, start, spec.zone)
    for pause, length, ends in short(text, steps):
        tick, before = world.clock, len(world.tried)
        world.tick(itertools.chain(ends[:1], itertools.repeat(well)), length)
        new = world.tried[before:]
        assert len(new) <= 1
        for started, outcome in new:
            latest = latest_slot(spec.schedule, first, tick, spec.zone)
            upcoming = next(s for s in slots(spec.schedule, latest, spec.zone) if s > tick)
            if outcome is well:
                # the slot that has come is done, and the next in the list is waited for
                assert world.done[-1] == latest
                assert world.next_run == world.row.next_slot == upcoming
            if outcome is Outcome.FAILED:
                assert world.row.next_slot == latest
                assert world.next_run <= min(started + 300 * SECOND, upcoming)
        if not new and world.row.last_error is None:
            assert world.row.next_slot
            assert world.row.next_slot > tick
        world.clock += pause
    assert world.done == sorted(set(world.done))
    world.settle()
    assert world.done[-1:] == [
        slot
        for slot in [latest_slot(spec.schedule, first, world.clock, spec.zone)]
        if slot <= world.clock
    ]


@simulated
@given(st.lists(texts, min_size=2, max_size=4), zones, starts, ticks, st.booleans())
def test_whatever_is_edited_no_slot_is_done_twice_or_ahead_of_its_time(
    schedules, zone, start, steps, backfill
):
    """An edit starts nothing at once, invents no slots of the past, and loses none."""
    world = World(job(schedules[0], zone=zone, backfill=backfill), clock=start)
    for n, (pause, _, ends) in enumerate(short("5m", steps)):
        text = schedules[n % len(schedules)]
        edit = str(world.spec.schedule) != text
        world.spec = job(text, zone=zone, backfill=backfill)
        was, before = world.state, len(world.done)
        if edit and was and not was.ongoing and world.next_run > world.clock:
            world.tick(itertools.repeat(well))
            assert len(world.done) == before
            assert world.next_run > world.clock
        else:
            world.tick(itertools.chain(ends, itertools.repeat(well)))
        world.clock += pause
    assert world.done == sorted(set(world.done))


@simulated
@given(texts, zones, starts, st.lists(st.tuples(pauses, st.booleans()), max_size=12))
def test_a_clock_that_is_stepped_back_repeats_no_date(text, zone, start, steps):
    """trap: two readings of the clock, and hosts whose clocks differ."""
    spec = job(text, zone=zone, backfill=True)
    world = World(spec, clock=start)
    for pause, back in steps:
        world.tick(itertools.repeat(well), 0 * SECOND)
        most = 20 * spec.schedule.frequency.period
        world.clock += -min(pause, most) if back else min(pause, most)
    assert world.done == sorted(set(world.done))


@pytest.mark.parametrize("backfill", [False, True])
def test_jitter_costs_no_slot(backfill):
    """trap: a `5m` job under `*/5` with 0 to 0.9 s of jitter ran 20 times in 30 ticks."""
    world = World(job("5m", backfill=backfill), clock=NOON)
    for n in range(300):
        world.clock = NOON + 5 * n * MINUTE + timedelta(milliseconds=n * 370 % 1000)
        world.tick(itertools.repeat(well), SECOND)
    assert world.done == [NOON + 5 * n * MINUTE for n in range(300)]


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Australia/Lord_Howe"])
@pytest.mark.parametrize("backfill", [False, True])
def test_a_year_of_nights_has_a_run_a_night(zone, backfill):
    """trap: no notion of DST."""
    world = World(job("1d|02:15", zone=zone, backfill=backfill), clock=NOW)
    for _ in range(365 * 6):
        world.tick(itertools.repeat(well), SECOND)
        world.clock += 4 * HOUR
    nights = [slot.astimezone(world.spec.zone).date() for slot in world.done]
    assert nights == [nights[0] + n * DAY for n in range(len(nights))]
    assert len(nights) in (365, 366)
    assert (world.done[-1] - world.done[0]) // DAY >= 363
