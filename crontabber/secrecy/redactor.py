"""Takes the secrets out of texts."""

import string
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from . import MASK
from .forms import encoded, variants, views
from .places import Places, is_weak, occurrences

Span = tuple[int, int]

_BASE64 = "+-/_" + string.ascii_letters + string.digits


@dataclass(frozen=True)
class Redactor:
    """Masks its secrets anywhere in a text, in any form.

    Those that are short or common are masked where they are given: see `places`. Masking
    again changes nothing. It costs nothing before there is a text.
    """

    secrets: frozenset[str] = frozenset()
    known: frozenset[str] = frozenset()
    """What anyone may read, although it is a secret, or a part of one, too."""

    def __or__(self, other: "Redactor") -> "Redactor":
        return Redactor(self.secrets | other.secrets, self.known | other.known)

    def __call__(self, text: str) -> str:
        """*text* without the secrets."""
        finder = _finder(self)
        while found := _merged(finder.spans(text)):  # a mask may complete what looks like one
            text = _masked(text, found)
        return text


class _Finder(NamedTuple):
    """What to look for."""

    texts: tuple[str, ...]
    codes: tuple[str, ...]
    places: Places | None

    def spans(self, text: str) -> Iterator[Span]:
        """Where there are secrets in *text*."""
        for view in views(text):
            for begin, end in self._found(view.text):
                yield view.origin(begin), view.origin(end)

    def _found(self, text: str) -> Iterator[Span]:
        for secret in self.texts:
            yield from occurrences(text, secret)
        for code in self.codes:
            yield from _runs(text, code)
        if self.places:
            yield from self.places.spans(text)


@lru_cache(maxsize=16)
def _finder(redactor: Redactor) -> _Finder:
    strong: set[str] = set()
    weak: set[str] = set()
    for secret in filter(str.strip, redactor.secrets):
        is_word = is_weak(secret, redactor.known)
        for form in variants(secret):
            if form.strip("*"):
                (weak if is_word or is_weak(form, redactor.known, 0) else strong).add(form)
    codes = {code for secret in strong for code in encoded(secret)}
    found = Places(weak) if weak else None
    return _Finder(tuple(strong), tuple(codes), found)


def _runs(text: str, part: str) -> Iterator[Span]:
    """Where there is base64, or hexadecimal digits, with *part*: what surrounds it counts too."""
    end = 0
    while (begin := text.find(part, end)) >= 0:
        end = len(text) - len(text[begin:].lstrip(_BASE64))
        yield len(text[:begin].rstrip(_BASE64)), end


def _merged(spans: Iterator[Span]) -> list[Span]:
    merged: list[Span] = []
    for begin, end in sorted(set(spans)):
        if merged and begin <= merged[-1][1]:
            first, last = merged.pop()
            merged.append((first, max(end, last)))
        else:
            merged.append((begin, end))
    return merged


def _masked(text: str, spans: list[Span]) -> str:
    parts: list[str] = []
    rest = 0
    for begin, end in spans:
        parts += (text[rest:begin], MASK)
        rest = end
    return "".join(parts) + text[rest:]
