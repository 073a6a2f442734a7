"""Which of the names that were set are no options, and how bad that is.

Some namespaces are known as soon as the database class is; in the others any app
class may have options, so that their names can be judged only with all classes.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ..errors import ConfigError
from .messages import did_you_mean, nearest
from .options import APP_SECTION
from .sources import COMMAND_LINE, ENVIRONMENT, Sources

_CLOSED = frozenset({"admin", "crontabber", "logging", "sentry"})


def is_open(name: str) -> bool:
    """Whether an app class may bring an option of this name."""
    section, dot, _ = name.partition(".")
    return name.startswith(APP_SECTION) or (bool(dot) and section not in _CLOSED)


def section_of(name: str) -> str:
    """The class whose section the name is in; empty if it is in none."""
    return name.removeprefix(APP_SECTION).partition(".")[0] if name.startswith(APP_SECTION) else ""


def unknown(sources: Sources, options: Mapping[str, Any]) -> list[str]:
    """The names set that are no options.

    Other programs have dotted names in their environment too: there, only what
    begins with ``crontabber.`` is surely meant for us.
    """
    return [
        name
        for name, origin in sources.origins.items()
        if name not in options and (origin != ENVIRONMENT or name.startswith("crontabber."))
    ]


def judge(
    sources: Sources, names: Collection[str], options: Mapping[str, Any], *, strict: bool
) -> Iterator[str]:
    """A line for each of the unknown *names*.

    On the command line, or if all is to be taken strictly, the first is a ConfigError.
    """
    for name in names:
        origin = sources.origins[name]
        line = f"unknown option {' '.join(name.split())} (from {origin}){_nearest(name, options)}"
        if strict or origin == COMMAND_LINE:
            raise ConfigError(line)
        yield line


def without_foreign_sections(names: Collection[str], options: Mapping[str, Any]) -> list[str]:
    """*names* without those in sections that seem to be of jobs in another file.

    Several files may share one that has sections for the jobs of all of them.
    """
    sections = {section_of(option) for option in options}
    return [
        name
        for name in names
        if section_of(name) in sections or did_you_mean(section_of(name), sections)
    ]


def _nearest(name: str, options: Mapping[str, Any]) -> str:
    """The option that may be meant: of a similar name, or of the same name elsewhere."""
    own = [known for known, option in options.items() if not option.reference_value_from]
    section, _, last = name.rpartition(".")
    candidates = {
        # the section that both are in must not count for likeness
        **{known.rpartition(".")[2]: known for known in own if known.startswith(f"{section}.")},
        **{known: known for known in own},
    }
    guess = nearest(last, candidates) or nearest(name, candidates, likeness=0.9)
    elsewhere = (known for known in own if known.endswith(f".{last}"))
    meant = candidates[guess] if guess else next(elsewhere, None)
    return f": did you mean {meant}?" if meant else ""
