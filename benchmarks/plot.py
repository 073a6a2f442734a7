"""A plot of several curves, side by side, as SVG: points on logarithmic axes."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP = 260, 220, 48, 40, 26
_COLOURS = ("#1f6feb", "#8a8a8a")


class Panel(NamedTuple):
    """One plot: what grows, and curves of seconds against it, by name."""

    title: str
    curves: Mapping[str, Sequence[tuple[float, float]]]


def svg(panels: Sequence[Panel]) -> str:
    """All *panels* in a row; they share the axis of seconds."""
    seconds = [y for panel in panels for curve in panel.curves.values() for _, y in curve]
    low, high = math.floor(math.log10(min(seconds))), math.ceil(math.log10(max(seconds)))
    body = [
        f'<g transform="translate({number * _WIDTH},0)">{"".join(_panel(panel, low, high))}</g>'
        for number, panel in enumerate(panels)
    ]
    size = f"{len(panels) * _WIDTH} {_HEIGHT}"
    style = "font: 11px sans-serif; fill: #555; background: #fff"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" style="{style}">\n'
        + "\n".join(body)
        + "\n</svg>\n"
    )


def _panel(panel: Panel, low: int, high: int) -> Iterator[str]:
    last = max(x for curve in panel.curves.values() for x, _ in curve)
    decades = max(math.ceil(math.log10(last)), 1)
    width, height = _WIDTH - _LEFT - 12, _HEIGHT - _TOP - _BOTTOM

    def x_of(value: float) -> float:
        return _LEFT + width * math.log10(max(value, 1)) / decades

    def y_of(value: float) -> float:
        return _TOP + height * (high - math.log10(value)) / (high - low)

    yield _text(_LEFT + width / 2, _HEIGHT - 6, panel.title, "middle")
    for power in range(low, high + 1):
        y = y_of(10.0**power)
        yield f'<path d="M{_LEFT} {y:.1f}h{width}" stroke="#ddd"/>'
        yield _text(_LEFT - 4, y + 4, f"{10.0**power:g} s", "end")
    for power in range(decades + 1):
        yield _text(x_of(10.0**power), _HEIGHT - _BOTTOM + 14, _short(10**power), "middle")
    for number, (name, curve) in enumerate(panel.curves.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        points = " ".join(f"{x_of(x):.1f},{y_of(y):.1f}" for x, y in curve)
        yield f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>'
        for x, y in curve:
            yield f'<circle cx="{x_of(x):.1f}" cy="{y_of(y):.1f}" r="3" fill="{colour}"/>'
        yield f'<g style="fill: {colour}">{_text(_LEFT + 6, 12 + 12 * number, name, "start")}</g>'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text}</text>'


def _short(number: int) -> str:
    for unit, letter in ((1_000_000, "M"), (1_000, "k")):
        if number >= unit:
            return f"{number // unit}{letter}"
    return str(number)
