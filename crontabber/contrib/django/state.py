"""Restores what a command may change in Django itself, for the next command."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import close_old_connections, connections, reset_queries
from django.utils import timezone, translation


@contextmanager
def kept_state() -> Iterator[None]:
    """A context that restores language, time zone, settings and connections.

    A transaction that was begun and not ended is rolled back, with its connection: otherwise
    the next command would work in it, and lose its work.
    """
    close_old_connections()
    reset_queries()
    was = _settings()
    open_before = _begun()
    databases = {alias: dict(connections.settings[alias]) for alias in connections}
    try:
        with (
            translation.override(translation.get_language()),
            timezone.override(timezone.get_current_timezone()),
        ):
            yield
    finally:
        _put_back_settings(was)
        for alias in _begun() - open_before:
            _drop(alias)
        for alias, database in databases.items():
            if connections.settings[alias] != database:
                connections.settings[alias].clear()
                connections.settings[alias].update(database)
                _drop(alias)
        close_old_connections()


def _settings() -> tuple[Any, dict[str, Any]]:
    """The settings in force, and what was set in them."""
    settings.DEBUG  # noqa: B018  they are read when one of them is asked for
    wrapped = settings._wrapped  # noqa: SLF001  there is no other way to it
    return wrapped, dict(vars(wrapped))


def _put_back_settings(was: tuple[Any, dict[str, Any]]) -> None:
    wrapped, values = was
    if settings._wrapped is wrapped and vars(wrapped) == values:  # noqa: SLF001
        return
    vars(wrapped).clear()
    vars(wrapped).update(values)
    vars(settings).clear()  # it caches what was read
    settings._wrapped = wrapped  # noqa: SLF001


def _begun() -> set[str]:
    """The connections with an open transaction."""
    used = connections.all(initialized_only=True)
    return {connection.alias for connection in used if connection.in_atomic_block}


def _drop(alias: str) -> None:
    """Close a connection, so that Django opens a new one when needed."""
    connection = connections[alias]
    connection.close()
    del connections[alias]
