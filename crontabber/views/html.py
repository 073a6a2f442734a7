"""HTML as values: elements that hold texts, which are masked and escaped when it is written.

There is no way around the escaping: a text becomes markup only as an `Element`.
"""

import html
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, Union

from .text import escaped

_VOID = frozenset({"br", "hr", "img", "input", "link", "meta", "path", "rect", "line", "circle"})
"""The elements that have no content, those of SVG included that we use so."""
_READ = frozenset({"title", "aria-label", "value", "datetime", "alt", "placeholder"})
"""The attributes that people read."""
_BETWEEN = "\0"
"""Between the texts that are masked in one go; `escaped` leaves none of it in a text."""


class Element(NamedTuple):
    """An element: its name, its attributes, and what is in it."""

    name: str
    attributes: dict[str, str | int | float | bool | None]
    """One that is None or False is left out; one that is True has no value."""
    content: tuple["Node", ...]


class Raw(NamedTuple):
    """A text of our own, such as a style sheet, that is written as it is."""

    text: str


Node = Union[str, Element, Raw, Iterable["Node"], None]  # noqa: UP007  it names itself
"""What can be in an element."""


def tag(name: str, /, *content: Node, **attributes: str | int | float | bool | None) -> Element:
    """An element; ``class_`` is the attribute class, and ``aria_label`` aria-label."""
    return Element(
        name,
        {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items()},
        content,
    )


def render(node: Node, redact: Callable[[str], str] = str) -> str:
    """*node* as HTML, its texts without secrets."""
    pieces = [*_pieces(node)]
    texts = [piece for piece, is_text in pieces if is_text]
    masked = redact(_BETWEEN.join(texts)).split(_BETWEEN)
    if len(masked) != len(texts):  # a secret that reaches over several texts
        masked = [redact(text) for text in texts]
    left = iter(masked)
    return "".join(html.escape(next(left)) if is_text else piece for piece, is_text in pieces)


def _pieces(node: Node) -> Iterator[tuple[str, bool]]:
    """The pieces of the document, and whether each is a text that has to be escaped."""
    if node is None:
        return
    if isinstance(node, str):
        yield node if node.isprintable() else escaped(node), True
    elif isinstance(node, Raw):
        yield node.text, False
    elif isinstance(node, Element):
        yield from _element(node)
    else:
        for each in node:
            yield from _pieces(each)


def _element(node: Element) -> Iterator[tuple[str, bool]]:
    opening = f"<{node.name}"
    for name, value in node.attributes.items():
        if value is None or value is False:
            continue
        if value is True:
            opening += f" {name}"
        elif name in _READ:
            yield f'{opening} {name}="', False
            yield from _pieces(str(value))
            opening = '"'
        else:
            opening += f' {name}="{html.escape(str(value))}"'
    yield f"{opening}>", False
    if node.name in _VOID:
        if node.name in ("path", "rect", "line", "circle"):
            yield f"</{node.name}>", False
        return
    for each in node.content:
        yield from _pieces(each)
    yield f"</{node.name}>", False
