"""The last runs of a job as bars: the height is how long one took, the colour how it ended."""

from collections.abc import Sequence
from datetime import timedelta

from ..schedule.history import Trace
from ..schedule.model import Outcome
from .html import Element, tag
from .times import took

_WIDTH, _GAP, _HEIGHT, _FOOT = 4, 1, 22, 4
_LEAST = 2.0
CLASSES = {
    Outcome.SUCCEEDED: "good",
    Outcome.FAILED: "bad",
    Outcome.CRASHED: "bad",
    Outcome.MARKED: "idle",
}
"""The class of CSS for how a run ended."""


def bars(runs: Sequence[Trace], room: int = 24, *, large: bool = False) -> Element:
    """The newest *room* of *runs*, which come the newest first; the newest is on the right.

    One path for each colour, as a page has a thousand of these. A failure has a foot below the
    line, for those who cannot tell the colours.
    """
    shown = [*runs[:room]]
    longest = max((run.duration for run in shown if run.duration), default=timedelta())
    step = _WIDTH + _GAP
    paths: dict[str, list[str]] = {}
    for number, run in enumerate(shown):
        left = (room - 1 - number) * step
        high = _height(run, longest)
        kind = CLASSES[run.outcome]
        paths.setdefault(kind, []).append(
            f"M{left} {_HEIGHT - high:g}h{_WIDTH}v{high:g}h-{_WIDTH}z"
        )
        if kind == "bad":
            paths[kind].append(f"M{left} {_HEIGHT + 1}h{_WIDTH}v{_FOOT - 1}h-{_WIDTH}z")
    return tag(
        "svg",
        *(tag("path", d="".join(found), class_=kind) for kind, found in paths.items()),
        class_="bars large" if large else "bars",
        preserveAspectRatio="none" if large else None,
        viewBox=f"0 0 {room * step - _GAP} {_HEIGHT + _FOOT}",
        role="img",
        aria_label=_words(shown, longest),
    )


def _height(run: Trace, longest: timedelta) -> float:
    if run.duration is None or not longest:  # a crash: how long it took is not known
        return float(_HEIGHT) if run.outcome is Outcome.CRASHED else _LEAST
    return max(_LEAST, round(_HEIGHT * (run.duration / longest), 1))


def _words(runs: Sequence[Trace], longest: timedelta) -> str:
    if not runs:
        return "no runs"
    bad = sum(CLASSES[run.outcome] == "bad" for run in runs)
    text = f"the last {len(runs)} runs" if runs[1:] else "the last run"
    return f"{text}: {bad} failed, the longest took {took(longest) or 'no time'}"
