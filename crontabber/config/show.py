"""Shows an option to people: its value as text, or a mask if it is secret."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..secrecy import MASK as SHORT_MASK
from ..secrecy import sounds_secret
from . import compat  # noqa: F401  configman cannot be imported before

from configman.converters import to_str

Options = Mapping[str, Any]
"""configman's options, by dotted name."""
Texts = Mapping[str, str]
"""The texts that were set, by the same names."""

MASK = SHORT_MASK * 2
"""What replaces the value of an option, as in configman."""
_PASSWORD = re.compile(r"password|//[^/@]*:[^/@]*@")
"""The parts of a connection string that show that it holds a password."""


def is_secret(name: str, option: Any = None) -> bool:
    """Whether the option's value must not be shown: it says so, or its name does."""
    return bool(getattr(option, "secret", False)) or sounds_secret(name.rpartition(".")[2])


def exposed(given: Iterable[str], options: Options, texts: Texts) -> Iterator[str]:
    """A line for each secret *given* on the command line, which ps shows."""
    for name in given:
        text = texts[name]
        if not text or not is_secret(name, options.get(name)):
            continue
        if name.startswith("resource.") and name.endswith(".dsn") and not _PASSWORD.search(text):
            continue
        yield (
            f"--{name} is a secret that all users of this host see in ps: set it in the file of "
            "--admin.conf or in the environment instead"
        )


def follows(name: str, option: Any, texts: Texts) -> bool:
    """Whether the option takes its value from the option that it refers to."""
    return bool(option.reference_value_from) and name not in texts


def text_of(name: str, option: Any, texts: Texts) -> str:
    """The value as it is written in a file, also if it is secret.

    A text that was set is returned unchanged, because not every value can be turned back into
    its text.
    """
    if option.to_string_converter:
        return str(option.to_string_converter(option.value))
    if name in texts:
        return str(texts[name])
    owner = getattr(option.value, "__self__", None)
    if callable(option.value) and isinstance(owner, type):  # such as datetime.datetime.now
        return f"{owner.__module__}.{owner.__qualname__}.{option.value.__name__}"
    return str(to_str(option.value))


def shown(name: str, option: Any, texts: Texts) -> str:
    """The value on one line, for people; a mask if it is secret."""
    return MASK if is_secret(name, option) else " ".join(text_of(name, option, texts).split())
