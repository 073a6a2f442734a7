"""The short form of what ``make torture`` does to workers."""

import os
import random
from pathlib import Path

from tests.contrib_procrastinate.torture import site
from tests.support import Database

SEED = int(os.environ.get("TORTURE_SEED", "815"))


def test_workers_killed_at_random_with_ticks_of_cron_beside_them(
    tmp_path: Path, database: Database
) -> None:
    with site(tmp_path, database, random.Random(SEED), size=3) as made:
        done, verdict = made.at_random(3)
    assert verdict.violations == ()
    assert (verdict.lost, verdict.twice) == (0, 0)
    assert verdict.slots == verdict.once + verdict.repeated
    assert done >= 3
