"""How a secret may be written, and whether it can still be read."""

import base64
import functools
import html
import json
import random
import re
import shlex
import string
from collections.abc import Callable
from urllib.parse import quote, quote_plus

from crontabber.secrecy.forms import views
from crontabber.secrecy.places import is_weak

ALPHABETS = (
    string.ascii_letters + string.digits,
    string.ascii_letters + string.digits + string.punctuation,
    "\\%'\"&+;#x0u49afn tlg<>/=:@*",  # of what escapes are made
    string.ascii_letters + "äöüß€漢😀'\"\\ \n\t",
)


def percent(text):
    return "".join(f"%{byte:02X}" for byte in text.encode())


def base64_of(text):
    return base64.b64encode(text.encode()).decode()


FORMS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "repr": repr,
    "ascii": ascii,
    "repr of bytes": lambda text: repr(text.encode()),
    "repr of repr": lambda text: repr(repr(text)),
    "JSON": json.dumps,
    "JSON, not ASCII": lambda text: json.dumps(text, ensure_ascii=False),
    "JSON in JSON": lambda text: json.dumps(json.dumps(text)),
    "SQL": lambda text: "'" + text.replace("'", "''") + "'",
    "SQL, E": lambda text: "E'" + text.replace("\\", "\\\\").replace("'", "''") + "'",
    "SQL, name": lambda text: '"' + text.replace('"', '""') + '"',
    "libpq": lambda text: "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'",
    "shell": shlex.quote,
    "URL": lambda text: quote(text, safe=""),
    "form": quote_plus,
    "needless": percent,
    "needless, small": lambda text: percent(text).lower(),
    "now and then": lambda text: "".join(
        percent(character) if number % 3 or character in "%\\" else character
        for number, character in enumerate(text)
    ),
    "URL in JSON": lambda text: json.dumps({"url": f"https://u:{quote(text, safe='')}@host/"}),
    "base64": base64_of,
    "Basic": lambda text: "Basic " + base64_of(f"user:{text}"),
    "Basic, shifted": lambda text: "Basic " + base64_of(f"users:{text}"),
    "Basic, shifted twice": lambda text: "Basic " + base64_of(f"a user:{text}"),
    "base64 of more": lambda text: base64_of(f'{{"password": "{text}", "x": 1}}'),
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "base64 in lines": lambda text: base64.encodebytes(b"some words " * 6 + text.encode()).decode(),
    "HTML": html.escape,
    "HTML, numbers": lambda text: "".join(f"&#{ord(each)};" for each in text),
    "HTML, hexadecimal": lambda text: "".join(f"&#x{ord(each):X};" for each in text),
    "hexadecimal": lambda text: f"'\\x{text.encode().hex()}'::bytea",
}
"""How a secret may be written, by what."""


def meanings(text):
    """All that one can read in *text* by undoing escapes and base64."""
    for view in views(text):
        yield view.text
        for run in re.findall(r"[\w+/-]+", view.text, re.ASCII):
            word = run.replace("-", "+").replace("_", "/")
            for before in range(4):
                whole = "A" * before + word
                data = (
                    base64.b64decode(whole + "=" * (-len(whole) % 4) + "==", validate=False)
                    if len(whole.rstrip("=")) % 4 != 1
                    else b""
                )
                yield data.decode("utf-8", "ignore")


def passwords(count, seed):
    """So many passwords, always the same for a *seed*; none that is short or common."""
    rng = random.Random(seed)
    for number in range(count):
        alphabet = ALPHABETS[number % len(ALPHABETS)]
        password = ""
        while is_weak(password.strip(), ()):
            password = "".join(rng.choice(alphabet) for _ in range(rng.randint(8, 32)))
        yield password


def readable(password, shown):
    """Whether *password* can be read in what is *shown*."""
    return any(password in meaning for meaning in _meanings(shown))


@functools.lru_cache(maxsize=16)
def _meanings(shown):
    return frozenset(meanings(shown))
