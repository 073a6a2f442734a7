"""What an app is told of its job's past: as crontabber 0.18 did, and by attributes."""

import copy
import json
import pickle
from datetime import datetime
from typing import Any

import pytest

from crontabber.base import BaseCronApp
from crontabber.mixins import as_backfill_cron_app
from crontabber.schedule.information import JobInformation, information_of
from crontabber.schedule.model import JobState, LastError
from crontabber.testing import Simulation, run_job
from tests.unit.schedules import DAY, HOUR, MINUTE, at, claim

NOON = at("2026-11-21 12:00")
STATE = JobState(
    "app",
    next_run=NOON,
    next_slot=NOON,
    first_run=NOON - DAY,
    last_run=NOON - HOUR,
    last_success=NOON - 2 * HOUR,
    error_count=1,
    depends_on=("parent",),
    last_error=LastError("<class 'ValueError'>", "no", "Traceback"),
    ongoing=NOON + MINUTE,
    claim=claim(NOON + MINUTE),
)
AS_0_18_GAVE_IT = {
    "next_run": NOON,
    "first_run": NOON - DAY,
    "last_run": NOON - HOUR,
    "last_success": NOON - 2 * HOUR,
    "depends_on": ["parent"],
    "error_count": 1,
    "last_error": {"type": "<class 'ValueError'>", "value": "no", "traceback": "Traceback"},
    "ongoing": None,
}


def test_it_is_the_dict_that_crontabber_0_18_gave():
    """trap: `job_information['last_success']` raised TypeError: "never ran", to apps"""
    information = JobInformation(STATE)
    assert isinstance(information, dict)
    assert information == AS_0_18_GAVE_IT
    assert set(information) == set(AS_0_18_GAVE_IT)
    assert information["last_success"] == information.get("last_success") == NOON - 2 * HOUR
    assert "last_success" in information
    assert information.get("nothing", 7) == 7
    assert dict(**information) == AS_0_18_GAVE_IT


def test_what_is_no_key_of_it_is_a_key_error():
    with pytest.raises(KeyError, match="app_name"):
        JobInformation(STATE)["app_name"]


def test_it_has_the_fields_of_a_state():
    information = JobInformation(STATE)
    assert information.last_success == NOON - 2 * HOUR
    assert information.next_slot == NOON
    assert information.last_error == STATE.last_error
    assert (information.ongoing, information.claim) == (None, None)
    with pytest.raises(AttributeError, match="nothing"):
        _ = information.nothing


def test_no_error_is_an_empty_dict():
    """trap: an app that says job_information['last_error'].get('type') is told of None"""
    information = JobInformation(STATE._replace(last_error=None))
    assert information["last_error"] == {}
    assert information.last_error is None


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, dict.copy, dict])
def test_it_can_be_copied(duplicate):
    assert duplicate(JobInformation(STATE)) == AS_0_18_GAVE_IT


def test_it_can_be_kept():
    kept = pickle.loads(pickle.dumps(JobInformation(STATE)))
    assert (kept, kept.next_slot) == (AS_0_18_GAVE_IT, NOON)
    assert json.loads(json.dumps(kept, default=str))["error_count"] == 1


@pytest.mark.parametrize(
    ("state", "never_ran"),
    [
        (JobState("app"), True),
        (JobState("app", next_run=NOON, next_slot=NOON, first_run=NOON, ongoing=NOON), True),
        (JobState("app", last_run=NOON), False),
        (JobState("app", last_success=NOON), False),  # it was marked as successful
    ],
)
def test_a_job_that_never_ran_has_none(state, never_ran):
    assert (information_of(state) is None) is never_ran


class Told(BaseCronApp):
    """Remembers what it is told, and fails in its second run."""

    app_name = "told"
    heard: list[Any]

    def run(self) -> None:
        self.heard.append(self.job_information)
        if len(self.heard) == 2:
            raise OSError("no")


@as_backfill_cron_app
class ToldDates(BaseCronApp):
    app_name = "told-dates"
    heard: list[Any]

    def run(self, date: datetime) -> None:
        self.heard.append(self.job_information)


@pytest.mark.parametrize("cls", [Told, ToldDates])
def test_an_app_is_told_none_at_first_and_then_what_was(cls):
    cls.heard = []
    simulation = Simulation({cls: "1h"}, NOON)
    for hours in range(3):
        simulation.tick(NOON + hours * HOUR)
    first, second, third = cls.heard
    assert first is None
    assert second["last_success"] == second.last_success == NOON
    assert second["first_run"] == second["last_run"] == NOON
    assert third["error_count"] == (1 if cls is Told else 0)


def test_a_job_that_is_run_by_itself_has_no_past():
    Told.heard = []
    assert run_job(Told).heard == [None]
