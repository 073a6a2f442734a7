"""Where one entry of the jobs list ends: which commas and ``#`` are part of a schedule.

- A comma is part of it if there is an item of a calendar on both sides: the name of a day or a
  month, a number, ``*``, ``last`` or ``L``, perhaps with a range, a step or a ``#`` and a number.
- A ``#`` is part of it right behind a day of the week, as in ``fri#2``; any other begins a comment.

So no such item is the name of a job.
"""

import re
from collections.abc import Iterator

_WEEKDAYS = "sun mon tue wed thu fri sat"
_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec"
_WORDS = f"{_WEEKDAYS} {_MONTHS} last lw l".split()

_VALUE = rf"(?:\*|\d+|{'|'.join(_WORDS)})"
_ITEM = re.compile(rf"{_VALUE}(?:(?:\.\.|-){_VALUE})?(?:/\d+)?(?:#\w*|l)?", re.IGNORECASE)
_BEFORE_HASH = re.compile(rf"(?<![\w.:])(?:[0-7]|{'|'.join(_WEEKDAYS.split())})$", re.IGNORECASE)
_BETWEEN_ITEMS = re.compile(r"[|\s,]")


def is_item(text: str) -> bool:
    """Whether *text* is an item of a calendar, which cannot be the name of a job."""
    return _ITEM.fullmatch(text) is not None


def split(line: str) -> Iterator[str]:
    """The entries of one line, blanks around them and empty ones included."""
    for part in _without_comment(line).split(";"):
        pieces = part.split(",")
        entry = pieces[0]
        for piece in pieces[1:]:
            if _goes_on(entry, piece):
                entry = f"{entry.rstrip()},{piece.lstrip()}"
            else:
                yield entry
                entry = piece
        yield entry


def _without_comment(line: str) -> str:
    end = line.find("#")
    while end >= 0 and _BEFORE_HASH.search(line, 0, end):
        end = line.find("#", end + 1)
    return line if end < 0 else line[:end]


def _goes_on(entry: str, piece: str) -> bool:
    """Whether the schedule of *entry* goes on in *piece*, which stands behind a comma."""
    before = _BETWEEN_ITEMS.split(entry.rstrip())[-1]
    behind = _BETWEEN_ITEMS.split(piece.lstrip())[0]
    return "|" in entry and is_item(before) and is_item(behind)
