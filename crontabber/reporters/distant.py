"""The reporters that reach others than the reader of the log, by the settings."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from ..errors import ConfigError, Redact
from . import Reporter
from .budget import Budget

if TYPE_CHECKING:
    from ..config.telling import TellSettings
    from .courier import Courier
    from .notify import Whom
    from .pings import Ping
    from .sentry import SentryReporter


def distant(
    tell: "TellSettings", dsn: str, release: str, redact: Redact, *, own: bool
) -> Iterator[Reporter]:
    """Make them; they share the seconds that a tick may wait, and the process that delivers.

    *own*: jobs may have receivers of their own.
    """
    budget = Budget()
    crons = dsn if tell.crons else ""
    delivered = bool(crons or tell.ping or tell.heartbeat or tell.command or tell.urls or own)
    delivered = delivered or bool(tell.otel_endpoint)
    if dsn:
        yield sentry(dsn, release, redact, budget if delivered else None)
    if tell.textfile:
        from .textfile import TextfileReporter

        yield TextfileReporter(tell.textfile)
    if delivered:
        yield from _delivered(tell, crons, release, redact, budget, own=own)


def _delivered(
    tell: "TellSettings", crons: str, release: str, redact: Redact, budget: Budget, *, own: bool
) -> Iterator[Reporter]:
    """The reporters that a courier delivers for."""
    from .courier import Courier, CourierReporter

    courier = Courier(budget)
    if crons:
        yield from _contained(lambda: _crons(crons, release, courier, redact))
    if tell.ping or tell.heartbeat or own:
        from .pings import PingReporter

        yield PingReporter(courier, lambda job: ping_of(tell.of_job(job.tells)), tell.heartbeat)
    if tell.command or tell.urls or own:
        from .notify import NotifyReporter

        yield NotifyReporter(courier, lambda job: whom_of(tell.of_job(job.tells)), redact)
    if tell.otel_endpoint:
        yield from _contained(lambda: _otel(tell, release, courier))
    yield CourierReporter(courier, budget, redact)


def _contained(make: Callable[[], Reporter]) -> Iterator[Reporter]:
    """The reporter that *make* makes; if it fails, the log says why, and the others are made."""
    try:
        made = make()
    except ConfigError as error:
        import logging

        extra = {"action": "tell", "app_name": ""}
        logging.getLogger("crontabber").warning("%s", error, extra=extra)
        return
    yield made


def _crons(dsn: str, release: str, courier: "Courier", redact: Redact) -> Reporter:
    from .crons import CronsReporter

    return CronsReporter(dsn, release, courier, redact)


def _otel(tell: "TellSettings", release: str, courier: "Courier") -> Reporter:
    from .otel import OtelReporter

    return OtelReporter(tell.otel_endpoint, tell.otel_headers, release, courier)


def sentry(
    dsn: str, release: str, redact: Redact, budget: Budget | None = None
) -> "SentryReporter":
    """Tells Sentry of errors."""
    from .sentry import SentryReporter

    return SentryReporter(dsn, release, redact=redact, budget=budget)


def ping_of(tell: "TellSettings") -> "Ping | None":
    """What a job pings; None: nothing."""
    from .pings import Ping

    return Ping(tell.ping, tell.ping_style, tell.ping_start) if tell.ping else None


def whom_of(tell: "TellSettings") -> "Whom":
    """The receivers of messages about a job."""
    from .notify import Whom

    return Whom(tell.command, tell.urls, tell.on)
