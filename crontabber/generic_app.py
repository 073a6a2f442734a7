"""What every application of the store needs: settings, the store, reporters."""

import functools
import gc
from collections.abc import Iterable, Iterator, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO, TypeVar
from zoneinfo import ZoneInfo

from . import __version__
from .config.settings import DEBUG, Settings
from .errors import ConfigError, CrontabberError, JobLineError
from .reporters import Reporter, Reporters
from .schedule.model import JobSpec, JobState
from .store import Snapshot, StateStore
from .store.postgres import PostgresStore
from .tick.jobs import JobCatalogue, Jobs, ScheduleDefaults

if TYPE_CHECKING:
    from .reporters.sentry import SentryReporter
    from .secrecy.redactor import Redactor
    from .tick.attempt import App, AppFactory
    from .tick.middleware import Middleware

Self = TypeVar("Self", bound="GenericApp")


class Answer(NamedTuple):
    """The text of an answer, and the exit status."""

    text: str
    code: int = 0


class GenericApp:
    """Settings, store and reporters; as a context manager it closes the database at the end.

    *terminal* is where to show what runs, if a person watches.
    """

    person: str = ""
    """The person who asks for changes; empty: the user of this process."""
    jobs_class: type[Jobs] = Jobs
    lives_on = False
    """Whether it runs several ticks, and learns of more jobs in each."""

    def __init__(
        self,
        settings: Settings,
        terminal: TextIO | None = None,
        store: StateStore | None = None,
    ) -> None:
        self.settings = settings
        self.database: Any = _database(settings)
        self.store = store or PostgresStore(self.database, settings.patience, settings.tables_owner)
        self.reporter = Reporters(self._reporters)
        self._terminal = terminal
        self._logs = False
        self._secrets: frozenset[str] = frozenset()
        """Further secrets, such as options of the apps that were prepared."""

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        stack: TracebackType | None,
    ) -> None:
        if isinstance(error, CrontabberError):  # which people will read
            error.args = (self.redact(str(error)),)
        self.store.close()
        self.database.close()

    @property
    def asker(self) -> str:
        """The person who asks for changes."""
        from .process.person import person

        return self.person or person()

    @property
    def verbose(self) -> bool:
        """Whether the log also shows jobs that are not due."""
        return self.settings.logging.lowest_level <= DEBUG

    @property
    def has_terminal(self) -> bool:
        """Whether a person watches what runs."""
        return self._terminal is not None

    def redact(self, text: str) -> str:
        """*text* without the passwords of the databases and jobs, and the DSN of Sentry."""
        return self.redactor()(text)

    def redactor(self) -> "Redactor":
        """Takes all secrets that are known by now out of texts."""
        from .secrecy.redactor import Redactor

        redactor: Redactor = self.settings.redactor | self.database.redactor()
        return redactor | Redactor(self._secrets)

    def hide(self, secrets: Iterable[str]) -> None:
        """Keep these secret too."""
        self._secrets |= frozenset(secrets)

    def origin(self, job: JobSpec) -> tuple[str, str]:
        """What a job comes from, for people: the word for it, and its name."""
        kind, what = self.settings.sections.runs(job.class_path)
        # a class path holds no secret, and looking for one in each of a thousand takes a second
        return f"{kind.title()}:", what if kind == "class" else self._redact_origin(what)

    @functools.cached_property
    def _redact_origin(self) -> "Redactor":
        """Made once: making it for each of a thousand jobs takes a second.

        The answer as a whole is masked again.
        """
        return self.redactor()

    def classes(self) -> dict[str, type]:
        """The classes of all jobs that can be imported, by class path."""
        self.catalogue.import_all()
        return self.catalogue.classes

    def look(self, *, migrate: bool = True) -> Snapshot:
        """Read the rows of all jobs that are configured; see `StateStore.look`."""
        paths = [line.class_path for line in self.settings.jobs.lines]
        return self.store.look(paths, migrate=migrate)

    def look_for_due(self) -> Snapshot:
        """Read the rows of the jobs that may be due."""
        zone = self.settings.timezone
        named = self.settings.sections.to_be_known
        return self.store.look_for_due(self.settings.jobs.lines, str(zone) if zone else "", named)

    @functools.cached_property
    def catalogue(self) -> JobCatalogue:
        """The jobs list of the settings, whose classes are imported when needed."""
        return JobCatalogue(self.settings.jobs, self._load)

    def jobs(self, snapshot: Snapshot) -> Jobs:
        """The jobs that are configured, by the zone and the rows of *snapshot*."""
        settings = self.settings
        defaults = ScheduleDefaults(settings.error_retry, settings.max_ongoing_age, settings.late)
        zone = self._zone(snapshot.zone)
        return self.jobs_class(self.catalogue, defaults, zone, snapshot.states)

    def prepare(
        self, classes: Mapping[str, type]
    ) -> tuple["AppFactory", Mapping[str, ConfigError]]:
        """How to make the apps of *classes*, by class path, and why some cannot be made."""
        from .config.secrets import secret_texts
        from .schedule.information import information_of

        resolved = self.settings.app_configs(classes)
        self.hide(resolved.secrets)

        def make(job: JobSpec, state: JobState) -> "App":
            config = resolved.configs[job.class_path]
            app: App = classes[job.class_path](config, information_of(state))
            if getattr(app, "is_command", False):
                self.hide(secret_texts(app.own_environment))  # type: ignore[attr-defined]
            return app

        if not gc.isenabled():  # the command disabled it: from here on, jobs use memory
            gc.freeze()  # classes and options stay, and need not be searched each time
            gc.enable()
        return make, resolved.faults

    def middleware(self) -> "tuple[list[Middleware], list[ConfigError]]":
        """The functions that wrap every run, and why some of them cannot be loaded."""
        from .tick.middleware import load

        self.settings.find_modules()
        return load(self.settings.middleware)

    def sentry(self) -> "SentryReporter":
        """Tells Sentry, if there is a DSN."""
        from .reporters.sentry import SentryReporter

        return SentryReporter(self.settings.sentry_dsn, __version__, redact=self.redact)

    def log(self) -> None:
        """Send log records where the settings say; done once, before the first record."""
        if self._logs:
            return
        from .log.setup import configure

        self._logs = True
        configure(self.settings.logging, self.redact, person=self._terminal is not None)

    def _load(self, class_path: str) -> type:
        from .config.loader import NoSuchModule, load_class

        self.log()  # for what a module logs while it is imported
        not_searched = self.settings.find_modules()
        try:
            return self.settings.sections.app(class_path, load_class)
        except NoSuchModule as error:
            if not_searched:
                raise JobLineError(f"{error} ({not_searched})") from None
            raise

    def _reporters(self) -> Iterator[Reporter]:
        """The reporters, made when there is something to report."""
        from .reporters.log import LogReporter

        self.log()
        yield LogReporter(self.redact, lambda job: not self.settings.tell.of_job(job.tells).every)
        if self._terminal:
            from .reporters.terminal import TerminalReporter

            # a person who asks for one job gets the reason why it does not run as the answer
            asked = bool(self.settings.command.job)
            yield TerminalReporter(self._terminal, self.redact, tells_skips=not asked)
        yield from self._distant()

    def _distant(self) -> Iterator[Reporter]:
        """The reporters that reach others than the reader of the log."""
        from .reporters.distant import distant

        settings = self.settings
        own = self.lives_on or any(app.tells for app in self.catalogue.apps)
        yield from distant(settings.tell, settings.sentry_dsn, __version__, self.redact, own=own)

    def _zone(self, of_server: str) -> ZoneInfo:
        if self.settings.timezone:
            return self.settings.timezone
        try:
            return ZoneInfo(of_server)
        except (OSError, ValueError, KeyError):  # ZoneInfoNotFoundError is a KeyError
            raise ConfigError(
                f"the time zone of the PostgreSQL server, {of_server!r}, is not known here: set "
                "the option timezone, such as timezone=Europe/Berlin"
            ) from None


def _database(settings: Settings) -> Any:
    """What makes connections; of a class that is not ours the code is contained."""
    cls, config = settings.database_class, settings.database_config
    if cls.__module__.startswith("crontabber."):
        return cls(config)
    from .database.driver import Error
    from .process.foreign import Foreign

    made = Foreign(cls, config, expected=Error)
    for name in ("connect", "unavailable", "redactor", "close"):
        if not hasattr(made, name):
            raise ConfigError(
                f"the database_class {cls.__module__}.{cls.__qualname__} has no method {name}(): "
                "derive it from crontabber.connection_factory.ConnectionFactory"
            )
    return made
