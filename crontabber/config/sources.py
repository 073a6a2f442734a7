"""Where settings come from: a file, then the environment, then the command line.

The last one that sets an option wins. All are gathered once, into flat text by
dotted name, for both passes of `resolve`.
"""

# pathlib would be several milliseconds of an idle tick
# ruff: noqa: PTH100, PTH120, PTH122

import copy
import functools
import io
import json
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from ..errors import ConfigError
from . import compat  # noqa: F401  configman cannot be imported before
from .commandline import CommandLine
from .inifile import ListText, OptionFault, Place, parse_ini, read_text
from .legacy import FALLBACKS, modern

from configman.value_sources import for_conf

_NAMESPACES = frozenset(
    {"admin", "crontabber", "job", "logging", "notify", "otel", "resource", "sentry", "web"}
)
# These are for one start of the command, and do not belong in a file.
_NOT_IN_FILE = frozenset({"admin.conf", "admin.dump_conf", "admin.print_conf"})
CONF = "CRONTABBER_CONF"
"""The environment variable with the path of the configuration."""
COMMAND_LINE = "the command line"
ENVIRONMENT = "the environment"


class Sources:
    """What has been set, and where; its ``repr`` is empty, as it may hold secrets."""

    path = ""
    """The file that was read; empty if none was."""
    faults: Sequence[OptionFault] = ()
    """Why some options of the file have no text."""
    aliases: Mapping[str, str] = MappingProxyType({})
    """Names that stand for another name's text; see `aliased`."""

    def __init__(
        self, texts: Mapping[str, str], origins: Mapping[str, str], bare: Collection[str] = ()
    ) -> None:
        renamed = [*modern(texts)]
        self._written = {new: old for old, new in renamed}
        self.texts = {**texts, **{new: texts[old] for old, new in renamed}}
        """The text of each option that is set anywhere, by dotted name."""
        self.origins = {**origins, **{new: origins[old] for old, new in renamed}}
        """Where that text comes from: a file's path, or one of the above."""
        self.bare = frozenset(bare)
        """The options that the command line names without a value, as only a flag may be."""

    @classmethod
    def collect(cls, line: CommandLine, environ: Mapping[str, str]) -> "Sources":
        """Read everything; a ConfigError says what cannot be read."""
        environment = ours(environ)
        path, named_by = _conf(line, environ)
        from_file, faults = _read_named(path, named_by)
        texts: dict[str, str] = {}
        origins: dict[str, str] = {}
        for origin, layer in {
            path: {k: v for k, v in from_file.items() if k not in _NOT_IN_FILE},
            ENVIRONMENT: environment,
            COMMAND_LINE: line.settings,
        }.items():
            texts.update(layer)
            origins.update(dict.fromkeys(layer, origin))
        sources = cls(texts, origins, line.bare)
        sources.path, sources.faults = path, faults
        return sources

    def aliased(self, aliases: Mapping[str, str]) -> "Sources":
        """The same, in which each name in *aliases* has the text of the name that it leads to."""
        more = copy.copy(self)
        texts = {new: self.texts[old] for new, old in aliases.items()}
        origins = {new: self.origins[old] for new, old in aliases.items()}
        more.__dict__.update(
            aliases=aliases,
            texts={**self.texts, **texts},
            origins={**self.origins, **origins},
            _written={**self._written, **aliases},
        )
        return more

    def written(self, name: str) -> str:
        """For people: the name under which an option's text is set."""
        return self.aliases.get(name, name)

    def without(self, names: Collection[str]) -> "Sources":
        """The same, as if none of *names* had been set."""
        gone = {*names, *(self._written.get(name, name) for name in names)}
        rest = copy.copy(self)
        rest.texts = {name: text for name, text in self.texts.items() if name not in gone}
        rest.bare = self.bare - gone
        return rest

    def lacks(self, name: str) -> bool:
        """Whether an option of the file has no text, which one of the *faults* is about."""
        return name not in self.texts and any(fault.name == name for fault in self.faults)

    @property
    def is_empty(self) -> bool:
        """Whether there is no file, and nothing is set that could be in one."""
        return not self.path and all(name.startswith("admin.") for name in self.texts)

    @property
    def is_ini(self) -> bool:
        """Whether the file has sections."""
        return self.path.endswith(".ini")

    def is_in_file(self, name: str) -> bool:
        """Whether the text of an option comes from the file."""
        return bool(self.path) and self.origins.get(name) == self.path

    def is_renamed(self, name: str) -> bool:
        """Whether an option's text was set under its name of 0.18."""
        return name in self._written

    def where(self, name: str) -> str:
        """For people: where an option is set, with the line of the file."""
        place = None
        if self.is_in_file(name):
            place = self._places.get(self._written.get(name, name))
        return str(place or self.origins.get(name, "its default"))

    def where_section(self, section: str, name: str) -> str:
        """For people: where a section of the ini file begins, or where this option in it is."""
        return str(self._places.get(f"{section}.") or self.where(name))

    def where_job(self, name: str, option: str) -> str:
        """For people: where the section of a job begins, or this *option* of it is set."""
        option = f"job.{name}.{option}"
        if self.is_ini and self.is_in_file(option):
            return self.where_section(f"job.{name}", option)
        return self.where(option)

    @property
    def directory(self) -> str:
        """Where relative paths in the file begin: its own directory; empty if there is none."""
        return os.path.dirname(os.path.abspath(self.path)) if self.path else ""

    def where_in_jobs(self, line: str) -> str:
        """For people: where a line of the jobs list is."""
        place = self._places.get("crontabber.jobs")
        if not (place and self.is_in_file("crontabber.jobs")):
            return self.where("crontabber.jobs")
        from .places import place_of_text

        return str(place_of_text(self.path, line, place) or place)

    @functools.cached_property
    def _places(self) -> Mapping[str, Place]:
        if not self.path:
            return {}
        from .places import places  # only needed when something is wrong

        return places(self.path)


def _conf(line: CommandLine, environ: Mapping[str, str]) -> tuple[str, str]:
    """The path of the configuration, empty if none is named; and what names it."""
    if path := line.settings.get("admin.conf"):
        return path, COMMAND_LINE
    for name in ("admin.conf", CONF):
        if path := environ.get(name):
            return path, name
    return "", ""


def _read_named(path: str, named_by: str) -> tuple[Mapping[str, str], Sequence[OptionFault]]:
    if not path:
        return {}, ()
    try:
        return read_file(path)
    except ConfigError as error:
        if named_by == COMMAND_LINE or not str(error).startswith(f"cannot read {path}"):
            raise
        raise ConfigError(f"{error} ({named_by} in the environment names it)") from None


def ours(environ: Mapping[str, str]) -> dict[str, str]:
    """The part of the environment for us: dotted names in our namespaces."""
    return {
        name: text
        for name, text in environ.items()
        if "." in name and (name.partition(".")[0] in _NAMESPACES or name in FALLBACKS)
    }


def read_file(path: str) -> tuple[dict[str, str], list[OptionFault]]:
    """Read a file of one of the kinds that configman knows, by the end of its name.

    Also why some of its options cannot be used; a ConfigError if it cannot be read at all.
    """
    kind = os.path.splitext(path)[1]
    if kind == ".ini":
        return parse_ini(path)
    try:
        return {".json": _read_json, ".conf": _read_conf}[kind](path), []
    except KeyError:
        raise ConfigError(
            f"cannot read {path}: the name of a configuration ends in .ini, .json or .conf"
        ) from None


def _read_json(path: str) -> dict[str, str]:
    try:
        content = json.loads(read_text(path), object_pairs_hook=_object)
        if isinstance(content, dict):
            return _object(list(_flatten("", content)))
    except _TwiceError:
        raise _said_twice(path) from None
    except json.JSONDecodeError as error:
        raise ConfigError(f"{path}, line {error.lineno}: {error.msg}") from None
    except RecursionError:
        raise ConfigError(f"{path}: it is nested too deeply") from None
    raise ConfigError(f"{path}: it must be one object, in braces")


class _TwiceError(Exception):
    """A name is there twice: one value would be lost."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _TwiceError
    return found


def _said_twice(path: str) -> ConfigError:
    from .places import second  # only needed when something is wrong

    return ConfigError(f"{second(path)}: this section or option is there already")


def _flatten(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """The options in nested objects; in configman's dumps, an option is an object itself."""
    if isinstance(value, dict) and not {"name", "default"} <= value.keys():
        for key, inner in value.items():
            yield from _flatten(f"{name}.{key}" if name else key, inner)
    elif isinstance(value, dict):
        yield from _flatten(name, value["default"])
    elif isinstance(value, list):
        yield name, ListText(", ".join(map(str, value)))
    elif value is not None:
        yield name, str(value)


def _read_conf(path: str) -> dict[str, str]:
    text = read_text(path)
    names = [line.partition("=")[0].strip() for line in text.split("\n") if "=" in line]
    given = [name for name in names if not name.startswith("#")]
    if len(set(given)) < len(given):
        raise _said_twice(path)
    return dict(for_conf.ValueSource(lambda: io.StringIO(text)).values)
