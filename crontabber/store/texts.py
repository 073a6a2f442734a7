"""Texts on their way to a database of any encoding, and back."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from psycopg2 import extensions

_TEXTS = ("exc_type", "exc_value", "exc_traceback", "output", "paused_by", "pause_reason")
_DOCUMENTS = ("asked", "entry", "spans", "wanted")
"""The parameters that are JSON with texts of people and jobs in it."""
_NAMES = ("app_name",)
"""What is a name in these documents."""


def json_text(value: Any, default: Callable[[Any], Any] | None = None) -> str:
    """*value* as JSON without escapes of characters: only a database in UTF-8 can read these."""
    return json.dumps(value, default=default, ensure_ascii=False)


def as_latin1(value: Any) -> Any:
    """A value whose texts, written as LATIN1, are the bytes that they are in UTF-8."""
    return _mapped(value, lambda text: text.encode().decode("latin1"))


def from_latin1(value: Any) -> Any:
    """A value whose texts were read as LATIN1, although they are UTF-8, or nearly so."""
    return _mapped(value, lambda text: text.encode("latin1").decode("utf-8", "replace"))


def printable(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The same with what people and jobs say in ASCII, for what cannot be stored as it is.

    Such are NUL, half of a surrogate pair, and what the database's encoding lacks.
    Names of jobs stay as they are: in other characters they would be those of other jobs.
    """
    texts = {name: parameters.get(name) for name in _TEXTS}
    documents = {name: json.loads(text) for name in _DOCUMENTS if (text := parameters.get(name))}
    spoken = {name: _mapped(each, _ascii, but=_NAMES) for name, each in documents.items()}
    return {
        **parameters,
        **{name: text and _ascii(text) for name, text in texts.items()},
        **{name: json_text(document) for name, document in spoken.items()},
    }


def lacking(parameters: Mapping[str, Any], encoding: str) -> str:
    """The characters in *parameters* that a database in this *encoding* cannot store."""
    codec = extensions.encodings.get(encoding, "utf_8")
    characters = dict.fromkeys("".join(_texts(list(parameters.values()))))
    return "".join(each for each in characters if each == "\0" or not _has(codec, each))


def _has(codec: str, character: str) -> bool:
    try:
        return bool(character.encode(codec))
    except (UnicodeEncodeError, LookupError):
        return False


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each)


def _mapped(value: Any, convert: Callable[[str], str], but: Sequence[str] = ()) -> Any:
    """*value* with its texts converted, except those of the keys *but*."""
    if isinstance(value, str):
        return convert(value)
    if isinstance(value, list | tuple):
        return type(value)(_mapped(each, convert, but) for each in value)
    if isinstance(value, dict):
        return {
            name: each if name in but else _mapped(each, convert, but)
            for name, each in value.items()
        }
    return value


def _ascii(text: str) -> str:
    return text.replace("\0", "\\x00").encode("ascii", "backslashreplace").decode()
