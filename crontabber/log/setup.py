"""Sends log records to stderr, and to syslog if that is configured."""

import logging
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..process.streams import usable

if TYPE_CHECKING:
    from ..config.logs import LoggingSettings

_OURS = "crontabber."
"""The names of our handlers begin with this."""


_SHOWN = frozenset({"succeeded", "failed", "crashed"})
"""The actions that `TerminalReporter` shows to a person at a terminal."""


def configure(
    settings: "LoggingSettings", redact: Callable[[str], str] = str, *, person: bool = False
) -> None:
    """Send the records of all loggers, those of jobs too, where *settings* say.

    With *person*, a terminal already shows each run: then stderr, if it is a terminal too,
    gets no line about it. A second call replaces the handlers of the first; other
    handlers are left alone. *redact* takes secrets out of each line, and out of tracebacks.
    """
    root = logging.getLogger()
    for handler in [*root.handlers]:
        if (handler.name or "").startswith(_OURS):
            root.removeHandler(handler)
            handler.close()
    stderr = _Stderr()
    if person and sys.stderr.isatty():
        stderr.addFilter(_is_news)
    _add(stderr, "stderr", settings.stderr_level, _Formatter(settings.stderr_format, redact))
    root.setLevel(settings.stderr_level)
    if settings.syslog_host:
        formatter = _Formatter(settings.syslog_format, redact)
        _add(_Syslog(settings), "syslog", settings.syslog_level, formatter)
        root.setLevel(min(settings.stderr_level, settings.syslog_level))


def _is_news(record: logging.LogRecord) -> bool:
    return record.levelno < logging.INFO or getattr(record, "action", "") not in _SHOWN


def _add(handler: logging.Handler, name: str, level: int, formatter: logging.Formatter) -> None:
    handler.name = _OURS + name
    handler.setLevel(level)
    handler.setFormatter(formatter)
    logging.getLogger().addHandler(handler)


class _Formatter(logging.Formatter):
    """Takes secrets out of what is logged, by jobs and libraries too."""

    def __init__(self, line_format: str, redact: Callable[[str], str]) -> None:
        super().__init__(line_format, style="{")
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        """The text of a record, with its traceback if it has one."""
        return self._redact(super().format(record))


class _Stderr(logging.StreamHandler):  # type: ignore[type-arg]  # no generic in Python 3.10
    """Writes to what ``sys.stderr`` is at the moment, as a progress bar replaces it."""

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = usable("stderr")
        super().emit(record)


class _Syslog(logging.Handler):
    """Imports `syslog` when there is something to send: an idle tick does not."""

    def __init__(self, settings: "LoggingSettings") -> None:
        super().__init__()
        self._settings = settings
        self._target: logging.Handler | None = None

    def emit(self, record: logging.LogRecord) -> None:
        if self._target is None:
            from .syslog import SyslogHandler

            settings = self._settings
            self._target = SyslogHandler(
                settings.syslog_host, settings.syslog_port, settings.syslog_facility
            )
            self._target.setFormatter(self.formatter)
        self._target.emit(record)

    def close(self) -> None:
        if self._target:
            self._target.close()  # a job's dictConfig closes all handlers, but we continue
        super().close()
