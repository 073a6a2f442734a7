"""crontabber.testing is what users' tests stand on."""

from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest

from crontabber.base import BaseCronApp
from crontabber.errors import ConfigError, ExitCode
from crontabber.mixins import as_backfill_cron_app
from crontabber.reporters import Reporter
from crontabber.testing import FakeClock, Simulation, run_job

from configman import Namespace

START = datetime(2026, 11, 1, tzinfo=timezone.utc)


class Greeter(BaseCronApp):
    app_name = "greeter"
    required_config = Namespace()
    required_config.add_option("greeting", default="hello", doc="what to say")
    required_config.add_option("times", default=1, doc="how often")
    said = ""

    def run(self) -> None:
        self.said = self.config.greeting * self.config.times


@as_backfill_cron_app
class Dated(BaseCronApp):
    app_name = "dated"
    date: datetime

    def run(self, date: datetime) -> None:
        self.date = date


class Raises(BaseCronApp):
    app_name = "raises"

    def run(self) -> None:
        raise OSError("as it must")


def test_run_job_runs_an_app_with_its_defaults() -> None:
    assert run_job(Greeter).said == "hello"


def test_run_job_takes_options_as_they_are_written_in_the_ini() -> None:
    assert run_job(Greeter, options={"greeting": "ho", "times": "2"}).said == "hoho"


class Listed(BaseCronApp):
    app_name = "listed"
    required_config = Namespace()
    required_config.add_option("hosts", default=["a"], doc="which hosts")
    required_config.add_option("hard", default=False, doc="whether it tries hard")
    seen: tuple[object, object]

    def run(self) -> None:
        self.seen = (self.config.hosts, self.config.hard)


def test_run_job_takes_numbers_and_truth_values_too() -> None:
    assert run_job(Greeter, options={"times": 2}).said == "hellohello"
    assert run_job(Listed, options={"hard": True}).seen == (["a"], True)
    assert run_job(Listed, options={"hosts": "b, c", "hard": 0}).seen == (["b", "c"], False)


@pytest.mark.parametrize(
    ("value", "kind"), [(["b", "c"], "list"), (None, "NoneType"), (b"b", "bytes"), (START, "date")]
)
def test_an_option_of_which_the_text_is_not_certain_is_refused(value: object, kind: str) -> None:
    """trap: a list became the list of the parts of its repr, and None the text None"""
    message = f"is of type {kind}.*: write it as a text, as in crontabber.ini"
    with pytest.raises(TypeError, match=f"option hosts {message}"):
        run_job(Listed, options={"hosts": value})
    name = "crontabber.class-Listed.hosts"
    with pytest.raises(TypeError, match=f"option {name} {message}"):
        Simulation({Listed: "1d"}, START, settings={name: value})


def test_run_job_refuses_an_option_that_cannot_be_used() -> None:
    with pytest.raises(ConfigError, match="times"):
        run_job(Greeter, options={"times": "often"})


def test_run_job_refuses_an_option_that_does_not_exist() -> None:
    with pytest.raises(ConfigError, match="did you mean"):
        run_job(Greeter, options={"greting": "ho"})


def test_run_job_gives_a_backfill_app_its_date() -> None:
    assert run_job(Dated, START).date == START
    assert run_job(Dated).date.tzinfo is not None


def test_run_job_refuses_a_date_without_a_zone() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        run_job(Dated, datetime(2026, 11, 1))  # noqa: DTZ001


def test_what_is_no_moment_is_refused() -> None:
    day: Any = date(2026, 11, 1)
    with pytest.raises(TypeError, match=r"datetime\.date\(2026, 11, 1\) is not a moment: write"):
        run_job(Dated, day)
    with pytest.raises(TypeError, match="is not a moment"):
        Simulation({Dated: "1d"}, START).tick(day)


@pytest.mark.parametrize("app", ["tests.Greeter", Greeter(None), None])
def test_what_is_no_class_is_refused(app: Any) -> None:
    with pytest.raises(TypeError, match="is not a class: give the class of the app itself"):
        run_job(app)
    with pytest.raises(TypeError, match="is not a class: give the class of the app itself"):
        Simulation({app: "1d"}, START)


def test_run_job_raises_what_the_app_raises() -> None:
    with pytest.raises(OSError, match="as it must"):
        run_job(Raises)


def test_run_job_refuses_what_is_no_app() -> None:
    with pytest.raises(ConfigError, match="not a cron app"):
        run_job(str)


def test_a_simulation_is_crontabber_on_a_clock_of_its_own() -> None:
    month = Simulation({Greeter: "1h", Dated: "1d|03:00"}, START, "Europe/Berlin")
    month.run(until=START + timedelta(days=3), every="5m")
    assert len(month.slots("greeter")) == 3 * 24 + 1
    assert [slot.hour for slot in month.slots("dated")] == [2, 2, 2]  # 3:00 in Berlin, in UTC
    assert month.states["dated"].next_run == START + timedelta(days=3, hours=2)
    assert all(run.error is None for run in month.log)


def test_a_simulation_shows_failures_and_retries() -> None:
    month = Simulation({Raises: "1d"}, START)
    assert month.tick() == ExitCode.OK
    month.tick(START + timedelta(minutes=5))
    assert month.states["raises"].error_count == 2
    assert [run.error.value for run in month.failures if run.error] == ["as it must"] * 2
    assert month.failures == month.log


def test_what_fails_is_a_trouble() -> None:
    """trap: a job failed 289 times in a day, and `assert not month.troubles` held"""
    month = Simulation({Raises: "5m", Greeter: "5m"}, START, "Europe/Berlin")
    month.run(START + timedelta(days=1))
    assert len(month.failures) == len(month.troubles) == 289
    failed = "raises failed for 2026-11-01 01:00 CET: OSError: as it must"
    assert month.troubles[0] == failed
    assert {run.app_name for run in month.failures} == {"raises"}
    good = Simulation({Greeter: "5m"}, START)
    assert good.tick() == ExitCode.OK
    assert good.troubles == []
    assert good.failures == []


def test_a_simulation_takes_settings() -> None:
    month = Simulation({Raises: "1d"}, START, settings={"crontabber.error_retry_time": 60})
    month.run(START + timedelta(minutes=3), every="1m")
    assert month.states["raises"].error_count == 4


def test_a_simulation_takes_the_time_zone_of_the_settings() -> None:
    settings = {"crontabber.timezone": "Asia/Tokyo"}
    month = Simulation({Dated: "1d|03:00"}, START, settings=settings)
    month.run(until=START + timedelta(days=1))
    assert [slot.hour for slot in month.slots("dated")] == [18, 18]  # 3:00 in Tokyo, in UTC


@pytest.mark.parametrize("zone", ["Mars/X", "", "../x"])
def test_a_simulation_refuses_a_zone_that_does_not_exist(zone: str) -> None:
    with pytest.raises(ValueError, match=f"zone '{zone}' is not a time zone"):
        Simulation({Greeter: "1h"}, START, zone)


@pytest.mark.parametrize(("option", "value"), [("times", "often"), ("tiems", "2")])
def test_a_job_whose_option_cannot_be_used_is_not_run_but_told(option: str, value: str) -> None:
    """trap: the simulated tick returned 0 and the job had failed; the command's returns 1"""
    settings = {f"crontabber.class-Greeter.{option}": value}
    month = Simulation({Greeter: "1h", Dated: "1h"}, START, settings=settings)
    assert month.tick() == ExitCode.ERROR
    assert [run.app_name for run in month.log] == ["dated"]
    assert month.states["greeter"].error_count == 0
    assert len(month.troubles) == 1
    assert option in month.troubles[0]


class Listener(Reporter):
    def __init__(self) -> None:
        self.troubles: list[str] = []

    def trouble(self, message: str) -> None:
        self.troubles.append(message)


class Broken(Reporter):
    def trouble(self, message: str) -> None:
        raise RuntimeError("no")

    started = trouble  # type: ignore[assignment]  # as wrong as can be


def test_a_simulation_keeps_what_is_to_be_mended_whoever_listens(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """trap: a reporter that raised ended the simulated tick, but not the command's"""
    month = Simulation({Greeter: "1h", BaseCronApp: "1h"}, START)
    assert month.tick() == ExitCode.ERROR
    listener = month.reporter = Listener()
    assert month.tick() == ExitCode.ERROR
    month.reporter = Broken()
    assert month.tick(START + timedelta(hours=1)) == ExitCode.ERROR
    assert month.troubles == listener.troubles * 3
    assert "BaseCronApp has no app_name" in month.troubles[0]
    assert len(month.slots("greeter")) == 2
    assert "a reporter failed: Broken" in caplog.text


def test_the_clock_moves_only_when_it_is_moved() -> None:
    clock = FakeClock(START)
    assert clock.now() == clock.now() == START
    clock.advance(timedelta(hours=1))
    assert clock.now() == START + timedelta(hours=1)
    with pytest.raises(ValueError, match="no time zone"):
        clock.set(datetime(2026, 11, 1))  # noqa: DTZ001
