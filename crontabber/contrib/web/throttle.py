"""Slows down those who guess passwords, by user and by address."""

import ipaddress
from collections import OrderedDict
from typing import NamedTuple

from ...process.clock import monotonic

_FREE = 5
"""How many attempts need not wait: people mistype."""
_LONGEST = {"user": 60.0, "address": 900.0}
"""The most seconds to wait. Less for a user, whom strangers could lock out."""
_FORGOTTEN = 3600.0
"""Seconds after which an attempt is forgotten."""


class _Attempts(NamedTuple):
    number: int
    last: float
    """When the last one was, by the monotonic clock."""


class Throttle:
    """Counts attempts in bounded memory: *most* users and as many addresses."""

    def __init__(self, most: int = 10_000) -> None:
        self._most = most
        self._seen: dict[str, OrderedDict[str, _Attempts]] = {
            kind: OrderedDict() for kind in _LONGEST
        }

    def attempt(self, user: str, address: str) -> float:
        """Count an attempt, before the password is checked; return 0.0.

        If it comes too early, it is not counted and not allowed: the seconds to wait are
        returned.
        """
        now = monotonic()
        keys = {"user": user[:64], "address": _network(address)}
        if wait := max(self._wait(kind, key, now) for kind, key in keys.items()):
            return wait
        for kind, key in keys.items():
            self._count(kind, key, now)
        return 0.0

    def succeeded(self, user: str, address: str) -> None:
        """After the right password: forget the user's attempts, and this one of the address."""
        self._seen["user"].pop(user[:64], None)
        seen, key = self._seen["address"], _network(address)
        if found := seen.get(key):
            # not all of them: otherwise one's own password would buy five guesses at others'
            seen[key] = found._replace(number=found.number - 1)

    def _wait(self, kind: str, key: str, now: float) -> float:
        found = self._seen[kind].get(key)
        if found is None or found.number < _FREE:
            return 0.0
        pause = min(2.0 ** min(found.number - _FREE, 20), _LONGEST[kind])
        return max(found.last + pause - now, 0.0)

    def _count(self, kind: str, key: str, now: float) -> None:
        seen = self._seen[kind]
        found = seen.pop(key, None)
        count = 0 if found is None or now - found.last > _FORGOTTEN else found.number
        seen[key] = _Attempts(count + 1, now)
        if len(seen) > self._most:
            seen.popitem(last=False)


def _network(address: str) -> str:
    """An address; for IPv6 its network, as one host has all its addresses."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if found.version == 4:
        return str(found)
    return str(ipaddress.ip_network((found, 64), strict=False))
