"""The calendar of a backfill app: a row for each month, and a square for each day."""

from collections.abc import Mapping
from datetime import date

from ..schedule.dates import Dates, Mark
from .dates import MEANINGS, SIGNS, months_of
from .html import Element, Node, tag

_SIDE, _STEP, _LEFT, _TOP = 14, 16, 62, 16
_CLASSES = {
    Mark.DONE: "good",
    Mark.FAILED: "bad",
    Mark.OPEN: "open",
    Mark.SKIPPED: "skipped",
}


def calendar(found: Dates) -> Element:
    """The days of *found*; each has a sign too, for those who cannot tell the colours."""
    months = months_of(found)
    ruler = [
        tag("text", str(day), x=_left(day) + 7, y=11, text_anchor="middle", class_="soft")
        for day in (1, 5, 10, 15, 20, 25, 30)
    ]
    rows = [_month(month, number, found.days) for number, month in enumerate(months)]
    counts = {mark: sum(each is mark for each in found.days.values()) for mark in Mark}
    words = ", ".join(f"{count} {MEANINGS[mark]}" for mark, count in counts.items() if count)
    return tag(
        "svg",
        *ruler,
        *rows,
        class_="calendar",
        viewBox=f"0 0 {_LEFT + 31 * _STEP} {_TOP + len(months) * _STEP + 2}",
        role="img",
        aria_label=f"Days: {words}",
    )


def key() -> Element:
    """What the signs mean."""
    items = [
        tag("li", tag("svg", _sign(mark), viewBox="0 0 14 14", class_="calendar"), words)
        for mark, words in MEANINGS.items()
    ]
    return tag("ul", *items, class_="key")


def _sign(mark: Mark) -> Element:
    return tag("g", *_square(mark, 0, 0), class_=_CLASSES[mark])


def _month(month: date, number: int, days: Mapping[date, Mark]) -> Element:
    top = _TOP + number * _STEP
    squares = [
        tag(
            "g",
            tag("title", f"{day:%a} {day}: {MEANINGS[mark]}"),
            *_square(mark, _left(day.day), top),
            class_=_CLASSES[mark],
        )
        for day, mark in sorted(days.items())
        if (day.year, day.month) == (month.year, month.month)
    ]
    label = tag("text", f"{month:%Y-%m}", x=0, y=top + 11)
    return tag("g", label, *squares)


def _square(mark: Mark, left: int, top: int) -> list[Node]:
    side = _SIDE - (mark is Mark.OPEN)
    return [
        tag("rect", x=left, y=top, width=side, height=side, class_=_CLASSES[mark]),
        tag("text", SIGNS[mark], x=left + 7, y=top + 11, text_anchor="middle"),
    ]


def _left(day: int) -> int:
    return _LEFT + (day - 1) * _STEP
