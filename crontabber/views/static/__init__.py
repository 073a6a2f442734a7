"""The files that pages need: the style sheet, the script that refreshes, and the icon."""

from functools import cache
from pathlib import Path

FILES = {
    "crontabber.css": "text/css",
    "crontabber.js": "text/javascript",
    "crontabber.svg": "image/svg+xml",
}
"""Their names, and their types."""


@cache
def read(name: str) -> str:
    """One of `FILES`."""
    return (Path(__file__).parent / name).read_text(encoding="utf-8")
