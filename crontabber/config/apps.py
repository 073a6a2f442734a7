"""The second pass: the options of app classes, of as many as are needed, in one go."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

from ..errors import ConfigError
from .names import is_open
from .options import DATABASE
from .resolve import Resolver, class_name, required_options, section_of
from .show import is_secret
from .sources import Sources

Classes = Mapping[str, type]
"""App classes by class path."""

Asked = Mapping[str, Any]
"""The namespaces of what app classes ask for, by class path."""

# A manager has a cost of its own, and one that grows with the square of its options.
_AT_ONCE = 50


class AppConfigs(NamedTuple):
    """What apps get as ``self.config``, by class path."""

    configs: dict[str, Any]
    """The app's namespace; what is not in it is looked up in those around it."""
    faults: dict[str, ConfigError]
    """Why there is no config for an app."""
    secrets: set[str]
    """The secrets that were set for the apps, which must not be shown."""


def app_configs(sources: Sources, classes: Classes) -> AppConfigs:
    """Resolve the options of *classes*; what is wrong with one does not spoil the others."""
    resolved = AppConfigs({}, {}, set())
    asked = {}
    for class_path, cls in classes.items():
        try:
            asked[class_path] = required_options(cls)
        except ConfigError as error:
            resolved.faults[class_path] = error
    for batch in _batches(asked):
        _resolve(sources, batch, resolved)
    return resolved


def all_options(sources: Sources, classes: Classes) -> dict[str, Any]:
    """Every option there is, of at least one class, resolved, by dotted name.

    Raises ConfigError.
    """
    asked = {class_path: required_options(cls) for class_path, cls in classes.items()}
    options: dict[str, Any] = {}
    for batch in _batches(asked):
        options = {**Resolver(sources, batch).options, **options}
    return options


def _batches(asked: Asked) -> Iterator[Asked]:
    """*asked* so divided that no part has two classes of one name: their sections are one."""
    rest = dict(asked)
    while rest:
        batch: dict[str, str] = {}
        options = 0
        for class_path, required in rest.items():
            if options >= _AT_ONCE:
                break
            if batch.setdefault(class_name(class_path), class_path) == class_path:
                options += len(required)
        yield {class_path: rest.pop(class_path) for class_path in batch.values()}


def _resolve(sources: Sources, batch: Asked, resolved: AppConfigs) -> None:
    try:
        resolver = Resolver(sources, batch)
        values = resolver.values()
    except ConfigError as error:
        if len(batch) == 1:
            resolved.faults.update(dict.fromkeys(batch, error))
            return
        middle = len(batch) // 2  # halving finds a few faults among many classes quickly
        for half in (islice(batch.items(), middle), islice(batch.items(), middle, None)):
            _resolve(sources, dict(half), resolved)
    else:
        resolved.secrets.update(_secrets(sources, resolver.options))
        for class_path in batch:
            config = values[section_of(class_path)]
            # namespaces know those around them by weak references only
            config.__dict__["_root"] = values
            resolved.configs[class_path] = config


def _secrets(sources: Sources, options: Mapping[str, Any]) -> Iterator[str]:
    """The texts of secrets, but those of the command's own database, which masks them itself."""
    for name, text in sources.texts.items():
        option = options.get(name)
        is_apps = is_open(name) and not name.startswith(f"{DATABASE}.")
        if option and is_apps and is_secret(name, option) and isinstance(option.value, str):
            yield text
