"""KEEP: secrets are taken out of texts here, in every form that they can take.

`redactor` does it, by `forms` (how a secret may be written) and `places` (where one is masked
that is too short or too common to be masked everywhere). Everybody may import this room; it
imports nothing of ours. What is a secret, others know: `crontabber.config.secrets` of options,
`crontabber.database.libpq` of connections.
"""

MASK = "*" * 8
"""What stands in place of a secret."""

SECRET_NAMES = (
    *("password", "passwd", "passphrase", "secret", "token", "dsn"),
    *("apikey", "api_key", "api-key"),
)
"""One of them is in the name of an option, a variable or an argument that is secret."""


def sounds_secret(name: str) -> bool:
    """Whether what has this *name* must not be shown."""
    name = name.lower()
    return any(word in name for word in SECRET_NAMES)
