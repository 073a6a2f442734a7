"""Where in a file each option and section is: read only when there is a fault to report."""

# pathlib would be several milliseconds of an idle tick
# ruff: noqa: PTH122

import json
import os
import re
from collections.abc import Iterator

from .inifile import Place, lines_of, places_in_ini, read_text

_MARK = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:\n]')


def places(path: str) -> dict[str, Place]:
    """The place of each option of a file that can be read, by dotted name.

    Also those of the sections of an ini file: their names end in a dot.
    """
    find = {".ini": places_in_ini, ".json": _in_json, ".conf": _in_conf}
    return dict(find[os.path.splitext(path)[1]](path))


def place_of_text(path: str, text: str, after: Place) -> Place | None:
    """The first line from *after* on that holds *text*; None if none does."""
    lines = lines_of(path) if path.endswith(".ini") else _lines(path)
    seen = False
    for line, place in lines:
        seen = seen or place == after
        if seen and text in line:
            return place
    return None


def second(path: str) -> Place | str:
    """Where in a ``.json`` or ``.conf`` a name stands for the second time."""
    seen = set()
    for name, place in (_in_json if path.endswith(".json") else _in_conf)(path):
        if name in seen:
            return place
        seen.add(name)
    return path


def _lines(path: str) -> Iterator[tuple[str, Place]]:
    for number, line in enumerate(read_text(path).split("\n"), 1):
        yield line, Place(path, number)


def _in_conf(path: str) -> Iterator[tuple[str, Place]]:
    for line, place in _lines(path):
        name, equals, _ = line.partition("=")
        if equals and not name.lstrip().startswith("#"):
            yield name.strip(), place


def _in_json(path: str) -> Iterator[tuple[str, Place]]:
    names: list[str] = []
    key, line = "", 1
    for mark in _MARK.findall(read_text(path)):
        if mark == "\n":
            line += 1
        elif mark in "{[":
            names.append(key)
        elif mark in "}]":
            key = names.pop()
        elif mark == ":":
            yield ".".join(filter(None, [*names, key])), Place(path, line)
        elif mark != ",":
            key = json.loads(mark)
