"""Turns definitions of options, and the texts that were set, into values, with configman.

One manager resolves the options of the command, of the database class, and of the
app classes that it gets. No app module is imported here.
"""

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..errors import ConfigError, ConfigErrors
from . import compat  # noqa: F401  configman cannot be imported before
from .converters import jobs_text, names_text, yes_or_no
from .inifile import ListText
from .messages import reason_of, said_by
from .options import APP_SECTION, JOB_SECTION, setting_options
from .show import is_secret
from .sources import Sources
from .telling import Harmless

from configman import ConfigurationManager, Namespace
from configman.converters import boolean_converter
from configman.option import Option

_REASONS = {int: "it is not a whole number", float: "it is not a number"}


class UnusableOptions(ConfigErrors):
    """The texts of some options cannot be used."""

    def __init__(self, faults: Mapping[str, ConfigError]) -> None:
        super().__init__(faults.values())
        self.names = frozenset(faults)
        """The dotted names under which these texts were set, or would be."""


class _Texts(dict[str, Any]):
    """A flat source of values, in which configman looks up dotted names without acquisition."""


def _logger() -> Any:
    import logging

    return logging.getLogger("crontabber")


class _Logger:
    """The logger for code outside an app; an idle tick does not import logging."""

    def __getattr__(self, name: str) -> Any:
        return getattr(_logger(), name)


class Resolver(ConfigurationManager):  # type: ignore[misc]
    """A configman manager over `Sources` whose errors name the option and where it was set."""

    def __init__(self, sources: Sources, asked: Mapping[str, Namespace]) -> None:
        """Resolve all options; *asked* are those of app classes, by class path.

        No two of them may have one name, because it names their section. `UnusableOptions`
        says which options cannot be used, as far as that is known at once.
        """
        self._sources = sources
        self._asked = asked
        with _one_line(self._what):
            super().__init__(
                # the mark keeps configman's own check of names, which warns, out of the way
                values_source_list=[_Texts(sources.texts, always_ignore_mismatches=True)],
                argv_source=[],
                use_auto_help=False,
                use_admin_controls=False,
                value_source_object_hook=_Texts,
            )
        self.options: dict[str, Option] = dict(self._all_options())
        """Every option that exists, by dotted name."""
        self._raise(self._odd_texts())

    def values(self) -> Any:
        """The values, as a ``DotDictWithAcquisition`` of all namespaces, with a logger."""
        with _one_line(self._what), self._contained():
            config = self.get_config()
        config.logger = _logger() if self._asked else _Logger()
        return config

    @property
    def names(self) -> dict[str, bool]:
        """The options that can be set, and whether each has its own value or refers to another.

        Includes those that exist only if they are set.
        """
        names = {name: not option.reference_value_from for name, option in self.options.items()}
        for key, option in self.options.items():
            for name in getattr(option.value, "optional_config", ()):
                section = _section(key)
                names.setdefault(f"{section}.{name}", not option.reference_value_from)
                names.setdefault(f"{option.reference_value_from or section}.{name}", True)
        return names

    @property
    def _what(self) -> str:
        """The beginning of a message about an error in configman."""
        if len(self._asked) == 1:
            return f"the options of {class_name(*self._asked)} cannot be resolved: "
        return "the configuration cannot be resolved: "

    def _overlay_expand(self) -> Any:
        # Passed like this, the definitions escape configman's guesses: it takes a
        # namespace with an option called "function" for something else.
        for name, section in setting_options().items():
            self.option_definitions[name] = section.safe_copy()
        for class_path, required in self._asked.items():
            self.option_definitions[namespace_of(class_path)] = required.safe_copy()
        try:
            with self._contained():
                finished = super()._overlay_expand()
        except Exception:
            self._raise(self._inconvertible())
            raise
        self._add_optional()
        return finished

    def _contained(self) -> contextlib.AbstractContextManager[Any]:
        """A context for code of jobs, such as converters; an idle tick runs none."""
        if not self._asked:
            return contextlib.nullcontext()
        from ..process.contained import Contained

        return Contained()

    def _add_optional(self) -> None:
        """Add the options that exist only if they are set: libpq has some fifty."""
        set_names = {name.rpartition(".")[2] for name in self._sources.texts}
        for key, maker in [*self._all_options()]:
            for name in sorted(set_names.intersection(getattr(maker.value, "optional_config", ()))):
                self._add_where_set(_section(key), name, maker)

    def _add_where_set(self, section: str, name: str, maker: Option) -> None:
        reference = maker.reference_value_from
        for place in (section, reference):
            text = self._sources.texts.get(f"{place}.{name}")
            if text is not None:
                namespace = self.option_definitions[section]
                if name not in set(namespace):
                    doc, secret = maker.value.optional_config[name]
                    option = Option(
                        name, default=text, doc=doc, secret=secret, reference_value_from=reference
                    )
                    option.value = text
                    namespace.add_option(option)
                return

    def _all_options(self) -> Iterator[tuple[str, Option]]:
        for name in self.option_definitions.keys_breadth_first():
            option = self.option_definitions[name]
            if isinstance(option, Option):
                yield name, option

    def _raise(self, faults: Iterable[tuple[str, str]]) -> None:
        """Raise `UnusableOptions` if there are any, given by the option and the reason."""
        errors: dict[str, ConfigError] = {}
        for name, reason in faults:
            written = self._written(name)
            errors.setdefault(written, self._unusable(name, written, reason))
        if errors:
            raise UnusableOptions(errors)

    def _inconvertible(self) -> Iterator[tuple[str, str]]:
        """The options whose texts cannot be converted, and why."""
        for name, option in self._all_options():
            if isinstance(option.default, str) and option.from_string_converter:
                try:
                    with self._contained():
                        option.from_string_converter(option.default)
                except TypeError:
                    continue  # then configman takes the text as it is
                except Exception as error:  # noqa: BLE001  converters are users' code
                    yield name, _reason(name, option, error)

    def _odd_texts(self) -> Iterator[tuple[str, str]]:
        """Faults that configman ignores: split texts, and missing values."""
        for name, text in self._sources.texts.items():
            option = self.options.get(name)
            if option is None:
                continue
            is_list = option.from_string_converter in (jobs_text, names_text)
            is_text = isinstance(option.value, str) and not is_list
            if isinstance(text, ListText) and is_text:
                yield name, "quote it, because it has a comma"
            is_flag = option.from_string_converter in (boolean_converter, yes_or_no)
            if name in self._sources.bare and not is_flag:
                yield name, ""

    def _written(self, name: str) -> str:
        """The name of the option that has the text, perhaps the one referred to."""
        option = self.option_definitions[name]
        if name not in self._sources.texts and option.reference_value_from:
            return f"{option.reference_value_from}.{option.name}"
        return name

    def _unusable(self, name: str, written: str, reason: str) -> ConfigError:
        if name in self._sources.bare:
            return ConfigError(f"option --{name} needs a value")
        option = self.option_definitions[name]
        text = self._sources.texts.get(written, option.default)
        shown = "" if is_secret(name, option) else f" {text[:100]!r}"
        where = self._sources.where(written)
        written = self._sources.written(written)
        return ConfigError(f"option {written}{shown} (from {where}) cannot be used: {reason}")


def resolve_usable(
    sources: Sources, asked: Mapping[str, Namespace]
) -> tuple[Resolver, Sources, list[ConfigError]]:
    """Resolve all options but those whose texts cannot be used, which have their defaults.

    Returns also what could be resolved, and why the others cannot be used. Raises ConfigError if
    it is not known which options these are.
    """
    faults: list[ConfigError] = []
    while True:
        try:
            return Resolver(sources, asked), sources, faults
        except UnusableOptions as error:
            faults += error.faults
            if not error.names <= set(sources.texts):  # a default that an app brings
                raise ConfigErrors(faults) from error
            sources = sources.without(error.names)


def _section(name: str) -> str:
    return name.rpartition(".")[0]


def class_name(class_path: str) -> str:
    """The last part of the class path, which names the app's section."""
    return class_path.rpartition(".")[2]


def namespace_of(class_path: str) -> str:
    """The namespace of the options of an app: by its class, or by the name of its job."""
    is_path = "." in class_path
    return APP_SECTION + class_name(class_path) if is_path else JOB_SECTION + class_path


def required_options(cls: Any) -> Namespace:
    """A copy of the options that an app class declares, if it declares any.

    A ConfigError says why they cannot be read.
    """
    from ..process.contained import Contained

    prefix = f"the options of {cls.__name__} cannot be read: "
    with _one_line(prefix), Contained():
        try:
            return _required_copy(cls)
        except TypeError as error:
            hidden = [name for name in cls.required_config if hasattr(Namespace, name)]
            if not hidden:
                raise
            names = " or ".join(map(repr, hidden))
            raise ConfigError(f"{prefix}an option cannot have the name {names}") from error


def _required_copy(cls: Any) -> Namespace:
    if hasattr(cls, "get_required_config"):
        required = cls.get_required_config()
    else:
        required = getattr(cls, "required_config", {})
    if not isinstance(required, Namespace):
        required = Namespace(initializer=required)
    return required.safe_copy()


def _reason(name: str, option: Option, error: BaseException) -> str:
    if is_secret(name, option) and not isinstance(error, Harmless):
        return "its value cannot be understood"  # the error may quote it
    return _REASONS.get(option.from_string_converter) or reason_of(error)


@contextlib.contextmanager
def _one_line(prefix: str) -> Iterator[None]:
    """Make a ConfigError of every exception."""
    try:
        yield
    except ConfigError:
        raise
    except Exception as error:
        raise ConfigError(f"{prefix}{said_by(error)}") from error
