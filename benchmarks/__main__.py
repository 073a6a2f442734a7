"""Measure what a tick costs, and print it as a table; `make bench` runs this."""

import argparse
import contextlib
import os
import platform
import tempfile
from collections.abc import Iterator
from pathlib import Path

from . import goals, growth
from .arena import Server, server
from .goals import Count, Row
from .measure import Figure, load
from .plot import Panel, svg


def main() -> None:
    """Measure, print, and write the table and the plot into a directory."""
    options = _options()
    with server(options.disk) as on, _in_memory() as memory:
        machine = f"{_machine()}; {options.rounds} rounds; load {load():.1f}"
        _say(f"{machine}\n")
        lines = _shown(
            _goals(goals.measured(on, memory, options.rounds, options.log, options.states))
        )
        lines += _shown(iter([""]))
        rounds = max(options.rounds // 3, 3)
        limits = {"jobs": options.jobs, "runs": options.runs, "log": options.log}
        panels = []
        for panel in growth.panels(on, rounds, **limits):
            panels.append(panel)
            lines += _shown(_curves(panel))
        _say(f"load {load():.1f}")
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "figures.txt").write_text("\n".join([f"{machine}.", "", *lines]))
    (options.output / "growth.svg").write_text(svg(panels))


@contextlib.contextmanager
def _in_memory() -> Iterator[Server | None]:
    """A server on a file system in memory, where a commit waits for no disk; None without one."""
    shared = Path("/dev/shm")  # noqa: S108  PostgreSQL gets a directory of its own there
    if not os.access(shared, os.W_OK):
        yield None
        return
    with server(shared) as on:
        yield on


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds, smaller tables")
    quick = parser.parse_known_args()[0].quick
    small = parser.add_argument
    small("--rounds", type=int, default=7 if quick else 15, help="how often each is measured")
    small("--log", type=int, default=100_000 if quick else 10_000_000, help="rows in the log")
    small("--states", type=int, default=10_000 if quick else 100_000, help="rows of state")
    small("--jobs", type=int, default=10_000 if quick else 100_000, help="the most jobs")
    small("--runs", type=int, default=100 if quick else 1_000, help="the most runs in a curve")
    small("--disk", type=Path, default=Path(tempfile.gettempdir()), help="where the server is")
    small("--output", type=Path, default=Path("build/benchmark"), help="where to write")
    return parser.parse_args()


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201  it is a command


def _machine() -> str:
    return f"Python {platform.python_version()}, {os.cpu_count()} processors, {platform.system()}"


def _shown(lines: Iterator[str]) -> list[str]:
    """Pass on *lines*, and print each as soon as it is known."""
    shown = []
    for line in lines:
        _say(line)
        shown.append(line)
    return shown


def _goals(rows: Iterator[Row | Count]) -> Iterator[str]:
    yield "| work | cost | beside it | floor | ratio (median) | goal |"
    yield "|---|--:|---|--:|--:|--:|"
    for row in rows:
        if isinstance(row, Count):
            yield f"| {row.work} | {row.found:.2f} | | | | ≤ {row.goal:g} |"
            continue
        ratio = f"{row.cost.minimum / row.floor.minimum:.2f}"
        median = f"{row.cost.median / row.floor.median:.2f}"
        yield (
            f"| {row.work} | {_amount(row.cost)} | {row.beside} | {_amount(row.floor)} | "
            f"{ratio} ({median}) | ≤ {row.goal:g} |"
        )


def _amount(figure: Figure) -> str:
    """The minimum of a figure as text: in bytes if it is large, else in seconds."""
    if figure.minimum > 1e6:
        return f"{figure.minimum / 1e6:.1f} MB"
    return f"{figure.minimum * 1e3:.{2 if figure.minimum < 0.01 else 0}f} ms"


def _curves(panel: Panel) -> Iterator[str]:
    counts = [f"{count:,.0f}" for count, _ in next(iter(panel.curves.values()))]
    yield f"| {panel.title} | {' | '.join(counts)} |"
    yield f"|---|{'--:|' * len(counts)}"
    for name, curve in panel.curves.items():
        yield f"| {name} | {' | '.join(_time(seconds) for _, seconds in curve)} |"
    yield ""


def _time(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1e3:.0f} ms"


if __name__ == "__main__":
    main()
