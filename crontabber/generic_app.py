"""What any application over the store stands on: settings, a store, secrets kept."""

from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from . import __version__
from .config.settings import Settings
from .errors import ConfigError
from .reporters import Reporter
from .reporters.log import LogReporter
from .roster import Roster, Terms
from .schedule.model import JobState
from .store import Look, StateStore
from .store.postgres import PostgresStore

if TYPE_CHECKING:
    from .reporters.sentry import SentryReporter

Self = TypeVar("Self", bound="GenericApp")


class Answer(NamedTuple):
    """What a command has to say, and the exit status to say it with."""

    text: str
    code: int = 0


class GenericApp:
    """Settings at work: use it as a context manager, and it lets go of the database."""

    def __init__(
        self,
        settings: Settings,
        reporters: Iterable[Reporter] = (),
        store: StateStore | None = None,
    ) -> None:
        self.settings = settings
        self.database: Any = settings.database_class(settings.database_config)
        self.store = store or PostgresStore(self.database)
        self.reporters: list[Reporter] = [LogReporter(self.redact), *reporters]
        if settings.sentry_dsn:
            self.reporters.append(self._sentry())

    def _sentry(self) -> "SentryReporter":
        from .reporters.sentry import SentryReporter

        return SentryReporter(self.settings.sentry_dsn, __version__, redact=self.redact)

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        stack: TracebackType | None,
    ) -> None:
        self.store.close()
        self.database.close()

    def redact(self, text: str) -> str:
        """*text* without the database's password and the DSN of Sentry."""
        dsn = self.settings.sentry_dsn
        return self.database.redact(text.replace(dsn, "***") if dsn else text)  # type: ignore[no-any-return]

    def classes(self) -> dict[str, type]:
        """The classes of all jobs, by class path; of those that can be imported."""
        roster = self.roster("UTC", {})
        roster.checked()
        return roster.classes

    def look(self) -> Look:
        """Look at the jobs that are configured."""
        return self.store.look([line.class_path for line in self.settings.jobs.lines])

    def roster(self, zone: str, states: Mapping[str, JobState]) -> Roster:
        """The jobs that are configured, in a store whose time zone is *zone*."""
        settings = self.settings
        terms = Terms(self._zone(zone), settings.error_retry, settings.max_ongoing_age)
        roster = Roster(settings.jobs.lines, states, terms)
        roster.faults += settings.jobs.faults
        return roster

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
