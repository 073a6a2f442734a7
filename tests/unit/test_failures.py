"""Exceptions that fight back when they are looked at: failures like any other."""

import io
from datetime import datetime, timezone
from typing import Any

import pytest

from crontabber.base import BaseCronApp
from crontabber.errors import ExitCode
from crontabber.reporters import Reporter, Reporters
from crontabber.reporters.log import LogReporter
from crontabber.reporters.terminal import TerminalReporter
from crontabber.schedule.model import JobSpec, Outcome
from crontabber.testing import Simulation
from crontabber.tick.failures import last_error
from tests.fighters import FIGHTERS, Exits, Mute

START = datetime(2026, 11, 21, 3, tzinfo=timezone.utc)
SAID_TO_BE = dict.fromkeys(["long", "chain", "caused", "noted"], "ValueError")
SAID_TO_BE["many"] = type(FIGHTERS["many"]()).__name__


class Good(BaseCronApp):
    app_name = "good"

    def run(self) -> None:
        """Succeed."""


class Bad(BaseCronApp):
    app_name = "bad"
    raised: Any

    def run(self) -> None:
        """Raise it."""
        raise self.raised()


def around(call_next: Any, job: JobSpec, slot: datetime) -> None:
    """Wrap a run."""
    call_next()


class Troubles(Reporter):
    """Writes down what is told to people."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def trouble(self, message: str) -> None:
        self.heard.append(message)


@pytest.mark.parametrize("middleware", ["", "tests.unit.test_failures.around"])
@pytest.mark.parametrize("name", FIGHTERS)
def test_an_exception_that_fights_back_is_a_failure_like_any_other(
    name: str, middleware: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """trap: an exception whose attributes raise ended the tick; or counted as a success"""
    monkeypatch.setattr(Bad, "raised", lambda _: FIGHTERS[name](), raising=False)
    settings = {"crontabber.middleware": middleware} if middleware else {}
    sim = Simulation({Bad: "5m", Good: "5m"}, START, settings=settings)
    troubles = Troubles()
    listeners = [LogReporter(), TerminalReporter(io.StringIO()), troubles]
    sim.reporter = Reporters(lambda: listeners)
    assert sim.tick() == ExitCode.OK
    assert [run.outcome for run in sim.log] == [Outcome.FAILED, Outcome.SUCCEEDED]
    error = sim.states["bad"].last_error
    assert error
    assert [type(text) for text in (error.type, error.value, error.traceback)] == [str] * 3
    assert SAID_TO_BE.get(name, name) in error.type
    assert "in run" in error.traceback
    assert len(error.value) < 110_000
    assert len(error.traceback) < 110_000
    assert troubles.heard == []
    assert "bad failed: " in caplog.text
    assert "a reporter failed" not in caplog.text


def test_a_long_text_is_shortened_and_no_part_of_a_secret_is_left() -> None:
    secret = "secret-" * 30
    text = f"{'x' * 99_900}{secret}{'y' * 500_000}{secret}{'z' * 99_900}"
    error = last_error(ValueError(text), lambda text: text.replace(secret, "*"))
    assert len(error.value) < 110_000
    assert "secret" not in error.value
    assert "characters left out" in error.value
    assert error.value.startswith("xxx")
    assert error.value.endswith("zzz")


@pytest.mark.parametrize("raised", [Mute, Exits])
def test_a_reporter_that_raises_what_fights_back_stops_nothing(
    raised: Any, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(Reporter):
        def succeeded(self, *what: Any) -> None:
            raise raised

    sim = Simulation({Good: "5m"}, START)
    sim.reporter = Reporters(lambda: [Broken()])
    assert sim.tick() == ExitCode.OK
    assert "a reporter failed: Broken: " in caplog.text
