"""What the ledger says of slots that a run took the place of, or gave up."""

from datetime import datetime, timedelta, timezone

import pytest

from crontabber.base import BaseCronApp
from crontabber.schedule.ledger import Verdict
from crontabber.testing import Simulation

START = datetime(2026, 11, 21, 3, 0, tzinfo=timezone.utc)
DAY = timedelta(days=1)


class Fails(BaseCronApp):
    """Works on its first day only."""

    app_name = "fails"

    def run(self) -> None:
        if simulation_of[type(self)].clock.now() > START + DAY:
            raise OSError("no")


class GivesUp(Fails):
    """Is tried once."""

    app_name = "gives-up"
    retry = False


simulation_of: dict[type, Simulation] = {}


@pytest.mark.parametrize(
    ("app", "given_up"), [(Fails, []), (GivesUp, [Verdict.GIVEN_UP])], ids=["retried", "given up"]
)
def test_a_slot_that_failed_is_given_up_only_if_it_is_not_tried_again(
    app: type, given_up: list[Verdict]
) -> None:
    """trap: after an outage the slot that failed was in the ledger as given up, and was retried."""
    simulation = simulation_of[app] = Simulation({app: "1d|03:00"}, START)
    simulation.tick()
    simulation.tick(START + 3 * DAY)
    passed, *others = simulation.store.ledger
    assert (passed.verdict, passed.slots) == (Verdict.PASSED_OVER, 2)
    assert [span.verdict for span in others] == given_up
