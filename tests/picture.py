"""The picture of ``crontabber --status`` on a terminal: `make share` draws it from the example."""

import io
import os
from html import unescape
from re import DOTALL, findall, sub
from unittest.mock import patch

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

from tests import example
from tests.support import ROOT

PICTURE = ROOT / "docs" / "howto" / "status.svg"
COMMAND = "crontabber --status"
_WIDTH = 80
_FRAME = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
text {{ font-family: Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: {char_height}px;
line-height: {line_height}px; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""
"""What rich has, but for its fonts, which a picture of a page may not fetch."""


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def drawn() -> str:
    """The picture, an SVG."""
    terminal = {"TERM": "xterm-256color", "COLUMNS": str(_WIDTH), "NO_COLOR": ""}
    with patch("sys.stdout", _Terminal()), patch.dict(os.environ, terminal):
        shown = example.told(example.simulated(), *COMMAND.split()[1:])
    console = Console(record=True, file=io.StringIO(), width=_WIDTH)
    console.print(Text(f"$ {COMMAND}"))
    console.print(Text.from_ansi(shown))
    return console.export_svg(title="", theme=MONOKAI, code_format=_FRAME, unique_id="status")


def text_of(picture: str) -> str:
    """What one reads in a picture."""
    lines: dict[float, str] = {}
    pattern = r'<text class="status-r\d+" x="([\d.]+)" y="([\d.]+)"[^>]*>(.*?)</text>'
    for x, y, text in findall(pattern, picture, DOTALL):
        lines[float(y)] = lines.get(float(y), "").ljust(round(float(x) / 12.2)) + unescape(text)
    return "\n".join(sub("\N{NO-BREAK SPACE}", " ", lines[y]).rstrip() for y in sorted(lines))


if __name__ == "__main__":
    PICTURE.write_text(drawn(), encoding="utf-8")
