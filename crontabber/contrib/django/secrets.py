"""What is secret in the settings of a project."""

import warnings
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from django.conf import settings

from ...config.secrets import keys_in_urls, within
from ...connection_factory import ConnectionFactory
from ...errors import ConfigError
from ...secrecy import sounds_secret
from ...secrecy.redactor import Redactor
from .conf import PREFIX, jobs, value
from .database import connection_config
from .jobs import joined

_HARMLESS = frozenset({"AUTH_PASSWORD_VALIDATORS", "PASSWORD_HASHERS"})
_KNOWN = ("USER", "NAME", "HOST")
_DEPTH = 6
"""How deep to look into settings."""


def redactor() -> Redactor:
    """Takes out of texts what the settings have under names such as ``SECRET_KEY``.

    Also the passwords of all databases, those in URLs, and the arguments of jobs that
    are given to options with such names.
    """
    found: set[str] = set()
    for name in dir(settings):
        if name.isupper() and name not in _HARMLESS:
            found.update(_secrets(_read(name), name, _DEPTH))
    for name in ("PING", "HEARTBEAT", "NOTIFY_URLS"):
        found.update(keys_in_urls(joined(getattr(settings, PREFIX + name, None) or "")))
    for job in jobs():
        found.update(job.secrets)
    databases = settings.DATABASES.values()
    known = {str(database.get(name) or "") for database in databases for name in _KNOWN}
    redact = Redactor(frozenset(found - {""}), frozenset(known - {""}))
    try:
        return redact | ConnectionFactory(connection_config(value("DATABASE"))).redactor()
    except ConfigError:  # reported elsewhere
        return redact


def _read(name: str) -> Any:
    """A setting; None for one that Django refuses, as it does an empty ``SECRET_KEY``.

    Deprecated ones warn when they are read, which is an error with ``-W error``.
    """
    with warnings.catch_warnings(), suppress(Exception):
        warnings.simplefilter("ignore")
        return getattr(settings, name)
    return None


def _secrets(given: Any, name: str, depth: int) -> Iterator[str]:
    if isinstance(given, str):
        if sounds_secret(name) or name.endswith("_KEY"):
            yield given
        yield from within(given)
    elif isinstance(given, Mapping) and depth:
        for key, part in given.items():
            yield from _secrets(part, str(key), depth - 1)
    elif isinstance(given, list | tuple | set | frozenset) and depth:
        for part in given:
            yield from _secrets(part, name, depth - 1)
