"""Makes text from elsewhere safe to show; and the type of what decorates text."""

import re
from collections.abc import Callable

Style = Callable[[str, str], str]
"""Decorates a text, given what kind it is: ``error``, ``ongoing``, ``overdue`` or ``good``."""

# Characters that control a terminal, that reorder or break a line without being seen, and
# surrogates, which cannot be printed at all.
_UNFIT = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)

_SHOWN = 200
"""How much of a long value an error shows, in characters."""
_LONG = re.compile(
    rf"""(?<!\w)(?:(?=(['"]))(?:\1(?:(?!\1).){{{_SHOWN},}}\1)(?!\w)|[^\s'"]{{1000,}})""", re.DOTALL
)
"""A value in quotes, or a word, that is too long to be read; a path can be long."""


def plain(_kind: str, text: str) -> str:
    """The style that does nothing."""
    return text


def escaped(text: str) -> str:
    r"""*text* with control characters shown as ``\x1b``; newlines and tabs stay."""
    return _UNFIT.sub(lambda match: ascii(match[0])[1:-1], text)


def one_line(text: str) -> str:
    """*text* on one line, with control characters shown, and single blanks."""
    return escaped(" ".join(text.split()))


def fault_line(text: str) -> str:
    """The same for what is wrong: a long value in it, such as a whole file, is shown in part."""
    return one_line(_LONG.sub(lambda match: match[0][:_SHOWN] + " …" + (match[1] or ""), text))


STANDBY = (
    "this server is a standby, which cannot tell whether jobs that are marked as running still run"
)
"""A standby does not know of crashes, because advisory locks are not replicated."""


def all_well(jobs: int) -> str:
    """The sentence for this many jobs, at least one, when all of them are well."""
    return f"all {jobs} jobs are well" if jobs > 1 else "the one job is well"
