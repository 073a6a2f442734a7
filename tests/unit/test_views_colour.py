"""Colour is for terminals that want it."""

import io
import subprocess
import sys

import pytest

from crontabber.views.colour import style_for
from crontabber.views.text import plain


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")


@pytest.mark.parametrize(("kind", "code"), [("error", 31), ("ongoing", 33), ("overdue", 33)])
def test_a_terminal_gets_colour(kind, code):
    assert style_for(Terminal())(kind, "text") == f"\x1b[{code}mtext\x1b[0m"


def test_every_line_is_coloured_for_itself():
    assert style_for(Terminal())("error", "a\n\nb") == "\x1b[31ma\x1b[0m\n\n\x1b[31mb\x1b[0m"


def test_what_is_no_terminal_gets_none():
    assert style_for(io.StringIO()) is plain


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_a_terminal_that_wants_no_colour_gets_none(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    assert style_for(Terminal()) is plain


def test_an_empty_no_color_counts_as_not_set(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "")
    assert style_for(Terminal()) is not plain


def test_the_library_is_imported_only_for_a_terminal():
    program = (
        "import io, sys\n"
        "from crontabber.views import colour, configtest, ghosts, listing, nagios\n"
        "colour.style_for(io.StringIO())\n"
        "assert 'rich' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
