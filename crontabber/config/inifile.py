"""Ini files to flat values: sections by configobj, ``+include`` by us, faults by file and line."""

# pathlib would be several milliseconds of an idle tick
# ruff: noqa: PTH113, PTH118, PTH120, PTH123

import os
import re
from collections.abc import Iterator
from typing import Any

import configobj

from ..errors import ConfigError

# ``+include FILE`` includes; ``#+include FILE`` is the hint that configman writes into
# its dumps, which becomes effective by making the file that it names.
_INCLUDE = re.compile(r"\s*(#?)\+include\s+(.*?)\s*")

_OPENED = re.compile(r"""[^=]*=\s*('''|\"""|'|")(?:(?!\1).)*""")
"""A line whose value begins with a quote that it does not close."""

_FAULTS = {
    configobj.DuplicateError: "this section or option is there already",
    configobj.NestingError: "the section has too many brackets, or they do not match",
    configobj.ParseError: "this is neither [section] nor option=value",
}


class ListText(str):
    """The text of an option that configobj split at its commas, joined again."""


class _Ini(configobj.ConfigObj):  # type: ignore[misc]
    """Takes the lines of a long value at once: one by one, 100,000 jobs take 8 s, not 0.1."""

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

    A ConfigError says which line of which file cannot be understood, or which option
    has a ``%(name)s`` that stands for nothing.
    """
    lines = list(_lines(path, ()))
    try:
        content = _Ini([line for line, _, _ in lines])
    except SyntaxError as error:  # the root of all errors of configobj
        first = (getattr(error, "errors", None) or [error])[0]
        number = getattr(first, "line_number", None) or 1
        # the text of the line stays out of the message: it may be a password
        fault = _FAULTS.get(type(first), "this cannot be understood")
        line, *place = lines[number - 1]
        if isinstance(first, configobj.ParseError) and (opened := _OPENED.fullmatch(line)):
            fault = f"the {opened[1]} that begins a text here is not closed"
        raise ConfigError("{}, line {}: {}".format(*place, fault)) from None
    options = dict(_flatten(content, path))
    _refuse_cut_values(content, path, "\n".join(line for line, _, _ in lines))
    return options


def read_text(path: str) -> str:
    """The text of a UTF-8 file; a ConfigError says why it cannot be read."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().removeprefix("\ufeff")  # what some editors begin a file with
    except UnicodeDecodeError as error:
        number = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}, line {number}: this is not UTF-8 text") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"cannot read {path}: {reason}") from None


def _lines(path: str, including: tuple[str, ...]) -> Iterator[tuple[str, str, int]]:
    """Each line of the file and of what it includes, with its file and number."""
    text = read_text(path)
    inside = (*including, os.path.realpath(path))
    for number, line in enumerate(text.split("\n"), 1):
        included = "+include" in line and _included(line, path, number)
        if not included:
            yield line, path, number
        elif os.path.realpath(included) in inside:
            raise ConfigError(f"{path}, line {number}: {included} would include itself")
        else:
            yield from _lines(included, inside)


def _included(line: str, path: str, number: int) -> str | None:
    """The file that the line includes, None if it does not."""
    match = _INCLUDE.fullmatch(line)
    if not match:
        return None
    included = os.path.join(os.path.dirname(path), match[2])
    if os.path.isfile(included):
        return included
    if match[1]:
        return None
    raise ConfigError(f"{path}, line {number}: cannot include {included}: there is no such file")


def _flatten(content: Any, path: str) -> Iterator[tuple[str, str]]:
    """The options of all sections, by dotted name."""
    sections = [("", content)]
    while sections:
        prefix, section = sections.pop()
        for name in section.scalars:
            yield prefix + name, _text(section, name, f"{path}: option {prefix}{name}")
        sections += [(f"{prefix}{name}.", section[name]) for name in section.sections]


def _refuse_cut_values(content: Any, path: str, text: str) -> None:
    """Refuse ``password=ab#c``: configobj takes what follows the ``#`` for a comment."""
    if "#" not in text:
        return
    sections = [content]
    while sections:
        section = sections.pop()
        sections += [section[name] for name in section.sections]
        for name, comment in section.inline_comments.items():
            value = section.get(name)
            if comment and isinstance(value, str) and value and f"{value}{comment}" in text:
                raise ConfigError(f"{path}: option {name}: quote its value, because it has a #")


def _text(section: Any, name: str, where: str) -> str:
    try:
        value = section[name]
    except Exception as error:  # noqa: BLE001  odd values raise more than configobj's own
        reason = str(error) if isinstance(error, configobj.ConfigObjError) else "not a text"
        raise ConfigError(f"{where}: its %(…)s cannot be replaced: {reason}") from None
    return value if isinstance(value, str) else ListText(", ".join(value))
