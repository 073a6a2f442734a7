"""The section ``[web]``: who may look at the pages, and who may do what there."""

import os
import re
from typing import Any, NamedTuple

from . import compat  # noqa: F401  configman cannot be imported before
from .converters import names_text, yes_or_no

from configman import Namespace

_HEADER = re.compile(r"[A-Za-z0-9-]+")
_HOST = re.compile(r"[a-z0-9._-]+|\[[0-9a-f:.]+\]")
_PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+)*")


class WebSettings(NamedTuple):
    """Who may look at the pages, and who may do what there."""

    users: str
    """The file of users, as an absolute path; empty: there are none."""
    writable: bool
    """Whether operators may change anything."""
    hosts: tuple[str, ...]
    """The host names by which browsers reach the pages, besides ``localhost`` and the like."""
    proxy_user_header: str
    """The header in which a proxy names the user; empty: no header is believed."""
    proxy_trusted: tuple[str, ...]
    """The addresses and networks of proxies that are believed."""
    proxy_operators: tuple[str, ...]
    """The users of the proxy who are operators; all others look."""
    prefix: str
    """The path under which a proxy serves the pages, such as ``/cron``; empty: none."""

    @classmethod
    def of(cls, values: Any, directory: str) -> "WebSettings":
        """What the resolved section says; *directory* is where relative paths begin."""
        users = os.path.expanduser(values.users)  # noqa: PTH111  pathlib costs an idle tick
        return cls(
            users=os.path.join(directory, users) if users else "",  # noqa: PTH118  as above
            writable=values.writable,
            hosts=_listed(values.hosts),
            proxy_user_header=values.proxy_user_header.lower(),
            proxy_trusted=_listed(values.proxy_trusted),
            proxy_operators=_listed(values.proxy_operators),
            prefix=values.prefix,
        )


def web_options(section: Namespace) -> None:
    """What ``[web]`` says."""
    section.add_option("users", default="", doc="the file with the users, which --add-user writes")
    section.add_option(
        "writable",
        default=False,
        from_string_converter=yes_or_no,
        doc="whether operators may run, pause and reset jobs; --serve-writable for short",
    )
    section.add_option(
        "hosts",
        default="",
        from_string_converter=host_names,
        doc="the host names under which browsers reach the pages, such as cron.example.org",
    )
    section.add_option(
        "prefix",
        default="",
        from_string_converter=prefix_path,
        doc="the path under which a proxy serves the pages, such as /cron",
    )
    _proxy_options(section)


def _proxy_options(section: Namespace) -> None:
    section.add_option(
        "proxy_user_header",
        default="",
        from_string_converter=header_name,
        doc="the header in which a proxy names the user, such as X-Remote-User",
    )
    section.add_option(
        "proxy_trusted",
        default="",
        from_string_converter=networks_text,
        doc="the addresses of trusted proxies, such as 127.0.0.1, 10.0.0.0/8",
    )
    section.add_option(
        "proxy_operators",
        default="",
        from_string_converter=names_text,
        doc="the users of the proxy who are operators; all others are viewers",
    )


def host_names(text: str) -> str:
    """Names of hosts, without ports, separated by commas or line breaks."""
    names = names_text(text.lower())
    for name in _listed(names):
        if not _HOST.fullmatch(name):
            raise ValueError(f"{name[:80]!r} is not a host name such as cron.example.org")
    return names


def header_name(text: str) -> str:
    """The name of a header, or nothing. One with ``_`` can be forged past some proxies."""
    name = text.strip()
    if name and not _HEADER.fullmatch(name):
        raise ValueError("it is not a header name such as X-Remote-User")
    return name


def networks_text(text: str) -> str:
    """Addresses and networks, separated by commas or line breaks."""
    names = names_text(text)
    if not names:
        return names
    import ipaddress  # no tick needs it

    for name in _listed(names):
        try:
            ipaddress.ip_network(name)
        except ValueError as error:
            raise ValueError(f"{error}: write an address or a network like 10.0.0.0/8") from None
    return names


def prefix_path(text: str) -> str:
    """A path that begins with a slash and does not end in one, or nothing."""
    path = text.strip().rstrip("/")
    if not _PREFIX.fullmatch(path) or {".", ".."} & {*path.split("/")}:
        raise ValueError("it is not a path such as /cron")
    return path


def _listed(text: str) -> tuple[str, ...]:
    return tuple(filter(None, text.split(", ")))
