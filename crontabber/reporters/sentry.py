"""Reports failed jobs to Sentry; a client is imported when there is an error to send."""

import logging
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import ConfigError, CrontabberError, Redact, name_of, text_of
from ..schedule.model import JobSpec, Run
from ..secrecy import redacted
from . import Reporter
from .budget import OTHERS, PATIENCE, Budget
from .wording import crash_line, exception_line, message_line

if TYPE_CHECKING:
    from .delivery import Letter
    from .dsn import Dsn

_logger = logging.getLogger("crontabber")


class _Event(NamedTuple):
    """What to send: an exception, or a message if there is none or it cannot be sent."""

    error: BaseException | None
    message: str
    tags: Mapping[str, str]
    fingerprint: list[str] | None = None
    """Events with the same fingerprint are one issue; None: Sentry compares tracebacks."""


class SentryReporter(Reporter):
    """Sends the exceptions of jobs to *dsn*, with app name, slot and *release*.

    No local variables are sent, and *redact* takes secrets out of every text. A tick waits
    *patience* seconds in all, or the rest of the *budget* that it shares with others;
    errors that did not reach Sentry by then are not sent. If anything goes wrong, the end of
    the tick logs one warning, and nothing stops.
    """

    def __init__(
        self,
        dsn: str,
        release: str,
        environment: str | None = None,
        redact: Redact = str,
        patience: float = PATIENCE,
        budget: Budget | None = None,
    ) -> None:
        self._dsn = dsn
        self._budget = budget or Budget(patience)
        self._reserve = OTHERS if budget else 0.0
        self._common = {"release": release, "environment": environment}
        self._redact = redact
        self._client: _Client | None = None
        self._errors = self._lost = 0
        self._trouble = ""
        """The first thing that went wrong."""

    def failed(self, job: JobSpec, run: Run, error: BaseException | None) -> None:
        slot = run.slot.astimezone(job.zone).isoformat(timespec="minutes")
        tags = {"app_name": job.app_name, "slot": slot}
        if error is None:
            message = f"{job.app_name} crashed: {crash_line(run, self._redact)}"
            event = _Event(None, message, tags, ["crashed", job.app_name])
        else:
            message = f"{job.app_name} failed: {exception_line(error, self._redact)}"
            event = _Event(error, message, tags)
        self._errors += 1
        try:
            self._send(event)
        except BaseException as trouble:  # noqa: BLE001  trouble with Sentry is not the tick's
            self._lost += 1
            self._trouble = self._trouble or message_line(self._redact(text_of(trouble)))

    def finished(self) -> None:
        if self._lost:
            _logger.warning(
                "Sentry did not get %d of %d errors: %s",
                self._lost,
                self._errors,
                self._trouble,
                extra={"action": "sentry", "app_name": ""},
            )
        self._errors = self._lost = 0
        self._trouble = ""
        if not self._reserve:
            self._budget.renew()  # otherwise the last reporter that shares it does

    def send_test(self) -> str:
        """Send a test exception; a sentence that says where it arrived.

        Raises `ConfigError` with the reason if it did not arrive.
        """
        if not self._dsn:
            raise ConfigError("there is no sentry.dsn: set dsn in the section [sentry]")
        try:
            raise CrontabberError("this is a test, made by crontabber --sentrytest")
        except CrontabberError as error:
            client = self._send(_Event(error, "", {"app_name": "sentrytest"}))
        return f"a test exception was sent to {client.dsn}, by {client.name}"

    def _send(self, event: _Event) -> "_Client":
        """Send *event*, or raise; the time is taken from what the tick may wait."""
        from .delivery import deliver

        if self._budget.left <= self._reserve:
            raise ConfigError("there is no more time to wait for it in this tick")
        self._client = self._client or _client(self._dsn, self._common, self._redact)
        letter = self._client.letter(event)
        with self._budget.spent():
            deliver(letter, self._client.dsn, max(self._budget.left - self._reserve, 0.0))
        return self._client


class _Client:
    """One of Sentry's clients: it turns an event into a letter, and sends nothing."""

    def __init__(self, name: str, dsn: "Dsn", make: "Callable[[_Event], Letter]") -> None:
        self.name = name
        self.dsn = dsn
        self._make = make

    def letter(self, event: _Event) -> "Letter":
        """What to send, and where. Raises a `ConfigError` if the client fails."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # raven is old, and new Pythons complain
            with suppress(BaseException):  # examining the exception may raise
                return self._make(event)
            try:
                return self._make(event._replace(error=None))
            except BaseException as error:
                trouble = self.dsn.masked(f"{name_of(error)}: {text_of(error)}")
                raise ConfigError(
                    f"{self.name} cannot tell of it ({trouble}): "
                    "try pip install --upgrade 'crontabber[sentry]'"
                ) from error


def _client(text: str, common: Mapping[str, str | None], redact: Redact) -> _Client:
    """The client to use: sentry-sdk if it is installed, else raven."""
    from .dsn import Dsn

    dsn = Dsn.parse(text)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for make in (_sentry_sdk, _raven):
            try:
                return make(dsn, common, redact)
            except ImportError:
                continue
    raise ConfigError("there is no Sentry client: pip install 'crontabber[sentry]'")


def envelopes(
    dsn: "Dsn", common: Mapping[str, Any], redact: Redact
) -> "Callable[[Mapping[str, Any]], Letter]":
    """What sentry-sdk would send of an event. Raises ImportError if it is not installed."""
    client, made = _sdk_client(dsn, common, redact)

    def letter(event: Mapping[str, Any]) -> "Letter":
        client.capture_event(dict(event))
        return made.pop()

    return letter


def _sentry_sdk(dsn: "Dsn", common: Mapping[str, Any], redact: Redact) -> _Client:
    import sentry_sdk
    from sentry_sdk.utils import event_from_exception

    client, made = _sdk_client(dsn, common, redact)

    def make(event: _Event) -> "Letter":
        content: Any = {"level": "error", "message": event.message}
        if event.error is not None:
            content = {**event_from_exception(event.error, client.options)[0]}
        content |= {"logger": "crontabber", "tags": dict(event.tags)}
        if event.fingerprint:
            content["fingerprint"] = event.fingerprint
        client.capture_event(content)
        return made.pop()

    return _Client(f"sentry-sdk {sentry_sdk.VERSION}", dsn, make)


def _sdk_client(
    dsn: "Dsn", common: Mapping[str, Any], redact: Redact
) -> "tuple[Any, list[Letter]]":
    """A client of sentry-sdk, and where it puts the letters that it writes."""
    import sentry_sdk
    from sentry_sdk.transport import Transport

    made: list[Letter] = []

    class Outbox(Transport):
        def capture_envelope(self, envelope: Any) -> None:
            assert self.parsed_dsn, "it was given one"
            auth = self.parsed_dsn.to_auth(f"sentry.python/{sentry_sdk.VERSION}")
            made.append(_envelope_letter(auth, envelope))

    client = sentry_sdk.Client(
        dsn=dsn.url,
        transport=Outbox,
        before_send=lambda event, _: redacted(event, redact),
        include_local_variables=False,
        default_integrations=False,  # they patch libraries of jobs, and send their data
        spotlight=False,
        debug=False,
        **common,
    )
    return client, made


def _envelope_letter(auth: Any, envelope: Any) -> "Letter":
    """What sentry-sdk would send."""
    import gzip

    from .delivery import Letter

    headers = {
        "X-Sentry-Auth": auth.to_header(),
        "Content-Type": "application/x-sentry-envelope",
        "Content-Encoding": "gzip",
    }
    return Letter(auth.get_api_url(), gzip.compress(envelope.serialize()), headers)


def _raven(dsn: "Dsn", common: Mapping[str, Any], redact: Redact) -> _Client:
    import raven

    from .delivery import Letter

    made: list[Letter] = []

    class Outbox:
        is_async = False

        def send(self, url: str, data: bytes, headers: dict[str, str]) -> None:
            made.append(Letter(url, data, headers))

    client = raven.Client(
        dsn.url,
        transport=Outbox,
        raise_send_errors=True,
        install_sys_hook=False,
        install_logging_hook=False,
        hook_libraries=[],
        enable_breadcrumbs=False,
        capture_locals=False,
        context={},  # otherwise the command line is sent
        **common,
    )

    def make(event: _Event) -> Letter:
        more = {"tags": dict(event.tags), "fingerprint": event.fingerprint}
        if (error := event.error) is not None:
            exc_info = (type(error), error, error.__traceback__)
            content = client.build_msg("Exception", exc_info=exc_info, **more)
        else:
            content = client.build_msg("Message", message=event.message, **more)
        client.send(**redacted({**content, "logger": "crontabber"}, redact))
        return made.pop()

    return _Client(f"raven {raven.VERSION}", dsn, make)
