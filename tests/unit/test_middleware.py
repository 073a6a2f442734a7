"""Functions that wrap every run: with any of them, the job runs once and has its own outcome."""

import contextlib
import signal
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from crontabber.errors import ExitCode, Stopped
from crontabber.mixins import as_backfill_cron_app
from crontabber.schedule.model import JobSpec, Outcome
from crontabber.testing import Simulation
from crontabber.tick.middleware import Middleware, load, run_within
from tests.unit.schedules import HOUR, job
from tests.unit.test_tick import START, Listener, app

told: list[str] = []
"""What happened, in its order."""


@pytest.fixture(autouse=True)
def _nothing_happened() -> None:
    told.clear()


def polite(call_next: Any, job: JobSpec, slot: datetime) -> None:
    told.append(f"before {job.app_name} {slot:%H:%M %Z}")
    try:
        call_next()
    finally:
        told.append("after")


def outer(call_next: Any, job: JobSpec, slot: datetime) -> None:
    told.append("outer")
    call_next()
    told.append("done")


def too_early(call_next: Any, job: Any, slot: Any) -> None:
    raise KeyError("early")


def too_late(call_next: Any, job: Any, slot: Any) -> None:
    call_next()
    raise KeyError("late")


def leaves(call_next: Any, job: Any, slot: Any) -> None:
    raise SystemExit(3)


def never(call_next: Any, job: Any, slot: Any) -> None:
    pass


def twice(call_next: Any, job: Any, slot: Any) -> None:
    call_next()
    call_next()


def retries(call_next: Any, job: Any, slot: Any) -> Any:
    for _ in range(3):
        try:
            return call_next()
        except OSError:
            pass
    return None


def swallows(call_next: Any, job: Any, slot: Any) -> None:
    with contextlib.suppress(BaseException):
        call_next()


def translates(call_next: Any, job: Any, slot: Any) -> None:
    try:
        call_next()
    except OSError as error:
        raise ValueError("translated") from error


def takes_nothing() -> None:
    pass


def elsewhere(call_next: Any, job: Any, slot: Any) -> None:
    thread = threading.Thread(target=swallows, args=(call_next, job, slot))
    thread.start()
    thread.join()


not_callable = 7


def fail(self: Any) -> None:
    told.append("run")
    raise OSError("no")


def work(self: Any) -> None:
    told.append("run")


def ticked(run: Callable[[Any], None], *names: str, at: Any = None) -> tuple[Simulation, Listener]:
    """One tick of one job, with these functions around it."""
    middleware = ",\n".join(name if "." in name else f"{__name__}.{name}" for name in names)
    sim = Simulation({app("a", run): "1h"}, START, settings={"crontabber.middleware": middleware})
    sim.reporter = listener = Listener()
    told.append(f"exit {sim.tick()}")
    return sim, listener


def test_they_are_called_around_every_run_the_first_outermost() -> None:
    ticked(work, "outer", "polite")
    assert told == ["outer", "before a 03:00 UTC", "run", "after", "done", "exit 0"]


def test_they_see_what_the_job_raises_and_it_is_the_outcome() -> None:
    sim, listener = ticked(fail, "outer", "polite")
    assert told == ["outer", "before a 03:00 UTC", "run", "after", "exit 0"]
    error = sim.states["a"].last_error
    assert error
    assert error.type == "<class 'OSError'>"
    assert "polite" not in error.traceback, "they are on no traceback of the job's"
    assert "in fail" in error.traceback
    assert listener.troubles == []


def test_they_wrap_each_date_of_a_backfill_in_the_zone_of_its_schedule() -> None:
    def run(self: Any, date: datetime) -> None:
        told.append(f"run {date:%H:%M}")

    settings = {"crontabber.middleware": f"{__name__}.polite"}
    fill = as_backfill_cron_app(app("a", run))
    sim = Simulation({fill: "1h"}, START, "Europe/Berlin", settings=settings)
    sim.tick()
    told.clear()
    sim.tick(START + 2 * HOUR)
    five, six = ([f"before a {hour}:00 CET", f"run {hour}:00", "after"] for hour in ("05", "06"))
    assert told == [*five, *six]


BROKEN = {
    "too_early": "raised KeyError: 'early'",
    "too_late": "raised KeyError: 'late'",
    "leaves": "raised SystemExit: 3",
    "never": "never called call_next",
    "twice": "called call_next more than once",
    "takes_nothing": "raised TypeError: takes_nothing() takes 0 positional arguments",
    "elsewhere": "never called call_next",
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_one_is_reported_and_the_job_runs_once(name: str) -> None:
    sim, listener = ticked(work, "outer", name, "polite")
    assert told == ["outer", "before a 03:00 UTC", "run", "after", "done", "exit 0"]
    assert [run.outcome for run in sim.log] == [Outcome.SUCCEEDED]
    [trouble] = listener.troubles
    assert trouble.startswith(f"middleware {__name__}.{name} {BROKEN[name]}")
    assert trouble.endswith("; a is run all the same")


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("swallows", "kept to itself what the job raised"),
        ("retries", "kept to itself what the job raised"),
        ("translates", "raised ValueError: translated"),
        ("never", "never called call_next"),
        ("too_early", "raised KeyError: 'early'"),
    ],
)
def test_a_broken_one_does_not_change_the_outcome_of_a_job_that_fails(
    name: str, fault: str
) -> None:
    sim, listener = ticked(fail, "polite", name)
    assert told == ["before a 03:00 UTC", "run", "after", "exit 0"]
    [run] = sim.log
    assert run.error
    assert (run.error.type, run.error.value) == ("<class 'OSError'>", "no")
    assert [fault in trouble for trouble in listener.troubles] == [True]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere.at_all", "there is no module nowhere"),
        (f"{__name__}.polit", "has no function polit: did you mean polite?"),
        (f"{__name__}.not_callable", "has no function not_callable"),
        ("no-path.x", "'no-path.x' is not a path such as package.module.function"),
    ],
)
def test_one_that_cannot_be_had_is_left_out_and_reported(name: str, message: str) -> None:
    sim, listener = ticked(work, name, "polite")
    assert told == ["before a 03:00 UTC", "run", "after", f"exit {ExitCode.ERROR}"]
    [trouble] = listener.troubles
    assert trouble.startswith(f"middleware {name} is left out: ")
    assert message in trouble
    assert len(sim.log) == 1


def test_they_are_not_imported_when_nothing_runs() -> None:
    """trap: an idle tick pays for what it does not use"""
    sim = Simulation({app("a"): "1h"}, START)
    sim.tick()
    assert load(()) == ([], [])


def within(run: Callable[[], None], *functions: Any) -> list[str]:
    troubles: list[str] = []
    middleware = [Middleware(function.__name__, function) for function in functions]
    slot = START.astimezone(ZoneInfo("UTC"))
    run_within(middleware, run, job(), slot, troubles.append)
    return troubles


TERM = Stopped(signal.SIGTERM, "SIGTERM")


def stop(*args: Any) -> None:
    raise TERM


def stop_late(call_next: Any, job: Any, slot: Any) -> None:
    call_next()
    raise TERM


@pytest.mark.parametrize("functions", [(polite,), (swallows,), (polite, retries, translates)])
def test_a_signal_in_the_job_passes_them(functions: Any) -> None:
    with pytest.raises(Stopped):
        within(stop, *functions)


def test_a_signal_before_the_job_began_ends_it() -> None:
    ran: list[int] = []
    with pytest.raises(Stopped):
        within(lambda: ran.append(1), polite, stop, polite)
    assert ran == []


def test_a_signal_after_the_job_does_not_undo_it() -> None:
    ran: list[int] = []
    assert within(lambda: ran.append(1), polite, stop_late) == []
    assert ran == [1]
