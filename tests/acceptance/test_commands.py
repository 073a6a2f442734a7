"""Jobs that are commands, run by the real command: mail, tables, signals and kills."""

import os
import signal
from pathlib import Path

import pytest

from tests.acceptance.rows import CONF, INFO, pass_time, ran, runs, state
from tests.support import Command, Database
from tests.unit.test_process import has_ended

APPS = """\
from crontabber.base import BaseCronApp
from crontabber.process.command_app import CommandOptions, command_app

def job(command, backfill=False, timeout=None, **options):
    cls = command_app('job', CommandOptions(command, **options), backfill=backfill)
    cls.timeout = timeout
    return cls

Good = job('echo said; echo also >&2')
Bad = job('echo said; echo why >&2; exit 3')
Secret = job('echo "it is $MY_PASSWORD"; echo "$MY_PASSWORD" >&2; exit 1', environment_file='vars')
Hangs = job('''
    test -e again && exit
    (echo $$ > pid; echo begun; : > ready; sleep 600; :)
''')
Late = job('echo begun; (echo $$ > pid; sleep 600; :)', timeout=0.5)
Dates = job('''
    echo $CRONTABBER_DAY >> days
    test -e again && exit
    test $(wc -l < days) = 2 || exit 0
    echo $$ > pid; : > ready; sleep 600; :
''', backfill=True)

class Prints(BaseCronApp):
    app_name = 'job'
    keep_output = 1000

    def run(self):
        print('printed', self.config.word)
    required_config = BaseCronApp.required_config.safe_copy()
    required_config.add_option('word', default='hunter2', secret=True)
"""


@pytest.fixture
def commands(crontabber: Command) -> Command:
    crontabber.write("jobs/commands.py", APPS)
    return crontabber


def logged(database: Database) -> list[tuple[str | None, str | None]]:
    return database.execute("SELECT exc_value, output FROM crontabber_log ORDER BY id")


def test_success_is_silent_and_its_output_is_kept(commands: Command, database: Database) -> None:
    commands.configure(database, "jobs.commands.Good|1h")
    done = commands(CONF)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    [(error, output)] = logged(database)
    assert error is None
    assert sorted((output or "").split()) == ["also", "said"]


def test_the_log_tells_the_output_to_those_who_ask(commands: Command, database: Database) -> None:
    commands.configure(database, "jobs.commands.Good|1h")
    lines = commands(CONF, INFO).stderr.splitlines()
    assert "job succeeded" in lines[0]
    assert sorted(line.partition(" - ")[2].split(" - ")[-1] for line in lines[1:]) == [
        "job wrote: also",
        "job wrote: said",
    ]


def test_failure_is_one_line_for_cron_s_mail(commands: Command, database: Database) -> None:
    commands.configure(database, "jobs.commands.Bad|1h")
    done = commands(CONF)
    assert (done.returncode, done.stdout) == (0, "")
    [line] = done.stderr.splitlines()
    assert line.endswith("job failed: crontabber.errors.CommandFailed: exit status 3: why")
    [(error, output)] = logged(database)
    assert error == "exit status 3: why"
    assert sorted((output or "").split()) == ["said", "why"]
    assert state(database, "job").last_error["value"] == "exit status 3: why"


def test_secrets_of_its_environment_are_masked(commands: Command, database: Database) -> None:
    commands.write("vars", "MY_PASSWORD='correct horse'\n")
    commands.configure(database, "jobs.commands.Secret|1h")
    done = commands(CONF, INFO)
    [(error, output)] = logged(database)
    for text in (error, output, done.stderr):
        assert text
        assert "horse" not in text
    assert output
    assert "it is ****" in output


def test_a_class_keeps_its_output_too_and_it_reaches_cron(
    commands: Command, database: Database
) -> None:
    commands.configure(database, "jobs.commands.Prints|1h")
    done = commands(CONF)
    assert (done.stdout, done.stderr) == ("printed hunter2\n", "")  # as without keep_output
    assert logged(database) == [(None, "printed ********\n")]


def test_sigterm_ends_all_of_it(commands: Command, database: Database) -> None:
    os.mkfifo(commands.directory / "ready")
    commands.configure(database, "jobs.commands.Hangs|1h")
    with commands.popen(CONF) as tick:
        (commands.directory / "ready").read_text()
        tick.send_signal(signal.SIGTERM)
        assert tick.wait() == 128 + signal.SIGTERM
    assert has_ended(commands.directory / "pid")
    assert logged(database) == [("stopped by SIGTERM", "begun\n")]


def test_a_timeout_ends_all_of_it(commands: Command, database: Database) -> None:
    commands.configure(database, "jobs.commands.Late|1h")
    assert commands(CONF).returncode == 0
    assert logged(database) == [("did not finish within 0.5s", "begun\n")]
    assert has_ended(commands.directory / "pid")


@pytest.mark.parametrize("name", ["Hangs", "Dates"])
def test_a_killed_crontabber_leaves_nothing_that_runs_beside_the_next_try(
    name: str, commands: Command, database: Database
) -> None:
    """trap: an orphan goes on, and the next tick runs the job beside it"""
    os.mkfifo(commands.directory / "ready")
    commands.configure(database, f"jobs.commands.{name}|1d")
    if name == "Dates":
        assert commands(CONF).returncode == 0
        pass_time(database, "2 days")
    with commands.popen(CONF) as tick:
        (commands.directory / "ready").read_text()
        tick.kill()
        tick.wait()
        assert has_ended(commands.directory / "pid")
    (commands.directory / "again").touch()
    commands(CONF)
    outcomes = [error for _, error in runs(database)]
    assert outcomes.count("<class 'crontabber.errors.JobCrashed'>") == 1
    assert outcomes[-1] is None
    if name == "Dates":
        days = Path(commands.directory / "days").read_text().split()
        assert len(days) == 4
        assert days[1] == days[2] != days[3]  # the second is given again, and no other
        assert ran(database) == ["job"] * 3
