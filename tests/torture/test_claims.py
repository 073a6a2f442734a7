"""One tick holds a job in the middle of its run, and something happens: what the next tick does."""

import contextlib
import signal
import socket

import pytest

from tests.support import Command
from tests.torture.arena import Arena, arena
from tests.torture.books import BACKENDS
from tests.torture.forkserver import CONF
from tests.torture.jobs import ALL, GATE, SingleBackfill, TriesAgain
from tests.torture.proxy import Ambush, Moment

ONGOING = 3
OTHERS = {app.app_name for app in ALL} - {"plain", "child"}


@pytest.fixture(scope="module")
def made(module_database, tmp_path_factory):
    with arena(tmp_path_factory.mktemp("claims"), module_database) as made:
        yield made


@contextlib.contextmanager
def held(made, app="plain"):
    """A tick whose job *app* is in the middle of its run; it goes on when this is over."""
    made.prepare()
    with made.books.gate():
        [tick] = made.start(env={GATE: app})
        made.books.await_at_gate()
        yield tick
    tick.wait()


@contextlib.contextmanager
def ended(made, number, app="plain"):
    """The same, ended by a signal."""
    made.prepare()
    with made.books.gate():
        [tick] = made.start(env={GATE: app})
        made.books.await_at_gate()
        tick.signal(number)
        status = made.wait(tick)
    made.books.await_none(f"SELECT 1 FROM pg_stat_activity WHERE {BACKENDS}")
    yield status


def successes(made):
    return {
        app
        for (app,) in made.books.execute(
            "SELECT app_name FROM crontabber_log WHERE success IS NOT NULL"
        )
    }


def log_of(made, app):
    return made.books.execute(
        "SELECT exc_type, exc_value FROM crontabber_log WHERE app_name = %s ORDER BY id", (app,)
    )


def kept(made, *, repeated=0):
    verdict = made.settle()
    assert verdict.violations == ()
    assert verdict.repeated == repeated


def test_a_tick_goes_on_after_an_ongoing_job(made):
    """trap: the tick stopped at the first ongoing job; independent ones starved behind it.

    trap: a job longer than ``max_ongoing_age_hours`` was started a second time beside itself.
    """
    with held(made):
        assert made.tick() == [ONGOING]
        assert successes(made) == OTHERS
    kept(made)


def test_a_forced_run_of_an_ongoing_job(made):
    """trap: ``--job=X`` while X is ongoing gave a traceback."""
    with held(made):
        done = Command(made.directory)(CONF, "--job=plain", "--force", env=made.env)
        assert (done.returncode, done.stderr) == (ONGOING, "")
        assert "plain is not run: running elsewhere" in done.stdout
        done = Command(made.directory)(CONF, "--reset-job=plain", env=made.env)
        assert done.returncode == ONGOING
        assert "Traceback" not in done.stderr
    kept(made)


@pytest.mark.parametrize("asked", ["--reset-job=plain", "--mark-success=plain"])
def test_a_crash_is_logged_before_a_person_has_it_forgotten(made, asked):
    """trap: a kill, then a reset before any tick: a date was done twice, and the log had one."""
    with ended(made, signal.SIGKILL):
        done = Command(made.directory)(CONF, asked, env=made.env)
        assert (done.returncode, done.stderr) == (0, "")
        (crash_type, crash), *marked = log_of(made, "plain")
        assert crash_type == "<class 'crontabber.errors.JobCrashed'>"
        assert "began at" in crash
        assert [error for error, _ in marked] == ([None] if "mark" in asked else [])


def all_is_done(made: Arena, app: str) -> bool:
    """Whether the three dates that were open were done, and nothing failed."""
    log = log_of(made, app)
    return log == [(None, None)] * len(log) and len(log) in (3, 4)  # a minute may have come since


def now(made: Arena) -> str:
    """The time of the server, as `busy_since` wants it."""
    [(text,)] = made.books.execute("SELECT now()::text")
    return str(text)


def busy_since(made: Arena, began: str) -> list[str]:
    """The jobs that were due when it *began*, or are ongoing; a minute may have come since."""
    return [name for name, due in made.books.busy() if not due or due <= began]


@pytest.mark.parametrize("app", ["plain", "backfill", "single", "single-backfill", "subprocess"])
def test_a_killed_job_runs_again_in_the_next_tick(made, app):
    """trap: SIGKILL left the job ongoing for 12 h, and ``--nagios`` said OK."""
    with ended(made, signal.SIGKILL, app) as status:
        assert status == -signal.SIGKILL
        began = now(made)
        made.tick()
        [pid] = made.killed
        (crash_type, crash), *later = log_of(made, app)
        assert crash_type == "<class 'crontabber.errors.JobCrashed'>"
        assert f"process {pid} on {socket.gethostname()} began at" in crash
        # of the dates that were open; a minute may have come since
        assert len(later) in ((3, 4) if "backfill" in app else (1,))
        assert not any(error for error, _ in later)
        assert not busy_since(made, began) or app == "plain"
    kept(made, repeated=0 if "single" in app else 1)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
@pytest.mark.parametrize("app", ["plain", "single-backfill"])
def test_a_signalled_job_has_failed_and_runs_again(made, app, number):
    """trap: SIGTERM left the job ongoing for 12 h; SIGHUP killed the process between jobs."""
    with ended(made, number, app) as status:
        assert status == 128 + number
        [(error_type, error)] = log_of(made, app)
        assert error_type == "<class 'crontabber.errors.Stopped'>"
        assert error == f"stopped by {number.name}"
    kept(made, repeated=0 if "single" in app else 1)


def terminate(made, query="%"):
    made.books.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        f" WHERE {BACKENDS} AND query LIKE %s",
        (query,),
    )


def test_a_result_is_recorded_over_a_new_connection(made):
    """trap: after a lost connection a good run went unrecorded, and left the job ongoing."""
    with held(made):
        terminate(made)
    assert {"plain", "child"} <= successes(made)
    assert log_of(made, "plain") == [(None, None)]
    kept(made)


def test_a_single_transaction_whose_connection_is_lost_has_failed(made):
    with held(made, "single-backfill"):
        terminate(made, "SELECT pg_advisory_lock_shared%")
    assert len(log_of(made, "single-backfill")) == 1
    assert "child" in successes(made)
    kept(made)


def test_all_connections_lost_at_once(made):
    with held(made, "single"):
        terminate(made)
    kept(made)


def test_a_claim_that_another_took_over_is_not_overwritten(made):
    """trap: the infinite back-off retried a lock error and then overwrote the other's claim."""
    with held(made) as first:
        # the first one loses its claim, and before it can know of that, another takes it
        terminate(made)
        [second] = made.start(env={GATE: "plain"})
        made.books.await_at_gate(2)
        began = now(made)
    second.wait()
    assert first.pid != second.pid
    crash, *later = log_of(made, "plain")
    assert f"process {first.pid} " in crash[1]
    assert later == [(None, None)]
    assert not busy_since(made, began)


def test_a_result_waits_until_the_server_has_noticed_that_the_connection_is_lost(made):
    """trap: after a lost connection a good run went unrecorded: the lost one held the lock."""
    with held(made):
        [(old,)] = made.books.execute(f"SELECT pid FROM pg_stat_activity WHERE {BACKENDS}")
        made.proxy.desert()
        made.books.release_gate()
        made.books.await_none(f"SELECT 1 FROM pg_stat_activity WHERE {BACKENDS} HAVING count(*)<2")
        assert "plain" not in successes(made)
        made.books.execute("SELECT pg_terminate_backend(%s)", (old,))  # as keepalives would
    assert log_of(made, "plain") == [(None, None)]
    assert {"plain", "child"} <= successes(made)
    kept(made)


@pytest.fixture
def alone(tmp_path, database):
    with arena(tmp_path, database, apps=[SingleBackfill]) as alone:
        alone.prepare()
        yield alone


def test_a_commit_whose_answer_is_lost_was_made(alone):
    """trap: after a lost connection a good run went unrecorded."""
    began = now(alone)
    alone.ambush(b"COMMIT", Moment.AFTER, None)
    assert not busy_since(alone, began)
    assert all_is_done(alone, "single-backfill")
    kept(alone)


@pytest.mark.parametrize(
    ("moment", "tries"), [(Moment.AFTER, "it was made"), (Moment.BEFORE, "it is made again")]
)
def test_a_commit_that_is_tried_again_is_made_once(tmp_path, database, moment, tries):
    """trap: the executor's second try found its own record in the way, and lost both"""
    with arena(tmp_path, database, apps=[TriesAgain]) as patient:
        patient.prepare()
        patient.ambush(b"COMMIT", moment, None)
        assert all_is_done(patient, "tries-again"), tries
        kept(patient)


def test_a_commit_that_was_never_made_is_a_failure(alone):
    alone.ambush(b"COMMIT", Moment.BEFORE, None)
    [(error, _)] = log_of(alone, "single-backfill")
    assert error.startswith("<class 'psycopg2.")
    kept(alone)


def test_a_signal_during_the_commit(alone):
    """The slot is done; the rest of them waits, and has neither failed nor crashed."""
    assert alone.ambush(b"COMMIT", Moment.BEFORE, signal.SIGTERM)
    assert log_of(alone, "single-backfill") == [(None, None)]
    assert not alone.books.history(()).ongoing
    kept(alone)


def test_a_claim_whose_answer_is_lost_was_taken(alone):
    """trap: a dropped connection left the job ongoing: it held the lock for a while longer."""
    claim = 4  # the fourth message, after startup, look and preparation
    alone.proxy.lay(Ambush(claim, Moment.AFTER, alone.proxy.desert))
    [tick] = alone.start_ambushed()
    alone.books.await_none("SELECT 1 FROM crontabber HAVING count(ongoing) < 1")
    [(old,)] = alone.books.execute("SELECT claim_backend_pid FROM crontabber")
    # the new session is prepared before it tries to claim; wait until it has done both
    alone.books.await_none(
        f"SELECT 1 FROM pg_stat_activity WHERE {BACKENDS} AND pid <> %s AND state = 'idle'"
        " AND query NOT LIKE '%%pg_settings%%' HAVING count(*) < 1",
        (old,),
    )
    alone.books.execute("SELECT pg_terminate_backend(%s)", (old,))  # as keepalives would
    assert tick.wait() == 0
    assert all_is_done(alone, "single-backfill")
    kept(alone)
