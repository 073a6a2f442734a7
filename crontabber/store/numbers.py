"""The numbers of the log's rows: how many are left."""

from typing import NamedTuple

_NARROW = 1 << 31
"""How many numbers above zero a column of 32 bits has; there are as many below."""


class LogNumbers(NamedTuple):
    """What the statement ``log_numbers`` answers."""

    last: int | None
    """The last number that was used; None if none was, or if the role may not see it."""
    wide: bool
    """Whether numbers have 64 bits, which do not run out."""
    cycles: bool
    """Whether numbers continue below zero after the last, and are then used again."""

    def warning(self) -> str:
        """Return a line when half of the numbers are used; otherwise an empty text."""
        if self.wide or self.last is None:
            return ""
        available = 2 * _NARROW if self.cycles else _NARROW
        used = self.last % (2 * _NARROW) if self.cycles else self.last
        if used < available // 2:
            return ""
        then = (
            "numbers are used again after the last, which fails for rows that are still there"
            if self.cycles
            else "no run can be recorded after the last"
        )
        return (
            f"crontabber_log.id has used {used:,} of {available:,} numbers, and {then}: "
            "widen it as docs/howto/log.md says"
        )
