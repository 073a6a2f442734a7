"""The names of crontabber 0.18: their present names, and which have no effect any more.

This is the only place that knows them.
"""

import re
from collections.abc import Iterator, Mapping

from .options import DATABASE

_LOGGING = (
    "stderr_error_logging_level",
    "stderr_line_format_string",
    "syslog_host",
    "syslog_port",
    "syslog_facility_string",
    "syslog_error_logging_level",
    "syslog_line_format_string",
)
FALLBACKS = {
    "secrets.sentry.dsn": "sentry.dsn",
    **{f"resource.logging.{name}": f"logging.{name}" for name in _LOGGING},
}
"""Where 0.18 looked for an option that was not set in its own section."""

_EXECUTOR = r"(.+\.)([A-Za-z0-9_]+)_transaction_executor_class"
"""What 0.18 called a ``transaction_executor_class``: by the name of the resource too."""
_OF_APP = r"crontabber\.class-[^.]+\."
_COMMON_EXECUTOR = "crontabber.database_transaction_executor_class"
"""0.18 took it for all apps, before that of `DATABASE`."""

_STATE = "crontabber itself waits for its database; for apps, write it in [resource] [[postgresql]]"
_GONE = {
    "crontabber.transaction_executor_class": _STATE,
    "crontabber.backoff_delays": _STATE,
    "crontabber.wait_log_interval": _STATE,
}
_SCHEDULE = r"crontabber\.class-[^.]+\.(frequency|time)"


def modern(texts: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The old names among *texts*, each with its present name.

    The later ones win over the earlier ones.
    """
    for old, new in FALLBACKS.items():
        if old in texts and new not in texts:
            yield old, new
    for old in sorted(texts, key=lambda name: name == _COMMON_EXECUTOR):
        if old == _COMMON_EXECUTOR:
            yield old, f"{DATABASE}.transaction_executor_class"
        elif "_transaction_executor_class" in old and (match := re.fullmatch(_EXECUTOR, old)):
            section, resource = match.groups()
            inner = f"{resource}." if re.fullmatch(_OF_APP, section) else ""
            yield old, f"{section}{inner}transaction_executor_class"


def is_old(name: str) -> bool:
    """Whether it is the 0.18 name of an option that has another name now."""
    return name in FALLBACKS or bool(re.fullmatch(_EXECUTOR, name))


def why_gone(name: str) -> str | None:
    """What to do about an option of 0.18 that has no effect any more; None for all others."""
    if re.fullmatch(_SCHEDULE, name):
        return "the schedule of a job is in the jobs list"
    return _GONE.get(name)
