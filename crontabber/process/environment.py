"""The environment of commands: crontabber's, without its own settings, plus what is set."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from ..errors import CommandFailed

_ASSIGNMENT = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)")
_QUOTED = re.compile(r"""(?:'([^']*)'|"((?:[^"\\]|\\.)*)")\s*(?:\#.*)?""")
_COMMENT = re.compile(r"(?:^|\s+)#.*")
_ESCAPED = re.compile(r'\\(["\\$`])')


def inherited(environ: Mapping[str, str]) -> dict[str, str]:
    """*environ* without variables that have a dot in their name: those are settings of ours.

    They may hold passwords, and no shell can read them. All others, cron would have
    passed to the command too.
    """
    return {name: value for name, value in environ.items() if "." not in name}


def read_environment_file(path: Path) -> dict[str, str]:
    """The variables of a file of ``NAME=value`` lines.

    As in the shell, a blank and ``#`` begin a comment. A value may be in quotes: in single
    ones all is literal; in double ones a backslash goes before ``"``, ``$``, a
    backquote or another backslash. Raises `CommandFailed`, which never quotes a value.
    """
    try:
        text = path.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise CommandFailed(f"its environment_file {path} cannot be read: {why}") from None
    return dict(_variables(text, path))


def _variables(text: str, path: Path) -> Iterator[tuple[str, str]]:
    for number, raw in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        assignment = _ASSIGNMENT.fullmatch(line)
        value = assignment and _value(assignment[2])
        if assignment is None or value is None or "\0" in value:
            raise CommandFailed(
                f"line {number} of its environment_file {path} cannot be understood: write "
                "NAME=value, or NAME='a value' with blanks around it"
            )
        yield assignment[1], value


def _value(text: str) -> str | None:
    """A value without its quotes; None if they are not closed."""
    if not text.startswith(("'", '"')):
        return _COMMENT.sub("", text)
    quoted = _QUOTED.fullmatch(text)
    if quoted is None:
        return None
    return quoted[1] if quoted[1] is not None else _ESCAPED.sub(r"\1", quoted[2])
