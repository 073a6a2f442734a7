"""What crontabber 0.18 called things."""

from collections.abc import Callable
from pathlib import Path

import pytest

from crontabber.base import BaseCronApp
from crontabber.config.commandline import CommandLine
from crontabber.config.settings import Settings
from crontabber.errors import ConfigError
from crontabber.mixins import using_postgres, with_transactional_resource
from crontabber.transaction_executor import (
    TransactionExecutor,
    TransactionExecutorWithLimitedBackoff,
)

from configman import Namespace

Load = Callable[..., Settings]
INFINITE = "crontabber.transaction_executor.TransactionExecutorWithInfiniteBackoff"
LIMITED = "crontabber.transaction_executor.TransactionExecutorWithLimitedBackoff"
OLD = "database_transaction_executor_class"


@using_postgres()
class App(BaseCronApp):
    app_name = "app"


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Settings from the text of a crontabber.ini, with one job, and arguments."""
    monkeypatch.chdir(tmp_path)

    def load(ini: str, *arguments: str, env: dict[str, str] | None = None) -> Settings:
        Path("c.ini").write_text(f"crontabber.jobs=m.App|1d|03:00\n{ini}")
        return Settings.load(CommandLine.parse(["--admin.conf=c.ini", *arguments]), env or {})

    return load


def test_the_dsn_of_sentry_among_secrets(load: Load) -> None:
    secret = "[secrets]\n[[sentry]]\ndsn=https://k@s/1\n"
    assert load(secret).sentry_dsn == "https://k@s/1"
    assert load("", env={"secrets.sentry.dsn": "https://k@s/2"}).sentry_dsn == "https://k@s/2"
    assert load("", "--secrets.sentry.dsn=https://k@s/3").sentry_dsn == "https://k@s/3"
    assert load(f"{secret}[sentry]\ndsn=https://k@s/4").sentry_dsn == "https://k@s/4"
    assert load(secret).judge({"m.App": App}) == ((), ())


def test_the_options_of_logging_among_resources(load: Load) -> None:
    ini = "[resource]\n[[logging]]\nstderr_error_logging_level=INFO\nsyslog_host=localhost\n"
    settings = load(ini)
    assert (settings.logging.stderr_level, settings.logging.syslog_host) == (20, "localhost")
    assert load(f"{ini}[logging]\nstderr_error_logging_level=10").logging.stderr_level == 10
    assert settings.judge({"m.App": App}) == ((), ())
    with pytest.raises(ConfigError, match=r"logging_level 'loud' \(from c\.ini, line 4\)"):
        load("[resource]\n[[logging]]\nstderr_error_logging_level=loud")


@pytest.mark.parametrize(
    ("ini", "executor"),
    [
        ("", TransactionExecutor),
        (f"[resource]\n[[postgresql]]\n{OLD}={LIMITED}", TransactionExecutorWithLimitedBackoff),
        (
            f"[resource]\n[[postgresql]]\n{OLD}={LIMITED}\ntransaction_executor_class={INFINITE}",
            TransactionExecutorWithLimitedBackoff,
        ),
        (f"[crontabber]\n{OLD}={LIMITED}", TransactionExecutorWithLimitedBackoff),
        (
            f"[crontabber]\n{OLD}={LIMITED}\n[resource]\n[[postgresql]]\n{OLD}={INFINITE}",
            TransactionExecutorWithLimitedBackoff,
        ),
        (
            f"[crontabber]\n[[class-App]]\n[[[database]]]\n{OLD}={LIMITED}",
            TransactionExecutorWithLimitedBackoff,
        ),
        (
            f"[crontabber]\n{OLD}={INFINITE}\n[[class-App]]\n{OLD}={LIMITED}",
            TransactionExecutorWithLimitedBackoff,
        ),
        (f"[crontabber]\ntransaction_executor_class={LIMITED}", TransactionExecutor),
    ],
)
def test_the_executor_of_apps(load: Load, ini: str, executor: type) -> None:
    settings = load(ini)
    config = settings.app_configs({"m.App": App}).configs["m.App"]
    assert config.database.transaction_executor_class is executor
    assert settings.judge({"m.App": App}).faults == ()
    assert not settings.needs_all_classes


def test_the_executor_of_any_resource(load: Load) -> None:
    factory = "crontabber.connection_factory.ConnectionFactory"

    @with_transactional_resource(factory, "replica", "resource.replica")
    class Reader(BaseCronApp):
        app_name = "reader"

    for section in ("resource.replica", "crontabber.class-App.replica"):
        settings = load(f"{section}.replica_transaction_executor_class={LIMITED}")
        config = settings.app_configs({"m.App": Reader}).configs["m.App"]
        executor = config.replica.transaction_executor_class
        assert executor is TransactionExecutorWithLimitedBackoff
        assert settings.judge({"m.App": Reader}) == ((), ())


def test_names_that_mean_nothing_any_more_are_told_of_by_configtest_only(load: Load) -> None:
    settings = load(
        "[crontabber]\ntransaction_executor_class=x\n"
        "backoff_delays=1\nwait_log_interval=1\n[[class-App]]\nfrequency=5m\ntime=00:00"
    )
    assert not settings.needs_all_classes
    assert settings.check({"m.App": App}) == ()
    faults, warnings = settings.judge({"m.App": App})
    assert faults == ()
    assert [line.partition(" has no effect any more: ")[0] for line in warnings] == [
        "option crontabber.transaction_executor_class (from c.ini, line 3)",
        "option crontabber.backoff_delays (from c.ini, line 4)",
        "option crontabber.wait_log_interval (from c.ini, line 5)",
        "option crontabber.class-App.frequency (from c.ini, line 7)",
        "option crontabber.class-App.time (from c.ini, line 8)",
    ]


def test_an_app_can_read_its_schedule(load: Load) -> None:
    config = load("").app_configs({"m.App": App}).configs["m.App"]
    assert (config.frequency, config.time) == ("1d", "03:00")
    assert config.database.frequency == "1d"  # by acquisition


def test_an_option_of_the_apps_own_wins_over_its_schedule(load: Load) -> None:
    class Own(BaseCronApp):
        app_name = "own"
        required_config = Namespace()
        required_config.add_option("frequency", default=7)

    config = load("").app_configs({"m.App": Own}).configs["m.App"]
    assert (config.frequency, config.time) == (7, "03:00")
    settings = load("[crontabber]\n[[class-App]]\nfrequency=8")
    assert settings.app_configs({"m.App": Own}).configs["m.App"].frequency == 8
    assert settings.judge({"m.App": Own}) == ((), ())


def test_classes_that_are_alike_have_their_own_schedules(load: Load) -> None:
    """trap: two classes of one name in different modules shared frequency and time"""
    classes = {f"m.App{number}": type(f"App{number}", (App,), {}) for number in range(3)}
    classes["n.App0"] = type("App0", (App,), {})
    jobs = "crontabber.jobs=m.App0|5m, m.App1|1h, m.App2|2d|01:00, n.App0|9m"
    Path("d.ini").write_text(jobs)
    settings = Settings.load(CommandLine.parse(["--admin.conf=d.ini"]), {})
    configs = settings.app_configs(classes).configs
    seen = {path: (config.frequency, config.time) for path, config in configs.items()}
    assert seen == {
        "m.App0": ("5m", ""),
        "m.App1": ("1h", ""),
        "m.App2": ("2d", "01:00"),
        "n.App0": ("9m", ""),
    }
