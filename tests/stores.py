"""What tests of stores need: states and runs of a job, and the steps of its run."""

from datetime import datetime, timedelta, timezone
from typing import Any

from crontabber.connection_factory import ConnectionFactory
from crontabber.schedule.model import JobState, LastError, Outcome, Run
from crontabber.store import ClaimResult, StateStore
from tests.apps import configured, options_of
from tests.support import Database

NOW = datetime(2026, 11, 21, 3, 0, 7, 123456, tzinfo=timezone.utc)
SLOT = NOW.replace(second=0, microsecond=0)
DAY = timedelta(days=1)
ERROR = LastError("<class 'KeyError'>", "'x'", "Traceback ...\nKeyError: 'x'\n")


def factory_of(database: Database, **options: object) -> ConnectionFactory:
    """A factory of connections to a database."""
    where = {name.rpartition(".")[2]: value for name, value in options_of(database).items()}
    named = {f"class.{name}": value for name, value in {**where, **options}.items()}
    return ConnectionFactory(configured(ConnectionFactory, named))


def wanted(
    store: StateStore, app_name: str = "a", seen: JobState | None = None, **changes: Any
) -> JobState:
    """A job's row as a claim would mark it; *seen* is what was there before."""
    state = seen or JobState(
        app_name, next_run=SLOT, next_slot=SLOT, first_run=NOW, class_path="m.A", plan="1d 03:00"
    )
    return state._replace(ongoing=NOW, claim=store.holder(NOW), **changes)


def claim(
    store: StateStore, app_name: str = "a", *parents: str, **changes: Any
) -> ClaimResult | None:
    """Look, and try to claim a job."""
    seen = store.look(None).states.get(app_name)
    return store.claim(wanted(store, app_name, seen, **changes), parents)


def taken(store: StateStore, app_name: str = "a", *parents: str, **changes: Any) -> ClaimResult:
    """Look, and claim a job that no other session has."""
    claimed = claim(store, app_name, *parents, **changes)
    assert claimed
    return claimed


def mark(store: StateStore, app_name: str = "a", **changes: Any) -> JobState:
    """Claim a job that no other session runs; its row."""
    claimed = taken(store, app_name, **changes)
    assert claimed.marked
    assert claimed.state
    return claimed.state


def done(state: JobState, **changes: Any) -> JobState:
    """The row after a good run of a day's slot; nothing is left to do."""
    after = {
        "next_run": SLOT + DAY,
        "next_slot": SLOT + DAY,
        "last_run": NOW,
        "last_success": NOW,
        "error_count": 0,
        "last_error": None,
        "ongoing": None,
        "claim": None,
    }
    return state._replace(**{**after, **changes})


def failed(state: JobState, error: LastError = ERROR, **changes: Any) -> JobState:
    """The row after a run that failed."""
    count = state.error_count + 1
    after = {"last_run": NOW, "error_count": count, "last_error": error}
    return state._replace(**{"ongoing": None, "claim": None, **after, **changes})


def run_of(
    state: JobState, error: LastError | None = None, outcome: Outcome | None = None, **changes: Any
) -> Run:
    """The run that a state was marked for."""
    run = Run(
        app_name=state.app_name,
        slot=state.next_slot or SLOT,
        started=NOW,
        duration=timedelta(seconds=1.5),
        outcome=outcome or (Outcome.FAILED if error else Outcome.SUCCEEDED),
        host="here",
        error=error,
    )
    return run._replace(**changes)


def put(store: StateStore, app_name: str, **changes: Any) -> JobState:
    """Run a job once, and give back the claim; the row it left."""
    state = mark(store, app_name)
    saved = store.save(state, done(state, **changes), run_of(state))
    store.release(app_name)
    return saved
