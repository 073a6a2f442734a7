"""A tick every few minutes in one process, for where there is no cron, as in containers."""

import logging
from collections.abc import Callable
from datetime import timedelta

from ...errors import CrontabberError, ExitCode, Stopped
from ...process.clock import monotonic, sleep
from ...process.signals import Signals

Tick = Callable[[Signals], ExitCode]
"""Runs what is due; raises `Stopped` for a signal."""

_logger = logging.getLogger("crontabber.loop")


def loop(tick: Tick, every: timedelta) -> int:
    """Run *tick* at once, and then *every* so often, until a signal ends it.

    The signal ends a job that runs, as in any tick. A tick that takes longer than *every*
    is followed by the next one at once; one that fails is logged. Returns the signal.
    """
    with Signals() as signals:
        try:
            while True:
                began = monotonic()
                _tick(tick, signals)
                with signals.interruptible():
                    sleep(max(0.0, every.total_seconds() - (monotonic() - began)))
        except Stopped as stopped:
            _log(logging.INFO, "stopped", str(stopped))
            return stopped.signum


def _tick(tick: Tick, signals: Signals) -> None:
    try:
        tick(signals)
    except CrontabberError as error:  # the database is restarted, say
        _log(logging.CRITICAL, "trouble", str(error))
    except Exception:
        _logger.exception("a tick failed", extra=_extra("trouble"))


def _log(level: int, action: str, text: str) -> None:
    _logger.log(level, "%s", text, extra=_extra(action))


def _extra(action: str) -> dict[str, str]:
    return {"action": action, "app_name": ""}
