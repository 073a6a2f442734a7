"""What libpq makes of connection parameters: where it goes, and what must not be shown."""

import os
import pwd
import re
from collections.abc import Iterable, Iterator, Mapping

Parameters = Mapping[str, str]

PARAMETERS = frozenset(
    # 13
    "application_name authtype channel_binding client_encoding connect_timeout dbname"
    " fallback_application_name gssencmode gsslib host hostaddr keepalives keepalives_count"
    " keepalives_idle keepalives_interval krbsrvname options passfile password port replication"
    " requirepeer requiressl service ssl_max_protocol_version ssl_min_protocol_version sslcert"
    " sslcompression sslcrl sslkey sslmode sslpassword sslrootcert target_session_attrs"
    " tcp_user_timeout tty user"
    # 14
    " sslcrldir sslsni"
    # 16
    " gssdelegation load_balance_hosts require_auth sslcertmode"
    # 17
    " sslnegotiation"
    # 18
    " max_protocol_version min_protocol_version oauth_client_id oauth_client_secret oauth_issuer"
    " oauth_scope scram_client_key scram_server_key servicefile sslkeylogfile".split()
)
"""The connection parameters of libpq 13 to 18, by the first of these that has them."""

_PLACE = {
    "service": "PGSERVICE",
    "host": "PGHOST",
    "port": "PGPORT",
    "dbname": "PGDATABASE",
    "user": "PGUSER",
}
_MASK = "********"
_SHORT = 4
_NUMBERS = (
    "connect_timeout",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_count",
    "tcp_user_timeout",
)
_PORT = r"\s*[0-9]{1,5}\s*"
SECRETS = {
    "password": "PGPASSWORD",
    "sslpassword": "PGSSLPASSWORD",
    "oauth_client_secret": "",
    "scram_client_key": "",
    "scram_server_key": "",
}
"""The parameters that must not be shown, and the variables that libpq reads for them."""


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
    return masked(text, _secrets(parameters))


def masked(text: str, secrets: Iterable[str]) -> str:
    """*text* with asterisks for *secrets*, also where they are written as a part of a URL.

    One of less than four characters is masked as a word of its own only: within words
    there would be more asterisks than text, and they would tell what it is.
    """
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        pattern = "".join(map(_plain_or_quoted, secret))
        if len(secret) < _SHORT:
            pattern = rf"(?<!\w){pattern}(?!\w)"
        text = re.sub(pattern, _MASK, text)
    return text


def _plain_or_quoted(character: str) -> str:
    """The pattern of a character of a secret: itself, or as URLs have it."""
    if character.isalnum() and character.isascii():
        return character
    quoted = "".join(f"%{byte:02x}" for byte in character.encode(errors="surrogateescape"))
    return f"(?:{re.escape(character)}|(?i:{quoted}))"


def faults(parameters: Parameters) -> Iterator[str]:
    """What libpq would refuse as soon as it connects, as far as that can be told before."""
    for name in _NUMBERS:
        text = parameters.get(name, "")
        if text and not re.fullmatch(r"\s*[+-]?[0-9]+\s*", text):
            yield f"{name} {text!r} is not a whole number"
    for port in parameters.get("port", "").split(","):  # a list has one for each host
        if port.strip() and not (re.fullmatch(_PORT, port) and 0 < int(port) < 65536):
            yield f"port {port!r} is not a port: write a number from 1 to 65535"


def _secrets(parameters: Parameters) -> set[str]:
    values = {_value(parameters, name, variable) for name, variable in SECRETS.items()}
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
