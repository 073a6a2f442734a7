"""Where settings come from: a file, then the environment, then the command line.

The last one that sets an option wins. All of it is gathered once, into flat text by
dotted name, for both passes of `resolve`.
"""

# pathlib would be several milliseconds of an idle tick
# ruff: noqa: PTH122

import io
import json
import os
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ..errors import ConfigError
from . import compat  # noqa: F401  configman cannot be imported before
from .commandline import CommandLine
from .inifile import ListText, read_ini, read_text

from configman.value_sources import for_conf

_NAMESPACES = frozenset({"admin", "crontabber", "logging", "resource", "sentry"})
# What these say is for one start of the command, and has no place in a file.
_NOT_IN_FILE = frozenset({"admin.conf", "admin.dump_conf", "admin.print_conf"})
COMMAND_LINE = "the command line"
ENVIRONMENT = "the environment"


class Sources:
    """What has been set, and where; its ``repr`` tells nothing, as it may hold secrets."""

    def __init__(
        self, texts: Mapping[str, str], origins: Mapping[str, str], bare: Collection[str] = ()
    ) -> None:
        self.texts = texts
        """The text of each option that is set anywhere, by dotted name."""
        self.origins = origins
        """Where that text comes from, for messages: a file's path, or one of the above."""
        self.bare = frozenset(bare)
        """The options that the command line names without a value, as only a flag may be."""

    @classmethod
    def collect(cls, line: CommandLine, environ: Mapping[str, str]) -> "Sources":
        """Read everything; a ConfigError says what cannot be read."""
        environment = ours(environ)
        path = line.settings.get("admin.conf") or environment.get("admin.conf")
        layers: list[tuple[str, Mapping[str, str]]] = [
            (ENVIRONMENT, environment),
            (COMMAND_LINE, line.settings),
        ]
        if path:
            from_file = read_file(path).items()
            layers.insert(0, (path, {k: v for k, v in from_file if k not in _NOT_IN_FILE}))
        texts: dict[str, str] = {}
        origins: dict[str, str] = {}
        for origin, layer in layers:
            texts.update(layer)
            origins.update(dict.fromkeys(layer, origin))
        return cls(texts, origins, line.bare)


def ours(environ: Mapping[str, str]) -> dict[str, str]:
    """The part of the environment that speaks to us: dotted names in our namespaces."""
    return {
        name: text
        for name, text in environ.items()
        if "." in name and name.partition(".")[0] in _NAMESPACES
    }


def read_file(path: str) -> dict[str, str]:
    """Read a file of one of the kinds that configman knows, by the end of its name."""
    kind = os.path.splitext(path)[1]
    try:
        reader = {".ini": read_ini, ".json": _read_json, ".conf": _read_conf}[kind]
    except KeyError:
        raise ConfigError(
            f"cannot read {path}: the name of a configuration ends in .ini, .json or .conf"
        ) from None
    return reader(path)


def _read_json(path: str) -> dict[str, str]:
    try:
        content = json.loads(read_text(path))
        if isinstance(content, dict):
            return dict(_flatten("", content))
    except json.JSONDecodeError as error:
        raise ConfigError(f"{path}, line {error.lineno}: {error.msg}") from None
    except RecursionError:
        raise ConfigError(f"{path}: it is nested too deeply") from None
    raise ConfigError(f"{path}: the whole of it must be an object, in braces")


def _flatten(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """The options in nested objects; one that configman has dumped is an object itself."""
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
    return dict(for_conf.ValueSource(lambda: io.StringIO(text)).values)
