"""The configuration as a file: ini, which we write ourselves, or json, which configman does."""

import io
import json
from pathlib import Path

from ..errors import ConfigError
from . import compat  # noqa: F401  configman cannot be imported before
from .inifile import read_text
from .iniwriter import to_ini
from .show import Options, Texts, follows, is_secret, text_of

from configman import Namespace
from configman.value_sources import for_json


def to_text(kind: str, options: Options, texts: Texts) -> str:
    """The configuration as a file of this kind, ``ini`` or ``json``; without secrets."""
    if kind not in {"ini", "json"}:
        raise ConfigError(f"cannot write a configuration as {kind!r}: write it as ini or json")
    return to_ini(options, texts) if kind == "ini" else _to_json(options, texts)


def write(path: str, options: Options, texts: Texts) -> None:
    """Write the configuration to a new file, of the kind that its name ends in.

    A file that is there already stays as it is, and that is a ConfigError: it may
    hold what would be lost, such as passwords and comments.
    """
    text = to_text(Path(path).suffix[1:], options, texts) + "\n"
    if Path(path).exists() and read_text(path) not in {"", text}:
        raise ConfigError(f"{path} is there already: choose another name, or remove it first")
    try:
        Path(path).write_text(text, encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"cannot write {path}: {reason}") from None


def _to_json(options: Options, texts: Texts) -> str:
    """What json can hold: it has no comments, so that what is not written is not there."""
    namespace = Namespace()
    for name, option in options.items():
        hidden = name.startswith("admin.") or is_secret(name, option)
        if not hidden and not follows(name, option, texts) and option.value is not None:
            copy = option.copy()
            copy.name, copy.value = name, text_of(name, option, texts)
            namespace.add_option(copy)
    stream = io.StringIO()
    for_json.ValueSource.write(namespace, stream)
    return json.dumps(json.loads(stream.getvalue()), indent=2)
