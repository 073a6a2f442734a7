"""The last and the next day of a job as a lane: runs in colour, what is to come in grey."""

from datetime import datetime, timedelta, tzinfo

from ..schedule.lanes import Lane
from ..schedule.model import Outcome
from .html import Element, tag
from .svg_bars import CLASSES

SPAN = timedelta(hours=24)
"""How much of the past is shown, and how much of the future."""
_WIDTH, _HEIGHT = 1000, 24
_LEAST = 3
"""The least width of a mark."""
_UNIT = 2 * SPAN / _WIDTH
_HOURS = 6
_BESIDE = 62
"""The distance within which no other word is near the one in the middle."""
KEY = {
    "good": "succeeded",
    "bad": "failed or crashed",
    "idle": "marked as done",
    "run": "running",
    "missing": "did not run",
    "future": "to come",
}
"""What each kind of mark means."""


def lane(name: str, found: Lane, now: datetime, hours: Element) -> Element:
    """One path for each kind of mark, on *hours*; the line in the middle is *now*."""
    paths: dict[str, list[str]] = {}
    for run in found.ran:
        kind = CLASSES[run.outcome]
        paths.setdefault(kind, []).append(_mark(run.began, run.ended, now, bad=kind == "bad"))
    if found.missing:
        paths["missing"] = [_box(_x(slot, now), 5, _LEAST, 14) for slot in found.missing]
    if found.ahead:
        paths["future"] = [_box(_x(moment, now), 8, _LEAST, 8) for moment in found.ahead]
    if found.running:
        paths["run"] = [_mark(found.running, now, now)]
    middle = _WIDTH // 2
    return tag(
        "svg",
        hours,
        *(tag("path", d="".join(marks), class_=kind) for kind, marks in paths.items()),
        tag("line", x1=middle, x2=middle, y1=0, y2=_HEIGHT, class_="now"),
        class_="lane",
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        preserveAspectRatio="none",
        role="img",
        aria_label=_words(name, found),
    )


def hours(now: datetime, zone: tzinfo) -> Element:
    """A line for each sixth hour of the day, the same in all lanes."""
    lines = [f"M{_x(at, now)} 0v{_HEIGHT}" for at in ticks(now, zone)]
    return tag("path", d="".join(lines), class_="hour")


def ticks(now: datetime, zone: tzinfo) -> list[datetime]:
    """The moments that the axis names: each sixth hour on a clock in *zone*."""
    hour = (now - SPAN).astimezone(zone).replace(minute=0, second=0, microsecond=0)
    every = (hour + timedelta(hours=number) for number in range(1, 49))
    return [each for each in every if each.hour % _HOURS == 0 and abs(each - now) < SPAN]


def axis(now: datetime, zone: tzinfo) -> Element:
    """The times above the lanes."""
    middle = _WIDTH // 2
    labels = [
        tag("text", f"{at:%H:%M}", x=_share(_x(at, now)), y=12, text_anchor="middle")
        for at in ticks(now, zone)
        if abs(_x(at, now) - middle) > _BESIDE
    ]
    # in shares of its width, not in a box that is scaled, so that letters keep their size
    return tag(
        "svg",
        *labels,
        tag("text", "now", x="50%", y=12, text_anchor="middle", class_="now"),
        class_="axis",
        aria_hidden="true",
    )


def _share(x: int) -> str:
    return f"{100 * x / _WIDTH:g}%"


def key() -> Element:
    """What the marks mean."""
    items = []
    for kind, words in KEY.items():
        mark = tag("path", d=_box(3, 1, 8, 12), class_=kind)
        items.append(tag("li", tag("svg", mark, viewBox="0 0 14 14", aria_hidden="true"), words))
    return tag("ul", *items, class_="key")


def _mark(began: datetime, ended: datetime, now: datetime, *, bad: bool = False) -> str:
    left = _x(began, now)
    width = max(_x(ended, now) - left, _LEAST)
    return _box(left, 2, width, 20) if bad else _box(left, 5, width, 14)


def _box(left: int, top: int, width: int, height: int) -> str:
    return f"M{left} {top}h{width}v{height}h-{width}z"


def _x(moment: datetime, now: datetime) -> int:
    at = (moment - now + SPAN) // _UNIT
    return 0 if at < 0 else min(at, _WIDTH)


def _words(name: str, found: Lane) -> str:
    ran = sum(run.number for run in found.ran if run.outcome is not Outcome.MARKED)
    bad = sum(run.number for run in found.ran if run.outcome in (Outcome.FAILED, Outcome.CRASHED))
    parts = [f"{ran} runs in the last 24 hours", f"{bad} of them failed"]
    if found.missing:
        parts.append(f"{len(found.missing)} times it did not run")
    if found.running:
        parts.append("it runs now")
    return f"{name}: {', '.join(parts)}; {len(found.ahead)} times due in the next 24 hours"
