"""What people have done by the command line is in the ledger: what, with which job, and who."""

import os
import re
from typing import Any

import pytest

from tests.acceptance.rows import CONF, runs
from tests.support import Command, Database

JOBS = """\
from crontabber.base import BaseCronApp
from crontabber.mixins import as_backfill_cron_app, as_single_postgres_transaction, using_postgres

class Good(BaseCronApp):
    app_name = 'good'

    def run(self):
        pass

class Bad(BaseCronApp):
    app_name = 'bad'

    def run(self):
        1 / 0

@using_postgres()
@as_single_postgres_transaction()
class Single(BaseCronApp):
    app_name = 'single'

    def run(self, connection):
        pass

@as_backfill_cron_app
class Dates(BaseCronApp):
    app_name = 'dates'

    def run(self, date):
        pass

@as_backfill_cron_app
class Child(BaseCronApp):
    app_name = 'child'
    depends_on = ('dates',)

    def run(self, date):
        pass
"""
WHO = f"anna@{os.uname().nodename}"


@pytest.fixture
def installed(crontabber: Command, database: Database) -> Command:
    crontabber.write("jobs.py", JOBS)
    crontabber.configure(
        database,
        "jobs.Good|1d\njobs.Bad|1d\njobs.Single|1d\njobs.Dates|1d|03:00\njobs.Child|1d|04:00",
    )
    crontabber(CONF)
    return crontabber


def by_hand(database: Database) -> list[tuple[Any, ...]]:
    """What the ledger says of what people had done: the job, what it was, and who."""
    return database.execute(
        "SELECT app_name, reason, done_by FROM crontabber_spans WHERE slots = 0 ORDER BY id"
    )


@pytest.mark.parametrize(
    ("line", "noted"),
    [
        (["--run-at=2099-01-01", "--job=good"], ["good run"]),
        (["--retry=bad"], ["bad retry"]),
        (["--mark-success=bad"], ["bad mark as successful"]),
        (["--pause=good,bad", "--why=a  new\ndisk"], ["good pause: a new disk"] * 2),
        (["--pause=good"], ["good pause"]),
        (["--reset-job=bad"], ["bad reset"]),
        (["--reset-job=ghost"], ["ghost reset"]),
    ],
)
def test_each_verb_says_who_it_was(
    installed: Command, database: Database, line: list[str], noted: list[str]
) -> None:
    """trap: only what was done on the pages was noted"""
    database.execute("INSERT INTO crontabber (app_name) VALUES ('ghost')")
    done = installed(CONF, *line, env={"SUDO_USER": "anna"})
    assert (done.returncode, done.stderr) == (0, "")
    noted = [each.replace("good", "bad") if number else each for number, each in enumerate(noted)]
    assert [(f"{name} {what}", who) for name, what, who in by_hand(database)] == [
        (each, WHO) for each in noted
    ]


def test_what_is_refused_is_not_noted(installed: Command, database: Database) -> None:
    for line in (["--retry=good"], ["--resume=good"], ["--mark-success=good", "--at=2001-01-01"]):
        installed(CONF, *line)
    assert not database.execute("SELECT 1 WHERE to_regclass('crontabber_spans') IS NOT NULL")


def test_a_pause_and_its_end(installed: Command, database: Database) -> None:
    installed(CONF, "--pause=good", env={"SUDO_USER": "otto"})
    assert installed(CONF, "--resume=good", env={"SUDO_USER": "anna"}).returncode == 0
    assert by_hand(database)[1] == ("good", "resume", WHO)


def test_a_backfill_of_a_family_and_its_end(installed: Command, database: Database) -> None:
    range_ = ("--from=2026-11-01", "--to=2026-11-03", "--with-children")
    env = {"SUDO_USER": "anna"}
    installed(CONF, "--backfill=dates", *range_, "--dry-run", env=env)
    asked = installed(CONF, "--backfill=dates", *range_, env=env)
    [number] = set(re.findall(r"backfill (\d+)", asked.stdout))
    assert installed(CONF, f"--cancel-backfill={number}", env=env).returncode == 0
    ends = f"cancel backfill {number}"
    assert by_hand(database)[:2] == [("dates", "backfill", WHO), ("child", "backfill", WHO)]
    assert sorted(by_hand(database)[2:]) == [("child", ends, WHO), ("dates", ends, WHO)]


@pytest.mark.parametrize(("name", "error"), [("good", None), ("bad", "zero"), ("single", None)])
def test_a_run_of_one_job_is_noted_in_the_commit_of_its_record(
    installed: Command, database: Database, name: str, error: str | None
) -> None:
    installed(CONF, f"--job={name}", env={"SUDO_USER": "anna"})  # is not due, and not run
    before = runs(database, name)
    installed(CONF, f"--job={name}", "--force", env={"SUDO_USER": "anna"})
    assert len(runs(database, name)) == len(before) + 1
    assert by_hand(database) == [(name, "run now", WHO)]
    [(same,)] = database.execute(
        "SELECT span.xmin = log.xmin AND (log.exc_value LIKE '%%' || %s::text || '%%') IS NOT FALSE"
        " FROM crontabber_spans AS span, crontabber_log AS log ORDER BY log.id DESC LIMIT 1",
        [error],
    )
    assert same
