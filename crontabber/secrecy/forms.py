"""How a text may be written: escaped for Python, JSON, SQL, libpq, URLs or HTML, or as base64.

Escapes are undone rather than made: there are many ways to write a character, and each may be
needless (``%61`` is an ``a``) or done twice. So we look for a secret in what a text means.
"""

import base64
import re
from bisect import bisect_right
from collections.abc import Iterator

_DEPTH = 4
"""How often a text may have been escaped: JSON in a ``repr`` in a URL is three times."""

_ESCAPE = re.compile(
    # a set of first characters, so that the text between escapes is passed over quickly
    r"""
    [\\%&'"\n] (?:
        (?<= \\ ) (?:                                # Python, JSON, SQL, libpq
            U (?P<long> [0-9a-fA-F]{8} )
            | u (?P<unit> [0-9a-fA-F]{4} )           # of astral characters in JSON a half
            | x (?P<byte> [0-9a-fA-F]{2} )
            | (?P<character> [^%&] )
        )
        | (?<= % ) (?:                               # URLs, in UTF-8 or something else
            (?P<utf8> [c-fC-F] [0-9a-fA-F] (?: % [89abAB] [0-9a-fA-F] ){1,3} )
            | (?P<percent> [0-9a-fA-F]{2} )
        )
        | (?<= & ) (?:                               # HTML
            \# [xX] (?P<point> [0-9a-fA-F]{1,6} ) ;
            | \# (?P<decimal> [0-9]{1,7} ) ;
            | (?P<entity> lt | gt | amp | quot | apos ) ;
        )
        | (?<= ' ) (?: "'" | \\' ) (?P<shell> ' )    # a quote in quotes for a shell
        | (?<= ' ) (?P<single> ' )                   # SQL
        | (?<= " ) (?P<double> " )                   # SQL, CSV
        | (?<= [A-Za-z0-9+/]{64} \n ) (?P<fold> )    # base64 in lines
    )
    """,
    re.VERBOSE | re.DOTALL,
)
_LOOSE_ENDS = re.compile(
    r"""
    \A ['"]+
    | (?: \\ (?: [xuU] [0-9a-fA-F]* )? | % [0-9a-fA-F]? | & [\#a-z0-9A-F]* | ['"] )+ \Z
    """,
    re.VERBOSE,
)
"""What may be part of an escape, with what is before or after it."""
_ENTITIES = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}
_CONTROLS = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "a": "\a"}
_LEAST_ENCODED = 6
"""How many characters of base64 are no coincidence."""


_LINE = 8
"""How many characters a line needs to be a secret itself: lines of tracebacks are indented."""


class View:
    """What a text means, and where: the text itself, or another *view* unescaped."""

    def __init__(self, text: str, view: "View | None" = None) -> None:
        self.text = text
        self._view = view
        self._begins: list[int] = []
        self._shifts: list[int] = []
        if view:
            self.text = _ESCAPE.sub(self._undo, text)

    @property
    def is_news(self) -> bool:
        """Whether there were any escapes."""
        return bool(self._begins)

    def origin(self, place: int) -> int:
        """Where in the text itself the character at *place* begins, or the text ends."""
        if self._view is None:
            return place
        at = bisect_right(self._begins, place) - 1
        return self._view.origin(place + (self._shifts[at] if at >= 0 else 0))

    def _undo(self, match: "re.Match[str]") -> str:
        meaning = _meaning(match)
        begin = match.start() - (self._shifts[-1] if self._shifts else 0)
        end = begin + len(meaning)
        self._begins += (begin, end)
        self._shifts += (match.start() - begin, match.end() - end)
        return meaning


def views(text: str) -> Iterator[View]:
    """*text*, then without its escapes, then without those that were escaped, and so on."""
    view = View(text)
    for _ in range(_DEPTH):
        yield view
        view = View(view.text, view)
        if not view.is_news:
            return
    yield view


def meanings(text: str) -> Iterator[str]:
    """*text* itself, and all that it means with its escapes undone; no two are the same."""
    while True:
        yield text
        plain = _ESCAPE.sub(_meaning, text)
        if plain == text:
            return
        text = plain


def variants(secret: str) -> Iterator[str]:
    """The texts to look for in `views`, for the *secret* to be found there."""
    lines = [line.strip() for line in secret.splitlines() if len(line.strip()) >= _LINE]
    for text in {secret, secret.strip(), secret.replace(" ", "+"), *lines}:
        # Bytes are seen one by one, and so are the halves of a character in JSON.
        for form in {text, _bytes(text).decode("latin-1"), _in_halves(text)}:
            for meaning in meanings(form):
                yield from {meaning, _LOOSE_ENDS.sub("", meaning)}


def encoded(secret: str) -> Iterator[str]:
    """The parts of base64 and of hexadecimal digits that *secret* leads to, at any position.

    In base64 these depend on *secret* alone, for each of three alignments; there are none for
    a secret that is too short.
    """
    for data in {_bytes(secret), *([secret.encode("latin-1")] if _is_latin(secret) else [])}:
        if 2 * len(data) >= _LEAST_ENCODED:
            yield data.hex()
            yield data.hex().upper()
        for before, lost in enumerate((0, 2, 3)):
            whole = (before + len(data)) * 8 // 6
            text = base64.b64encode(b"\0" * before + data).decode()[lost:whole]
            if len(text) >= _LEAST_ENCODED:
                yield text
                yield text.replace("+", "-").replace("/", "_")


def encoded_ends(secret: str) -> Iterator[str]:
    """How the base64 of a text that ends with *secret* ends, for each alignment."""
    for before, lost in enumerate((0, 2, 3)):
        yield base64.b64encode(b"\0" * before + _bytes(secret)).decode()[lost:]


def _bytes(text: str) -> bytes:
    try:
        return text.encode("utf-8", "surrogateescape")  # as it was in the environment
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def _is_utf8(data: bytes) -> bool:
    try:
        return bool(data.decode())
    except UnicodeDecodeError:
        return False


def _is_latin(text: str) -> bool:
    return all(character < "\u0100" for character in text)


def _in_halves(text: str) -> str:
    units = memoryview(text.encode("utf-16", "surrogatepass")).cast("H")[1:]
    return "".join(map(chr, units))


def _meaning(match: "re.Match[str]") -> str:
    """The character that an escape stands for; none for the end of a line of base64."""
    kind = match.lastgroup or ""
    text = match[kind]
    if kind == "entity":
        return _ENTITIES[text]
    if kind == "character":
        return _CONTROLS.get(text, text)
    if kind in {"shell", "single", "double", "fold"}:
        return text
    if kind == "utf8":
        data = bytes.fromhex(text.replace("%", ""))
        return data.decode() if _is_utf8(data) else data.decode("latin-1")
    number = int(text, 10 if kind == "decimal" else 16)
    return chr(number) if number < 0x110000 else "\ufffd"
