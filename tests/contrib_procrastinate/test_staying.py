"""What a worker's process reads of the tables, and when: on a real PostgreSQL."""

from collections.abc import Collection, Iterator
from datetime import timedelta

import pytest

from crontabber.base import BaseCronApp
from crontabber.config.commandline import CommandLine
from crontabber.config.settings import Settings
from crontabber.contrib.procrastinate import staying
from crontabber.contrib.procrastinate.staying import StayingTabber
from crontabber.process.signals import Signals
from crontabber.store import Snapshot
from tests.support import Database

DID: list[str] = []


class One(BaseCronApp):
    app_name = "one"

    def run(self) -> None:
        DID.append(self.app_name)


class Two(One):
    app_name = "two"


class Child(One):
    app_name = "child"
    depends_on = "one"


PATHS = {cls.app_name: f"{cls.__module__}.{cls.__name__}" for cls in (One, Two, Child)}
DUE = "UPDATE crontabber SET next_run = now(), next_slot = date_trunc('minute', now())"
NOT_DUE = "UPDATE crontabber SET next_run = next_run + interval '1 day' WHERE app_name = 'two'"


class Process(StayingTabber):
    """That of a worker; counts its looks."""

    looks = 0

    def look_at(self, app_names: Collection[str]) -> Snapshot:
        self.looks += 1
        return super().look_at(app_names)

    def do(self, name: str, *following: str) -> None:
        self.run_due(PATHS[name], following)


@pytest.fixture
def process(database: Database) -> Iterator[Process]:
    """A process whose jobs have run once, and are due again."""
    options = [
        f"--crontabber.jobs={', '.join(f'{path}|1d' for path in PATHS.values())}",
        *(f"--resource.postgresql.{key}={value}" for key, value in database._asdict().items()),
    ]
    with Signals() as signals:
        settings = Settings.load(CommandLine.parse(options), {})
        process = Process(settings, signals)
        for name in PATHS:
            process.do(name)
        database.execute(DUE)
        DID.clear()
        process.looks = 0
        yield process
        process.let_go()


def test_jobs_that_follow_are_run_by_one_look(process: Process) -> None:
    process.do("one", "two")
    process.do("two")
    assert (DID, process.looks) == (["one", "two"], 1)
    process.do("two")  # it has changed its row
    assert (DID, process.looks) == (["one", "two"], 2)


def test_a_job_that_another_ran_meanwhile_is_not_run(process: Process, database: Database) -> None:
    process.do("one", "two")
    database.execute(NOT_DUE)
    process.do("two")
    assert DID == ["one"]


def test_a_job_that_is_due_since_the_look_is_run(process: Process, database: Database) -> None:
    database.execute(NOT_DUE)
    process.do("one", "two")
    database.execute(DUE)
    process.do("two")
    assert (DID, process.looks) == (["one", "two"], 2)


def test_a_child_is_judged_by_what_its_parent_did_meanwhile(process: Process) -> None:
    process.do("one", "child")
    process.do("child")
    assert DID == ["one", "child"]


def test_what_was_read_long_ago_is_read_again(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staying, "_MOMENT", timedelta(0))
    process.do("one", "two")
    process.do("two")
    assert (DID, process.looks) == (["one", "two"], 2)


def test_a_session_that_was_lost_since_the_look_is_replaced(
    process: Process, database: Database
) -> None:
    process.do("one", "two")
    database.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    process.do("two")
    assert DID == ["one", "two"]
