"""Connects crontabber to the project's database by psycopg2, even if Django uses psycopg 3."""

from typing import Any

import psycopg2
from django.db import connections
from psycopg2.extensions import make_dsn

from ...config import compat  # noqa: F401  configman cannot be imported before
from ...connection_factory import ConnectionFactory

from configman.dotdict import DotDict

_NAMES = {"HOST": "host", "PORT": "port", "NAME": "dbname", "USER": "user", "PASSWORD": "password"}


def connection_config(alias: str) -> Any:
    """The config of a `ConnectionFactory` for the database that Django knows as *alias*.

    In a test this is the test database, as for Django's own connections.
    """
    options = ConnectionFactory.required_config.items()
    defaults = {name: option.default for name, option in options}
    dsn = make_dsn(**parameters(connections[alias].settings_dict))
    return DotDict({**defaults, "dsn": dsn})


def parameters(database: dict[str, Any]) -> dict[str, str]:
    """The parameters of libpq for one of ``DATABASES``, without Django's own options."""
    given = database.get("OPTIONS") or {}
    options = {name: str(value) for name, value in given.items() if _is_libpq(name, value)}
    if role := given.get("assume_role"):  # ``migrate`` makes the tables as this role
        escaped = str(role).replace("\\", r"\\").replace(" ", r"\ ")
        options["options"] = f"{options.get('options', '')} -c role={escaped}".strip()
    identity = {ours: str(database[django]) for django, ours in _NAMES.items() if database[django]}
    return {**options, **identity}


def _is_libpq(name: str, value: Any) -> bool:
    """Whether libpq knows an option; libpq itself is asked."""
    if not isinstance(value, str | int) or isinstance(value, bool):
        return False
    try:
        make_dsn(**{name: str(value)})
    except psycopg2.ProgrammingError:
        return False
    return True
