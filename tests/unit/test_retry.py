"""How often, and when, a failed job is tried again if its app has a ``retry``."""

from datetime import timedelta
from typing import Any

import pytest

from crontabber.config.appspec import AppSpec, retry_of
from crontabber.errors import ExitCode, JobCrashed, JobLineError, JobTimeout, Stopped
from crontabber.mixins import as_backfill_cron_app
from crontabber.retry import RetryStrategy, delay_of
from crontabber.schedule.model import Outcome, SkipReason
from tests.unit.test_tick import HOUR, MINUTE, START, app, crash, simulation

SECOND = timedelta(seconds=1)
TERM = Stopped(15, "SIGTERM")


def waits(strategy: Any, attempts: int, error: BaseException | None = None) -> list[float | None]:
    return [strategy.get_schedule_in(n + 1, error or OSError()) for n in range(attempts)]


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        (RetryStrategy(), [0, 0, 0]),
        (RetryStrategy(max_attempts=3), [0, 0, None]),
        (RetryStrategy(max_attempts=1), [None, None]),
        (RetryStrategy(wait=3), [3, 3, 3]),
        (RetryStrategy(linear_wait=3), [0, 3, 6, 9]),
        (RetryStrategy(exponential_wait=3), [3, 9, 27, 81]),
        (RetryStrategy(wait=1, linear_wait=10, exponential_wait=2), [3, 15, 29]),
        (RetryStrategy(exponential_wait=3, max_wait=20), [3, 9, 20, 20]),
        (RetryStrategy(wait=0.5, max_wait=0), [0, 0]),
        (RetryStrategy(max_attempts=2, wait=5), [5, None]),
    ],
)
def test_a_strategy_waits_longer_and_longer_and_ends(
    strategy: RetryStrategy, expected: list[float | None]
) -> None:
    assert waits(strategy, len(expected)) == expected


def test_a_strategy_never_waits_longer_than_a_century() -> None:
    assert waits(RetryStrategy(exponential_wait=1e300), 2)[1] == 36525 * 86400
    assert RetryStrategy(exponential_wait=9).get_schedule_in(10**6, OSError()) == 36525 * 86400


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (OSError(), True),
        (FileNotFoundError(), True),
        (ValueError(), False),
        (JobTimeout(), False),
        (JobCrashed(), True),
        (TERM, True),
    ],
)
def test_on_says_after_which_exceptions_it_is_tried_again(error: Any, again: bool) -> None:
    for on in (OSError, (KeyError, OSError), [OSError]):
        strategy = RetryStrategy(wait=7, on=on)  # type: ignore[arg-type]  # as people write it
        assert strategy.get_schedule_in(1, error) == (7 if again else None)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_attempts": 0}, "max_attempts is 0, not a number from 1 on"),
        ({"max_attempts": True}, "max_attempts is True"),
        ({"max_attempts": 1.5}, "max_attempts is 1.5"),
        ({"wait": -1}, "wait is -1, not a number of seconds"),
        ({"wait": "5"}, "wait is '5'"),
        ({"wait": None}, "wait is None"),
        ({"linear_wait": float("nan")}, "linear_wait is nan"),
        ({"exponential_wait": float("inf")}, "exponential_wait is inf"),
        ({"max_wait": timedelta(1)}, "max_wait is datetime.timedelta"),
        ({"on": (OSError, "x")}, "on is .*, not a tuple of exception classes"),
        ({"on": int}, "on is <class 'int'>, not a tuple of exception classes"),
    ],
)
def test_a_strategy_refuses_what_it_cannot_count_with(options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        RetryStrategy(**options)


class Own:
    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: list[tuple[int, BaseException]] = []

    def get_schedule_in(self, attempts: int, exception: BaseException) -> Any:
        self.asked.append((attempts, exception))
        return self.answer


@pytest.mark.parametrize(
    ("answer", "delay"),
    [
        (None, None),
        (0, timedelta()),
        (90, 90 * SECOND),
        (1.5, 1.5 * SECOND),
        (10**30, timedelta(days=36525)),
        (2 * HOUR, 2 * HOUR),
        (timedelta.max, timedelta(days=36525)),
    ],
)
def test_a_class_of_ones_own_answers_in_seconds_or_timedeltas(answer: Any, delay: Any) -> None:
    assert delay_of(Own(answer), 1, OSError()) == delay


@pytest.mark.parametrize("answer", ["5", True, -1, float("nan"), object(), -HOUR, timedelta.min])
def test_other_answers_are_an_error(answer: Any) -> None:
    with pytest.raises(ValueError, match="is neither a number of seconds from 0 on, nor"):
        delay_of(Own(answer), 1, OSError())


@pytest.mark.parametrize(
    ("retry", "expected"),
    [
        (2, [timedelta(), None]),
        (True, [timedelta(), timedelta()]),
        (False, [None]),
        (RetryStrategy(wait=3), [3 * SECOND]),
        (Own(4), [4 * SECOND]),
    ],
)
def test_what_an_app_can_say(retry: Any, expected: list[Any]) -> None:
    advise = retry_of(app("a", retry=retry))
    assert advise
    assert [advise(n + 1, OSError()) for n in range(len(expected))] == expected
    assert retry_of(app("a")) is None


@pytest.mark.parametrize("retry", [0, -1, 1.5, "5", (), RetryStrategy, object()])
def test_what_an_app_cannot_say(retry: Any) -> None:
    with pytest.raises(JobLineError, match=r"retry of A is .*: it has to be a number of attempts"):
        AppSpec.of(app("a", retry=retry))


# -- in ticks -------------------------------------------------------------------------


def failing(name: str = "a", **more: Any) -> type:
    def run(self: Any, *date: Any) -> None:
        raise OSError("no")

    return app(name, run, **more)


def tried_at(cls: type, schedule: str, ticks: int) -> list[int]:
    """The minutes at which it was tried, if crontabber is started every five of them."""
    sim, _ = simulation({cls: schedule})
    sim.run(START + ticks * 5 * MINUTE)
    return [(run.started - START) // MINUTE for run in sim.log]


def test_a_job_is_tried_so_often_and_then_waits_for_its_next_slot() -> None:
    assert tried_at(failing(retry=3), "1h", 24) == [0, 5, 10, 60, 65, 70, 120]


def test_each_slot_has_its_own_attempts() -> None:
    strategy = RetryStrategy(max_attempts=9, wait=1200)
    assert tried_at(failing(retry=strategy), "1h", 24) == [0, 20, 40, 60, 80, 100, 120]


def test_true_tries_at_once_for_ever() -> None:
    assert tried_at(failing(retry=True), "1d", 4) == [0, 5, 10, 15, 20]


def test_a_strategy_waits_longer_than_error_retry_time_but_no_longer_than_the_next_slot() -> None:
    assert tried_at(failing(retry=RetryStrategy(wait=1500)), "1h", 13) == [0, 25, 50, 60]
    assert tried_at(failing(retry=RetryStrategy(wait=7200)), "1h", 13) == [0, 60]


def test_a_backfill_app_waits_for_as_long_as_it_is_told() -> None:
    fill = as_backfill_cron_app(failing(retry=RetryStrategy(wait=7200)))
    assert tried_at(fill, "1h", 48) == [0, 120, 240]


def test_an_exception_that_is_not_on_the_list_ends_it_at_once() -> None:
    assert tried_at(failing(retry=RetryStrategy(on=(KeyError,))), "1h", 13) == [0, 60]


def test_a_success_forgets_the_attempts() -> None:
    broken = [True]

    def run(self: Any) -> None:
        if broken[0]:
            raise OSError("no")

    sim, _ = simulation({app("a", run, retry=3): "1h"})
    sim.tick()
    assert sim.states["a"].attempts == 1
    broken[0] = False
    sim.tick(START + 5 * MINUTE)
    assert (sim.states["a"].attempts, sim.states["a"].gave_up) == (0, False)


def test_a_backfill_app_that_gave_up_stays_at_its_date() -> None:
    fill = as_backfill_cron_app(failing("fill", retry=2))
    sim, listener = simulation({fill: "1h", app("other"): "1h"})
    sim.run(START + 3 * HOUR)
    assert [run.slot for run in sim.log if run.app_name == "fill"] == [START, START]
    state = sim.states["fill"]
    assert (state.gave_up, state.attempts, state.next_slot) == (True, 2, START)
    assert listener.skips["fill"].reason is SkipReason.GAVE_UP
    assert "after 2 attempts; --retry tries it again" in listener.skips["fill"].detail
    assert sim.tick() == ExitCode.OK


def test_a_job_that_crashes_has_so_many_attempts_too() -> None:
    """trap: one that takes its process down each time is run for ever"""
    sim, _ = simulation({app("a", retry=2): "1h"})
    sim.tick()
    sim.clock.advance(HOUR)
    crash(sim, "a")
    state = sim.states["a"]
    sim.store.states["a"] = state._replace(attempts=1, last_run=START + HOUR)
    sim.tick(START + HOUR + MINUTE)
    assert sim.log[-1].outcome is Outcome.CRASHED
    assert sim.states["a"].next_run == sim.states["a"].next_slot == START + 2 * HOUR


def test_the_first_crash_is_recovered_at_once_whatever_the_retry_says() -> None:
    sim, _ = simulation({app("a", retry=RetryStrategy(wait=3000, on=(KeyError,))): "1h"})
    sim.tick()
    sim.clock.advance(HOUR)
    crash(sim, "a")
    sim.tick(START + HOUR + MINUTE)
    assert [run.outcome for run in sim.log[1:]] == [Outcome.CRASHED, Outcome.SUCCEEDED]


def test_a_backfill_app_can_give_up_after_a_crash() -> None:
    fill = as_backfill_cron_app(app("a", retry=1))
    sim, _ = simulation({fill: "1h"})
    sim.tick()
    sim.clock.advance(HOUR)
    crash(sim, "a")
    sim.tick(START + HOUR + MINUTE)
    assert [run.outcome for run in sim.log[1:]] == [Outcome.CRASHED]
    assert sim.states["a"].gave_up
    assert sim.states["a"].next_slot == START + HOUR


@pytest.mark.parametrize("answer", ["soon", OSError])
def test_a_retry_that_is_broken_is_reported_and_the_job_tried_as_usual(answer: Any) -> None:
    class Broken(Own):
        def get_schedule_in(self, attempts: int, exception: BaseException) -> Any:
            if answer is OSError:
                raise OSError("oh no")
            return answer

    sim, listener = simulation({failing(retry=Broken(None)): "1h"})
    sim.tick()
    assert sim.states["a"].next_run == START + 5 * MINUTE
    [trouble] = listener.troubles
    assert trouble.startswith("a is tried again as usual: its retry raised ")


def test_a_retry_is_asked_with_the_attempts_and_the_exception() -> None:
    own = Own(0)
    sim, _ = simulation({failing(retry=own): "1h"})
    sim.run(START + 10 * MINUTE)
    assert [(n, str(error)) for n, error in own.asked] == [(1, "no"), (2, "no"), (3, "no")]


def test_what_fails_ahead_of_the_plan_is_back_in_the_plan_at_the_next_slot() -> None:
    cls = failing(retry=2)
    sim, _ = simulation({cls: "1h"})
    sim.tick()
    sim.tick(START + 5 * MINUTE)  # and now it waits for the next slot
    state = sim.states["a"]
    sim.store.states["a"] = state._replace(next_run=START + 20 * MINUTE)
    sim.run(START + 65 * MINUTE)
    assert [(run.started - START) // MINUTE for run in sim.log] == [0, 5, 20, 25, 60, 65]


def test_what_failed_ahead_of_the_plan_does_not_count_for_the_next_slot() -> None:
    def run(self: Any) -> None:
        if sim.clock.now() > START:
            raise OSError("no")

    sim, _ = simulation({app("a", run, retry=3): "1h"})
    sim.tick()
    sim.store.states["a"] = sim.states["a"]._replace(next_run=START + 50 * MINUTE)
    sim.run(START + 2 * HOUR)
    began = [(run.started - START) // MINUTE for run in sim.log]
    assert began == [0, 50, 55, 60, 65, 70, 120]
