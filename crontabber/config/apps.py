"""The second pass: resolves the options of all needed app classes at once.

A class path here is what the line of a job names; for a job that is a section, that is the
section's name. So one class may make several jobs, each with its own options.
"""

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from itertools import islice
from types import FunctionType, NoneType
from typing import Any, NamedTuple

from ..errors import ConfigError, ConfigErrors
from ..schedule.grammar import JobLine
from . import compat  # noqa: F401  configman cannot be imported before
from .joboptions import no_option
from .options import APP_SECTION, DATABASE, JOB, JOB_SECTION
from .resolve import Resolver, namespace_of, required_options, resolve_usable
from .secrets import secrets_of
from .show import follows, is_secret
from .sources import Sources

from configman import Namespace
from configman.dotdict import DotDictWithAcquisition
from configman.option import Option

Classes = Mapping[str, type]
"""App classes by class path."""

Asked = Mapping[str, Any]
"""The namespaces that app classes declare, by class path."""

# A manager has a fixed cost, and one that grows with the square of its options.
_AT_ONCE = 50

_UNCHANGING = (str, int, float, bool, NoneType, timedelta, date, datetime)
"""The types of which several apps may share one value."""
_KNOWN = ("configman.", "crontabber.")
"""The modules whose converters are known to make the same value of the same text."""


class AppConfigs(NamedTuple):
    """What apps get as ``self.config``, by class path."""

    configs: dict[str, Any]
    """The app's namespace; other names are looked up in those around it."""
    faults: dict[str, ConfigError]
    """Why there is no config for an app."""
    secrets: set[str]
    """The secrets of the apps, which must not be shown."""


def app_configs(sources: Sources, classes: Classes, lines: Iterable[JobLine] = ()) -> AppConfigs:
    """Resolve the options of *classes*; a fault in one does not affect the others.

    Those of the job *lines* find their ``frequency`` and ``time`` in their configs too.
    """
    resolved = AppConfigs({}, {}, set())
    asked = {}
    for class_path, cls in classes.items():
        try:
            asked[class_path] = required_options(cls)
        except ConfigError as error:
            resolved.faults[class_path] = error
    twins = _twins(sources, asked)
    shareable: set[str] = set()
    for batch in _batches({path: asked[path] for path in asked if path not in twins}):
        shareable |= _resolve(sources, batch, resolved)
    copied = {
        path for path, twin in twins.items() if twin in shareable and _copy(resolved, path, twin)
    }
    for batch in _batches({path: asked[path] for path in twins if path not in copied}):
        _resolve(sources, batch, resolved)
    for line in lines:
        if line.class_path in resolved.configs:
            _set_schedule(resolved.configs[line.class_path], line, asked[line.class_path])
    return resolved


def _set_schedule(config: Any, line: JobLine, required: Any) -> None:
    """Let the app read its schedule, as 0.18 did; its own options of these names win."""
    frequency, _, time = str(line.schedule).partition("|")
    for name, text in {"frequency": frequency, "time": time}.items():
        if name not in set(required):
            config[name] = text


def all_options(sources: Sources, classes: Classes) -> dict[str, Any]:
    """Every option there is, of at least one class, resolved, by dotted name.

    Raises ConfigError.
    """
    asked = {class_path: required_options(cls) for class_path, cls in classes.items()}
    options: dict[str, Any] = {}
    for batch in _batches(asked):
        options = {**Resolver(sources, batch).options, **options}
    return {_set_name(sources, name): option for name, option in options.items()}


def _set_name(sources: Sources, name: str) -> str:
    """Where an option has to be set: in its section, if the job is one."""
    if not name.startswith(JOB_SECTION):
        return name
    return sources.written(name) if name in sources.aliases else JOB + name[len(JOB_SECTION) :]


def all_names(sources: Sources, classes: Classes) -> dict[str, bool]:
    """See `Resolver.names`; if options of *classes* cannot be used, as far as possible."""
    asked = {}
    for class_path, cls in classes.items():
        with contextlib.suppress(ConfigError):
            asked[class_path] = required_options(cls)
    names: dict[str, bool] = {}
    for batch in _batches(asked):
        for part in _parts(sources, batch):
            names = {**part, **names}
    for class_path, cls in classes.items():
        own, of_class = f"{namespace_of(class_path)}.", f"{APP_SECTION}{cls.__name__}."
        if own.startswith(JOB_SECTION):  # an option of all jobs of the class may be set there
            found = {k: v for k, v in names.items() if k.startswith(own)}
            names |= {of_class + name.removeprefix(own): v for name, v in found.items()}
    return names


def _parts(sources: Sources, batch: Asked) -> Iterator[dict[str, bool]]:
    """The names of a batch; one by one where its classes cannot be resolved together."""
    try:
        yield resolve_usable(sources, batch)[0].names
    except ConfigError:
        if len(batch) > 1:
            for class_path, required in batch.items():
                yield from _parts(sources, {class_path: required})


def _twins(sources: Sources, asked: Asked) -> dict[str, str]:
    """The classes that declare the same as an earlier one, and that one, by class path.

    Only those without settings of their own, so that they get the same values too.
    """
    particular = {_namespace_in(name) for name in sources.texts}
    first: dict[Any, str] = {}
    twins = {}
    for class_path, required in asked.items():
        signature = _signature(required)
        if signature is None or namespace_of(class_path) in particular:
            continue
        twin = first.setdefault(signature, class_path)
        if twin != class_path:
            twins[class_path] = twin
    return twins


def _signature(required: Any) -> tuple[object, ...] | None:
    """A key that is equal for namespaces that are alike; None if that is not known."""
    signature: list[object] = []
    for name in required.keys_breadth_first(include_dicts=True):
        option = required[name]
        if isinstance(option, Option) and _is_unchanging(option.default):
            default = option.default
            same = id(default) if isinstance(default, type) else (type(default), repr(default))
            converter = id(option.from_string_converter)
            signature.append((name, same, converter, option.reference_value_from, option.secret))
        elif isinstance(option, Namespace):
            signature.append(name)
        else:
            return None
    return tuple(signature)


def _is_unchanging(value: object) -> bool:
    return type(value) in _UNCHANGING or isinstance(value, type)


def _makes_the_same(converter: Any) -> bool:
    """Whether a converter is known to make the same value of the same text each time."""
    if converter is None or any(converter is kind for kind in (str, int, float, bool)):
        return True
    return type(converter) is FunctionType and converter.__module__.startswith(_KNOWN)


def _copy(resolved: AppConfigs, class_path: str, twin: str) -> bool:
    """Give a class a copy of what its twin got; False if one of them could change that."""
    config = resolved.configs[twin]
    copy = _copied(config)
    if copy is None:
        return False
    root = config.__dict__["_root"]
    root[namespace_of(class_path)] = copy
    _keep(resolved, class_path, root)
    return True


def _copied(config: Any) -> Any:
    """A copy of the namespace for another app; None if it cannot be copied."""
    copy = DotDictWithAcquisition()
    for name, value in config.items():
        if isinstance(value, DotDictWithAcquisition):
            copy[name] = _copied(value)
            if copy[name] is None:
                return None
        elif name.startswith("_") or not _is_unchanging(value):
            return None
        else:
            copy[name] = value
    return copy


def _batches(asked: Asked) -> Iterator[Asked]:
    """*asked*, divided so that no part has two classes of one name, which share a section."""
    rest = dict(asked)
    while rest:
        batch: dict[str, str] = {}
        for class_path in rest:
            if len(batch) < _AT_ONCE:
                batch.setdefault(namespace_of(class_path), class_path)
        yield {class_path: rest.pop(class_path) for class_path in batch.values()}


def _resolve(sources: Sources, batch: Asked, resolved: AppConfigs) -> set[str]:
    """Resolve a batch at once; copy the values to classes that would get the same."""
    try:
        resolver = Resolver(sources, batch)
        values = resolver.values()
    except ConfigError as error:
        if len(batch) == 1:
            resolved.faults.update(dict.fromkeys(batch, _all_faults(sources, batch, error)))
            return set()
        middle = len(batch) // 2  # halving finds a few faults among many classes quickly
        halves = islice(batch.items(), middle), islice(batch.items(), middle, None)
        return set().union(*(_resolve(sources, dict(half), resolved) for half in halves))
    for name, option in resolver.options.items():
        if is_secret(name, option) and not _is_of_database(name, option, sources):
            resolved.secrets.update(filter(None, secrets_of(name, option, sources.texts)))
    strangers = _strangers(sources, batch, resolver)
    resolved.faults.update(strangers)
    for class_path in batch.keys() - strangers.keys():
        _keep(resolved, class_path, values)
    singular = {
        _namespace_in(name)
        for name, option in resolver.options.items()
        if not _makes_the_same(option.from_string_converter)
    }
    shareable = {path for path in batch if namespace_of(path) not in singular}
    return shareable - strangers.keys()


def _namespace_in(name: str) -> str:
    """The namespace of an app that an option is in; empty if it is in none."""
    return ".".join(name.split(".", 2)[:2]) if name.startswith((APP_SECTION, JOB_SECTION)) else ""


def _strangers(sources: Sources, batch: Asked, resolver: Resolver) -> dict[str, ConfigErrors]:
    """What the sections of jobs set that is no option of their classes, by class path."""
    known = {*resolver.names} if sources.aliases else set()
    jobs = {namespace_of(class_path): class_path for class_path in batch}
    found: dict[str, list[ConfigError]] = {}
    for name, written in sources.aliases.items():
        class_path = jobs.get(_namespace_in(name))
        if class_path and name not in known and written.startswith(JOB):
            own = f"{namespace_of(class_path)}."
            options = [each.removeprefix(own) for each in known if each.startswith(own)]
            error = no_option(written, sources.where(name), options)
            found.setdefault(class_path, []).append(error)
    return {class_path: ConfigErrors(errors) for class_path, errors in found.items()}


def _all_faults(sources: Sources, batch: Asked, first: ConfigError) -> ConfigError:
    """Why the options of a class cannot be used: all that is wrong with them."""
    try:
        _, _, faults = resolve_usable(sources, batch)
    except ConfigError as error:
        return error
    return ConfigErrors(faults) if len(faults) > 1 else first


def _keep(resolved: AppConfigs, class_path: str, root: Any) -> None:
    config = root[namespace_of(class_path)]
    # namespaces know those around them by weak references only
    config.__dict__["_root"] = root
    resolved.configs[class_path] = config


def _is_of_database(name: str, option: Any, sources: Sources) -> bool:
    """Whether it is an option of the command's own database, or has its value from there."""
    if follows(name, option, sources.texts):
        name = option.reference_value_from
    return f"{name}.".startswith(f"{DATABASE}.")
