"""A run that takes longer than the timeout of its app is ended; and nothing of it is left."""

import contextlib
import gc
import signal
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from crontabber.config.appspec import AppSpec, late_of, lock_of, timeout_of
from crontabber.errors import ConfigError, JobLineError, JobTimeout
from crontabber.mixins import as_backfill_cron_app
from crontabber.process.signals import Signals
from crontabber.schedule.grammar import duration_text, parse_duration
from crontabber.schedule.model import Outcome
from crontabber.testing import Simulation
from tests.unit.test_tick import HOUR, START, app, simulation

SHORT = 0.05
EVER = 60


@pytest.fixture(autouse=True)
def _no_alarm_is_left() -> Iterator[None]:
    """trap: a timer that is left rings in the next job, or in the bookkeeping"""
    yield
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    assert signal.getsignal(signal.SIGALRM) is signal.SIG_DFL


def wait(self: Any, *date: Any) -> None:
    threading.Event().wait(EVER)


def ticked(*classes: type) -> Simulation:
    sim, _ = simulation(dict.fromkeys(classes, "1h"))
    sim.tick()
    return sim


@pytest.mark.parametrize(
    ("timeout", "expected"),
    [
        ("90s", timedelta(seconds=90)),
        ("30m", timedelta(minutes=30)),
        ("2h", timedelta(hours=2)),
        ("1d", timedelta(days=1)),
        ("1h30m", timedelta(minutes=90)),
        (90, timedelta(seconds=90)),
        (0.5, timedelta(seconds=0.5)),
        (timedelta(hours=2), timedelta(hours=2)),
        (None, None),
    ],
)
def test_what_a_timeout_can_be(timeout: Any, expected: Any) -> None:
    assert timeout_of(app("a", timeout=timeout)) == expected


@pytest.mark.parametrize(
    "timeout",
    [
        *["", "2", "h", "2r", "30m1h", "-1h", "1 h", "0s", "9999999999d", "99999999999999d"],
        *[0, -1, True, float("nan"), float("inf"), 10**400, (1,)],
        *[timedelta(), timedelta(-1), timedelta.max],
    ],
)
def test_what_a_timeout_cannot_be(timeout: Any) -> None:
    with pytest.raises(JobLineError, match=r"^timeout of A is .*, not a length of time such as"):
        AppSpec.of(app("a", timeout=timeout))


def test_what_late_can_be_and_what_not() -> None:
    assert late_of(app("a", late="2h")) == timedelta(hours=2)
    assert late_of(app("a", late=90)) == timedelta(seconds=90)
    assert late_of(app("a")) is None
    with pytest.raises(JobLineError, match=r"^late of A is 'soon', not a length of time such as"):
        AppSpec.of(app("a", late="soon"))


@pytest.mark.parametrize("text", ["1d2h3m4s", "1h30m", "90m", "5s", "36525d"])
def test_a_length_of_time_is_read_and_written(text: str) -> None:
    assert parse_duration(duration_text(parse_duration(text))) == parse_duration(text)
    assert parse_duration(f" {text.upper()} ") == parse_duration(text)


@pytest.mark.parametrize("text", ["1m1m", "s", "1", "1h ago", "1.5h", "\u0663m", "36526d"])
def test_what_is_no_length_of_time_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="is not a length of time such as 90s, 30m, 2h"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("length", "text"),
    [("2h", "2h"), ("90m", "1h30m"), ("24h", "1d"), ("0s", "0s")],
)
def test_a_length_of_time_is_shown_in_its_largest_units(length: str, text: str) -> None:
    assert duration_text(parse_duration(length)) == text
    assert duration_text(timedelta(seconds=1.5)) == "1.5s"


@pytest.mark.parametrize("lock", ["", "  ", 7, ("a",), b"a"])
def test_a_lock_is_a_name(lock: Any) -> None:
    assert lock_of(app("a", lock="x")) == "x"
    assert lock_of(app("a")) is None
    with pytest.raises(JobLineError, match=r"^lock of A is .*, not a name such as 'warehouse'$"):
        AppSpec.of(app("a", lock=lock))


def test_a_run_that_takes_too_long_is_ended_and_has_failed_and_the_next_job_runs() -> None:
    sim = ticked(app("a", wait, timeout=SHORT), app("b"))
    run, other = sim.log
    assert (run.outcome, other.outcome) == (Outcome.FAILED, Outcome.SUCCEEDED)
    assert run.error
    assert run.error.type == "<class 'crontabber.errors.JobTimeout'>"
    assert run.error.value == "did not finish within 0.05s"
    assert "in wait" in run.error.traceback
    assert sim.states["a"].ongoing is None


def test_except_exception_does_not_swallow_it() -> None:
    def run(self: Any) -> None:
        while True:
            with contextlib.suppress(Exception):
                threading.Event().wait(EVER)

    [only] = ticked(app("a", run, timeout=SHORT)).log
    assert only.outcome is Outcome.FAILED


def test_it_comes_again_if_it_got_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """trap: what is raised in a finaliser is printed, and forgotten"""
    monkeypatch.setattr("crontabber.process.signals._AGAIN", 5 * SHORT)
    lost: list[Any] = []
    monkeypatch.setattr("sys.unraisablehook", lost.append)

    class Slow:
        def __del__(self) -> None:
            threading.Event().wait(EVER)

    def run(self: Any) -> None:
        Slow()
        gc.collect()
        threading.Event().wait(EVER)

    [only] = ticked(app("a", run, timeout=10 * SHORT)).log
    assert only.outcome is Outcome.FAILED
    assert {error.exc_type for error in lost} == {JobTimeout}


def test_each_date_of_a_backfill_has_its_own_time() -> None:
    def run(self: Any, date: Any) -> None:
        left.append(signal.getitimer(signal.ITIMER_REAL)[0])

    left: list[float] = []
    fill = as_backfill_cron_app(app("a", run, timeout="1h"))
    sim, _ = simulation({fill: "1h"})
    sim.tick()
    sim.tick(START + 2 * HOUR)
    assert len(left) == 3
    assert all(3590 < seconds <= 3600 for seconds in left)


def test_a_job_that_is_in_time_leaves_no_timer() -> None:
    assert ticked(app("a", timeout="1h"), app("b", timeout="1m")).log[1].error is None


def test_a_job_may_use_the_alarm_itself() -> None:
    rung: list[int] = []

    def run(self: Any) -> None:
        signal.signal(signal.SIGALRM, lambda *_: rung.append(1))
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        while not rung:
            signal.pause()
        signal.alarm(3600)  # and leaves one behind

    assert [run.outcome for run in ticked(app("a", run), app("b", run, timeout="1h")).log] == [
        Outcome.SUCCEEDED
    ] * 2


@pytest.mark.parametrize("timeout", [None, "1h"])
def test_a_timer_that_was_there_before_goes_on(timeout: Any) -> None:
    rung: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda *_: rung.append(1))
    try:
        signal.setitimer(signal.ITIMER_REAL, 1000, 7)
        ticked(app("a", timeout=timeout))
        left, interval = signal.setitimer(signal.ITIMER_REAL, 0)
        assert 990 < left <= 1000
        assert interval == 7
        signal.raise_signal(signal.SIGALRM)
        assert rung == [1]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_a_timer_that_was_there_before_rings_when_it_would_have(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """trap: a timer began anew after each job with a timeout"""
    now = [50.0]
    monkeypatch.setattr("crontabber.process.signals.monotonic", lambda: now[0])

    def run(self: Any) -> None:
        now[0] += 300

    try:
        signal.setitimer(signal.ITIMER_REAL, 1000)
        ticked(app("a", run, timeout="1h"), app("b", run, timeout="1h"))
        assert 390 < signal.setitimer(signal.ITIMER_REAL, 0)[0] <= 400
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def test_a_timer_that_ran_out_meanwhile_rings_afterwards() -> None:
    rung = threading.Event()
    before = signal.signal(signal.SIGALRM, lambda *_: rung.set())
    try:
        signal.setitimer(signal.ITIMER_REAL, SHORT / 2)
        ticked(app("a", wait, timeout=SHORT))
        assert rung.wait(EVER)
    finally:
        signal.signal(signal.SIGALRM, before)


def test_it_is_raised_only_while_the_job_runs() -> None:
    """trap: a time limit that ends the bookkeeping"""
    signals = Signals()
    signals.limit(timedelta(hours=1))
    signal.raise_signal(signal.SIGALRM)
    with signals.interruptible(), pytest.raises(JobTimeout, match="did not finish within 1h"):
        signal.raise_signal(signal.SIGALRM)
    signal.raise_signal(signal.SIGALRM)
    signals.unlimit()
    signals.unlimit()


def test_in_other_threads_nothing_is_limited() -> None:
    sims: list[Simulation] = []

    def short(self: Any) -> None:
        time.sleep(SHORT * 2)

    thread = threading.Thread(target=lambda: sims.append(ticked(app("a", short, timeout=SHORT))))
    thread.start()
    thread.join()
    assert [run.outcome for run in sims[0].log] == [Outcome.SUCCEEDED]
