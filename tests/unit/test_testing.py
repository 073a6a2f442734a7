"""crontabber.testing is what users' tests stand on."""

from datetime import datetime, timedelta, timezone

import pytest

from crontabber.base import BaseCronApp
from crontabber.errors import ConfigError, ExitCode
from crontabber.mixins import as_backfill_cron_app
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
    assert [run.error.value for run in month.log if run.error] == ["as it must"] * 2


def test_a_simulation_takes_settings() -> None:
    month = Simulation({Raises: "1d"}, START, settings={"crontabber.error_retry_time": 60})
    month.run(START + timedelta(minutes=3), every="1m")
    assert month.states["raises"].error_count == 4


def test_the_clock_moves_only_when_it_is_moved() -> None:
    clock = FakeClock(START)
    assert clock.now() == clock.now() == START
    clock.advance(timedelta(hours=1))
    assert clock.now() == START + timedelta(hours=1)
    with pytest.raises(ValueError, match="no time zone"):
        clock.set(datetime(2026, 11, 1))  # noqa: DTZ001
