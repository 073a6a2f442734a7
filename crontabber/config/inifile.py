"""Ini files to flat values: sections by configobj, ``+include`` by us, faults by file and line."""

# pathlib would be several milliseconds of an idle tick
# ruff: noqa: PTH113, PTH118, PTH120, PTH123

import os
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import configobj

from ..errors import ConfigError, ConfigErrors

# ``+include FILE`` includes; ``#+include FILE`` is the hint that configman writes into
# its dumps, which takes effect once the file that it names exists.
_INCLUDE = re.compile(r"\s*(#?)\+include\s+(.*?)\s*")

_OPENED = re.compile(r"""[^=]*=\s*('''|\"""|'|")(?:(?!\1).)*""")
"""A line whose value begins with a quote that it does not close."""

_GOES_ON = re.compile(r"""\s*[^=\[]+=\s*(['"])(?!\1\1).*?\1\s*[^\s,#].*""")
"""A line whose value begins with a quote, and continues after the closing one."""

# not compiled before there is a fault to report
_SECTION = r"\s*(\[+)\s*(.*?)\s*\]+\s*(?:#.*)?"
_OPTION = r"""\s*("[^"]*"|'[^']*'|[^'"=#][^=]*?)\s*=\s*(.*)"""

_FAULTS = {
    configobj.DuplicateError: "this section or option is there already: keep one, here or in {}",
    configobj.NestingError: "the section has too many brackets, or they do not match",
    configobj.ParseError: "this is neither [section] nor option=value",
}


class ListText(str):
    """The text of an option that configobj split at its commas, joined again."""


class OptionFault(ConfigError):
    """What is wrong with the text of one option."""

    def __init__(self, place: object, name: str, fault: str) -> None:
        super().__init__(f"{place}: option {name}: {fault}")
        self.name = name
        """The dotted name of the option."""


class Place(NamedTuple):
    """A line of a file; lines count from 1."""

    path: str
    line: int

    def __str__(self) -> str:
        return f"{self.path}, line {self.line}"


_Line = tuple[str, Place]


class _Ini(configobj.ConfigObj):  # type: ignore[misc]
    """Takes the lines of a long value at once: one by one, 100,000 jobs would take 8 s, not 0.1."""

    def _multiline(self, value: str, infile: list[str], cur_index: int, maxline: int) -> Any:
        quotes, end = value[:3], cur_index + 1
        if quotes not in value[3:]:
            while end < maxline and quotes not in infile[end]:
                end += 1
            value = "\n".join([value, *infile[cur_index + 1 : end]])
            cur_index = end - 1
        return super()._multiline(value, infile, cur_index, maxline)


def read_ini(path: str) -> dict[str, str]:
    """Read the file: dotted names of options to their text.

    A ConfigError says which lines of which file cannot be understood, or which options
    have a ``%(name)s`` without meaning.
    """
    texts, faults = parse_ini(path)
    if faults:
        raise ConfigErrors(faults)
    return texts


def parse_ini(path: str) -> tuple[dict[str, str], list[OptionFault]]:
    """Return what `read_ini` does, and why some options cannot be used.

    A ConfigError says which lines cannot be understood: they may change what the rest means.
    A section may be opened again, so that what is pasted below a dump counts.
    """
    whole = read_text(path)
    if "+include" in whole:
        whole = "\n".join(line for line, _ in lines_of(path))
    try:
        content = _Ini(whole.split("\n"))
    except SyntaxError:  # the root of all errors of configobj
        content = _parse_in_one_piece(path)
    texts: dict[str, str] = {}
    faults = dict(_cut_values(content, whole))
    for name, text in _flatten(content):
        if isinstance(text, Exception):
            reason = str(text) if isinstance(text, configobj.ConfigObjError) else "not a text"
            faults[name] = f"its %(…)s cannot be replaced: {reason}"
        else:
            texts[name] = text
    if not faults:
        return texts, []
    places = dict(places_in_ini(path))
    return texts, [
        OptionFault(places.get(name, path), name, fault) for name, fault in faults.items()
    ]


def _parse_in_one_piece(path: str) -> _Ini:
    """What is in the file, if a section that is opened again goes on where it was."""
    pieces: dict[tuple[str, ...], list[_Line]] = {}
    for levels, name, line in _named(lines_of(path)):
        if name != "" or levels not in pieces:
            pieces.setdefault(levels, []).append(line)
    order = {levels: index for index, levels in enumerate(pieces)}

    def below_its_parents(levels: tuple[str, ...]) -> list[int]:
        return [order.get(levels[:depth], -1) for depth in range(1, len(levels) + 1)]

    lines = [line for levels in sorted(pieces, key=below_its_parents) for line in pieces[levels]]
    try:
        return _Ini([line for line, _ in lines])
    except SyntaxError as error:
        errors = getattr(error, "errors", None) or [error]
        raise ConfigErrors(_syntax_errors(errors, lines)) from None


def _syntax_errors(errors: Iterable[SyntaxError], lines: list[_Line]) -> Iterator[ConfigError]:
    for error in errors:
        number = getattr(error, "line_number", None) or 1
        # the text of the line stays out of the message: it may be a password
        fault = _FAULTS.get(type(error), "this cannot be understood")
        line, place = lines[number - 1]
        if isinstance(error, configobj.ParseError) and (opened := _OPENED.fullmatch(line)):
            yield ConfigError(f"{place}: the {opened[1]} that begins a text here is not closed")
            return  # what follows is not what it seems
        if isinstance(error, configobj.ParseError) and _GOES_ON.fullmatch(line):
            fault = "a text goes on after its closing quote: put the whole of it in '''…'''"
        if isinstance(error, configobj.DuplicateError):
            fault = fault.format(_first_of_its_name(number - 1, lines))
        yield ConfigError(f"{place}: {fault}")


def _first_of_its_name(index: int, lines: list[_Line]) -> Place:
    """Where the section or option of the line stands for the first time."""
    whole = [[*levels, *filter(None, [name])] for levels, name, _ in _named(lines)]
    return lines[whole.index(whole[index])][1]


def places_in_ini(path: str) -> Iterator[tuple[str, Place]]:
    """Where each option stands, by dotted name; a section's name ends in a dot.

    For a file that can be read; called only when there is a fault to report.
    """
    for levels, name, (_, place) in _named(lines_of(path)):
        if name is not None:
            yield ".".join([*levels, name]), place


def _named(lines: Iterable[_Line]) -> Iterator[tuple[tuple[str, ...], str | None, _Line]]:
    """The section of each line, and the option that it sets: "" if it opens that section."""
    levels: list[str] = []
    closing = ""
    for line, place in lines:
        name = None
        if closing:  # within a text of several lines
            closing = "" if closing in line else closing
        elif section := re.fullmatch(_SECTION, line):
            levels[len(section[1]) - 1 :] = [_unquoted(section[2])]
            name = ""
        elif option := re.fullmatch(_OPTION, line):
            name = _unquoted(option[1])
            quotes = option[2][:3]
            opens = quotes in ("'''", '"""') and quotes not in option[2][3:]
            closing = quotes if opens else ""
        yield tuple(levels), name, (line, place)


def _unquoted(name: str) -> str:
    return name[1:-1] if name[:1] in ("'", '"') and name[-1:] == name[:1] else name


def read_text(path: str) -> str:
    """The text of a UTF-8 file; a ConfigError says why it cannot be read."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().removeprefix("\ufeff")  # with which some editors begin a file
    except UnicodeDecodeError as error:
        number = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}, line {number}: this is not UTF-8 text") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"cannot read {path}: {reason}") from None


def lines_of(path: str, including: tuple[str, ...] = ()) -> Iterator[tuple[str, Place]]:
    """Each line of the file and of what it includes, with its place."""
    text = read_text(path)
    inside = (*including, os.path.realpath(path))
    for number, line in enumerate(text.split("\n"), 1):
        place = Place(path, number)
        included = "+include" in line and _included(line, place)
        if not included:
            yield line, place
        elif os.path.realpath(included) in inside:
            raise ConfigError(f"{place}: {included} would include itself")
        else:
            yield from lines_of(included, inside)


def _included(line: str, place: Place) -> str | None:
    """The file that the line includes, None if it does not."""
    match = _INCLUDE.fullmatch(line)
    if not match:
        return None
    included = os.path.join(os.path.dirname(place.path), match[2])
    if os.path.isfile(included):
        return included
    if match[1]:
        return None
    raise ConfigError(f"{place}: cannot include {included}: there is no such file, or it is none")


def _flatten(content: Any) -> Iterator[tuple[str, str | Exception]]:
    """The options of all sections, by dotted name; or why one has no text."""
    sections = [("", content)]
    while sections:
        prefix, section = sections.pop()
        for name in section.scalars:
            yield prefix + name, _text(section, name)
        inner = [(f"{prefix}{name}.", section[name]) for name in section.sections]
        sections += reversed(inner)  # so that the order is that of the file


def _text(section: Any, name: str) -> str | Exception:
    written = dict.__getitem__(section, name)
    if isinstance(written, str) and "%" not in written:
        return written  # there is nothing to replace, which `section` would look for
    try:
        value = section[name]
    except Exception as error:  # noqa: BLE001  odd values raise more than configobj's own
        return error
    return value if isinstance(value, str) else ListText(", ".join(value))


def _cut_values(content: Any, text: str) -> Iterator[tuple[str, str]]:
    """The options such as ``password=ab#c``: configobj takes what follows ``#`` for a comment."""
    sections = [("", content)] if "#" in text else []
    while sections:
        prefix, section = sections.pop()
        sections += [(f"{prefix}{name}.", section[name]) for name in section.sections]
        for name, comment in section.inline_comments.items():
            value = dict.get(section, name)  # as it is written
            if comment and isinstance(value, str) and value and f"{value}{comment}" in text:
                yield prefix + name, "quote its value, because it has a #"
