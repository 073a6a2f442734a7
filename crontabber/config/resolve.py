"""Definitions of options and the text that was set, to values: configman's manager at work.

One manager resolves the options of the command, of the database class, and of as many
app classes as it is given. No app module is imported here.
"""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import ConfigError
from . import compat  # noqa: F401  configman cannot be imported before
from .converters import jobs_text, names_text, yes_or_no
from .inifile import ListText
from .messages import one_line
from .options import APP_SECTION, setting_options
from .show import is_secret
from .sources import Sources

from configman import ConfigurationManager, Namespace
from configman.converters import boolean_converter
from configman.option import Option

_REASONS = {int: "it is not a whole number", float: "it is not a number"}


class _Texts(dict[str, Any]):
    """A flat source of values: configman looks dotted names up in it, and acquires nothing."""


def _logger() -> Any:
    import logging

    return logging.getLogger("crontabber")


class _Logger:
    """The logger for those who use it without an app; an idle tick does not import logging."""

    def __getattr__(self, name: str) -> Any:
        return getattr(_logger(), name)


class Resolver(ConfigurationManager):  # type: ignore[misc]
    """A configman manager over `Sources` whose errors name the option and where it was set."""

    def __init__(self, sources: Sources, asked: Mapping[str, Namespace]) -> None:
        """Resolve all options; *asked* are those of app classes, by class path.

        No two of them may have one name, as it names their section. A ConfigError
        says which option cannot be used.
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
        self._check_texts()

    def values(self) -> Any:
        """The values, as a ``DotDictWithAcquisition`` of all namespaces, with a logger."""
        with _one_line(self._what):
            config = self.get_config()
        config.logger = _logger() if self._asked else _Logger()
        return config

    @property
    def _what(self) -> str:
        """The beginning of a message about an error of configman's."""
        if len(self._asked) == 1:
            return f"the options of {class_name(*self._asked)} cannot be resolved: "
        return "the configuration cannot be resolved: "

    def _overlay_expand(self) -> Any:
        # Put in here, the definitions escape configman's guesses about them: it takes a
        # namespace that has an option called "function" for something else.
        for name, section in setting_options().items():
            self.option_definitions[name] = section.safe_copy()
        for class_path, required in self._asked.items():
            self.option_definitions[namespace_of(class_path)] = required.safe_copy()
        try:
            return super()._overlay_expand()
        except (Exception, SystemExit):  # converters are users' code
            self._explain()
            raise

    def _all_options(self) -> Iterator[tuple[str, Option]]:
        for name in self.option_definitions.keys_breadth_first():
            option = self.option_definitions[name]
            if isinstance(option, Option):
                yield name, option

    def _explain(self) -> None:
        """Raise a ConfigError for the first option whose text cannot be converted."""
        for name, option in self._all_options():
            if isinstance(option.default, str) and option.from_string_converter:
                try:
                    option.from_string_converter(option.default)
                except TypeError:
                    continue  # configman takes the text as it is then
                except (Exception, SystemExit) as error:
                    raise self._unusable(name, _reason(name, option, error)) from error

    def _check_texts(self) -> None:
        """Catch what configman would let pass: split texts, and values that are missing."""
        for name, text in self._sources.texts.items():
            option = self.options.get(name)
            if option is None:
                continue
            is_list = option.from_string_converter in (jobs_text, names_text)
            is_text = isinstance(option.value, str) and not is_list
            if isinstance(text, ListText) and is_text:
                raise self._unusable(name, "quote it, because it has a comma")
            is_flag = option.from_string_converter in (boolean_converter, yes_or_no)
            if name in self._sources.bare and not is_flag:
                raise self._unusable(name, "")

    def _unusable(self, name: str, reason: str) -> ConfigError:
        if name in self._sources.bare:
            return ConfigError(f"option --{name} needs a value")
        option = self.option_definitions[name]
        if name not in self._sources.texts and option.reference_value_from:
            name = f"{option.reference_value_from}.{option.name}"
        origin = self._sources.origins.get(name, "its default")
        text = self._sources.texts.get(name, option.default)
        shown = "" if is_secret(name, option) else f" {text[:100]!r}"
        return ConfigError(f"option {name}{shown} (from {origin}) cannot be used: {reason}")


def class_name(class_path: str) -> str:
    """The last part of the class path, which names the app's section."""
    return class_path.rpartition(".")[2]


def namespace_of(class_path: str) -> str:
    """The namespace of the options of an app class."""
    return APP_SECTION + class_name(class_path)


def required_options(cls: Any) -> Namespace:
    """A copy of the options that an app class asks for, which none need to.

    A ConfigError says why they cannot be read.
    """
    prefix = f"the options of {cls.__name__} cannot be read: "
    with _one_line(prefix):
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
    if is_secret(name, option):
        return "its value cannot be understood"  # the error may well quote it
    return _REASONS.get(option.from_string_converter) or one_line(error)


@contextlib.contextmanager
def _one_line(prefix: str) -> Iterator[None]:
    """Make a ConfigError of whatever is raised."""
    try:
        yield
    except ConfigError:
        raise
    except (Exception, SystemExit) as error:
        raise ConfigError(f"{prefix}{type(error).__name__}: {one_line(error)}") from error
