"""What the command works with: the first pass over the configuration, and doors to the second.

`Settings.load` resolves what an idle tick needs and imports no app. The options of
app classes are resolved for the classes that one asks for, from the same sources.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import ConfigError
from ..schedule.grammar import JobList
from . import names
from .commandline import CommandLine
from .messages import did_you_mean
from .resolve import Resolver
from .sources import COMMAND_LINE, Sources

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from .apps import AppConfigs

DEBUG = 10
"""The level of that name; to import logging would be a part of what an idle tick costs."""

Classes = Mapping[str, type]
"""App classes by class path."""


class LoggingSettings(NamedTuple):
    """Where log records go. Levels are those of the logging module, formats in braces."""

    stderr_level: int
    stderr_format: str
    syslog_host: str
    """Empty: no syslog."""
    syslog_port: int
    syslog_facility: str
    syslog_level: int
    syslog_format: str

    @property
    def lowest_level(self) -> int:
        """The lowest level that anybody hears."""
        if self.syslog_host:
            return min(self.stderr_level, self.syslog_level)
        return self.stderr_level


class Settings:
    """The configuration of one start of the command. Nobody changes it."""

    def __init__(self, line: CommandLine, sources: Sources) -> None:
        self._sources = sources
        self._base = Resolver(sources, {})
        values = self._base.values()
        own = values.crontabber
        own.__dict__["_root"] = values  # which it knows by a weak reference only

        self.command = line.command
        self.jobs = JobList.parse(own.jobs)
        self.error_retry = timedelta(seconds=own.error_retry_time)
        """How long a failed job waits before it is tried again."""
        self.max_ongoing_age = timedelta(hours=own.max_ongoing_age_hours)
        """When a run that an older crontabber left ongoing counts as dead."""
        self.engine: str = own.engine
        """Who runs the due jobs; empty: the tick itself."""
        self.middleware: tuple[str, ...] = tuple(filter(None, own.middleware.split(", ")))
        """The dotted names of the functions that wrap every run, the first outermost."""
        self.timezone = _zone(own.timezone)
        """The zone of the schedules; None: that of the PostgreSQL server."""
        self.logging = _logging_settings(values.logging)
        self.sentry_dsn: str = values.sentry.dsn
        """Empty: nothing is sent."""
        self.database_class: type[Any] = own.database_class
        self.database_config: Any = own
        """What to make a ``database_class`` with."""
        self.warnings = self._judge_base()
        """A line for each unknown option that can be judged without app classes."""

    @classmethod
    def load(cls, line: CommandLine, environ: Mapping[str, str]) -> "Settings":
        """Read file, environment and command line.

        Raises a ConfigError of one line that says what is wrong, and where. Job lines
        that cannot be used are no reason to: they are in ``jobs.faults``.
        """
        return cls(line, Sources.collect(line, environ))

    @property
    def needs_all_classes(self) -> bool:
        """Whether to `check`: only app classes can tell if the command line is right.

        So it is too when ``admin.strict`` is set.
        """
        unknown = names.unknown(self._sources, self._base.options)
        return self._strict or any(self._sources.origins[name] == COMMAND_LINE for name in unknown)

    @property
    def wants_admin(self) -> bool:
        """Whether `run_admin` is what is asked for: help, a dump or a print."""
        return bool(self.command.help or self._admin("dump_conf") or self._admin("print_conf"))

    def app_configs(self, classes: Classes) -> "AppConfigs":
        """Resolve the options of app classes: their configs, and why some have none."""
        from .apps import app_configs

        return app_configs(self._sources, classes)

    def check(self, classes: Classes) -> tuple[str, ...]:
        """A line for each unknown option, given the classes of *all* jobs.

        Raises a ConfigError if it is on the command line, or ``admin.strict`` is set.
        """
        return self._judge(self._options(classes))

    def run_admin(self, classes: Classes) -> str:
        """Do what `wants_admin` speaks of, with the options of *classes*.

        Returns the text to print, and writes the file to write. Raises ConfigError.
        """
        options = self._options(classes)
        self._judge(options)
        texts = self._sources.texts
        if path := self._admin("dump_conf"):
            from .dump import write

            write(path, options, texts)
        if self.command.help:
            from .usage import to_help

            return to_help(options, texts)
        kind = self._admin("print_conf")
        if not kind:
            return ""
        from .dump import to_text

        return to_text(kind, options, texts)

    def describe(self) -> Iterator[str]:
        """The resolved configuration, a line for each option, secrets masked."""
        from .usage import to_lines

        return to_lines(self._base.options, self._sources)

    def _options(self, classes: Classes) -> Mapping[str, Any]:
        """Every option there is; without *classes* a manager, 9 ms of --help, is saved."""
        if not classes:
            return self._base.options
        from .apps import all_options

        return all_options(self._sources, classes)

    def _judge(self, options: Mapping[str, Any]) -> tuple[str, ...]:
        unknown = names.unknown(self._sources, options)
        if not self._strict:
            unknown = names.without_foreign_sections(unknown, options)
        return tuple(names.judge(self._sources, unknown, options, strict=self._strict))

    def _judge_base(self) -> tuple[str, ...]:
        options = self._base.options
        unknown = [
            name for name in names.unknown(self._sources, options) if not names.is_open(name)
        ]
        self._check_sections()
        return tuple(names.judge(self._sources, unknown, options, strict=self._strict))

    def _check_sections(self) -> None:
        """Refuse a section on the command line that is of no job: it can have no effect."""
        classes = {job.class_name for job in self.jobs.lines}
        for name, origin in self._sources.origins.items():
            section = names.section_of(name)
            if origin == COMMAND_LINE and section and section not in classes:
                guess = did_you_mean(section, classes)
                raise ConfigError(f"unknown option --{name}: no job is of a class {section}{guess}")

    @property
    def _strict(self) -> bool:
        return bool(self._base.options["admin.strict"].value)

    def _admin(self, name: str) -> str:
        return str(self._base.options[f"admin.{name}"].value)


def _zone(name: str) -> "ZoneInfo | None":
    if not name:
        return None
    from zoneinfo import ZoneInfo

    return ZoneInfo(name)


def _logging_settings(values: Any) -> LoggingSettings:
    return LoggingSettings(
        stderr_level=values.stderr_error_logging_level,
        stderr_format=values.stderr_line_format_string,
        syslog_host=values.syslog_host,
        syslog_port=values.syslog_port,
        syslog_facility=values.syslog_facility_string,
        syslog_level=values.syslog_error_logging_level,
        syslog_format=values.syslog_line_format_string,
    )
