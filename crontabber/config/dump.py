"""The configuration as a file: ini, which we write ourselves, or json, which configman does."""

import io
import json
import os
import stat
import tempfile
from pathlib import Path

from ..errors import ConfigError
from . import compat  # noqa: F401  configman cannot be imported before
from .iniwriter import to_ini
from .show import Options, Texts, follows, is_secret, text_of

from configman import Namespace
from configman.value_sources import for_json


def to_text(kind: str, options: Options, texts: Texts) -> str:
    """Return the configuration as a file of this kind, ``ini`` or ``json``; without secrets."""
    if kind not in {"ini", "json"}:
        raise ConfigError(f"cannot write a configuration as {kind!r}: write it as ini or json")
    return to_ini(options, texts) if kind == "ini" else _to_json(options, texts)


def write(path: str, options: Options, texts: Texts) -> None:
    """Write the configuration to a new file, of the kind that its name ends in.

    Only its owner can read the file, and it appears atomically. Raises ConfigError if it cannot
    be written, and if there is a link or a file with other contents: those may be passwords
    and comments, which would be lost.
    """
    text = to_text(Path(path).suffix[1:], options, texts) + "\n"
    try:
        written = _write(path, text.encode())
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"cannot write {path}: {reason}") from None
    if not written:
        raise ConfigError(f"{path} is there already: choose another name, or remove it first")


def _write(path: str, content: bytes) -> bool:
    """Write a file beside its place and move it there; return whether the place was free."""
    descriptor, beside = tempfile.mkstemp(prefix=".crontabber-", dir=Path(path).parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        if not _reserve(path, content):
            return False
        Path(beside).replace(path)
        return True
    finally:
        Path(beside).unlink(missing_ok=True)


def _reserve(path: str, content: bytes) -> bool:
    """Make an empty file; where there is a file, return whether it is empty or has *content*."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        return True
    except FileExistsError:
        if Path(path).is_symlink():
            return False
    try:
        # neither follow a link that has just been made, nor wait for the other end of a pipe
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            is_file = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
            return is_file and file.read(len(content) + 1) in (b"", content)
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from None


def _to_json(options: Options, texts: Texts) -> str:
    """Return what json can hold: without comments, what is not set is left out."""
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
