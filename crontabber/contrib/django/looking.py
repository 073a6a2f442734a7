"""The jobs of a Django project for the pages of the admin, which change nothing."""

from collections.abc import Iterator
from contextlib import contextmanager

from ...verbs.pages import PATIENCE, in_time, only_reading
from .cron import DjangoCron


@contextmanager
def looking() -> Iterator[DjangoCron]:
    """A context to look at jobs: nothing is written, and a silent server is given up."""
    with only_reading(DjangoCron()) as cron, in_time(cron, PATIENCE):
        yield cron
