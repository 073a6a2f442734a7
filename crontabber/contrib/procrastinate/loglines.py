"""Masks secrets in Procrastinate's log: it logs jobs' arguments and driver errors."""

import logging
from collections.abc import Callable, Iterator

from ...secrecy import given, redacted
from ...secrecy.redactor import Redactor

_FORMATTER = logging.Formatter()
_DETAILS = ("job", "jobs", "deferred")
"""The attributes of records that have arguments."""


class Discreet(logging.Filter):
    """Takes secrets out of records: those that *redactor* knows, and arguments by name."""

    def __init__(self, redactor: Callable[[], Redactor]) -> None:
        super().__init__()
        self._redactor = redactor

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record, and let it pass."""
        details = {name: vars(record)[name] for name in _DETAILS if name in vars(record)}
        redact = self._redactor() | Redactor(frozenset(given(details)))
        record.msg, record.args = redact(record.getMessage()), None
        if record.exc_info and not record.exc_text:
            record.exc_text = _FORMATTER.formatException(record.exc_info)
        record.exc_text = record.exc_text and redact(record.exc_text)
        vars(record).update(redacted(details, redact))
        return True


def keep_secrets(redactor: Callable[[], Redactor], *names: str) -> None:
    """Mask in Procrastinate's existing loggers, and in those with these *names*."""
    discreet = Discreet(redactor)
    for name in {*_loggers(), *names}:
        logger = logging.getLogger(name)
        if not any(isinstance(each, Discreet) for each in logger.filters):
            logger.addFilter(discreet)


def _loggers() -> Iterator[str]:
    for name in [*logging.root.manager.loggerDict]:
        if name.partition(".")[0] == "procrastinate":
            yield name
