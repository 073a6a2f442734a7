"""The settings of the command: the first pass over the configuration, and the way to the second.

`Settings.load` resolves what an idle tick needs and imports no app. It resolves the options of
app classes when they are asked for, from the same sources.
"""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError, ConfigErrors
from ..schedule.grammar import JobList
from . import names, pythonpath
from .commandline import CommandLine
from .converters import zone_of
from .judgement import Judge, Judgement
from .logs import LoggingSettings
from .nagios import NagiosSettings
from .resolve import resolve_usable
from .sections import JobSections
from .show import exposed, is_secret
from .sources import COMMAND_LINE, CONF, Sources
from .telling import TellSettings
from .web import WebSettings

if TYPE_CHECKING:
    from ..secrecy.redactor import Redactor
    from .apps import AppConfigs

_HOW_TO_NAME_ONE = (
    f"write --admin.conf=crontabber.ini, or set {CONF}=crontabber.ini in the environment"
)

_DATABASE_CLASSES = ("crontabber.database_class", "resource.postgresql.database_class")
_OURS = "crontabber."
"""How the class paths of our own modules begin."""

DEBUG = 10
"""The level with that name; importing logging would cost an idle tick time."""

Classes = Mapping[str, type]
"""App classes by class path."""


class Settings:
    """The configuration of one start of the command, which never changes.

    Raises ConfigError if an option cannot be used; for ``--configtest`` the option then has its
    default, and `judge` reports it.
    """

    again: "Callable[[], Settings]"
    """Reads the configuration again, from the same place."""

    def __init__(self, line: CommandLine, sources: Sources) -> None:
        self._base, self._sources, faults = resolve_usable(sources, {})
        self._faults = [*sources.faults, *faults]
        """What is wrong with the texts of options."""
        values = self._base.values()
        own = values.crontabber
        own.__dict__["_root"] = values  # to which it has only a weak reference

        self.command = line.command
        self.jobs = JobList.parse(own.jobs)
        self.error_retry = timedelta(seconds=own.error_retry_time)
        # when a run that an older crontabber left ongoing counts as dead
        self.max_ongoing_age = timedelta(hours=own.max_ongoing_age_hours)
        self.patience: float = own.patience  # seconds that a result waits to be recorded
        self.tables_owner: str = own.tables_owner  # who is trusted besides the usual ones
        self.late: timedelta = own.late  # how late a job may be before that is reported
        self.nagios = NagiosSettings.of(own)
        self.engine: str = own.engine  # empty: the tick itself
        self.middleware: tuple[str, ...] = tuple(filter(None, own.middleware.split(", ")))
        """The dotted names of the functions that wrap every run, the first outermost."""
        self.timezone = zone_of(own.timezone)
        """The zone of the schedules; None: that of the PostgreSQL server."""
        self.logging = LoggingSettings.of(values.logging)
        self.sentry_dsn: str = values.sentry.dsn  # empty: nothing is sent
        self.tell = TellSettings.of(values)
        self.web = WebSettings.of(values.web, sources.directory)
        self.database_class: type[Any] = own.database_class
        self.database_config: Any = own
        """The arguments of a ``database_class``."""
        self._faults += self._judge.strays()
        if self._faults and not self.command.configtest:
            raise _one(self._faults)

    @classmethod
    def load(cls, line: CommandLine, environ: Mapping[str, str]) -> "Settings":
        """Read file, environment and command line.

        Raises a ConfigError of one line. Job lines that cannot be used are in ``jobs.faults``.
        """
        sources = Sources.collect(line, environ)
        if any(not sources.texts.get(name, _OURS).startswith(_OURS) for name in _DATABASE_CLASSES):
            pythonpath.extend(sources)
        try:
            settings = cls(line, sources)
            settings.again = functools.partial(cls.load, line, environ)
            return settings
        except ConfigError as error:
            from ..secrecy.redactor import Redactor
            from .secrets import secret_texts

            error.args = (Redactor(frozenset(secret_texts(sources.texts)))(str(error)),)
            raise

    @functools.cached_property
    def sections(self) -> JobSections:
        """What the sections of jobs say."""
        return JobSections(self._sources, self.jobs.lines)

    @property
    def path(self) -> str:
        """The file that was read; empty if none was."""
        return self._sources.path

    def find_modules(self) -> str:
        """Make Python find the modules of jobs; return why it leaves out the file's directory."""
        return self._not_searched

    @functools.cached_property
    def _not_searched(self) -> str:
        """What `find_modules` returns; computed once, as all jobs of a tick ask for it."""
        return pythonpath.extend(self._sources)

    @functools.cached_property
    def _with_aliases(self) -> Sources:
        """The sources, with the options of the jobs that sections make."""
        aliases = self.sections.aliases()
        return self._sources.aliased(aliases) if aliases else self._sources

    @functools.cached_property
    def redactor(self) -> "Redactor":
        """Takes those secrets out of texts that are known without app classes."""
        from ..secrecy.redactor import Redactor
        from .secrets import secret_texts, secrets_of

        found = set(secret_texts(self._sources.texts))
        for name, option in self._base.options.items():
            if is_secret(name, option):
                found.update(secrets_of(name, option, self._sources.texts))
        known = frozenset(line.class_path for line in self.jobs.lines)
        return Redactor(frozenset(found - {""}), known)

    @property
    def needs_all_classes(self) -> bool:
        """Whether to `check`: only app classes know if a name that was set is an option.

        Also if ``admin.strict`` is set.
        """
        judge = self._judge
        return self._strict or any(map(judge.is_serious, judge.unknown(self._base.names)))

    def require_file(self) -> None:
        """Raise a ConfigError if there is no file, and nothing is set."""
        if self._sources.is_empty:
            raise ConfigError(f"no configuration is named: {_HOW_TO_NAME_ONE}")

    def require_jobs(self) -> None:
        """Raise a ConfigError if no jobs are listed: usually a name is mistyped."""
        self.require_file()
        if self.jobs.lines or self.jobs.faults:
            return
        if found := self._judge.unknown(self._base.names):
            raise _one([ConfigError(each.line) for each in found])
        if self._sources.path:
            raise ConfigError(
                f"there are no jobs in {self._sources.path}: list them there, as the option jobs "
                "in the section [crontabber]"
            )
        raise ConfigError(f"no jobs are given, and no configuration is named: {_HOW_TO_NAME_ONE}")

    @property
    def wants_admin(self) -> bool:
        """Whether to `run_admin`: for help, a dump or a print."""
        return bool(self.command.help or self._admin("dump_conf") or self._admin("print_conf"))

    def app_configs(self, classes: Classes) -> "AppConfigs":
        """Resolve the options of app classes: their configs, and why some have none."""
        from .apps import app_configs

        return app_configs(self._with_aliases, classes, self.jobs.lines)

    def check(self, classes: Classes) -> tuple[str, ...]:
        """A line for each oddity in the names, given the classes of *all* jobs.

        Raises a ConfigError if one stands in a section of ours, or on the command line, or if
        ``admin.strict`` is set.
        """
        judge = self._judge
        found = judge.unknown(self._names(classes))
        if serious := [each for each in found if judge.is_serious(each, classes)]:
            raise _one([ConfigError(each.line) for each in serious])
        return tuple(each.line for each in found)

    def check_sections(self, classes: Classes) -> None:
        """Raise a ConfigError if a section belongs to no job, given the classes of *all* jobs."""
        if found := [*self._judge.strangers(classes)]:
            raise _one(found)

    def judge(self, classes: Classes) -> Judgement:
        """All that is wrong with the names and texts, given the classes of *all* jobs."""
        faults, warnings = self._judge.judge(self._names(classes), classes)
        more = pythonpath.faults(self._sources)
        return Judgement(
            (*self._faults, *more, *faults), (*warnings, *pythonpath.warnings(self._sources))
        )

    def exposed(self, classes: Classes | None = None) -> tuple[str, ...]:
        """A line for each secret on the command line, those that *classes* declare included."""
        typed = [n for n, origin in self._sources.origins.items() if origin == COMMAND_LINE]
        options = self._options({})
        with suppress(ConfigError):  # reported when the options are resolved
            options = self._options(classes if classes and typed else {})
        return tuple(exposed(typed, options, self._sources.texts))

    def where(self, *candidates: str) -> str:
        """For people: where the first of these options that is set was set; or nothing."""
        name = next((name for name in candidates if name in self._sources.texts), None)
        return (name and f"{name} (from {self._sources.where(name)})") or ""

    def where_in_jobs(self, line: str) -> str:
        """For people: where a line of the jobs list is."""
        return self._sources.where_in_jobs(line)

    def run_admin(self, classes: Classes) -> str:
        """Print or dump, as in `wants_admin`, with the options of *classes*.

        Returns the text to print, and writes the file to write. Raises ConfigError.
        """
        options = {**self.sections.options(), **self._options(classes)}
        judge = self._judge
        found = judge.unknown(self._names(classes))
        if wrong := [each for each in found if self._strict or judge.is_typed(each)]:
            raise _one([ConfigError(each.line) for each in wrong])
        texts = self._sources.texts
        if path := self._admin("dump_conf"):
            from .dump import write

            write(path, options, texts)
        if self.command.help:
            from .usage import to_topic

            return to_topic(str(self.command.help), options, texts, classes)
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
        """Every option; without *classes*, --help saves a manager, which costs 9 ms."""
        if not classes:
            return self._base.options
        from .apps import all_options

        return all_options(self._with_aliases, classes)

    def _names(self, classes: Classes) -> names.Known:
        """What can be set, as far as the command and *classes* know."""
        if not classes:
            return self._base.names
        from .apps import all_names

        return {**all_names(self._with_aliases, classes), **self._base.names}

    @property
    def _judge(self) -> Judge:
        return Judge(self._sources, self.sections, self.jobs, self.command, self._strict)

    @property
    def _strict(self) -> bool:
        return bool(self._base.options["admin.strict"].value)

    def _admin(self, name: str) -> str:
        return str(self._base.options[f"admin.{name}"].value)


def _one(faults: Sequence[ConfigError]) -> ConfigError:
    return faults[0] if len(faults) == 1 else ConfigErrors(faults)
