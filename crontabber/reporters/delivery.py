"""Delivers a letter to Sentry, within a fixed time.

Sentry's clients only write the letters. They are sent here, for three reasons: the time to
wait must be certain; raven's own https does not work after Python 3.11; and a thread that
lives on after a letter is sent would disturb jobs that fork.
"""

import ssl
import threading
from http.client import HTTPException, HTTPMessage
from typing import IO, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, HTTPSHandler, Request, build_opener

from ..errors import ConfigError
from .dsn import Dsn


class Letter(NamedTuple):
    """An HTTP request by POST, as one of Sentry's clients wrote it."""

    url: str
    body: bytes
    headers: dict[str, str]


def deliver(letter: Letter, dsn: Dsn, patience: float) -> None:
    """Send *letter*; a `ConfigError` of one line says why it did not arrive.

    Returns after *patience* seconds at the latest. It takes a thread for that: the time-out
    of a socket starts anew with each byte, and the look-up of a name has none.
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
    try:
        opener = build_opener(HTTPSHandler(context=_context(dsn)), _NoRedirects)
        request = Request(letter.url, letter.body, letter.headers)  # noqa: S310  see Dsn.parse
        with opener.open(request, timeout=patience):
            return ""
    except HTTPError as error:
        with error:
            why = error.headers.get("X-Sentry-Error")
        return f"HTTP {error.code} {error.reason}" + (f" ({why})" if why else "")
    except URLError as error:
        return str(error.reason)
    except (OSError, HTTPException, ValueError) as error:
        return f"{type(error).__name__}: {error}"


class _NoRedirects(HTTPRedirectHandler):
    """Refuses redirects: another address must not get the key, and a GET delivers nothing."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        return None


def _context(dsn: Dsn) -> ssl.SSLContext:
    """Trust the system's certificates, certifi's where it is installed, and the DSN's own."""
    context = ssl.create_default_context()
    try:
        import certifi
    except ImportError:
        pass
    else:
        context.load_verify_locations(certifi.where())
    if dsn.ca_certs:
        context.load_verify_locations(dsn.ca_certs)
    if not dsn.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
