import importlib.util
import json
import logging
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from crontabber.base import BaseCronApp
from crontabber.config.commandline import CommandLine
from crontabber.config.logs import LoggingSettings
from crontabber.config.settings import Settings
from crontabber.connection_factory import ConnectionFactory, PooledConnectionFactory
from crontabber.errors import ConfigError

from configman import Namespace

Load = Callable[..., Settings]
JOB = {"crontabber.jobs": "m.A|5m"}
POOLED = "crontabber.connection_factory.PooledConnectionFactory"


class App(BaseCronApp):
    app_name = "app"


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Settings from the text of a crontabber.ini, the environment, and arguments."""
    monkeypatch.chdir(tmp_path)

    def load(
        ini: str = "", *arguments: str, env: Mapping[str, str] | None = None, name: str = "c.ini"
    ) -> Settings:
        Path(name).write_text(ini)
        line = CommandLine.parse([f"--admin.conf={name}", *arguments])
        return Settings.load(line, env or {})

    return load


def test_defaults(load: Load) -> None:
    settings = load()
    assert settings.jobs.lines == ()
    assert settings.jobs.faults == ()
    assert settings.error_retry == timedelta(seconds=300)
    assert settings.max_ongoing_age == timedelta(hours=12)
    assert settings.late == timedelta(hours=1)
    assert (settings.nagios.timeout, settings.nagios.separators) == (8, "nagios")
    assert settings.nagios.role == ""
    assert settings.timezone is None
    assert settings.sentry_dsn == ""
    assert settings.logging == LoggingSettings(
        stderr_level=logging.WARNING,
        stderr_format="{asctime} {levelname} - {message}",
        syslog_host="",
        syslog_port=514,
        syslog_facility="user",
        syslog_level=logging.ERROR,
        syslog_format="crontabber (pid {process}): {levelname} - {message}",
    )
    assert settings.database_class is ConnectionFactory
    assert settings.database_config.host == ""
    assert settings.judge({}) == ((), ())
    assert not settings.wants_admin
    assert not settings.needs_all_classes


def test_no_file_is_read_unless_one_is_named(load: Load) -> None:
    load("[crontabber]\nerror_retry_time=1", name="crontabber.ini")
    assert Settings.load(CommandLine.parse([]), {}).error_retry == timedelta(seconds=300)


def test_values_of_a_file(load: Load) -> None:
    settings = load("""
        [resource]
        [[postgresql]]
        dbname=crontabber
        user=myusername
        password="with, comma"
        [crontabber]
        jobs='''
        jobs.myapp.MyFirstApp|5m
        # jobs.myapp.Old|1h, jobs.myapp.Older|1h
        jobs.myapp.MySecondApp|1d|03:00
        '''
        error_retry_time=60.5
        max_ongoing_age_hours=1
        timezone=America/New_York
        late=1h30m
        nagios_timeout=25
        nagios_separators=manual
        nagios_role=ticker
        [logging]
        stderr_error_logging_level=debug
        syslog_host=localhost
        syslog_port=5140
        syslog_facility_string=local3
        syslog_error_logging_level=50
        [sentry]
        dsn=https://a:b@sentry.example.com/1
    """)
    assert str(settings.jobs) == "jobs.myapp.MyFirstApp|5m\njobs.myapp.MySecondApp|1d|03:00"
    assert settings.error_retry == timedelta(seconds=60.5)
    assert settings.max_ongoing_age == timedelta(hours=1)
    assert settings.timezone == ZoneInfo("America/New_York")
    assert settings.late == timedelta(minutes=90)
    assert (settings.nagios.timeout, settings.nagios.separators) == (25, "manual")
    assert settings.nagios.role == "ticker"
    assert settings.logging.stderr_level == logging.DEBUG
    assert settings.logging.syslog_level == logging.CRITICAL
    assert settings.logging.syslog_facility == "local3"
    assert settings.logging.syslog_port == 5140
    assert settings.sentry_dsn == "https://a:b@sentry.example.com/1"
    assert settings.database_config.password == "with, comma"
    assert settings.database_class(settings.database_config).parameters()["dbname"] == "crontabber"


@pytest.mark.parametrize(
    "jobs",
    [
        "'''\nm.A|5m\nm.B|1d|03:00\n'''",
        "m.A|5m, m.B|1d|03:00",
        "m.A|5m,m.B|1d|03:00,",
        "'m.A|5m;m.B|1d|03:00'",
        "m.A|5m ; m.B|1d|03:00  # both",
    ],
)
def test_jobs_however_they_are_separated(load: Load, jobs: str) -> None:
    assert str(load(f"[crontabber]\njobs={jobs}").jobs) == "m.A|5m\nm.B|1d|03:00"


def test_a_bad_job_line_is_kept_as_a_fault(load: Load) -> None:
    jobs = load("[crontabber]\njobs=m.A|5m, m.B|2r").jobs
    assert [str(line) for line in jobs.lines] == ["m.A|5m"]
    assert "m.B|2r" in str(jobs.faults[0])


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("late=soon", "'soon' is not a length of time such as 90s, 30m, 2h or 1h30m"),
        ("late=", "is not a length of time such as"),
        ("nagios_timeout=0", "it has to be more than 0"),
        ("nagios_timeout=nan", "it is not a length of time up to a century"),
        ("nagios_separators=manuel", "it is not nagios or manual: did you mean manual?"),
    ],
)
def test_what_nagios_cannot_be_told(load: Load, option: str, message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)) as caught:
        load(f"[crontabber]\n{option}\n")
    assert option.partition("=")[0] in str(caught.value)


def test_the_last_source_wins(load: Load) -> None:
    name = "crontabber.error_retry_time"
    ini = "[crontabber]\nerror_retry_time=1"
    assert load(ini).error_retry.seconds == 1
    assert load(ini, env={name: "2"}).error_retry.seconds == 2
    assert load(ini, f"--{name}=3", env={name: "2"}).error_retry.seconds == 3


def test_the_environment_may_name_the_file(load: Load) -> None:
    load("[crontabber]\nerror_retry_time=1")
    settings = Settings.load(CommandLine.parse([]), {"admin.conf": "c.ini"})
    assert settings.error_retry.seconds == 1


def test_bare_environment_variables_are_not_ours(load: Load) -> None:
    """trap: ``version=1``, ``port=1``, ``job=nightly``, ``time=00:00`` changed the run."""
    bare = {
        "version": "1",
        "port": "1",
        "job": "nightly",
        "time": "00:00",
        "jobs": "m.A|1h",
        "nagios": "1",
        "host": "elsewhere",
        "dsn": "x",
        "error_retry_time": "7",
        "crontabber": "1",
        "crontabber__jobs": "m.A|1h",
        "always_ignore_mismatches": "",
        "logging.level.root": "DEBUG",
        "other.crontabber.jobs": "m.A|1h",
        "": "",
        ".": "",
    }
    settings = load(env=bare)
    assert list(settings.describe()) == list(load().describe())
    assert settings.command == load().command
    assert settings.judge({}) == ((), ())


def test_a_class_for_everybody_and_one_for_the_command(load: Load) -> None:
    everybody = load(f"[resource]\n[[postgresql]]\ndatabase_class={POOLED}")
    assert everybody.database_class is PooledConnectionFactory
    command = load(f"[crontabber]\ndatabase_class={POOLED}\nhost=db1")
    assert command.database_class is PooledConnectionFactory
    assert command.database_config.host == "db1"


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("crontabber.error_retry_time", "abc", "it is not a number"),
        ("crontabber.error_retry_time", "-1", "it is not a length of time up to a century"),
        ("crontabber.error_retry_time", "nan", "it is not a length of time up to a century"),
        ("crontabber.error_retry_time", "1e300", "it is not a length of time up to a century"),
        ("crontabber.max_ongoing_age_hours", "inf", "it is not a length of time up to a century"),
        ("crontabber.max_ongoing_age_hours", "1:00", "it is not a number"),
        ("crontabber.timezone", "Europe/Berln", "it is not a time zone such as Europe/Berlin: did"),
        ("crontabber.timezone", "../etc/passwd", "it is not a time zone such as Europe/Berlin"),
        ("crontabber.timezone", "Europe", "it is not a time zone such as Europe/Berlin"),
        ("crontabber.database_class", "nope", "'nope' is not a class path such as"),
        ("crontabber.database_class", "crontabber.nope.X", "there is no module crontabber.nope"),
        ("logging.stderr_error_logging_level", "ERRO", "it is neither a number nor a name such as"),
        ("logging.syslog_error_logging_level", "", "it is neither a number nor a name such as"),
        ("logging.stderr_line_format_string", "{nope}", "it is not a format of log lines"),
        ("logging.stderr_line_format_string", "{message", "it is not a format of log lines"),
        ("logging.syslog_line_format_string", "plain", "it is not a format of log lines"),
        ("crontabber.engine", "cron", "there is no such engine; known: procrastinate; empty: the"),
        ("logging.syslog_port", "abc", "it is not a port"),
        ("logging.syslog_port", "65536", "it is not a port"),
        ("logging.syslog_port", "9" * 5000, "it is not a port"),
        ("logging.syslog_facility_string", "usr", "it is not a facility of syslog: did you mean"),
        ("admin.strict", "perhaps", "it is neither yes nor no"),
    ],
)
def test_values_that_cannot_be_used(load: Load, name: str, text: str, reason: str) -> None:
    section, _, option = name.partition(".")
    for origin, settings in {
        "c.ini, line 2": lambda: load(f"[{section}]\n{option}={text}"),
        "the environment": lambda: load(env={name: text}),
        "the command line": lambda: load("", f"--{name}={text}"),
    }.items():
        with pytest.raises(ConfigError) as caught:
            settings()
        start = f"option {name} {text[:100]!r} (from {origin}) cannot be used: {reason}"
        assert str(caught.value).startswith(start)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("section", "line"),
    [
        ("logging", "stderr_line_format_string={asctime}, {message}"),
        ("crontabber", "timezone=Europe/Berlin,"),
        ("sentry", "dsn=hunter2, hunter3"),
    ],
)
def test_a_text_with_a_comma_has_to_be_quoted(load: Load, section: str, line: str) -> None:
    with pytest.raises(ConfigError, match=r"c\.ini") as caught:
        load(f"[{section}]\n{line}")
    assert "hunter" not in str(caught.value)
    assert ("quote it, because it has a comma" in str(caught.value)) or section == "crontabber"


@pytest.mark.parametrize(
    ("ini", "line"),
    [
        (
            "[crontabber]\nerror_rety_time=5",
            (
                "unknown option crontabber.error_rety_time (from c.ini, line 2): did you mean "
                "crontabber.error_retry_time?"
            ),
        ),
        (
            "dbname=crontabber",
            "unknown option dbname (from c.ini, line 1): did you mean resource.postgresql.dbname?",
        ),
        ("nagios=True", "unknown option nagios (from c.ini, line 1)"),
        (
            "[crontabber]\n[[jobs]]\nx=1",
            "unknown section [crontabber] [[jobs]] (from c.ini, line 2)",
        ),
        ("[logging]\nlevel=5", "unknown option logging.level (from c.ini, line 2)"),
        (
            "[crontaber]\nx=1\ny=2",
            "unknown section [crontaber] (from c.ini, line 1): did you mean [crontabber]?",
        ),
        (
            "\n[postgresql]\nhost=db",
            (
                "unknown section [postgresql] (from c.ini, line 2): did you mean [resource] "
                "[[postgresql]]?"
            ),
        ),
        (
            "[crontabber]\n[[postgresql]]\nhost=db",
            (
                "unknown section [crontabber] [[postgresql]] (from c.ini, line 2): did you mean "
                "[resource] [[postgresql]]?"
            ),
        ),
        (
            "[secrets]\n[[postgresql]]\ndbname=db",
            (
                "unknown section [secrets] [[postgresql]] (from c.ini, line 2): did you mean "
                "[resource] [[postgresql]]?"
            ),
        ),
        (
            "[resource]\n[[postgres]]\nhost=db",
            (
                "unknown section [resource] [[postgres]] (from c.ini, line 2): did you mean "
                "[resource] [[postgresql]]?"
            ),
        ),
        (
            "[resources]\n[[postgresql]]\nhost=db",
            "unknown section [resources] (from c.ini, line 1): did you mean [resource]?",
        ),
        (
            "[class-A]\nx=1",
            "unknown section [class-A] (from c.ini, line 1): did you mean [crontabber] [[class-A]]",
        ),
        (
            "[resource]\n[[class-A]]\nx=1",
            (
                "unknown section [resource] [[class-A]] (from c.ini, line 2): did you mean "
                "[crontabber] [[class-A]]?"
            ),
        ),
        (
            "[crontabber]\n[[logging]]\nsyslog_host=x",
            (
                "unknown section [crontabber] [[logging]] (from c.ini, line 2): did you mean "
                "[logging]?"
            ),
        ),
        (
            "[syslog]\nsyslog_host=x",
            "unknown section [syslog] (from c.ini, line 1): did you mean [logging]?",
        ),
        (
            "[resource]\n[[postgresql]]\nsslmod=verify-full",
            (
                "unknown option resource.postgresql.sslmod (from c.ini, line 3): did you mean "
                "resource.postgresql.sslmode?"
            ),
        ),
        ("[resource]\n[[postgresql]]\nverify=yes", "unknown option resource.postgresql.verify ("),
        ("[resource]\n[[logging]]\nlevel=5", "unknown option resource.logging.level (from c.ini, "),
        ("[secrets]\n[[sentry]]\ndns=5", "unknown option secrets.sentry.dns (from c.ini, line 3)"),
    ],
)
def test_unknown_names_of_a_file_where_one_of_ours_must_be_meant(
    load: Load, ini: str, line: str
) -> None:
    """trap: a misspelled section: exit 0 and silence for ever; ``sslmode`` ignored"""
    settings = load(ini, env=JOB)
    assert settings.needs_all_classes
    with pytest.raises(ConfigError) as caught:
        settings.check({"m.A": App})
    assert str(caught.value).startswith(line)
    faults, warnings = load(ini, "--configtest", env=JOB).judge({"m.A": App})
    assert [str(fault) for fault in faults] == [str(caught.value)]
    assert warnings == ()


def test_every_unknown_name_is_told_of(load: Load) -> None:
    ini = "[crontabber]\nx=1\n[loging]\na=1\nb=2\n[sentry]\ny=1"
    with pytest.raises(ConfigError) as caught:
        load(ini, env=JOB).check({"m.A": App})
    lines = [str(fault) for fault in caught.value.faults]
    assert [line.partition(" (")[0] for line in lines] == [
        "unknown option crontabber.x",
        "unknown section [loging]",
        "unknown option sentry.y",
    ]


@pytest.mark.parametrize(
    "name", ["crontabber.class-A.x", "resource.postgresql.backoff_delays", "secrets.boto.key"]
)
def test_names_that_only_apps_know_are_not_judged_without_them(load: Load, name: str) -> None:
    ini = f"{name}=1\n[crontabber]\njobs=m.A|5m"
    assert not load(ini).needs_all_classes
    assert not load(env={name: "1"}).needs_all_classes
    assert load(ini, "--admin.strict").needs_all_classes
    assert load(ini, f"--{name}=2").needs_all_classes


@pytest.mark.parametrize(
    "ini",
    [
        "[secrets]\n[[boto]]\nkey=1",
        "[resource]\n[[redis]]\nhost=1",
        "[resource]\n[[postgresql_replica]]\nhost=1",
        "[warehouse]\nhost=1\n[[database]]\ndbname=x",
        "[crontabber]\n[[class-A]]\nnope=1",
        "[crontabber]\n[[class-Other]]\nnope=1",
        "[sentinel]\ndsn=1",
    ],
)
def test_sections_that_may_be_those_of_apps_cost_an_idle_tick_no_imports(
    load: Load, ini: str
) -> None:
    assert not load(ini, env=JOB).needs_all_classes


def test_a_section_that_no_app_has_anything_to_do_with_is_a_fault_for_configtest(
    load: Load,
) -> None:
    ini = "[warehouse]\nhost=1\n[crontabber]\n[[class-A]]\nnope=1"
    faults, warnings = load(ini, env=JOB).judge({"m.A": App})
    assert [str(fault) for fault in faults] == ["unknown section [warehouse] (from c.ini, line 1)"]
    assert warnings == ("unknown option crontabber.class-A.nope (from c.ini, line 5)",)

    class Warehouse(App):
        required_config = Namespace()
        required_config.add_option("host", default="", reference_value_from="warehouse")
        required_config.add_option("nope", default="")

    assert load(ini, env=JOB).judge({"m.A": Warehouse}) == ((), ())


@pytest.mark.parametrize("section", ["resource.postgresql", "crontabber", "resource.postgres"])
def test_an_app_may_have_options_in_sections_of_ours(load: Load, section: str) -> None:
    class Schema(App):
        required_config = Namespace()
        required_config.add_option("schema", default="", reference_value_from=section)

    ini = f"{section}.schema=x"
    assert load(ini, env=JOB).check({"m.A": Schema}) == ()
    with pytest.raises(ConfigError, match="unknown"):
        load(ini, env=JOB).check({"m.A": App})


def test_a_class_that_cannot_be_asked_has_the_benefit_of_the_doubt(load: Load) -> None:
    """trap: one bad import stopped every job"""
    assert load("resource.postgresql.schema=x", env=JOB).check({}) != ()
    for mistake in ("resource.postgresql.sslmod=x", "logging.schema=x", "postgresql.host=x"):
        with pytest.raises(ConfigError, match="unknown"):
            load(mistake, env=JOB).check({})


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        (
            "--crontabber.error_retry_tme=5",
            "unknown option crontabber.error_retry_tme (from the command line): did you mean cront",
        ),
        (
            "--resource.postgresql.sslmod=require",
            (
                "unknown option resource.postgresql.sslmod (from the command line): did you mean "
                "resource.postgresql.sslmode?"
            ),
        ),
        (
            "--crontabber.class-Ab.x=5",
            "unknown option --crontabber.class-Ab.x: no job is of a class Ab: did you mean Abc?",
        ),
    ],
)
def test_unknown_options_of_the_command_line(load: Load, argument: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load("[crontabber]\njobs=m.Abc|5m", argument).check({})
    assert str(caught.value).startswith(message)


def test_unknown_names_in_the_environment_that_are_surely_ours(load: Load) -> None:
    env = {"crontabber.jbs": "m.A|1h", "logging.jbs": "1", "resource.postgresql.sslmod": "x"}
    with pytest.raises(ConfigError) as caught:
        load(env={**JOB, **env}).check({"m.A": App})
    assert [str(fault) for fault in caught.value.faults] == [
        "unknown option crontabber.jbs (from the environment): did you mean crontabber.jobs?",
        (
            "unknown option resource.postgresql.sslmod (from the environment): did you mean "
            "resource.postgresql.sslmode?"
        ),
    ]


def test_secrets_are_shown_nowhere(load: Load) -> None:
    """trap: the Sentry DSN, secret included, went to stderr on every tick."""
    settings = load(
        "[resource]\n[[postgresql]]\npassword=hunter2\n[sentry]\ndsn=https://hunter2@s/1",
        env={"resource.postgresql.dsn": "postgresql://u:hunter2@h/d"},
    )
    lines = list(settings.describe())
    assert "resource.postgresql.password: **************** (from c.ini)" in lines
    assert "resource.postgresql.dsn: **************** (from the environment)" in lines
    assert "crontabber.error_retry_time: 300 (from its default)" in lines
    seen = [*lines, repr(settings), repr(settings._sources), str(vars(settings.logging.__class__))]
    for kind in ("ini", "json"):
        arguments = ("--admin.conf=c.ini", f"--admin.print_conf={kind}")
        seen.append(Settings.load(CommandLine.parse(arguments), {}).run_admin({}))
    seen.append(
        Settings.load(CommandLine.parse(["--admin.conf=c.ini", "--help=settings"]), {}).run_admin(
            {}
        )
    )
    assert not [text for text in seen if "hunter2" in text]


def test_the_fault_of_a_secret_does_not_tell_it(load: Load) -> None:
    with pytest.raises(ConfigError) as caught:
        load("[sentry]\ndsn=hunter2\n[crontabber]\npassword=hunter2, x")
    assert "crontabber.password" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_json_and_conf(load: Load) -> None:
    content = {
        "crontabber": {
            "error_retry_time": 5,
            "jobs": ["m.A|5m", "m.B|1h"],
            "timezone": {"name": "timezone", "default": "UTC"},
            "max_ongoing_age_hours": None,
        },
        "admin": {"strict": True},
    }
    settings = load(json.dumps(content), name="c.json")
    assert settings.error_retry.seconds == 5
    assert str(settings.jobs) == "m.A|5m\nm.B|1h"
    assert settings.timezone == ZoneInfo("UTC")
    assert settings.max_ongoing_age == timedelta(hours=12)
    settings = load("# c\ncrontabber.error_retry_time=5\ncrontabber.jobs=m.A|5m\n", name="c.conf")
    assert settings.error_retry.seconds == 5
    assert str(settings.jobs) == "m.A|5m"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("c.json", '{"a":\n x}', "c.json, line 2: Expecting value"),
        ("c.json", "[]", "c.json: it must be one object, in braces"),
        ("c.json", '{"a":' * 100_000, "c.json"),
        ("c.yaml", "", "cannot read c.yaml: the name of a configuration ends in .ini, .json or"),
        ("c", "", "cannot read c: the name of a configuration ends in .ini, .json or .conf"),
    ],
)
def test_files_that_cannot_be_read(load: Load, name: str, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(text, name=name)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_database_config_outlives_everything_else(load: Load) -> None:
    config = load("[resource]\n[[postgresql]]\nhost=db").database_config
    assert config.resource.postgresql.host == "db"  # reached by acquisition


def test_what_the_first_pass_imports() -> None:
    """Nothing that an idle tick can do without."""
    code = (
        "import sys; before = set(sys.modules);"
        "from crontabber.config.commandline import CommandLine;"
        "from crontabber.config.settings import Settings;"
        "Settings.load(CommandLine.parse([]), {});"
        "print(*set(sys.modules) - before)"
    )
    output = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], check=True, capture_output=True, text=True
    ).stdout
    forbidden = {"raven", "sentry_sdk", "logging.handlers", "difflib", "pkgutil", "pathlib"}
    ours = {f"crontabber.config.{name}" for name in ("apps", "dump", "iniwriter", "usage")}
    assert not (forbidden | ours) & set(output.split())
    for name in ours:  # or a renamed module would pass unnoticed
        assert importlib.util.find_spec(name), name


@pytest.mark.parametrize(
    ("argument", "shown"),
    [
        ("resource.postgresql.password=hunter2", True),
        ("resource.postgresql.password=", False),
        ("resource.postgresql.user=hunter2", False),
        ("resource.postgresql.dsn=host=x password=hunter2", True),
        ("resource.postgresql.dsn=postgresql://u:hunter2@x/y", True),
        ("resource.postgresql.dsn=postgresql://u@x/y", False),
        ("resource.postgresql.dsn=service=jobs", False),
        ("sentry.dsn=https://hunter2@x/1", True),
    ],
)
def test_a_secret_on_the_command_line_is_warned_of(load: Load, argument: str, shown: bool) -> None:
    """trap: a password that all users of the host could read, and no word of it"""
    name, _, text = argument.partition("=")
    warnings = load("", f"--{argument}").exposed()
    assert len(warnings) == shown
    for warning in warnings:
        assert warning.startswith(f"--{name} is a secret that all users of this host see in ps: ")
        assert "hunter2" not in warning
        assert "\n" not in warning
    assert load(env={name: text}).exposed() == ()
