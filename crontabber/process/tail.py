"""The end of what is written, however much that is."""

_SPARE = 1 << 16
"""Bytes that may be too many, so that not each piece costs a copy."""


class Tail:
    """The last *limit* bytes of what is added."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
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

    def text(self) -> str:
        """The same as text, with the numbers of bytes that are none."""
        return self.last().decode("utf-8", "backslashreplace")

    def clear(self) -> None:
        """Forget all."""
        self._data.clear()

    def _cut(self) -> None:
        del self._data[: max(0, len(self._data) - self._limit)]
