"""Reports: the options, and what the settings say of them."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import ConfigError, JobLineError
from ..schedule.grammar import duration_text, parse_duration
from . import compat  # noqa: F401  configman cannot be imported before
from .converters import names_text, yes_or_no
from .messages import did_you_mean

from configman import Namespace

if TYPE_CHECKING:
    from ..schedule.model import Tells

EVENTS = ("failed", "recovered", "late", "gave_up", "crashed")
"""The events that can be reported; see `crontabber.schedule.changes.Event`."""
PING_STYLES = ("healthchecks", "cronitor", "betterstack", "deadmanssnitch")
"""The services whose form a ping can have."""
_TELL = ("changes", "every")
_NEVER = ("0", "no", "never")


class Harmless(ConfigError):
    """What is wrong with a secret, in words that do not quote it."""


class TellSettings(NamedTuple):
    """What to report, and to whom."""

    every: bool
    """Whether the log has an error for each failed run, not only for changes."""
    remind: timedelta
    """How often to remind of a job that is not well; zero: never."""
    heartbeat: str
    """The URL that every tick pings; empty: none."""
    textfile: str
    """The file that every tick writes metrics to; empty: none."""
    report: str
    """The page that ticks write; empty: none."""
    ping: str
    """The URL that the runs of jobs ping, with ``{job}`` and ``{state}``; empty: none."""
    ping_style: str
    """The service whose form a ping has; empty: as its host suggests."""
    ping_start: bool
    """Whether runs ping when they begin, too."""
    command: str
    """The command that gets the events as JSON; empty: none."""
    urls: tuple[str, ...]
    """Apprise's URLs to send messages to."""
    on: tuple[str, ...]
    """The events that these two get."""
    crons: bool
    """Whether runs check in at Sentry."""
    otel_endpoint: str
    """Where OpenTelemetry's spans and metrics are sent; empty: nowhere."""
    otel_headers: str
    """Headers to send along: ``name=value,name=value``."""

    @classmethod
    def of(cls, values: Any) -> "TellSettings":
        """Read them from the resolved settings."""
        own, notify = values.crontabber, values.notify
        return cls(
            every=own.tell == "every",
            remind=own.remind,
            heartbeat=own.heartbeat,
            textfile=own.textfile,
            report=own.report,
            ping=own.ping,
            ping_style=own.ping_style,
            ping_start=own.ping_start,
            command=notify.command,
            urls=tuple(filter(None, notify.urls.split(", "))),
            on=notify.on,
            crons=values.sentry.crons,
            otel_endpoint=values.otel.endpoint,
            otel_headers=values.otel.headers,
        )

    def of_job(self, tells: "Tells | None") -> "TellSettings":
        """The same for a job with settings of its own."""
        if tells is None:
            return self
        said = {name: value for name, value in tells._asdict().items() if value is not None}
        if "tell" in said:
            said["every"] = said.pop("tell") == "every"
        notify = said.pop("notify", None)
        if notify is not None:
            silent = notify.lower() in _NEVER
            said["urls"] = () if silent else tuple(filter(None, notify.split(", ")))
            said["command"] = "" if silent else self.command
        return self._replace(**said)

    @property
    def each_tick(self) -> bool:
        """Whether every tick has something to report, even an idle one."""
        return bool(self.heartbeat or self.textfile)


def tell_options(section: Namespace) -> None:
    """What ``[crontabber]`` says of it."""
    section.add_option(
        "tell",
        default="changes",
        from_string_converter=tell,
        doc="which failures are errors in the log: changes; or every, as in 0.18",
    )
    section.add_option(
        "remind",
        default="1d",
        from_string_converter=remind,
        to_string_converter=duration_text,
        doc="how often to remind of a job that is not well, such as 12h; or never",
    )
    for name, whom in {"ping": "the runs of jobs ping", "heartbeat": "every tick pings"}.items():
        section.add_option(
            name,
            default="",
            secret=True,
            from_string_converter=ping_url if name == "ping" else url,
            doc=f"the URL that {whom}" + (", with {job} and {state}" if name == "ping" else ""),
        )
    section.add_option(
        "ping_style",
        default="",
        from_string_converter=ping_style,
        doc=f"the form of pings: {', '.join(PING_STYLES)}; empty: as the host suggests",
    )
    section.add_option(
        "ping_start",
        default=False,
        from_string_converter=yes_or_no,
        doc="whether runs ping when they begin, too",
    )
    _files(section)


def _files(section: Namespace) -> None:
    """What ticks write."""
    section.add_option(
        "textfile",
        default="",
        doc="the file that every tick writes metrics to, for Prometheus' node_exporter; *.prom",
    )
    section.add_option(
        "report",
        default="",
        doc="the page that ticks write, as --report does: after each run, and every five minutes",
    )


def notify_options(section: Namespace) -> None:
    """What ``[notify]`` says of it."""
    section.add_option(
        "command", default="", doc="the shell command that gets the events of a tick as JSON"
    )
    section.add_option(
        "urls",
        default="",
        secret=True,
        from_string_converter=names_text,
        doc="URLs of Apprise to send messages to: mailto://…, slack://…, ntfy://…",
    )
    section.add_option(
        "on",
        default=", ".join(EVENTS),
        from_string_converter=events,
        to_string_converter=", ".join,
        doc=f"which events to report: {', '.join(EVENTS)}",
    )


def otel_options(section: Namespace) -> None:
    """What ``[otel]`` says of it."""
    section.add_option(
        "endpoint",
        default="",
        from_string_converter=url,
        doc="where to send spans and metrics by OTLP, such as http://localhost:4318",
    )
    section.add_option(
        "headers",
        default="",
        secret=True,
        from_string_converter=names_text,
        doc="what is sent along, such as a key: name=value, name=value",
    )


def tell(text: str) -> str:
    """Which failures are errors in the log."""
    return _one_of(text, _TELL)


def ping_style(text: str) -> str:
    """The service whose form pings have; or nothing."""
    return _one_of(text, PING_STYLES) if text.strip() else ""


def events(text: str) -> tuple[str, ...]:
    """Names of events, separated by commas or line breaks."""
    names = filter(None, names_text(text).split(", "))
    return tuple(_one_of(name, EVENTS) for name in names)


def remind(text: str) -> timedelta:
    """How often to remind; zero for never."""
    return timedelta() if text.strip().lower() in _NEVER else parse_duration(text)


def url(text: str) -> str:
    """A URL of http or https, or nothing; errors do not quote it."""
    text = text.strip()
    if not text:
        return text
    scheme, found, rest = text.partition("://")
    if scheme.lower() not in ("http", "https") or not found or not rest.strip("/"):
        raise Harmless("it is not a URL that begins with https:// or http://")
    if not text.isascii() or any(char.isspace() or not char.isprintable() for char in text):
        raise Harmless("it has a character that no URL has")
    if not _has_place(text):
        raise Harmless("it names no host, or no port from 0 to 65535")
    return text


def _has_place(text: str) -> bool:
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(text)
        return bool(parts.hostname) and (parts.port is None or parts.port >= 0)
    except ValueError:  # brackets that do not match, or a port that is none
        return False


def ping_url(text: str) -> str:
    """A URL with ``{job}`` and ``{state}`` in it, if anything in braces."""
    rest = text.replace("{job}", "").replace("{state}", "")
    if "{" in rest or "}" in rest:
        raise Harmless("only {job} and {state} may stand in braces")
    return url(text)


def _one_of(text: str, names: tuple[str, ...]) -> str:
    name = text.strip().lower()
    if name not in names:
        hint = did_you_mean(name, names)
        raise ValueError(f"it is not one of {', '.join(names)}{hint}")
    return name


TELLS: Mapping[str, Callable[[str], Any]] = {
    "tell": tell,
    "on": events,
    "notify": names_text,
    "ping": ping_url,
    "ping_style": ping_style,
    "ping_start": yes_or_no,
}
"""How to read what a job itself says; see `crontabber.schedule.model.Tells`."""


def tell_from(name: str, value: Any, what: str) -> Any:
    """What a job itself says as *name*; a `JobLineError` about *what* if it cannot be used."""
    if value is None or (name == "ping_start" and isinstance(value, bool)):
        return value
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    try:
        return TELLS[name](text)
    except (ValueError, ConfigError) as error:
        raise JobLineError(f"{what} cannot be used: {error}") from None
