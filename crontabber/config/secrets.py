"""What is secret in a configuration: options, and the parts of connection strings.

Files that libpq reads itself, such as ``~/.pgpass`` and service files, are not read.
"""

import re
from collections.abc import Iterator, Mapping
from types import FunctionType, MethodType, ModuleType, NoneType
from typing import Any

from ..secrecy import sounds_secret
from .options import JOB
from .show import is_secret

_URL = re.compile(
    # it is looked for from ://, as a word of a megabyte may be none
    r"(?:(?<![\w.-])(?P<web>https?))?"
    r"://(?:(?P<user>[^\s:@/?#]*):(?P<password>\S*?)|(?P<key>[^\s:@/?#]+))@",
    re.IGNORECASE,
)
_URL_TO_LAST_AT = re.compile(r"://[^\s:@/?#]*:(?P<password>\S*)@")
_ASSIGNED = re.compile(
    r"password\s*=\s*(?:'(?P<quoted>(?:[^'\\]|\\.)*)'|(?P<plain>(?:[^\s'\\&]|\\.)+))"
)
_NO_SECRETS = (bool, type, FunctionType, MethodType, ModuleType, NoneType)
_KEYS_IN_PATHS = frozenset({"crontabber.ping", "crontabber.heartbeat", "notify.urls"})
"""The options whose URLs have keys in their paths; and these, in the section of a job."""
URLS_OF_JOBS = frozenset({"ping", "notify"})
_SHORTEST_KEY = 8
"""How many characters a part of a path has at least if it is a key."""
_DEPTH = 3
"""How deep to look into the values of options."""


def secrets_of(name: str, option: Any, texts: Mapping[str, str]) -> Iterator[str]:
    """The secrets of an option that is secret, or sounds so: its text, and its value.

    The text is its default if nothing is set. A number that only sounds secret is none, such
    as a ``token_lifetime``.
    """
    value = option.value
    text = texts.get(name, option.default)
    is_number = isinstance(value, int | float) and str(text) == str(value)
    if isinstance(value, _NO_SECRETS) or (is_number and not option.secret):
        return
    yield from _texts_of(text, _DEPTH)
    yield from _texts_of(value, _DEPTH)
    if _has_keys(name):
        yield from keys_in_urls(str(value))


def _has_keys(name: str) -> bool:
    of_job = name.startswith(JOB) and name.rpartition(".")[2] in URLS_OF_JOBS
    return of_job or name in _KEYS_IN_PATHS


def keys_in_urls(text: str) -> Iterator[str]:
    """What may be a key in URLs: the long parts of their paths and queries, and whole texts."""
    for url in re.split(r"[\s,]+", text):
        scheme, found, rest = url.partition("://")
        if not found:
            continue
        yield url
        host, _, path = rest.partition("/")
        is_web = scheme.lower() in ("http", "https") or "." in host
        for part in re.split(r"[/?&=:@]", path if is_web else rest):
            if _may_be_key(part):
                yield part


def _may_be_key(part: str) -> bool:
    """Whether a part of a path is not a word such as ``services``."""
    is_long = len(part) >= 2 * _SHORTEST_KEY
    return "{" not in part and (is_long or (len(part) >= _SHORTEST_KEY and not part.isalpha()))


def secret_texts(texts: Mapping[str, str]) -> Iterator[str]:
    """The secrets in what has been set, as far as names and connection strings show."""
    for name, text in texts.items():
        if is_secret(name):
            yield str(text)
        if _has_keys(name):
            yield from keys_in_urls(str(text))
        yield from within(str(text), is_key=is_secret(name))
        if name.startswith(JOB) and name.endswith(".environment"):
            yield from variables(text)


def variables(text: str) -> Iterator[str]:
    """The values of those ``NAME=value`` lines whose names sound secret."""
    for line in text.splitlines():
        name, _, value = line.strip().partition("=")
        if sounds_secret(name):
            yield value


def within(text: str, *, is_key: bool = False) -> Iterator[str]:
    """The passwords in a connection string or a URL.

    With *is_key* a name before the host, without a password, is secret too: Sentry's URLs have
    a key there. In a database's URL, it is the user.
    """
    for word in text.split():
        url = word[: word.rfind("@") + 1]  # behind it there is nothing to be found
        for match in _URL.finditer(url):
            yield match["password"] or ""
            if is_key and match["web"]:
                yield match["key"] or match["user"] or ""
        for match in _URL_TO_LAST_AT.finditer(url):  # an @ that should have been written as %40
            yield match["password"]
    for match in _ASSIGNED.finditer(text):
        yield match["quoted"] or match["plain"] or ""


def _texts_of(value: Any, depth: int) -> Iterator[str]:
    """The texts in a value of any type, such as a class that wraps a secret."""
    if isinstance(value, str):
        yield value
        yield from within(value, is_key=True)
    elif isinstance(value, bytes | bytearray):
        yield value.decode("latin-1")
        yield value.decode("utf-8", "replace")
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)
    elif depth and not isinstance(value, _NO_SECRETS):
        for part in _parts(value):
            yield from _texts_of(part, depth - 1)


def _parts(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        yield from value.values()
    elif isinstance(value, list | tuple | set | frozenset):
        yield from value
    else:
        yield from getattr(value, "__dict__", {}).values()
        for cls in type(value).__mro__:
            slots = getattr(cls, "__slots__", ())
            for slot in (slots,) if isinstance(slots, str) else slots:
                name = f"_{cls.__name__.lstrip('_')}{slot}" if _is_private(slot) else slot
                yield getattr(value, name, None)
        yield _str_of(value)


def _is_private(name: str) -> bool:
    return name.startswith("__") and not name.endswith("__")


def _str_of(value: Any) -> str:
    """Its text, if its class says so."""
    cls: Any = type(value)
    if cls.__str__ is object.__str__ and cls.__repr__ is object.__repr__:
        return ""
    try:
        return str(value)
    except Exception:  # noqa: BLE001  the code of others
        return ""
