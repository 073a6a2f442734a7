"""Which of the names that were set are no options, and whether that is an error.

Some sections are ours: an unknown name there is a mistake. In others any app class may
have options, so their names can be judged only with all classes.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from .legacy import is_old, why_gone
from .messages import header, nearest
from .options import APP_SECTION, DATABASE, JOB, setting_options
from .sources import ENVIRONMENT, Sources

_OURS = frozenset(
    {"admin", "crontabber", "logging", "notify", "otel", "sentry", "web"}
    | {"resource.logging", "secrets.sentry", DATABASE}
)
_PARENTS = frozenset({"resource", "secrets"})
"""The sections that contain others, ours and those of apps."""
_OF_OUR_CLASSES = frozenset({"backoff_delays", "data_directory", "wait_log_interval"})
"""What our own classes may read from the section of the database, if an app uses them."""
_LIKENESS = 0.8
"""The likeness, up to 1, from which a section's name counts as a mistyped one of ours."""

Known = Mapping[str, bool]
"""The names of options, and whether each has its own value or refers to another."""


class Unknown(NamedTuple):
    """A name that was set and is no option; or a section, with all the names in it."""

    name: str
    """The first name in question."""
    section: str
    """The section of an ini file that does not exist; empty: only the option is unknown."""
    line: str
    """For people: what it is, where it was set, and what may be meant."""
    guess: str
    """The dotted name of what may be meant; empty if nothing is similar."""
    is_ours: bool
    """Whether it is in a section of ours, in none, or where one of ours seems to be meant."""
    is_shared: bool
    """Whether it is in a section that apps use too: one could explain it."""

    @property
    def leads_elsewhere(self) -> bool:
        """Whether it seems to say where the database is, so that we would use another one."""
        return any(f"{each}.".startswith(f"{DATABASE}.") for each in (self.name, self.guess))


def section_of(name: str) -> str:
    """The class whose section the name is in; empty if it is in none."""
    return name.removeprefix(APP_SECTION).partition(".")[0] if name.startswith(APP_SECTION) else ""


def unknown(sources: Sources, known: Known, classes: Collection[str]) -> list[Unknown]:
    """The names that were set and are not *known*; *classes* are those of the jobs.

    A section that does not exist is reported once.
    """
    names = suspects(sources, known)
    judge = _Judge(sources, known, classes)
    found: dict[str, Unknown] = {}
    for name in names:
        each = judge.judged(name)
        key = each.section or name
        if key not in found or each.is_ours > found[key].is_ours:
            found[key] = each
    return [*found.values()]


def suspects(sources: Sources, known: Known) -> list[str]:
    """The names that were set, are not *known*, and are ours to judge."""
    return [name for name in sources.texts if name not in known and _is_for_us(sources, name)]


def notes(sources: Sources, known: Known) -> Iterator[str]:
    """A line for each name of 0.18 that was set and has no effect any more."""
    for name in sources.texts:
        if name not in known and (why := why_gone(name)):
            yield f"option {name} (from {sources.where(name)}) has no effect any more: {why}"


def is_foreign(each: Unknown, classes: Collection[str]) -> bool:
    """Whether it may be about a job in another file: several files may share a third."""
    section = section_of(each.name)
    return bool(section) and section not in classes and not nearest(section, classes)


def _is_for_us(sources: Sources, name: str) -> bool:
    """Whether we are to judge a name.

    Other programs have dotted names in their environment too: there, only what begins
    with the name of the command or of its database is meant for us.
    """
    if name.startswith(JOB):  # `sections` does this
        return False
    if is_old(name) or why_gone(name) or sources.is_renamed(name):
        return False
    surely = ("crontabber.", f"{DATABASE}.")
    return sources.origins[name] != ENVIRONMENT or name.startswith(surely)


class _Judge:
    """Says what is wrong with names, given those that are known."""

    def __init__(self, sources: Sources, known: Known, classes: Collection[str]) -> None:
        self._sources = sources
        self._known = known
        parents = {name.rpartition(".")[0] for name in known}
        jobs = {APP_SECTION + name for name in classes}
        self._sections = (parents | jobs | _OURS | _PARENTS) - {""}
        self._ours = _OURS | jobs

    def judged(self, name: str) -> Unknown:
        """The description of an unknown name."""
        missing = self._missing_section(name)
        ours = self._is_ours(name, missing)
        shared = name.partition(".")[0] not in _OURS
        if missing and self._sources.is_ini and self._sources.is_in_file(name):
            guess = self._section_meant(missing, name)
            where = self._sources.where_section(missing, name)
            line = f"unknown section {header(missing)} (from {where})"
            line += f": did you mean {header(guess)}?" if guess else ""
            return Unknown(name, missing, line, guess, ours, shared)
        guess = self._option_meant(name)
        line = f"unknown option {' '.join(name.split())} (from {self._sources.where(name)})"
        line += f": did you mean {guess}?" if guess else ""
        return Unknown(name, "", line, guess, ours, shared)

    def _missing_section(self, name: str) -> str:
        """The outermost section of the name that does not exist; empty if all do."""
        parts = name.split(".")
        sections = (".".join(parts[:end]) for end in range(1, len(parts)))
        return next((each for each in sections if not self._exists(each)), "")

    def _exists(self, section: str) -> bool:
        return any(f"{each}.".startswith(f"{section}.") for each in self._sections)

    def _is_ours(self, name: str, missing: str) -> bool:
        """See `Unknown.is_ours`."""
        parent, _, last = name.rpartition(".")
        if parent.startswith(APP_SECTION) or (parent == DATABASE and last in _OF_OUR_CLASSES):
            return False
        if not parent or any(f"{parent}.".startswith(f"{each}.") for each in _OURS):
            return True
        return bool(missing) and (last in _distinctive() or self._resembles(missing))

    def _resembles(self, section: str) -> bool:
        """Whether the section looks like one of ours, mistyped or in the wrong place."""
        last = section.rpartition(".")[2]
        ours = {each.rpartition(".")[2] for each in self._ours}
        mistyped = nearest(last, ours | _PARENTS, _LIKENESS)
        return last in ours or bool(mistyped) or last.startswith("class-")

    def _section_meant(self, section: str, name: str) -> str:
        within_app = section.startswith(APP_SECTION)
        candidates = [each for each in self._sections if within_app or not _is_within_app(each)]
        # later ones win over earlier ones of the same name: ours, and the shallow ones
        candidates.sort(key=lambda each: (each in self._ours, -each.count("."), each))
        by_last = {each.rpartition(".")[2]: each for each in candidates}
        last = section.rpartition(".")[2]
        guess = last if last in by_last else nearest(last, by_last)
        if guess:
            return by_last[guess]
        is_telling = name.rpartition(".")[2] in _distinctive() | {"dbname"}
        return self._option_meant(name).rpartition(".")[0] if is_telling else ""

    def _option_meant(self, name: str) -> str:
        """The option that may be meant: one with a similar name, or the same name elsewhere."""
        section, _, last = name.rpartition(".")
        beside = {each.rpartition(".")[2]: each for each in self._known if _is_in(each, section)}
        own = [each for each, has_value in self._known.items() if has_value]
        # the section that both are in must not count for likeness
        if guess := nearest(last, beside):
            return beside[guess]
        elsewhere = sorted(each for each in own if f".{each}".endswith(f".{last}"))
        return nearest(name, own, likeness=0.9) or next(iter(elsewhere), "")


def _distinctive() -> set[str]:
    """The last parts of names that hardly any app uses."""
    names = setting_options().keys_breadth_first()
    return {name.rpartition(".")[2] for name in names} - {"dsn", "conf"}


def _is_in(name: str, section: str) -> bool:
    return name.rpartition(".")[0] == section


def _is_within_app(section: str) -> bool:
    return section.startswith(APP_SECTION) and section.count(".") > 1
