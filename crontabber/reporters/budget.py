"""How long a tick may wait for all its receivers together."""

from collections.abc import Iterator
from contextlib import contextmanager

from ..process.clock import monotonic

PATIENCE = 3.0
"""Seconds that a whole tick waits."""

OTHERS = 1.0
"""Seconds of these that Sentry, which gets errors at once, leaves for the others."""


class Budget:
    """Seconds that are left to wait in this tick."""

    def __init__(self, patience: float = PATIENCE) -> None:
        self.patience = self.left = patience

    @contextmanager
    def spent(self) -> Iterator[None]:
        """A context whose time is taken from the budget."""
        began = monotonic()
        try:
            yield
        finally:
            self.left -= monotonic() - began

    def renew(self) -> None:
        """Begin a new budget for the next tick: a worker's process has several."""
        self.left = self.patience
