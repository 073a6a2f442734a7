"""HTML as values: elements with texts, which are masked and escaped when they are written.

There is no way around the escaping: a text becomes markup only as an `Element`.
"""

import functools
import html
from collections.abc import Callable, Iterable
from typing import NamedTuple, Union

from .text import escaped

_VOID = frozenset({"br", "hr", "img", "input", "link", "meta"})
"""The elements without content and without an end tag."""
_READ = frozenset({"title", "aria_label", "value", "datetime", "alt", "placeholder"})
"""The attributes that people read."""
_BETWEEN = "\0"
"""Separates the texts that are masked at once; `escaped` removes it from texts."""


Attributes = dict[str, str | int | float | bool | None]
"""As `tag` gets them. None and False leave an attribute out; with True it has no value."""


class Element(NamedTuple):
    """An element: its name, its attributes, and what is in it."""

    name: str
    attributes: Attributes
    content: tuple["Node", ...]


class Raw(NamedTuple):
    """A text of our own, such as a style sheet, that is written as it is."""

    text: str


Node = Union[str, Element, Raw, Iterable["Node"], None]  # noqa: UP007  it names itself
"""What can be in an element."""


def tag(name: str, /, *content: Node, **attributes: str | int | float | bool | None) -> Element:
    """An element; ``class_`` is the attribute class, and ``aria_label`` aria-label."""
    return Element(name, attributes, content)


def render(node: Node, redact: Callable[[str], str] = str) -> str:
    """*node* as HTML, its texts without secrets."""
    out = _Output([], [], [])
    out.add(node)
    masked = redact(_BETWEEN.join(out.texts)).split(_BETWEEN)
    if len(masked) != len(out.texts):  # a secret spans several texts
        masked = [redact(text) for text in out.texts]
    # all at once, as a page has thousands of texts
    texts = html.escape(_BETWEEN.join(masked)).split(_BETWEEN)
    for place, text in zip(out.places, texts, strict=False):
        out.pieces[place] = text
    return "".join(out.pieces)


class _Output(NamedTuple):
    """The pieces of a document; no generators, as a page has thousands of them."""

    pieces: list[str]
    texts: list[str]
    """What has to be masked and escaped."""
    places: list[int]
    """Where in ``pieces`` each text belongs."""

    def add(self, node: Node) -> None:
        """Add what *node* is."""
        if node is None:
            return
        if isinstance(node, str):
            self.places.append(len(self.pieces))
            self.pieces.append("")
            self.texts.append(node if node.isprintable() else escaped(node))
        elif isinstance(node, Element):
            self._element(*node)
        elif isinstance(node, Raw):
            self.pieces.append(node.text)
        else:
            for each in node:
                self.add(each)

    def _element(self, name: str, attributes: Attributes, content: tuple[Node, ...]) -> None:
        opening = f"<{name}"
        for key, value in attributes.items():
            if value is None or value is False:
                continue
            if value is True:
                opening += f" {_attribute(key)}"
            elif key in _READ:
                self.pieces.append(f'{opening} {_attribute(key)}="')
                self.add(str(value))
                opening = '"'
            else:
                opening += f' {_attribute(key)}="{html.escape(str(value))}"'
        self.pieces.append(f"{opening}>")
        if name in _VOID:
            return
        for each in content:
            self.add(each)
        self.pieces.append(f"</{name}>")


@functools.cache
def _attribute(name: str) -> str:
    return name.rstrip("_").replace("_", "-")
