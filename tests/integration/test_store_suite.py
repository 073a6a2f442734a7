"""The laws of `crontabber.store.StateStore`, which both stores keep."""

from datetime import datetime, timedelta, timezone
from itertools import pairwise

import pytest

from crontabber.errors import ClaimLost, JobOngoingError, LockHeld
from crontabber.schedule.asked import AskedBackfill
from crontabber.schedule.history import LastRun, ended
from crontabber.schedule.ledger import Span, Verdict, note_of
from crontabber.schedule.model import JobState, LastError, Outcome, Pause
from crontabber.schedule.transition import CRASHED, crash_of
from crontabber.store import Snapshot
from crontabber.store.memory import MemoryStore
from crontabber.store.postgres import PostgresStore
from tests.stores import (
    DAY,
    ERROR,
    NOW,
    SLOT,
    claim,
    done,
    factory_of,
    failed,
    mark,
    put,
    run_of,
    taken,
    wanted,
)


@pytest.fixture(params=["memory", "postgres"])
def session(request):
    """Makes stores on one memory, each as another process would have it."""
    stores = []
    if request.param == "memory":
        make = MemoryStore().another_session
    else:
        database = request.getfixturevalue("module_database")
        database.execute("DROP TABLE IF EXISTS crontabber, crontabber_log, crontabber_spans")

        def make():
            return PostgresStore(factory_of(database), patience=0)

    def another():
        stores.append(make())
        return stores[-1]

    yield another
    for store in stores:
        store.close()


@pytest.fixture
def store(session):
    return session()


@pytest.fixture
def other(session):
    return session()


def named(look: Snapshot) -> set[str]:
    return set(look.states)


# -- looking ------------------------------------------------------------------


def test_an_empty_store_has_a_time_and_a_zone_and_no_rows(store):
    before = datetime.now(timezone.utc) - timedelta(minutes=1)
    for look in (store.look(None), store.look([]), store.look(["m.A"])):
        assert look.now > before
        assert look.now.utcoffset() is not None
        assert look.zone
        assert look.states == {}
    assert store.read("a") is None


def test_time_goes_on(store):
    looks = [store.look(None).now for _ in range(3)]
    assert all(earlier < later for earlier, later in pairwise(looks))


def test_all_that_is_saved_is_found_again_by_everybody(store, other):
    marked = mark(store, class_path="m.A", plan="1d", backfill=True, depends_on=("p", "ä"))
    after = marked._replace(
        next_run=SLOT + timedelta(minutes=5),
        next_slot=SLOT,
        last_run=NOW,
        last_success=SLOT - DAY,
        error_count=3,
        last_error=ERROR,
        attempts=2,
        gave_up=True,
    )
    saved = store.save(marked, after, run_of(marked, ERROR))
    assert saved._replace(version=None) == after._replace(version=None)
    assert other.read("a") == saved
    assert other.look(None).states == {"a": saved}
    assert other.look(["m.A"]).states == {"a": saved}
    assert saved.claim == store.holder(NOW)


@pytest.mark.parametrize(
    "error",
    [
        LastError("", "", ""),
        LastError("ä", "日本 \U0001f600", "%s %(x)s %% \\ ' \" \n\r\t"),
        LastError("\x00", "\ud800 half", "a\x00b\udcff"),
    ],
)
def test_an_error_of_odd_characters_is_remembered_as_it_was(store, other, error):
    """trap: an exception whose text held odd characters left the job ongoing for 12 h."""
    state = mark(store)
    saved = store.save(state, failed(state, error), run_of(state, error))
    assert saved.last_error == error
    assert other.read("a") == saved


def test_a_look_brings_our_classes_their_parents_and_those_of_no_class(store, other):
    for name, parents in {"a": ("p",), "b": (), "p": ("q",), "q": (), "ghost": ()}.items():
        put(store, name, class_path=f"m.{name}", depends_on=parents)
    put(store, "older", class_path=None, depends_on=("of_older",))
    put(store, "of_older", class_path="m.of_older")
    no_class = {"older", "of_older"}
    assert named(other.look(["m.a"])) == {"a", "p"} | no_class
    assert named(other.look(["m.a", "m.p"])) == {"a", "p", "q"} | no_class
    assert named(other.look(["m.b", "m.b", "m.nowhere"])) == {"b"} | no_class
    assert named(other.look([])) == no_class
    assert named(other.look(None)) == {"a", "b", "p", "q", "ghost"} | no_class


# -- claims -------------------------------------------------------------------


def test_the_first_claim_on_a_job_makes_its_row(store, other):
    want = wanted(store)
    claimed = store.claim(want, ())
    assert claimed.marked
    assert claimed.state._replace(version=None) == want
    assert claimed.parents == {}
    assert other.read("a") == claimed.state


def test_who_has_claims_can_be_asked(store, other):
    assert taken(store, "a").marked
    assert taken(store, "b").marked
    assert taken(other, "c").marked
    store.release("b")
    assert other.claimed(["a", "c", "d"]) == store.claimed(["a", "c", "d"]) == {"a", "c"}
    store.close()
    assert other.claimed(["a", "b", "c"]) == {"c"}


def test_a_row_is_added_once_and_over_none(store, other):
    """trap: a job that was only noticed looked as if it had crashed"""
    state = JobState("a", next_run=SLOT, next_slot=SLOT, depends_on=("p",), class_path="m.A")
    added = store.add(state)
    assert added == other.read("a") == state._replace(version=added.version)
    assert other.add(state._replace(next_run=None)) is None
    assert taken(other, "a").marked
    assert store.add(state) is None
    assert store.read("a").ongoing


def test_a_claim_is_refused_while_another_session_has_it(store, other):
    """trap: two processes that were started together ran a job twice."""
    first = mark(store)
    assert claim(other) is None
    store.save(first, done(first), run_of(first))
    assert claim(other) is None, "recorded, and not yet released"


def test_a_claim_on_one_job_leaves_the_others_free(store, other):
    """trap: the tick stopped at the first ongoing job."""
    mark(store, "a")
    assert mark(other, "b")


def test_a_claim_is_free_after_the_next_claim_of_whoever_released_it(store, other):
    put(store, "a")
    mark(store, "b")
    assert mark(other, "a")
    assert claim(other, "b") is None


def test_a_claim_is_free_when_whoever_released_it_has_looked_again(store, other):
    marked = mark(store)
    assert lock(store, "b", "L")
    store.release("b")
    saved = store.save(marked, done(marked))
    store.release("a")
    found = store.look_again(["a", "unknown"])
    assert found.states == {"a": saved}
    assert (found.now > NOW, found.zone) == (True, store.look([]).zone)
    assert store.look_again([]).states == {}
    assert mark(other, "a")
    assert lock(other, "b", "L")


def test_a_claim_that_was_not_released_is_kept_when_one_looks_again(store, other):
    mark(store)
    store.look_again(["a"])
    store.look_again(["a"])
    assert claim(other) is None


def test_a_claim_is_free_after_close(session, other):
    store = session()
    marked = mark(store)
    store.close()
    claimed = taken(other)
    assert not claimed.marked, "it is marked by the one that is gone"
    assert claimed.state == marked


def test_a_claim_that_one_has_is_taken_again_and_released_once(store, other):
    state = mark(store)
    assert not store.claim(state, ()).marked
    store.release("a")
    mark(store, "b")
    assert claim(other, "a")


def test_releasing_what_one_does_not_have_is_harmless(store, other):
    store.release("a")
    mark(store)
    other.release("a")
    other.close()
    assert claim(other) is None


def test_a_claim_reads_what_was_done_since_the_look(store, other):
    """trap: due-check, information and claim were three reads; a job could run again."""
    seen = put(store, "a")
    want = wanted(other, "a", seen)
    state = mark(store)
    ran = store.save(state, done(state, error_count=0, next_slot=SLOT + 2 * DAY), run_of(state))
    store.close()
    claimed = other.claim(want, ())
    assert not claimed.marked
    assert claimed.state == ran
    assert other.read("a") == ran


def test_a_first_claim_reads_the_row_that_was_made_since_the_look(store, other):
    want = wanted(other)
    ran = put(store, "a")
    store.close()
    claimed = other.claim(want, ())
    assert not claimed.marked
    assert claimed.state == ran


def test_a_claim_on_a_job_that_was_reset_since_the_look_marks_nothing(store, other):
    seen = put(store, "a")
    store.reset("a")
    store.close()
    claimed = other.claim(wanted(other, "a", seen), ())
    assert not claimed.marked
    assert claimed.state is None
    assert other.read("a") is None


def test_a_claim_does_not_mark_over_a_mark(store, other):
    marked = mark(store)
    store.close()
    claimed = taken(other)
    assert not claimed.marked
    assert claimed.state == marked
    assert other.read("a") == marked


def test_a_claim_brings_the_parents_that_have_a_row(store):
    parents = {name: put(store, name) for name in ("p", "q")}
    put(store, "unrelated")
    claimed = taken(store, "a", "p", "q", "never_ran")
    assert claimed.marked
    assert claimed.parents == parents
    assert taken(store, "a", "p").parents == {"p": parents["p"]}


def test_a_job_may_name_itself_as_its_parent(store):
    assert taken(store, "a", "a").state == store.read("a")


# -- locks that jobs share ------------------------------------------------------


def lock(store, app_name="a", name="warehouse"):
    """Claim a job that needs a lock; whether it got it. It may have a row, or none."""
    seen = store.look(None).states.get(app_name)
    try:
        return store.claim(wanted(store, app_name, seen), (), name) is not None
    except LockHeld:
        return False


@pytest.mark.parametrize("has_row", [True, False])
def test_jobs_with_one_lock_have_it_one_at_a_time(store, other, has_row):
    if has_row:
        put(store, "b")
    before = store.read("b")
    assert lock(store, "a")
    with pytest.raises(LockHeld):
        other.claim(wanted(other, "b", before), (), "warehouse")
    assert other.read("b") == before, "it is not marked"
    assert lock(other, "b", "another")


def test_a_job_whose_lock_is_held_is_not_claimed(store, other, session):
    assert lock(store, "a")
    assert not lock(other, "b")
    assert claim(session(), "b"), "another session can have it"


def test_a_claim_that_is_taken_says_so_and_does_not_take_the_lock(store, other, session):
    mark(store, "a")
    assert other.claim(wanted(other, "a", other.read("a")), (), "warehouse") is None
    assert lock(session(), "b")


def test_a_lock_is_no_claim_on_a_job_of_its_name(store, other):
    assert lock(store, "a", "b")
    assert mark(other, "b")
    assert lock(other, "c", "a")


def test_a_lock_is_free_after_the_next_claim_of_whoever_released_it(store, other):
    assert lock(store, "a")
    store.release("a")
    mark(store, "c")
    assert lock(other, "b")
    assert not lock(store, "a")


def test_a_lock_is_free_after_close(session, other):
    store = session()
    assert lock(store, "a")
    store.close()
    assert lock(other, "b")


def test_one_job_after_the_other_can_have_a_lock_in_one_session(store, other):
    for name in ("a", "b", "c"):
        state = wanted(store, name)
        state = store.claim(state, (), "warehouse").state
        assert not lock(other, "z")
        store.save(state, done(state), run_of(state))
        store.release(name)
    mark(store, "y")
    assert lock(other, "z")


def test_a_claim_and_its_lock_that_one_has_are_taken_again_and_released_once(store, other):
    assert lock(store, "a")
    assert lock(store, "a")
    store.release("a")
    mark(store, "c")
    assert lock(other, "a")


def test_a_lock_is_handed_from_job_to_job(store, other):
    """trap: a lock that was taken again and again was given back once"""
    for name in ["a", "b", "c", "d"]:
        state = store.claim(wanted(store, name), (), "warehouse").state
        assert not lock(other, "z")
        store.save(state, done(state), run_of(state))
        store.release(name)
        mark(store, f"after {name}")
        assert lock(other, "z")
        other.close()


# -- saving -------------------------------------------------------------------


def test_versions_change_with_every_write(store):
    state = mark(store)
    after = store.save(state, done(state), run_of(state))
    again = store.save(after, after)
    assert len({state.version, after.version, again.version}) == 3


def test_a_save_without_a_run_is_only_over_what_was_read(store, other):
    seen = put(store, "a")
    changed = other.save(seen, seen._replace(plan="2d"))
    with pytest.raises(ClaimLost, match="a was changed by another session"):
        store.save(seen, seen._replace(plan="3d"))
    assert store.read("a") == changed


def test_a_save_without_a_run_needs_a_row(store):
    seen = put(store, "a")
    store.reset("a")
    with pytest.raises(ClaimLost):
        store.save(seen, seen._replace(plan="3d"))
    assert store.read("a") is None


def test_a_run_is_not_recorded_twice(store):
    state = mark(store)
    saved = store.save(state, done(state), run_of(state))
    with pytest.raises(ClaimLost):
        store.save(state, done(state), run_of(state))
    assert store.read("a") == saved


def test_a_slot_is_not_recorded_twice(store):
    """trap: a date was done twice. The mark is still there, the slot is not."""
    state = mark(store)
    going_on = done(state, ongoing=state.ongoing, claim=state.claim)
    second = store.save(state, going_on, run_of(state))
    with pytest.raises(ClaimLost):
        store.save(state, going_on, run_of(state))
    assert store.read("a") == second


def test_slots_are_recorded_one_after_the_other_under_one_claim(store, other):
    """trap: the position was saved only after the whole catch-up."""
    state = mark(store)
    for n in range(3):
        slot = SLOT + n * DAY
        after = state._replace(next_slot=slot + DAY, last_success=slot, last_run=NOW)
        state = store.save(state, after, run_of(state))
        assert other.read("a").last_success == slot
        assert claim(other) is None
    assert store.save(state, done(state), run_of(state)).ongoing is None


def test_a_crash_is_recorded_by_whoever_finds_it(store, other):
    mark(store)
    store.close()
    found = taken(other).state
    assert found
    crash = run_of(found, ERROR, Outcome.CRASHED, duration=None)
    saved = other.save(found, wanted(other, seen=failed(found)), crash)
    assert saved.error_count == 1
    assert saved.claim == other.holder(NOW)
    assert other.save(saved, done(saved), run_of(saved)).error_count == 0


def test_a_connection_that_is_none_shares_nothing(store):
    assert not store.shares_database(object())
    assert not store.shares_database(None)


# -- administration -----------------------------------------------------------


def test_a_reset_forgets_a_job_once(store, other):
    """trap: --reset-job of a ghost failed."""
    put(store, "a")
    assert store.reset("a") is True
    assert store.read("a") is None
    assert store.reset("a") is False
    assert mark(store)
    assert claim(other) is None


def test_a_reset_is_free_for_others_after_close(store, other):
    put(store, "a")
    store.reset("a")
    store.close()
    assert mark(other)


def test_a_job_that_runs_is_not_reset(store, other):
    state = mark(store)
    with pytest.raises(JobOngoingError, match="a is running now"):
        other.reset("a")
    assert store.read("a") == state


def test_a_job_that_crashed_is_reset(store, other):
    mark(store)
    store.close()
    assert other.reset("a", lambda state: (crash_of(None, state), [SPAN])) is True
    assert other.look(None).states == {}
    assert [run.outcome for run in other.history("a")] == [Outcome.CRASHED]
    assert other.spans("a", SLOT - DAY, SLOT) == [SPAN]


def test_close_twice_is_harmless(store):
    mark(store)
    store.close()
    store.close()


# -- what people ask for -------------------------------------------------------

PAUSE = Pause(NOW, NOW + DAY, "anna@here", "the disk is full")
DATES = ((SLOT - 9 * DAY, SLOT - 5 * DAY),)
ASKED = AskedBackfill(
    7, DATES, "1d 03:00", 5, wanted=DATES, asked_at=NOW, by="anna@here", retry_at=NOW
)
SPAN = Span("a", SLOT - DAY, SLOT, 2, Verdict.TOO_LATE, "ä'", "1d", "crontabber", NOW)


def test_a_pause_and_a_backfill_are_asked_for_while_a_run_is_under_way(store, other):
    marked = mark(store)
    assert other.pause("a", PAUSE)
    assert other.ask({"a": ASKED})
    saved = store.save(marked, done(marked), run_of(marked))
    assert (saved.pause, saved.asked) == (PAUSE, (ASKED,))
    assert other.read("a") == saved
    assert other.pause("a", None)
    assert other.read("a").pause is None
    assert not other.pause("another", PAUSE)


def test_a_backfill_is_asked_for_of_all_jobs_or_of_none(store):
    put(store, "a")
    assert not store.ask({"a": ASKED, "b": ASKED})
    assert store.read("a").asked == ()
    put(store, "b")
    assert store.ask({"a": ASKED, "b": ASKED})
    assert store.ask({"a": ASKED._replace(number=8)})
    assert [each.number for each in store.read("a").asked] == [7, 8]


def test_who_asked_is_noted_with_the_change_or_neither(store, other):
    put(store, "a")
    note = note_of("a", "pause", "anna@here", NOW)
    notes = [note._replace(reason=reason) for reason in ("pause", "backfill", "cancel")]
    assert not store.pause("b", PAUSE, [note._replace(app_name="b")])
    assert not store.ask({"a": ASKED, "b": ASKED}, [note])
    assert not store.cancel("a", 7, [note])
    assert other.notes("a", 9) == other.notes("b", 9) == []
    assert store.pause("a", PAUSE, notes[:1])
    assert store.ask({"a": ASKED}, notes[1:2])
    assert store.cancel("a", 7, notes[2:])
    assert other.notes("a", 9) == notes[::-1]
    assert other.notes("a", 1) == notes[2:]
    put(store, "b")
    both = [notes[1], notes[1]._replace(app_name="b")]
    assert store.ask({"a": ASKED, "b": ASKED}, both)
    assert other.notes("b", 9) == both[1:]


def test_a_note_that_cannot_be_stored_as_it_is_stays_with_its_job(store, other):
    put(store, "ä")
    note = note_of("ä", "pause: \0", "anna@here", NOW)
    assert store.pause("ä", PAUSE, [note])
    assert [each.reason[:6] for each in other.notes("ä", 9)] == ["pause:"]
    assert store.ask({"ä": ASKED._replace(by="\udcff")}, [note_of("ä", "backfill", "\udcff", NOW)])
    assert store.cancel("ä", 7, [note_of("ä", "cancel", "\udcff", NOW)])
    assert [each.reason[:6] for each in other.notes("ä", 9)] == ["cancel", "backfi", "pause:"]


def asked_run(store, **changes):
    """A job whose date that was asked for is being run, and what is left of it after that."""
    put(store, "a", backfill=True, first_slot=SLOT)
    store.ask({"a": ASKED})
    marked = mark(store, asked_slot=DATES[0][0])
    rest = ASKED._replace(dates=((SLOT - 8 * DAY, SLOT - 5 * DAY),))
    return marked, marked._replace(asked=(rest,), last_run=NOW, **changes)


def test_the_record_of_a_date_that_was_asked_for_leaves_the_schedule_alone(store, other):
    marked, after = asked_run(store, asked_slot=SLOT - 8 * DAY)
    assert marked.asked_slot == DATES[0][0]
    saved = store.save(marked, after, run_of(marked, slot=marked.asked_slot))
    assert saved == other.read("a")
    assert saved._replace(version=None) == after._replace(version=None)
    with pytest.raises(ClaimLost):  # that date is done
        store.save(marked, after, run_of(marked, slot=marked.asked_slot))


def test_what_else_is_asked_for_or_cancelled_during_such_a_run_counts(store, other):
    marked, after = asked_run(store, ongoing=None, claim=None, asked_slot=None)
    other.ask({"a": ASKED._replace(number=8)})
    other.cancel("a", 7)
    saved = store.save(marked, after, run_of(marked, slot=marked.asked_slot))
    assert [each.number for each in saved.asked] == [8]
    assert not other.cancel("a", 7)


def test_a_backfill_that_is_done_is_gone(store, other):
    marked, after = asked_run(store, ongoing=None, claim=None, asked_slot=None)
    after = after._replace(asked=())
    saved = store.save(marked, after, run_of(marked, slot=marked.asked_slot), spans=[SPAN])
    assert saved.asked == other.read("a").asked == ()
    assert other.spans("a", SLOT, SLOT) == [SPAN]


def test_the_ledger_is_written_with_what_passes_over_slots(store, other):
    assert other.spans("a", SLOT - DAY, SLOT) == []
    marked = mark(store)
    assert other.spans("a", SLOT - DAY, SLOT) == []
    saved = store.save(marked, done(marked), run_of(marked), spans=[SPAN])
    assert saved._replace(version=None) == done(marked)._replace(version=None)
    later = SPAN._replace(first=SLOT + DAY, last=SLOT + DAY, verdict=Verdict.PAUSED)
    store.save(saved, saved._replace(next_slot=SLOT + 2 * DAY), spans=[later])
    assert other.spans("a", SLOT, SLOT + 9 * DAY) == [SPAN, later]
    assert other.spans("a", SLOT + DAY, SLOT + 9 * DAY) == [later]
    assert other.spans("b", SLOT, SLOT + 9 * DAY) == []


def test_the_ledger_is_not_written_where_the_row_is_not(store, other):
    marked = mark(store)
    store.save(marked, done(marked), run_of(marked))
    with pytest.raises(ClaimLost):
        store.save(marked, done(marked), run_of(marked), spans=[SPAN])
    assert other.spans("a", SLOT - DAY, SLOT) == []


def test_a_reset_is_in_the_ledger_if_there_was_something_to_forget(store, other):
    assert not store.reset("a", lambda state: (None, [SPAN]))
    assert other.spans("a", SLOT - DAY, SLOT) == []
    put(store, "a")
    assert store.reset("a", lambda state: (None, [SPAN]))
    assert other.spans("a", SLOT - DAY, SLOT) == [SPAN]


def test_numbers_of_backfills_are_given_once(store, other):
    numbers = [each.next_number() for each in (store, other, store)]
    assert len(set(numbers)) == 3


# -- reading the log -----------------------------------------------------------------


def recorded(store, *runs):
    """Record runs of the job "a", each ``(days, error)``, on days after `NOW`."""
    state, made = mark(store), []
    for days, error in runs:
        run = run_of(state, error, slot=SLOT + days * DAY, started=NOW + days * DAY)
        state = store.save(state, state, run)
        made.append(run)
    return made


def test_the_history_is_what_was_recorded_oldest_first(store, other):
    runs = recorded(store, (0, None), (1, ERROR), (1, None), (2, None))
    found = other.history("a")
    assert [(run.slot, run.outcome, run.duration, run.error, run.host) for run in found] == [
        (run.slot, run.outcome, run.duration, run.error, run.host) for run in runs
    ]
    assert other.history("b") == []


def test_the_history_of_some_slots_has_both_ends_and_no_other_slot(store):
    recorded(store, *((day, None) for day in range(-9, -3)))
    first, last = SLOT - 8 * DAY, SLOT - 6 * DAY
    assert [run.slot for run in store.history("a", first, last)] == [
        SLOT - days * DAY for days in (8, 7, 6)
    ]


def test_the_history_may_be_of_failures_only_and_of_the_newest_only(store):
    recorded(store, (-3, ERROR), (-3, None), (-2, ERROR), (-1, ERROR), (0, None))
    assert [run.slot for run in store.history("a", failed=True, limit=2)] == [
        SLOT - 2 * DAY,
        SLOT - DAY,
    ]


def test_outcomes_are_read_as_they_were_recorded(store):
    state = mark(store)
    crash = LastError(CRASHED, "gone", "")
    runs = [
        run_of(state, ERROR),
        run_of(state, crash, Outcome.CRASHED, duration=None),
        run_of(state),
        run_of(state, outcome=Outcome.MARKED, duration=None),
    ]
    for run in runs:
        state = store.save(state, state, run)
    assert [run.outcome for run in store.history("a")] == [run.outcome for run in runs]


def test_the_last_run_says_how_long_it_took_and_since_when_it_fails(store):
    recorded(store, (-2, None), (-1, ERROR), (0, ERROR))
    put(store, "b")
    found = store.last_runs(["a", "b", "none"])
    assert set(found) == {"a", "b"}
    assert found["b"] == LastRun(timedelta(seconds=1.5))
    assert found["a"].duration == timedelta(seconds=1.5)
    first = store.history("a")[1]
    assert found["a"].failing_since == ended(first)


def test_a_job_that_never_succeeded_fails_since_its_first_run(store):
    recorded(store, (-1, ERROR), (0, ERROR))
    assert store.last_runs(["a"])["a"].failing_since == ended(store.history("a")[0])


def test_a_claim_is_given_back_although_people_asked_for_something_meanwhile(store, other):
    marked = mark(store, backfill=True)
    assert other.pause("a", PAUSE)
    assert other.ask({"a": ASKED})
    saved = store.save(marked, marked._replace(ongoing=None, claim=None))
    assert (saved.ongoing, saved.pause, saved.asked) == (None, PAUSE, (ASKED,))
    assert other.read("a") == saved


def test_the_newest_runs_of_several_jobs_come_newest_first(store):
    recorded(store, (-2, None), (-1, ERROR), (0, None))
    put(store, "b")
    found = store.recent_runs(["a", "b", "none"], 2)
    assert set(found) == {"a", "b"}
    assert [run.outcome for run in found["a"]] == [Outcome.SUCCEEDED, Outcome.FAILED]
    assert {run.duration for run in found["a"]} == {timedelta(seconds=1.5)}


def test_a_trace_is_as_the_run_was_also_of_a_mark_and_a_crash(store):
    """trap: pictures of the last day showed what a person had marked as a run"""
    state = mark(store)
    crash = LastError(CRASHED, "process 7 did not finish", "")
    for outcome, error in ((Outcome.MARKED, None), (Outcome.CRASHED, crash)):
        state = store.save(state, state, run_of(state, error, outcome, duration=None))
    state = store.save(state, state, run_of(state))
    found = store.runs_since(["a"], SLOT - DAY, 864000)["a"]
    assert {(each.outcome, each.duration, each.number) for each in found} == {
        (Outcome.MARKED, None, 1),
        (Outcome.CRASHED, None, 1),
        (Outcome.SUCCEEDED, timedelta(seconds=1.5), 1),
    }
    recent = store.recent_runs(["a"], 9)["a"]
    assert {each[1:] for each in recent} == {each[1:] for each in found}


def test_runs_that_ended_together_and_alike_are_one_trace(store):
    recorded(store, (0, None), (0, None), (0, ERROR))
    [failure], good = (
        [run for run in store.runs_since(["a"], SLOT - DAY, 864000)["a"] if run.outcome is outcome]
        for outcome in (Outcome.FAILED, Outcome.SUCCEEDED)
    )
    assert failure.number == 1
    assert sum(run.number for run in good) == 2
    assert store.runs_since(["a"], NOW + 100_000 * DAY, 600) == {}
