"""MASK: takes secrets out of texts, in every form that they can take.

`redactor` does it, with `forms` (how a secret may be written) and `places` (where to mask one
that is too short or too common to be masked everywhere). Every room may import this one; it
imports none. Others know what is a secret: `crontabber.config.secrets` for options,
`crontabber.database.libpq` for connections.
"""

from collections.abc import Callable, Iterator
from typing import Any

MASK = "*" * 8
"""What replaces a secret."""

SECRET_NAMES = (
    *("password", "passwd", "passphrase", "secret", "token", "dsn"),
    *("apikey", "api_key", "api-key"),
)
"""An option, a variable or an argument is secret if its name contains one of these."""


def sounds_secret(name: str) -> bool:
    """Whether what has this *name* must not be shown."""
    name = name.lower()
    return any(word in name for word in SECRET_NAMES)


def redacted(value: Any, redact: Callable[[str], str], name: str = "") -> Any:
    """*value* with the secrets taken out of every text in it, in lists and dicts too.

    A text with a *name* that sounds secret, as the key of a dict, is masked as a whole.
    """
    if isinstance(value, str):
        return MASK if value and sounds_secret(name) else redact(value)
    if isinstance(value, dict):
        return {_key(key, redact): redacted(part, redact, str(key)) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [redacted(part, redact, name) for part in value]
    return value


def given(value: Any, name: str = "") -> Iterator[str]:
    """The texts and numbers in *value*, such as arguments by name, whose names sound secret."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield from given(part, f"{name} {key}" if sounds_secret(name) else str(key))
    elif isinstance(value, list | tuple):
        for part in value:
            yield from given(part, name)
    elif sounds_secret(name) and isinstance(value, str | int | float):
        yield str(value)


def _key(key: Any, redact: Callable[[str], str]) -> Any:
    return redact(key) if isinstance(key, str) else key
