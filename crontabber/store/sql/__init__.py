"""All SQL of crontabber: a file of named statements, and the numbered migrations."""

# pathlib and re would be several milliseconds of an idle tick
# ruff: noqa: PTH118, PTH120, PTH123, PTH208

import functools
import os
from collections.abc import Mapping

_FOLDER = os.path.dirname(__file__)
_NAME = "-- name: "
_SHARED = (
    "session_settings",
    "untrusted",
    "place",
    "tellable",
    "row_fault",
    "row_is_well",
    "state_columns",
    "configured",
    "is_known",
    "answer",
    "holder",
    "of_a_claim",
    "assignments",
    "marking",
    "pause",
    "saved",
    "ours",
    "logged",
    "is_old",
    "sane_duration",
    "error_kind",
    "run_columns",
    "is_old_output",
    "log_numbers",
    "reading",
)
"""Parts of other statements, which name them in braces; a part may contain earlier ones.

What remains in braces is for `located`: the schema, which the first statement finds.
"""


@functools.cache
def load_queries() -> Mapping[str, str]:
    """The named statements of all files, without comments, shared parts filled in."""
    blocks = {}
    for block in "\n".join(map(_read, _files(numbered=False))).split(_NAME)[1:]:
        name, _, body = block.partition("\n")
        lines = (line for line in body.splitlines() if not line.lstrip().startswith("--"))
        blocks[name] = "\n".join(lines).strip()
    for shared in _SHARED:
        for name, text in blocks.items():
            blocks[name] = text.replace(f"{{{shared}}}", blocks[shared])
    for name, text in list(blocks.items()):
        if "{passed}" in text:
            blocks[f"{name}_and_pass"] = text.replace("{passed}", blocks["passing"])
            blocks[name] = text.replace("{passed}", "")
    return blocks


def located(text: str, schema: str) -> str:
    """A statement on the tables in *schema*, which is quoted; empty: found by the search path."""
    there = f"{schema}." if schema else ""
    text = text.replace("{there_text}", there.replace("'", "''").replace("%", "%%"))
    there = there.replace("%", "%%")
    return text.replace("{there}", there).replace("{here}.", there)


def prepared(query: str, name: str) -> tuple[str, str]:
    """How to have the server keep the plan of a statement under *name*, and how to run it."""
    parts = query.split("%(")
    numbers: dict[str, int] = {}
    body = parts[0]
    for part in parts[1:]:
        parameter, _, rest = part.partition(")s")
        body += f"${numbers.setdefault(parameter, len(numbers) + 1)}{rest}"
    values = ", ".join(f"%({parameter})s" for parameter in numbers)
    return f"PREPARE {name} AS {body}", f"EXECUTE {name} ({values})"


def load_migrations() -> list[str]:
    """The numbered migrations, in their order; each may be run again without harm."""
    return [_read(name) for name in _files(numbered=True)]


def _files(*, numbered: bool) -> list[str]:
    """The files of migrations, which are numbered, or those of named statements."""
    names = sorted(name for name in os.listdir(_FOLDER) if name.endswith(".sql"))
    return [name for name in names if name[0].isdigit() == numbered]


def _read(name: str) -> str:
    with open(os.path.join(_FOLDER, name), encoding="utf-8") as file:
        return file.read()
