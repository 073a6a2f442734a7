"""Parts of error messages: one line about an exception, a guess at a mistyped name."""

from collections.abc import Iterable

from ..errors import EndsProcess, is_a, name_of, text_of


def nearest(name: str, candidates: Iterable[str], likeness: float = 0.6) -> str | None:
    """The candidate most like *name*, None if none is like it; *likeness* is from 0 to 1."""
    import difflib  # only needed when something is wrong

    return next(iter(difflib.get_close_matches(name, sorted(candidates), 1, likeness)), None)


def did_you_mean(name: str, candidates: Iterable[str]) -> str:
    """``: did you mean x?`` for the candidate most like *name*, or nothing if none is."""
    guess = nearest(name, candidates)
    return f": did you mean {guess}?" if guess else ""


def header(section: str) -> str:
    """The headers that lead to a section: ``[resource] [[postgresql]]``."""
    keys = section.split(".")
    return " ".join("[" * n + key + "]" * n for n, key in enumerate(keys, 1))


def job_header(name: str) -> str:
    """The header of the section of a job, whose name may have dots."""
    return f"[job] [[{name}]]"


def said_by(error: BaseException) -> str:
    """The type and text of an error, on one line; for `EndsProcess` only the text."""
    return reason_of(error) if is_a(error, EndsProcess) else f"{name_of(error)}: {reason_of(error)}"


def reason_of(error: BaseException) -> str:
    """What *error* says, on one line and not too long; its type if it says nothing."""
    return " ".join(text_of(error)[:3000].split())[:300] or name_of(error)
