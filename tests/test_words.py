"""The words of the project: what is written for readers does without the words that slow them."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import ROOT

FORBIDDEN = re.compile(
    r"\b(?:"
    r"whatever|whoever|whomever|nobody|somebody|anybody|lest|reckon(?:s|ed|ing)?"
    r"|what (?:came|comes) of|come what may|as it were|who knows|be it"
    r")\b".replace(" ", r"\s+"),
    re.IGNORECASE,
)
"""Say instead: "any", "the caller", "another session", "otherwise", "computed", "the result"."""

NAMES = re.compile(r"user=nobody|getpwnam\(\"nobody\"\)|belongs to nobody")
"""Names that look like such a word: a role of PostgreSQL, a user of Unix."""

_WRITTEN = ("*.py", "*.md", "*.sql", "*.ini")
_FOLDERS = ("crontabber", "docs", "tests", "exampleapp", "benchmarks")


def _files() -> Iterator[str]:
    yield from (path.name for path in ROOT.glob("*.md"))
    yield "Makefile"
    for folder in _FOLDERS:
        for pattern in _WRITTEN:
            for path in sorted((ROOT / folder).rglob(pattern)):
                if not {"_build", "__pycache__"} & set(path.parts) and path != Path(__file__):
                    yield path.relative_to(ROOT).as_posix()


def _faults(name: str) -> list[str]:
    """The forbidden words of a file, each with its line."""
    text = _plain(NAMES.sub("", (ROOT / name).read_text(encoding="utf-8")))
    return [
        f"{name}:{text.count(chr(10), 0, match.start()) + 1}: {' '.join(match[0].split())}"
        for match in FORBIDDEN.finditer(text)
    ]


def _plain(text: str) -> str:
    """*text* without the signs that begin the lines of comments and lists."""
    return re.sub(r"(?m)^[ \t]*(?:#|--|>|\*|-)+(?= )", "", text)


def test_words_that_readers_stumble_over_are_not_used() -> None:
    found = {name: _faults(name) for name in _files()}
    assert found
    assert not {name: faults for name, faults in found.items() if faults}


@pytest.mark.parametrize(
    "text",
    ["whatever comes", "Nobody", "what\n    # came of it", "reckoned", "be\nit", "-- be\n-- it"],
)
def test_a_forbidden_word_is_found_over_the_end_of_a_line(text: str) -> None:
    assert FORBIDDEN.search(_plain(text))


@pytest.mark.parametrize("text", ["may be item", "the lesser", "antibody", "what became of it"])
def test_a_word_that_only_looks_like_one_is_fine(text: str) -> None:
    assert not FORBIDDEN.search(_plain(text))


# -- one sentence a line, so that a change of a sentence is a change of a line ---------

_CODE = re.compile(r"(?ms)^( *)(```+)[^\n]*\n.*?^\1\2$|`[^`\n]*`|\([^()\n]*\)")
_TWO = re.compile(r"(?m)^(?! *\|).*[^\W\d](?<!\be\.g)(?<!\bi\.e)[.!?]\)? +[A-Z].*$")


def _lines_of_two_sentences(text: str) -> list[str]:
    return _TWO.findall(_CODE.sub("code", text))


@pytest.mark.parametrize("name", [name for name in _files() if name.endswith(".md")])
def test_a_line_of_the_documentation_has_one_sentence(name: str) -> None:
    assert not _lines_of_two_sentences((ROOT / name).read_text(encoding="utf-8"))


def test_two_sentences_in_a_line_are_found() -> None:
    assert _lines_of_two_sentences("It runs.\nIt ends `now`. It is silent.\n")
    assert not _lines_of_two_sentences("It runs, e.g. At night.\n| a cell. | So. It may. |\n")
