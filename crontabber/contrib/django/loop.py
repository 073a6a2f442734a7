"""Ticks every few minutes in one process, for hosts without cron, such as containers."""

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
    """Run *tick* now and once in each period of *every*, until a signal; return the signal.

    The signal ends a running job, as in any tick. After a tick that took longer than
    *every*, the next one follows at once. A tick that fails is logged.
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
    except CrontabberError as error:  # for example, the database restarts
        _log(logging.CRITICAL, "trouble", str(error))
    except Exception:
        _logger.exception("a tick failed", extra=_extra("trouble"))


def _log(level: int, action: str, text: str) -> None:
    _logger.log(level, "%s", text, extra=_extra(action))


def _extra(action: str) -> dict[str, str]:
    return {"action": action, "app_name": ""}
