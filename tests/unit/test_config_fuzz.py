"""Any text in any place gives a configuration or a clear error, nothing else."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from crontabber.base import BaseCronApp
from crontabber.config.commandline import CommandLine
from crontabber.config.loader import load_class
from crontabber.config.settings import Settings
from crontabber.errors import ConfigError, JobLineError
from crontabber.schedule.grammar import JobList

from configman import Namespace


class MyApp(BaseCronApp):
    app_name = "my-app"
    required_config = Namespace()
    required_config.add_option("text", default="x", doc="d")
    required_config.add_option("number", default=1, doc="d")
    required_config.add_option("names", default=["a"], doc="d")


CLASSES = {"m.MyApp": MyApp}
NAMES = [
    "crontabber.jobs",
    "crontabber.error_retry_time",
    "crontabber.max_ongoing_age_hours",
    "crontabber.timezone",
    "crontabber.database_class",
    "crontabber.class-MyApp",
    "crontabber.class-MyApp.text",
    "crontabber.class-MyApp.number",
    "crontabber.class-MyApp.names",
    "resource.postgresql.password",
    "resource.postgresql.host",
    "logging.stderr_error_logging_level",
    "logging.syslog_line_format_string",
    "logging.syslog_port",
    "sentry.dsn",
    "admin.strict",
    "admin",
]
PIECES = [
    "[crontabber]",
    "[[class-MyApp]]",
    "[resource]",
    "[[postgresql]]",
    "[[[database]]]",
    "[logging]",
    *(f"{name.rpartition('.')[2]}=" for name in NAMES),
    "'''",
    '"""',
    "'",
    '"',
    ",",
    "#",
    "%(jobs)s",
    "%(text)s",
    "+include ",
    "#+include ",
    "m.MyApp|1d|03:00",
    "\n",
    "=",
]

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
documents = st.one_of(
    texts,
    st.lists(st.one_of(st.sampled_from(PIECES), texts), max_size=15).map("".join),
    st.lists(st.one_of(st.sampled_from(PIECES), texts), max_size=15).map("\n".join),
)
named = st.dictionaries(st.one_of(st.sampled_from(NAMES), texts), texts, max_size=6)


def assert_one_line(error: object) -> None:
    assert str(error)
    assert "\n" not in str(error)


def use(arguments: Sequence[str], environ: Mapping[str, str]) -> None:
    """Go through everything that can be done with a configuration, bar writing it."""
    try:
        loaded = Settings.load(CommandLine.parse(arguments), environ)
        assert JobList.parse(str(loaded.jobs)).lines == loaded.jobs.lines
        for line in (*loaded.describe(), *loaded.judge({}).warnings):
            assert_one_line(line)
        for fault in loaded.app_configs(CLASSES).faults.values():
            assert_one_line(fault)
        loaded.check(CLASSES)
    except ConfigError as error:
        assert_one_line(error)


@settings(deadline=None)
@given(kind=st.sampled_from(["ini", "json", "conf"]), text=documents)
@example(kind="ini", text="+include .")
@example(kind="ini", text="x=%(x)s")
@example(kind="json", text='{"": {"default": {"name": 1, "default": {}}}}')
@example(kind="conf", text=" \n=\nx")
def test_any_file(kind: str, text: str) -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / f"c.{kind}"
        path.write_text(text)
        use([f"--admin.conf={path}"], {})


@settings(deadline=None)
@given(documents)
def test_any_jobs_text(text: str) -> None:
    loaded = Settings.load(CommandLine.parse(["--crontabber.jobs", text]), {})
    assert loaded.jobs.lines == JobList.parse(text).lines


@settings(deadline=None)
@given(
    arguments=st.lists(
        st.one_of(
            texts,
            st.sampled_from(NAMES).map("--{}".format),
            st.tuples(st.sampled_from(NAMES), texts).map("--{0[0]}={0[1]}".format),
        ),
        max_size=5,
    ),
    environ=named,
)
def test_any_command_line_and_environment(arguments: list[str], environ: dict[str, str]) -> None:
    environ.pop("admin.conf", None)
    use([word for word in arguments if "admin.conf" not in word], environ)


@settings(deadline=None)  # an import takes its time on a busy machine
@given(
    st.lists(st.one_of(texts, st.sampled_from(["crontabber", "base", "config", "sys"])), max_size=4)
)
def test_any_class_path(parts: list[str]) -> None:
    try:
        assert isinstance(load_class(".".join(parts)), type)
    except JobLineError as error:
        assert_one_line(error)


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(
            [
                "crontabber.jobs",
                "crontabber.class-MyApp.text",
                "crontabber.class-MyApp.names",
                "resource.postgresql.host",
                "resource.postgresql.password",
            ]
        ),
        documents,
    )
)
def test_what_is_dumped_can_be_loaded(environ: dict[str, str]) -> None:
    def dump(conf: list[str], environ: Mapping[str, str]) -> str:
        arguments = [*conf, "--admin.print_conf=ini"]
        return Settings.load(CommandLine.parse(arguments), environ).run_admin(CLASSES)

    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "c.ini"
        first = dump([], environ)
        path.write_text(first, newline="")
        second = dump([f"--admin.conf={path}"], {})
        assert second == first or "no ini file can hold this value" in first
        path.write_text(second, newline="")
        assert dump([f"--admin.conf={path}"], {}) == second
