"""The end of what is written, however much it is."""

from collections.abc import Callable

BEFORE = 4096
"""Bytes before those that are kept: a secret that is cut in two could not be found."""
MOST = 1 << 24
"""The most bytes that are kept: a row of the log should stay small."""
_SPARE = 1 << 16
"""Bytes that may be kept too many, so that not each piece costs a copy."""


class Tail:
    """The last *limit* bytes of what is added."""

    def __init__(self, limit: int) -> None:
        self._limit = min(limit, MOST)
        self._data = bytearray()

    def add(self, piece: bytes) -> None:
        """Add what was written next."""
        self._data += piece
        if len(self._data) > self._limit + _SPARE:
            self._cut()

    def last(self) -> bytes:
        """The last bytes."""
        self._cut()
        return bytes(self._data)

    def clear(self) -> None:
        """Forget all."""
        self._data.clear()

    def _cut(self) -> None:
        del self._data[: max(0, len(self._data) - self._limit)]


def text_of(data: bytes) -> str:
    """What was written, as text that a table can hold; other bytes are shown as numbers."""
    return data.decode("utf-8", "backslashreplace").replace("\0", "\\x00")


def kept(data: bytes, limit: int, redact: Callable[[str], str]) -> str | None:
    """The last *limit* bytes of *data* as text, without secrets; None if there are none.

    Give it `BEFORE` bytes more than that.
    """
    text = redact(text_of(data)).encode()
    return text[max(0, len(text) - min(limit, MOST)) :].decode("utf-8", "ignore") or None
