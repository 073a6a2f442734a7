"""The sections ``[job] [[NAME]]``: jobs that the configuration itself defines or changes.

A section with ``command`` or ``class`` is a job, which the jobs list names. Any other one has
options of a job whose class is listed, by its app_name or class path. An idle tick calls
only `JobSections.strays`, and reads none of the options; `section` reads those of one.
"""

import functools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from ..errors import ConfigError, JobLineError, JobLineErrors
from ..schedule.grammar import JobLine
from .messages import job_header, nearest
from .options import APP_SECTION, JOB_SECTION, WHAT_TO_RUN
from .options import JOB as PREFIX
from .sources import COMMAND_LINE, ENVIRONMENT, Sources


class JobSections:
    """The sections of jobs among *sources*, and the *lines* of the jobs list that name some."""

    def __init__(self, sources: Sources, lines: Sequence[JobLine]) -> None:
        self._sources = sources
        self._lines = lines

    # -- what is wrong with the sections as a whole ----------------------------------------

    def strays(self) -> Iterator[ConfigError]:
        """The sections that cannot belong to any job, as far as is known without a class."""
        if self._are_all_listed:
            return
        for name in self._unlisted():
            if self._is_all(name, COMMAND_LINE) or not (self._runs(name) or self._class_paths):
                yield self._unknown(name, ())
        yield from self._outside()

    @property
    def to_be_known(self) -> list[str]:
        """The sections that belong to no job, unless a listed class has such an app_name."""
        if self._are_all_listed:
            return []
        return [name for name in self._unlisted() if not self._runs(name)]

    def strangers(self, app_names: Collection[str] | None) -> Iterator[ConfigError]:
        """Those of them that belong to no job, given the *app_names* of all listed classes.

        Empty if these are not known: a section may belong to a class that cannot be imported.
        """
        if app_names is not None:
            unknown = (name for name in self.to_be_known if name not in app_names)
            yield from (self._unknown(name, app_names) for name in unknown)

    def unused(self, app_names: Collection[str] | None) -> Iterator[ConfigError]:
        """All sections that belong to no job, and those of jobs that no line names."""
        for name in filter(self._runs, self._unlisted()):
            guess = nearest(name, self._named - self._texts.keys())
            hint = f"did you mean {guess}?" if guess else f"add one, such as {name}|1h"
            yield ConfigError(
                f"no line of the jobs list names the section {job_header(name)} "
                f"(from {self._where(name)}): {hint}"
            )
        yield from self.strangers(app_names)
        yield from self._outside()

    def _outside(self) -> Iterator[ConfigError]:
        """Options of ``[job]`` itself, which has none."""
        for key in self._texts.get("", ()):
            if self._sources.origins[PREFIX + key] == ENVIRONMENT:
                continue
            where = self._sources.where(PREFIX + key)
            yield ConfigError(
                f"unknown option {PREFIX}{key} (from {where}): write it in the section of a job, "
                "[job] [[NAME]]"
            )

    def _unlisted(self) -> list[str]:
        """The sections that no line names; other programs have dotted environment names, too."""
        known = {*self._named, *self._class_paths, ""}
        return [
            name
            for name in self._texts
            if name not in known and not self._is_all(name, ENVIRONMENT)
        ]

    def _unknown(self, name: str, app_names: Collection[str]) -> ConfigError:
        known = (self._named | self._class_paths | set(app_names)) - self._texts.keys()
        guess = nearest(name, known)
        meant = f": did you mean {job_header(guess)}?" if guess else ""
        return ConfigError(f"unknown section {job_header(name)} (from {self._where(name)}){meant}")

    # -- what they say of a job ---------------------------------------------------------------

    def app(self, class_path: str, load: Callable[[str], type]) -> type:
        """The class of a line of the jobs list, with what its section says as attributes.

        *load* imports a class. Raises `JobLineError`, also as `JobLineErrors`.
        """
        if class_path not in self._named:
            return self._listed(class_path, load(class_path))
        if any(self._sources.lacks(f"{PREFIX}{class_path}.{key}") for key in WHAT_TO_RUN):
            raise JobLineErrors(())  # what it runs has no text, which is reported already
        if class_path not in self._texts:
            guess = nearest(class_path, filter(self._runs, self._unlisted()))
            raise JobLineError(
                f"{class_path!r} is not a class path such as package.module.Class, and there is no "
                f"section {job_header(class_path)} with command= or class="
                + (f": did you mean {job_header(guess)}?" if guess else "")
            )
        from .section import made

        return made(self._sources, class_path, self._texts[class_path], load)

    def _listed(self, class_path: str, cls: type) -> type:
        if not self._texts:
            return cls
        from ..process.contained import Contained

        try:
            with Contained():
                app_name = getattr(cls, "app_name", None)
                hash(app_name)
        except Exception:  # noqa: BLE001  what is wrong with a class is told by `AppSpec.of`
            return cls
        both = dict.fromkeys(each for each in (app_name, class_path) if each in self._texts)
        if not both or app_name in self._named:  # reported elsewhere, as the name of two jobs
            return cls
        if len(both) > 1:
            shown = " and ".join(map(job_header, both))
            raise JobLineError(f"{shown} are both about it: make them one")
        from .section import changed

        [name] = both
        return changed(self._sources, name, self._texts[name], cls)

    def runs(self, class_path: str) -> tuple[str, str]:
        """What a line of the jobs list runs, for people: ``command`` or ``class``, and its text."""
        section = self._texts.get(class_path, {}) if class_path in self._named else {}
        for key in WHAT_TO_RUN:
            if text := section.get(key, "").strip():
                return key, text
        return "class", class_path

    @property
    def class_names(self) -> set[str]:
        """The names of the classes that sections run."""
        texts = self._sources.texts.items()
        paths = (text for name, text in texts if name[:4] == PREFIX and name.endswith(".class"))
        return {path.strip().rpartition(".")[2] for path in paths}

    def aliases(self) -> Mapping[str, str]:
        """The options of the classes that sections run, to the names under which they are set.

        The names are those in the namespace of each job; an option is set in the section of
        the job, or else in that of the class.
        """
        from .joboptions import JOB_OPTIONS

        aliases: dict[str, str] = {}
        for name in self._named & self._texts.keys():
            section = self._texts[name]
            own = f"{JOB_SECTION}{name}."
            if class_path := section.get("class", "").strip():
                of_class = f"{APP_SECTION}{class_path.rpartition('.')[2]}."
                for each in self._of_classes.get(of_class, ()):
                    aliases[own + each.removeprefix(of_class)] = each
                for key in section.keys() - JOB_OPTIONS.keys() - {*WHAT_TO_RUN}:
                    aliases[own + key] = f"{PREFIX}{name}.{key}"
        return aliases

    def options(self) -> dict[str, Any]:
        """The options of the sections without those of classes, as a dump shows them."""
        if not self._texts:
            return {}
        from .jobdump import options_of

        return {
            f"{PREFIX}{name}.{key}": option
            for name, section in self
            for key, option in options_of(section)
        }

    def __iter__(self) -> Iterator[tuple[str, Mapping[str, str]]]:
        """Each section: its name, and the texts of its options."""
        return ((name, section) for name, section in self._texts.items() if name)

    # -- how the texts are divided -------------------------------------------------------------

    @functools.cached_property
    def _are_all_listed(self) -> bool:
        """Whether lines name all sections, as far as is known without dividing the options."""
        parts = (name.split(".", 2) for name in self._sources.texts if name.startswith(PREFIX))
        return all(len(each) > 2 and each[1] in self._named for each in parts)

    @functools.cached_property
    def _named(self) -> set[str]:
        return {line.class_path for line in self._lines if line.is_named}

    @functools.cached_property
    def _class_paths(self) -> set[str]:
        return {line.class_path for line in self._lines if not line.is_named}

    @functools.cached_property
    def _texts(self) -> dict[str, dict[str, str]]:
        """The text of each option, by the name of the section; empty: outside all sections."""
        sections: dict[str, dict[str, str]] = {}
        for name, text in self._sources.texts.items():
            if name.startswith(PREFIX):
                section, key = self._divided(name[len(PREFIX) :])
                sections.setdefault(section, {})[key] = text
        return sections

    def _divided(self, rest: str) -> tuple[str, str]:
        """The section and the option; a section's name may have dots, and so may an option's."""
        first, _, key = rest.partition(".")
        if first in self._named or not key:
            return (first, key) if key else ("", first)
        path = rest
        while path := path.rpartition(".")[0]:
            if path in self._class_paths:
                return path, rest.removeprefix(f"{path}.")
        if any(f"{PREFIX}{first}.{each}" in self._sources.texts for each in WHAT_TO_RUN):
            return first, key
        section, _, last = rest.rpartition(".")
        return section, last

    @functools.cached_property
    def _of_classes(self) -> Mapping[str, Collection[str]]:
        """The names that are set in the sections of classes, by the beginning of the name."""
        found: dict[str, list[str]] = {}
        for name in self._sources.texts:
            if name.startswith(APP_SECTION):
                section = name.removeprefix(APP_SECTION).partition(".")[0]
                found.setdefault(f"{APP_SECTION}{section}.", []).append(name)
        return found

    def _runs(self, name: str) -> bool:
        """Whether a section says what to run."""
        return any(key in self._texts[name] for key in WHAT_TO_RUN)

    def _is_all(self, name: str, origin: str) -> bool:
        """Whether all of a section comes from there."""
        origins = self._sources.origins
        return all(origins[f"{PREFIX}{name}.{key}"] == origin for key in self._texts[name])

    def _where(self, name: str) -> str:
        return self._sources.where_job(name, next(iter(self._texts[name])))
