"""What is wrong with the names that were set, and whether it prevents what is asked for."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from ..errors import ConfigError
from ..schedule.grammar import JobList
from . import names
from .command import Command
from .messages import did_you_mean
from .sections import JobSections
from .sources import COMMAND_LINE, Sources

Classes = Mapping[str, type]
"""App classes by class path."""


class Judgement(NamedTuple):
    """The faults of the names that were set, and of the texts of options."""

    faults: tuple[ConfigError, ...]
    warnings: tuple[str, ...]


class Judge:
    """Judges the names in *sources*; with *strict* all unknown ones are errors."""

    def __init__(
        self, sources: Sources, sections: JobSections, jobs: JobList, command: Command, strict: bool
    ) -> None:
        self._sources = sources
        self._sections = sections
        self._jobs = jobs
        self._command = command
        self._strict = strict

    def unknown(self, known: names.Known) -> list[names.Unknown]:
        """The unknown names that were set; in sections of jobs, only those that seem ours."""
        if not names.suspects(self._sources, known):  # so that no list of 100,000 jobs is read
            return []
        classes = self._class_names | {names.section_of(name) for name in known}
        found = names.unknown(self._sources, known, classes - {""})
        return [each for each in found if self._strict or not names.is_foreign(each, classes)]

    def is_serious(self, each: names.Unknown, classes: Classes | None = None) -> bool:
        """Whether it is an error, and not a mere oddity.

        A class that cannot be imported may have an option in a section that apps share: the name
        gets the benefit of the doubt unless a mistake is likely.
        """
        if self._strict or self.is_typed(each):
            return True
        if self._only_looks and not each.leads_elsewhere:
            return False
        all_asked = classes is None or len(classes) >= len(self._jobs.lines)
        return each.is_ours and bool(all_asked or each.guess or not each.is_shared)

    def is_typed(self, each: names.Unknown) -> bool:
        """Whether it was set on the command line."""
        return self._sources.origins[each.name] == COMMAND_LINE

    def judge(self, known: names.Known, classes: Classes) -> Judgement:
        """All that is wrong with the names, given the classes of *all* jobs."""
        found = self.unknown(known)
        faults = [each for each in found if self.is_serious(each, classes) or _is_top(each)]
        return Judgement(
            (*(ConfigError(each.line) for each in faults), *self._unused(classes)),
            (
                *(each.line for each in found if each not in faults),
                *names.notes(self._sources, known),
            ),
        )

    def strays(self) -> Iterator[ConfigError]:
        """What is set for no job, as far as is known without classes."""
        if self._strict:
            yield from self._sections.unused(None)
        elif not (self._only_looks or self._command.configtest):  # which judges all of them
            yield from self._sections.strays()
        for name, origin in self._sources.origins.items():
            section = names.section_of(name)
            if origin == COMMAND_LINE and section and section not in self._class_names:
                guess = did_you_mean(section, self._class_names)
                yield ConfigError(f"unknown option --{name}: no job is of a class {section}{guess}")

    def strangers(self, classes: Classes) -> Iterator[ConfigError]:
        """The sections that belong to no job, given *all* classes."""
        yield from self._sections.strangers(self._app_names(classes))

    def _unused(self, classes: Classes) -> Iterator[ConfigError]:
        yield from self._sections.unused(self._app_names(classes))

    def _app_names(self, classes: Classes) -> set[str] | None:
        """The app_names of all listed classes; None if some could not be imported."""
        if len(classes) < len({line.class_path for line in self._jobs.lines}):
            return None
        return {str(getattr(cls, "app_name", "")) for cls in classes.values()}

    @property
    def _class_names(self) -> set[str]:
        return {job.class_name for job in self._jobs.lines} | self._sections.class_names

    @property
    def _only_looks(self) -> bool:
        """Whether the command only looks, so that some faults are harmless."""
        has_jobs = self._jobs.lines or self._jobs.faults
        command = self._command
        return bool(command.only_looks or (command.nagios and not has_jobs))


def _is_top(each: names.Unknown) -> bool:
    """Whether it is a whole section that neither we nor any job know."""
    return bool(each.section) and "." not in each.section
