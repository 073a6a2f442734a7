"""The signal that asks this process to end, if one came.

Separate from `signals`, which an idle tick, without handlers, need not import.
"""

from typing import Protocol

from ..errors import Stopped


class Remembering(Protocol):
    """Remembers the last signal; `crontabber.process.signals.Signals` does."""

    @property
    def pending(self) -> Stopped | None:
        """The last signal that came."""
        ...

    def uninstall(self) -> None:
        """Restore what signals did before."""
        ...


installed: set[Remembering] = set()
"""Those whose handlers are in place."""


def pending() -> Stopped | None:
    """The signal that asks this process to end, if one came.

    For waits in the bookkeeping, which no signal interrupts by itself.
    """
    return next((signals.pending for signals in installed if signals.pending), None)
