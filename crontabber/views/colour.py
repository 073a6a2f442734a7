"""Colour, for terminals only."""

import os
from typing import TextIO

from .text import Style, plain

_COLOURS = {
    "error": "red",
    "ongoing": "yellow",
    "overdue": "yellow",
    "good": "green",
}


def style_for(stream: TextIO) -> Style:
    """The style for text that is written to *stream*.

    It is plain unless the stream is a terminal that has colours, and ``NO_COLOR`` is not set
    (see no-color.org: an empty value counts as not set).
    """
    if os.environ.get("NO_COLOR") or not stream.isatty():
        return plain
    from rich.console import Console  # its import takes longer than most commands
    from rich.style import Style as Pen

    if Console(file=stream).color_system is None:
        return plain
    pens = {kind: Pen(color=colour) for kind, colour in _COLOURS.items()}

    def coloured(kind: str, text: str) -> str:
        # line by line, as pagers forget a colour at the end of a line
        return "\n".join(pens[kind].render(line) for line in text.split("\n"))

    return coloured
