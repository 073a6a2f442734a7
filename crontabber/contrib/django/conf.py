"""crontabber's settings in a Django project; Django's own settings fill in the rest."""

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connections
from django.db.utils import ConnectionDoesNotExist
from django.utils.functional import empty

from ...config import converters, telling
from ...config.appspec import duration_from
from ...config.command import Command
from ...config.commandline import CommandLine
from ...config.messages import did_you_mean, nearest
from ...config.settings import Settings
from ...config.sources import Sources
from ...errors import ConfigError
from ...schedule.grammar import JobList, duration_text
from .database import connection_config
from .jobs import SETTING, Job, Jobs, SettingError, joined

PREFIX = "CRONTABBER_"


class DjangoSettings(Settings):
    """The settings of the project in the form of the core; missing ones have their defaults.

    Raises `SettingError`, except for jobs: their faults are in ``jobs.faults``.
    """

    def __init__(self) -> None:
        zone = value("TIMEZONE")
        texts = {
            "crontabber.timezone": zone.key if zone else "",
            "crontabber.error_retry_time": str(value("ERROR_RETRY_TIME")),
            "crontabber.max_ongoing_age_hours": str(value("MAX_ONGOING_AGE_HOURS")),
            "crontabber.late": duration_text(value("LATE")),
            "sentry.dsn": value("SENTRY_DSN"),
            **_told(),
        }
        super().__init__(
            CommandLine(Command(), {}), Sources(texts, dict.fromkeys(texts, "the settings"))
        )
        found = Jobs.read(getattr(settings, SETTING, []))
        self.by_path = found.by_path
        """The jobs by their class paths."""
        self.jobs = JobList(found.lines, found.faults)
        self.database_config = connection_config(value("DATABASE"))


def _told() -> dict[str, str]:
    """The options of the core that are set."""
    found = ((option, value(name)) for name, (option, _) in _TOLD.items())
    return {option: text for option, text in found if text}


def value(name: str) -> Any:
    """The value of ``CRONTABBER_name``, or its default. Raises `SettingError`."""
    default, read = _SETTINGS[name]
    given = getattr(settings, PREFIX + name, default)
    try:
        return read(given)
    except SettingError:
        raise
    except (ValueError, ConfigError) as error:
        raise SettingError(f"{PREFIX}{name} cannot be used", str(error)) from None


def jobs() -> list[Job]:
    """The jobs of the settings that can be used."""
    return list(Jobs.read(getattr(settings, SETTING, [])).by_path.values())


def faults() -> Iterator[SettingError]:
    """What is wrong with the settings, one by one."""
    for name in _SETTINGS:
        try:
            value(name)
        except SettingError as fault:
            yield fault
    yield from Jobs.read(getattr(settings, SETTING, [])).faults


def strangers() -> Iterator[SettingError]:
    """The settings that begin with ``CRONTABBER_`` and do not exist, each as a fault."""
    known = {SETTING.removeprefix(PREFIX), *_SETTINGS}  # the prefix would make all similar
    for name in dir(settings):
        if name.startswith(PREFIX) and name.removeprefix(PREFIX) not in known:
            guess = nearest(name.removeprefix(PREFIX), known)
            names = ", ".join(PREFIX + one for one in sorted(known))
            hint = f"did you mean {PREFIX}{guess}?" if guess else f"there are {names}"
            yield SettingError(f"there is no setting {name}", hint)


def _alias(given: Any) -> str:
    if not isinstance(given, str):
        raise SettingError(
            f"CRONTABBER_DATABASE is {given!r}, and not a text",
            f"name one of DATABASES: there are {', '.join(connections)}",
        )
    try:
        vendor = connections[given].vendor
    except ConnectionDoesNotExist:
        hint = did_you_mean(given, connections).removeprefix(": ")
        raise SettingError(
            f"CRONTABBER_DATABASE is {given!r}, which is not in DATABASES",
            hint or f"there are {', '.join(connections)}",
        ) from None
    if vendor != "postgresql":
        raise SettingError(
            f"the database {given!r} is of the kind {vendor}, and crontabber needs PostgreSQL",
            "have CRONTABBER_DATABASE name one in DATABASES that is",
        )
    return given


def _zone(given: Any) -> ZoneInfo | None:
    given = settings.TIME_ZONE if given is empty else given
    if not given:
        return None
    try:
        return ZoneInfo(given)
    except (OSError, ValueError, KeyError, TypeError):
        raise ValueError(f"{given!r} is not a time zone such as Europe/Berlin") from None


def _dsn(given: Any) -> str:
    from ...reporters.dsn import Dsn

    if given:
        Dsn.parse(str(given))
    return str(given or "")


def _late(given: Any) -> timedelta:
    return duration_from(given, "it") or timedelta(hours=1)


def _read_by(read: Callable[[str], Any]) -> Callable[[Any], str]:
    """Check that *read* takes a setting as in an ini file, and keep that text."""

    def check(given: Any) -> str:
        if given is None or given in ("", [], ()):
            return ""
        text = duration_text(given) if isinstance(given, timedelta) else joined(given)
        read(text)
        return text

    return check


_TOLD: Mapping[str, tuple[str, Callable[[str], Any]]] = {
    "TELL": ("crontabber.tell", telling.tell),
    "REMIND": ("crontabber.remind", telling.remind),
    "PING": ("crontabber.ping", telling.ping_url),
    "PING_STYLE": ("crontabber.ping_style", telling.ping_style),
    "PING_START": ("crontabber.ping_start", converters.yes_or_no),
    "HEARTBEAT": ("crontabber.heartbeat", telling.url),
    "TEXTFILE": ("crontabber.textfile", str),
    "NOTIFY_COMMAND": ("notify.command", str),
    "NOTIFY_URLS": ("notify.urls", str),
    "NOTIFY_ON": ("notify.on", telling.events),
    "SENTRY_CRONS": ("sentry.crons", converters.yes_or_no),
    "OTEL_ENDPOINT": ("otel.endpoint", telling.url),
    "OTEL_HEADERS": ("otel.headers", str),
}
"""The settings that are options of the core: which, and how to read each."""

_SETTINGS: Mapping[str, tuple[Any, Callable[[Any], Any]]] = {
    "DATABASE": ("default", _alias),
    "TIMEZONE": (empty, _zone),
    "ERROR_RETRY_TIME": (300, lambda given: converters.seconds(str(given))),
    "MAX_ONGOING_AGE_HOURS": (12.0, lambda given: converters.hours(str(given))),
    "LATE": (timedelta(hours=1), _late),
    "SENTRY_DSN": ("", _dsn),
    **{name: ("", _read_by(read)) for name, (_, read) in _TOLD.items()},
}
"""Each setting: its default, and the function that checks and converts it."""
