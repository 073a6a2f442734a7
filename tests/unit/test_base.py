"""The class that every app is derived from."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from crontabber.base import BaseCronApp
from crontabber.mixins import as_backfill_cron_app
from tests.apps import SLOT, make, run

from configman import Namespace

SLOTS = [SLOT + timedelta(days=day) for day in range(3)]


class Noting(BaseCronApp):
    app_name = "noting"

    def __init__(self, config, job_information=None):
        super().__init__(config, job_information)
        self.calls = []

    def run(self, *args):
        self.calls.append(args)


@as_backfill_cron_app
class NotingDates(Noting):
    app_name = "noting-dates"


def test_an_app_runs_once_for_each_slot_without_a_date():
    app = make(Noting)
    assert run(app, *SLOTS) == SLOTS
    assert app.calls == [(), (), ()]


def test_a_backfill_app_gets_each_slot_as_its_date():
    app = make(NotingDates)
    assert run(app, *SLOTS) == SLOTS
    assert app.calls == [(slot,) for slot in SLOTS]


def test_a_slot_is_taken_only_after_the_one_before_was_yielded_and_recorded():
    """trap: the position was saved only after the whole catch-up."""
    events = []

    def slots() -> Iterator[datetime]:
        for slot in SLOTS:
            events.append(("taken", slot))
            yield slot

    app = make(NotingDates)
    app.run = lambda date: events.append(("run", date))
    events.extend(("recorded", done) for done in app.main(slots()))
    assert events == [(what, slot) for slot in SLOTS for what in ("taken", "run", "recorded")]


def test_a_failure_ends_the_slots_and_goes_on_as_it_is():
    app = make(NotingDates)

    def run(date):
        app.calls.append(date)
        if date == SLOTS[1]:
            raise KeyError("no")

    app.run = run
    done = []
    with pytest.raises(KeyError, match="no"):
        done.extend(app.main(SLOTS))
    assert app.calls == SLOTS[:2]


def test_nothing_runs_before_the_first_slot_is_asked_for():
    app = make(Noting)
    app.main(SLOTS)
    assert app.calls == []


@pytest.mark.parametrize(
    ("cls", "signature"), [(BaseCronApp, r"run\(self\)"), (NotingDates, r"run\(self, date\)")]
)
def test_an_app_without_run_says_what_to_write(cls, signature, monkeypatch):
    monkeypatch.delattr(Noting, "run")
    with pytest.raises(NotImplementedError, match=f"{cls.__name__} has no run.*{signature}"):
        run(make(cls))


def test_an_app_knows_its_options_and_its_job():
    class App(BaseCronApp):
        app_name = "app"
        required_config = Namespace()
        required_config.add_option("date_format", default="%m/%d %Y - %H:%M", doc="…")

    app = make(App, class__date_format="%A")
    assert app.config.date_format == "%A"
    assert App(app.config, {"a": 1}).job_information == {"a": 1}


def test_an_app_has_the_options_of_the_classes_that_it_is_derived_from():
    class Parent(BaseCronApp):
        required_config = Namespace()
        required_config.add_option("one", default=1)

    class Child(Parent):
        required_config = Namespace()
        required_config.add_option("two", default=2)

    assert set(Child.get_required_config()) == {"one", "two"}
    assert set(BaseCronApp.get_required_config()) == set()


def test_an_app_depends_on_nothing_and_is_nothing_special_by_default():
    assert BaseCronApp.depends_on == ()
    assert not BaseCronApp.is_backfill
    assert not BaseCronApp.single_transaction
    assert BaseCronApp.before_commit is None
