"""Sessions: signed cookies, which end with time, at logout, or when role or password change."""

import hashlib
import secrets

from itsdangerous import BadSignature, TimestampSigner

from ...process.clock import monotonic
from .users import Entry, User, UsersFile

COOKIE = "crontabber_session"
LASTS = 12 * 3600
"""Seconds that a session lasts: a working day."""
_LONGEST = 512
"""The longest cookie that is read, in characters."""


class Sessions:
    """Makes and reads the texts of cookies.

    Each is signed with a key that is computed from the user's line in the file: it is void after
    a change of role or password. Logouts are remembered for as long as the session would last.
    """

    def __init__(self, users: UsersFile) -> None:
        self._users = users
        self._ended: dict[str, float] = {}
        """For logged-out sessions, by number: when they can be forgotten."""

    def begin(self, user: User) -> str:
        """The text of a cookie for *user*."""
        entry = self._users.entries()[user.name]
        return _signer(entry).sign(f"{user.name}:{secrets.token_urlsafe(16)}").decode()

    def user_of(self, text: str) -> User | None:
        """The user of a session; None if it is not valid, or not any more.

        Raises `ConfigError` if the file of users cannot be used.
        """
        found = self._read(text)
        return found[0] if found and found[1] not in self._ended else None

    def end(self, text: str) -> None:
        """Log out."""
        if found := self._read(text):
            now = monotonic()
            self._ended = {each: until for each, until in self._ended.items() if until > now}
            self._ended[found[1]] = now + LASTS

    def _read(self, text: str) -> tuple[User, str] | None:
        """The user and the number of the session."""
        name = text.partition(":")[0]
        entry = self._users.entries().get(name)
        if entry is None or len(text) > _LONGEST or not text.isascii():
            return None
        try:
            signed = _signer(entry).unsign(text, max_age=LASTS).decode()
        except BadSignature:
            return None
        return entry.user, signed.partition(":")[2]


def _signer(entry: Entry) -> TimestampSigner:
    return TimestampSigner(entry.key, salt="crontabber.session", digest_method=hashlib.sha256)
