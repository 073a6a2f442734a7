"""Skips these tests where Procrastinate is not installed, and gives them workers."""

from collections.abc import Iterator

import pytest

from tests.support import Command, Database

try:
    import procrastinate  # noqa: F401  asked whether it is there
except ImportError:
    collect_ignore_glob = ["*.py"]
    pytest.skip(
        "Procrastinate is not installed: pip install -r test-requirements.txt",
        allow_module_level=True,
    )

from tests.contrib_procrastinate.cluster import Cluster


@pytest.fixture
def cluster(crontabber: Command, database: Database) -> Iterator[Cluster]:
    """Ticks and workers of one configuration, on a database of its own."""
    with Cluster(crontabber, database) as made:
        yield made
