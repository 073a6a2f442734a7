"""Text from elsewhere is made fit to be shown."""

import pytest

from crontabber.views.text import all_well, escaped, fault_line, one_line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, blanks  kept", "plain, blanks  kept"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("Straße, 東京 und 🐘", "Straße, 東京 und 🐘"),
        ("« espaces insécables »", "« espaces insécables »"),
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("over\rwritten\b", r"over\rwritten\x08"),
        ("\x9b2J", r"\x9b2J"),  # the same as escape and bracket, in one character
        ("\x00\x7f", r"\x00\x7f"),
        ("evil\u202etxt.exe", r"evil\u202etxt.exe"),
        ("lone \udc80", r"lone \udc80"),
    ],
)
def test_what_could_drive_a_terminal_is_shown_instead(text, shown):
    assert escaped(text) == shown


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\v", "\f", "\x1c", "\x85", "\u2028"])
def test_every_kind_of_line_end_becomes_a_blank(end):
    assert one_line(f" a{end}{end} b ") == "a b"


def test_control_characters_are_shown_on_one_line_too():
    assert one_line("a\x1b[2J\nb") == r"a\x1b[2J b"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"no job '{'x' * 100_000}': see 'this'", f"no job '{'x' * 199} …': see 'this'"),
        (f'no job "{"it is " * 99}": no', f'no job "{("it is " * 99)[:199]} …": no'),
        (f"unknown option --{'x' * 5000}", f"unknown option --{'x' * 198} …"),
        (f"it's {'a word ' * 99}, isn't it", f"it's {'a word ' * 99}, isn't it"),
        (f"cannot read {'/home' * 150}: no", f"cannot read {'/home' * 150}: no"),
        ("two\nlines '\x1b'", r"two lines '\x1b'"),
    ],
)
def test_an_error_shows_the_beginning_of_a_long_value(text, shown):
    assert fault_line(text) == shown


@pytest.mark.parametrize(
    ("jobs", "said"),
    [(1, "the one job is well"), (12, "all 12 jobs are well")],
)
def test_all_well_counts_the_jobs(jobs, said):
    assert all_well(jobs) == said
