"""The last runs of a job as bars: the height is how long one took, the colour how it ended."""

import functools
from datetime import timedelta

from ..schedule.history import Trace
from ..schedule.model import Outcome
from .html import Element, tag
from .times import took

_WIDTH, _GAP, _HEIGHT, _FOOT = 16, 4, 88, 16
_LEAST = 8
"""All are whole numbers, which are written quickly: a page has thousands of them."""
CLASSES = {
    Outcome.SUCCEEDED: "good",
    Outcome.FAILED: "bad",
    Outcome.CRASHED: "bad",
    Outcome.MARKED: "idle",
}
"""The class of CSS for how a run ended."""


@functools.lru_cache(1024)
def bars(runs: tuple[Trace, ...], room: int = 24, *, large: bool = False) -> Element:
    """The newest *room* of *runs*, which come the newest first; the newest is on the right.

    One path for each colour, as a page has a thousand of these; and cached, as most jobs do
    not run between two looks. A failure also reaches below the line, for those who cannot tell the
    colours.
    """
    shown = runs[:room]
    longest = max((run.duration for run in shown if run.duration), default=timedelta())
    step = _WIDTH + _GAP
    left, bad = room * step, 0
    paths: dict[str, list[str]] = {}
    for run in shown:
        left -= step
        high = _height(run, longest)
        kind = CLASSES[run.outcome]
        marks = paths.setdefault(kind, [])
        marks.append(f"M{left} {_HEIGHT - high}h{_WIDTH}v{high}h-{_WIDTH}z")
        if kind == "bad":
            bad += 1
            marks.append(f"M{left} {_HEIGHT + _GAP}h{_WIDTH}v{_FOOT - _GAP}h-{_WIDTH}z")
    return tag(
        "svg",
        *(tag("path", d="".join(found), class_=kind) for kind, found in paths.items()),
        class_="bars large" if large else "bars",
        preserveAspectRatio="none" if large else None,
        viewBox=f"0 0 {room * step - _GAP} {_HEIGHT + _FOOT}",
        role="img",
        aria_label=_words(len(shown), bad, longest),
    )


def _height(run: Trace, longest: timedelta) -> int:
    if run.duration is None or not longest:  # a crash: how long it took is not known
        return _HEIGHT if run.outcome is Outcome.CRASHED else _LEAST
    return max(_LEAST, round(_HEIGHT * (run.duration / longest)))


def _words(number: int, bad: int, longest: timedelta) -> str:
    if not number:
        return "no runs"
    text = f"the last {number} runs" if number > 1 else "the last run"
    return f"{text}: {bad} failed, the longest took {took(longest) or 'no time'}"
