"""The verb ``--add-user``: writes a line of the file of users."""

import getpass
import sys

from ...config.messages import did_you_mean
from ...config.web import WebSettings
from ...errors import ConfigError
from ...generic_app import Answer
from .users import NAME, Password, Role, UsersFile

_LONGEST = 1024
"""The lengths of a password, in characters."""


def add_user(settings: WebSettings, text: str) -> Answer:
    """Add the user ``NAME`` or ``NAME:ROLE``, or give an existing one another password or role.

    Raises `ConfigError` for a bad name, role or password, and for a file that others
    may write.
    """
    name, colon, role_text = text.partition(":")
    if not settings.users:
        raise ConfigError(
            "no file of users is named: write users=FILE into the section [web] of the "
            "configuration, such as users=crontabber.users"
        )
    if not NAME.fullmatch(name):
        raise ConfigError(
            f"{name[:80]!r} is not a user name: it has letters, digits and . _ @ - only, at "
            "most 64, and begins with a letter or digit"
        )
    role = _role(role_text) if colon else None
    users = UsersFile(settings.users)
    if users.path.exists():
        users.entries()  # before a password is typed in vain
    entry = users.put(name, role, Password.of(_password(name)))
    return Answer(f"{name} is a user of the pages now, as {entry.user.role.value}")


def _role(text: str) -> Role:
    try:
        return Role(text)
    except ValueError:
        known = [role.value for role in Role]
        hint = did_you_mean(text, known) or f": write {' or '.join(known)}"
        raise ConfigError(f"{text[:80]!r} is not a role{hint}") from None


def _password(name: str) -> str:
    """The password: typed twice on a terminal, otherwise the first line of stdin."""
    if sys.stdin.isatty():
        password = getpass.getpass(f"Password for {name}: ")
        if password and getpass.getpass("The same again: ") != password:
            raise ConfigError("these were two different passwords: nothing is changed")
    else:
        password = sys.stdin.readline(_LONGEST + 2).removesuffix("\n")
    if not password:
        raise ConfigError("a password cannot be empty: nothing is changed")
    if len(password) > _LONGEST:
        raise ConfigError(f"a password has {_LONGEST} characters at most: nothing is changed")
    return password
