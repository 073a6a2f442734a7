"""A cursor with its own rules for reading and writing values.

psycopg2 keeps for the whole process how it makes values from the server's text, and
literals from values. Jobs may change both, and some do.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from psycopg2 import extensions
from psycopg2.extensions import register_type

_quoted: Callable[[str], Any] = extensions.QuotedString
_adapt = extensions.adapt


def _parse(text: str | bytes | None, _: object) -> Any:
    return None if text is None else json.loads(text)


_TYPES = (
    extensions.BOOLEAN,
    extensions.INTEGER,
    extensions.LONGINTEGER,
    extensions.FLOAT,
    extensions.UNICODE,
    extensions.UNICODEARRAY,
    extensions.PYDATETIMETZ,
    extensions.PYINTERVAL,
    extensions.new_type((114, 3802), "JSON", _parse),
)
"""The types that our statements return, and a few more."""


class OwnCursor(extensions.cursor):
    """Its rows are tuples, and its parameters are named; their values are texts and numbers."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        for each in _TYPES:
            register_type(each, self)

    def execute(self, query: str | bytes, parameters: Any = None) -> None:  # type: ignore[override]
        """Execute one statement or several."""
        super().execute(self.mogrify(query, parameters))

    def mogrify(self, query: str | bytes, parameters: Any = None) -> bytes:  # type: ignore[override]
        """The query with the values in it, in the encoding of the connection."""
        text = query if isinstance(query, bytes) else query.encode()
        return text if parameters is None else text % self._literals(parameters)

    def _literals(self, parameters: Mapping[str, Any]) -> dict[bytes, bytes]:
        return {name.encode(): self._literal(value) for name, value in parameters.items()}

    def _literal(self, value: Any) -> bytes:
        kind = type(value)
        if kind is str:
            quoted = _quoted(value)
            quoted.prepare(self.connection)
            return quoted.getquoted()  # type: ignore[no-any-return]
        if value is None:
            return b"NULL"
        if kind is bool:
            return b"true" if value else b"false"
        if kind is int:
            return b"%d" % value if value >= 0 else b" %d" % value  # or -- would be a comment
        quoted = _adapt(value)
        if hasattr(quoted, "prepare"):
            quoted.prepare(self.connection)
        return quoted.getquoted()  # type: ignore[no-any-return]
