"""Delivers a letter to Sentry, within a fixed time.

Sentry's clients only write the letters. This module sends them, for three reasons: the time to
wait must be limited; raven's own https does not work after Python 3.11; and a thread that
lives on after a letter is sent would disturb jobs that fork.
"""

import base64
import threading
from typing import NamedTuple

from ..errors import ConfigError
from .dsn import Dsn


class Letter(NamedTuple):
    """An HTTP request by POST, as one of Sentry's clients wrote it."""

    url: str
    body: bytes
    headers: dict[str, str]


def deliver(letter: Letter, dsn: Dsn, patience: float) -> None:
    """Send *letter*; a `ConfigError` of one line says why it did not arrive.

    Returns after *patience* seconds at the latest. That needs a thread: the time-out
    of a socket starts again with each byte, and a name look-up has none.
    """
    answers: list[str] = []
    thread = threading.Thread(
        target=lambda: answers.append(_post(letter, dsn, patience)), daemon=True
    )
    thread.start()
    thread.join(patience)
    trouble = answers[0] if answers else f"no answer within {patience:.2g} s"
    if trouble:
        raise ConfigError(dsn.masked(f"{dsn}: {trouble}"))


def _post(letter: Letter, dsn: Dsn, patience: float) -> str:
    """Send *letter*; the reason if it did not arrive, else an empty text."""
    from .carrier import post

    body = base64.b64encode(letter.body).decode()
    more = {"verify": dsn.verify, "ca_certs": dsn.ca_certs}
    request = {"method": "POST", "url": letter.url, "headers": letter.headers, "body": body}
    return post({**request, **more}, patience)
