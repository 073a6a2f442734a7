"""What connection parameters mean to libpq: where it connects, and what must not be shown."""

import os
import pwd
import re
from collections.abc import Iterator, Mapping

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
_NUMBERS = (
    "connect_timeout",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_count",
    "tcp_user_timeout",
)
FILES = {
    "passfile": "PGPASSFILE",
    "servicefile": "PGSERVICEFILE",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcrl": "PGSSLCRL",
    "sslcrldir": "PGSSLCRLDIR",
}
"""The parameters that name files, and the variables that libpq reads for them."""
_NO_FILES = {"sslrootcert": "system"}
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

    A service's file is not read: its name is shown instead.
    """
    from ..secrecy import MASK  # an idle tick does not need it

    place = _place(parameters)
    if not place["service"]:
        place["user"] = place["user"] or _operating_system_user()
        place["host"] = place["host"] or "(local socket)"
        place["port"] = place["port"] or "5432"
        place["dbname"] = place["dbname"] or place["user"]
    place["database"] = place.pop("dbname")
    if stray := _stray(place["host"]):
        place["host"] = place["host"].replace(stray, MASK)
    return ", ".join(f"{name} {value}" for name, value in place.items() if value)


def secrets(parameters: Parameters) -> set[str]:
    """What must not be shown: passwords, also in the environment, and what may be one."""
    values = {parameters.get(name, "") for name in SECRETS}
    values |= {os.environ.get(variable, "") for variable in SECRETS.values() if variable}
    host = _place(parameters)["host"]
    return values | ({host, _stray(host)} if _stray(host) else set())


def known(parameters: Parameters) -> set[str]:
    """What anyone may read even if it is the password, such as a user's name.

    Masking it would give that away.
    """
    place = _place(parameters)
    place["host"] = place["host"].rpartition("@")[2]
    return {*place.values(), _operating_system_user()} - {""}


def faults(parameters: Parameters) -> Iterator[str]:
    """What libpq would refuse when it connects, as far as is known before."""
    for name in _NUMBERS:
        text = parameters.get(name, "")
        if text and not re.fullmatch(r"\s*[+-]?[0-9]+\s*", text):
            yield f"{name} {text!r} is not a whole number"
    for port in parameters.get("port", "").split(","):  # a list has one for each host
        if port.strip() and not (re.fullmatch(_PORT, port) and 0 < int(port) < 65536):
            yield f"port {port!r} is not a port: write a number from 1 to 65535"


def missing_files(parameters: Parameters) -> Iterator[str]:
    """The files that are named but missing; libpq silently ignores most of them.

    What the environment names counts where *parameters* name none.
    """
    for name, variable in FILES.items():
        own = parameters.get(name, "")
        path = own or os.environ.get(variable, "")
        is_file = path and path != _NO_FILES.get(name) and ":" not in path  # a key's engine has one
        if is_file and not os.path.exists(path):  # noqa: PTH110
            said = f"{name} {path!r}" if own else f"{variable} {path!r} (from the environment)"
            yield f"{said} is a file that is not there"


def _place(parameters: Parameters) -> dict[str, str]:
    return {
        name: parameters.get(name) or os.environ.get(variable, "")
        for name, variable in _PLACE.items()
    }


def _stray(host: str) -> str:
    """The end of a password with an @ in it that should have been written as %40."""
    return host.rpartition("@")[0]


def _operating_system_user() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return ""
