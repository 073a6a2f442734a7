"""How long a tick may wait for those whom it tells, all of them together."""

from collections.abc import Iterator
from contextlib import contextmanager

from ..process.clock import monotonic

PATIENCE = 3.0
"""Seconds that a whole tick waits."""

OTHERS = 1.0
"""Seconds of them that Sentry, which is told at once, leaves for those who are told at the end."""


class Budget:
    """Seconds that are left to wait in this tick."""

    def __init__(self, patience: float = PATIENCE) -> None:
        self.patience = self.left = patience

    @contextmanager
    def spent(self) -> Iterator[None]:
        """What is done within is waited for."""
        began = monotonic()
        try:
            yield
        finally:
            self.left -= monotonic() - began

    def renew(self) -> None:
        """The next tick waits anew: a process of a worker has several."""
        self.left = self.patience
