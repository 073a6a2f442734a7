"""Delivers a letter to Sentry, and waits no longer than it may.

Sentry's clients write the letters, and this sends them, whichever client it is: for how
long one waits must be certain, raven's own way over https ended with Python 3.11, and
threads that outlive a letter do not go well with jobs that fork.
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
    """What a client of Sentry would send by POST."""

    url: str
    body: bytes
    headers: dict[str, str]


def deliver(letter: Letter, dsn: Dsn, patience: float) -> None:
    """Send *letter*; a `ConfigError` of one line says why it did not arrive.

    Returns after *patience* seconds at the latest: a time-out of a socket would count
    from each byte anew, and there is none for the look-up of a name.
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
    """Send *letter*; what went wrong, if anything did."""
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
    """Sentry's key goes to no other address, and a GET there would be no delivery."""

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
