"""Who may see the pages, and as whom: applies the settings to a request."""

import ipaddress
from collections.abc import Iterator, Sequence
from http.cookies import CookieError, SimpleCookie
from typing import NamedTuple
from urllib.parse import urlsplit

from starlette.types import Scope

from ...config.web import WebSettings
from ...errors import ConfigError
from .sessions import COOKIE, Sessions
from .users import NAME, Role, User, UsersFile

_OURSELVES = frozenset({"localhost", "127.0.0.1", "[::1]"})
"""The names of this host for a browser on it."""
_LONGEST_COOKIES = 8192
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Policy(NamedTuple):
    """Who may see the pages, and as whom."""

    writable: bool
    """Whether operators may change anything."""
    hosts: frozenset[str]
    """The host names of the pages; empty: any, except on a loopback address."""
    users: UsersFile | None
    sessions: Sessions | None
    """None: there is no login."""
    header: bytes
    """The header in which a proxy names the user; empty: none."""
    trusted: tuple[Network, ...] = ()
    operators: frozenset[str] = frozenset()

    @classmethod
    def of(cls, settings: WebSettings, listens_on: str | None = None) -> "Policy":
        """The policy of the settings, for a server that listens on this address; None: unknown.

        Raises `ConfigError` if strangers could look at the pages, or change something.
        """
        users = UsersFile(settings.users) if settings.users else None
        if users and not users.entries():
            raise ConfigError(f"there are no users in {users.path}: add some with --add-user=NAME")
        if settings.proxy_user_header and not settings.proxy_trusted:
            raise ConfigError(
                "proxy_user_header is believed only if it comes from a proxy: name its address in "
                "proxy_trusted of the section [web], such as 127.0.0.1"
            )
        known = bool(users or settings.proxy_user_header)
        advice = "add a user with --add-user=NAME, and write users=FILE into the section [web]"
        if not known and listens_on is not None and not is_loopback(listens_on):
            raise ConfigError(f"{listens_on} can be reached from other hosts: {advice}")
        if not known and settings.writable:
            raise ConfigError(
                f"there is no operator who could run or pause jobs, as there are no users: {advice}"
            )
        return cls(
            writable=settings.writable,
            hosts=frozenset(settings.hosts),
            users=users,
            sessions=Sessions(users) if users else None,
            header=settings.proxy_user_header.encode(),
            trusted=tuple(map(ipaddress.ip_network, settings.proxy_trusted)),
            operators=frozenset(settings.proxy_operators),
        )

    @property
    def needs_user(self) -> bool:
        """Whether only known users may look at the pages."""
        return bool(self.users or self.header)

    def serves(self, scope: Scope) -> bool:
        """Whether the host name that the browser used is one of ours.

        Otherwise a stranger's page could point its name to our address, and read our pages.
        """
        names = headers(scope, b"host")
        name = host_name(names[0]) if len(names) == 1 else ""
        if name in self.hosts or name in _OURSELVES:
            return True
        address = (scope.get("server") or ("",))[0]
        return bool(name) and not self.hosts and not is_loopback(address)

    def is_from_own_page(self, scope: Scope) -> bool:
        """Whether one of our own pages sends this, as the browser says."""
        sites, origins = headers(scope, b"sec-fetch-site"), headers(scope, b"origin")
        if sites and sites != ["same-origin"]:
            return False
        own = headers(scope, b"host")
        if origins and (len(origins) > 1 or _host_of(origins[0]) != own[0].lower()):
            return False
        return bool(sites or origins)

    def user_of(self, scope: Scope) -> User | None:
        """The user, by the proxy's header or the cookie; None: a stranger."""
        if self.header and self._is_trusted(_peer(scope)):
            names = headers(scope, self.header)
            if len(names) == 1 and NAME.fullmatch(names[0]):
                is_operator = names[0] in self.operators
                return User(names[0], Role.OPERATOR if is_operator else Role.VIEWER)
        return self.sessions.user_of(cookie(scope)) if self.sessions else None

    def address_of(self, scope: Scope) -> str:
        """The address of the browser, as far as trusted proxies say."""
        address, way = _peer(scope), ",".join(headers(scope, b"x-forwarded-for")).split(",")
        for hop in reversed([each.strip() for each in way if each.strip()]):
            if not self._is_trusted(address):
                break
            address = hop
        return address

    def is_https(self, scope: Scope) -> bool:
        """Whether the browser speaks https, to us or to a proxy that we trust."""
        said = headers(scope, b"x-forwarded-proto")
        by_proxy = said[-1:] == ["https"] and self._is_trusted(_peer(scope))
        return bool(scope.get("scheme") == "https" or by_proxy)

    def _is_trusted(self, address: str) -> bool:
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return False
        found = getattr(found, "ipv4_mapped", None) or found
        return any(found in network for network in self.trusted)


def headers(scope: Scope, name: bytes) -> list[str]:
    """The values of a header, in their order."""
    return [value.decode("latin-1").strip() for key, value in scope["headers"] if key == name]


def cookie(scope: Scope) -> str:
    """The text of the cookie of a session; empty if there is none."""
    texts = headers(scope, b"cookie")
    return next((value for value in _cookies(texts) if value), "")


def _cookies(texts: Sequence[str]) -> Iterator[str]:
    for text in texts:
        if len(text) > _LONGEST_COOKIES:
            continue
        try:
            found = SimpleCookie(text).get(COOKIE)
        except CookieError:
            continue
        if found:
            yield found.value


def host_name(text: str) -> str:
    """A host without its port, in small letters; empty if it is none."""
    try:
        parts = urlsplit(f"//{text}")
        name, _ = (parts.hostname or ""), parts.port
    except ValueError:
        return ""
    if parts.netloc != text or "@" in text or not name:
        return ""
    return f"[{name}]" if ":" in name else name.rstrip(".")


def is_loopback(address: str) -> bool:
    """Whether only this host can reach it."""
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return False


def _host_of(origin: str) -> str:
    parts = urlsplit(origin)
    return parts.netloc.lower() if parts.scheme in {"http", "https"} else ""


def _peer(scope: Scope) -> str:
    return str((scope.get("client") or ("",))[0])
