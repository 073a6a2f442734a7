"""What libpq makes of connection parameters: where it goes, and what must not be shown."""

import os
import pwd
from collections.abc import Mapping

Parameters = Mapping[str, str]

_PLACE = {
    "service": "PGSERVICE",
    "host": "PGHOST",
    "port": "PGPORT",
    "dbname": "PGDATABASE",
    "user": "PGUSER",
}
_MASK = "********"
_SECRETS = {"password": "PGPASSWORD", "sslpassword": "PGSSLPASSWORD"}


def describe(parameters: Parameters) -> str:
    """Where a connection goes, for people: never the password.

    What a service's file says is not looked up: its name stands for it.
    """
    place = {name: _value(parameters, name, variable) for name, variable in _PLACE.items()}
    if not place["service"]:
        place["user"] = place["user"] or _operating_system_user()
        place["host"] = place["host"] or "(local socket)"
        place["port"] = place["port"] or "5432"
        place["dbname"] = place["dbname"] or place["user"]
    place["database"] = place.pop("dbname")
    if stray := _stray(place["host"]):
        place["host"] = place["host"].replace(stray, _MASK)
    return ", ".join(f"{name} {value}" for name, value in place.items() if value)


def redact(text: str, parameters: Parameters) -> str:
    """*text* with asterisks for the password, wherever it stands."""
    for secret in _secrets(parameters):
        text = text.replace(secret, _MASK)
    return text


def _secrets(parameters: Parameters) -> set[str]:
    values = {_value(parameters, name, variable) for name, variable in _SECRETS.items()}
    values.add(_stray(parameters.get("host", "")))
    # to mask a user's name because it is the password too would tell just that
    return values - {parameters.get("user"), parameters.get("dbname"), ""}


def _stray(host: str) -> str:
    """The end of a password with an @ in it that should have been written as %40."""
    return host.rpartition("@")[0]


def _value(parameters: Parameters, name: str, variable: str) -> str:
    return parameters.get(name) or os.environ.get(variable, "")


def _operating_system_user() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return ""
