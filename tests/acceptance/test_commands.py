"""Jobs that are commands, run by the real command: mail, tables, signals and kills."""

import os
import re
import signal
import textwrap

import pytest

from tests.acceptance.rows import CONF, INFO, pass_time, ran, runs, state
from tests.support import Command, Database
from tests.unit.test_process import has_ended

HANGS = """\
command='''
test -e again && exit
(echo $$ > pid; echo begun; : > ready; sleep 600; :)
'''
"""
DATES = """\
command='''
echo $CRONTABBER_DAY >> days
test -e again && exit
test $(wc -l < days) = 2 || exit 0
echo $$ > pid; : > ready; sleep 600; :
'''
backfill=yes
"""
PRINTS = """\
from crontabber.base import BaseCronApp

class Prints(BaseCronApp):
    app_name = 'job'
    keep_output = 1000
    required_config = BaseCronApp.required_config.safe_copy()
    required_config.add_option('word', default='hunter2', secret=True)

    def run(self):
        print('printed', self.config.word)
"""


def configure(crontabber: Command, database: Database, section: str, schedule: str = "1h") -> None:
    """A configuration with one job, which has this section."""
    section = textwrap.dedent(section)
    crontabber.configure(database, f"job|{schedule}", f"[job]\n[[job]]\n{section}")


def logged(database: Database) -> list[tuple[str | None, str | None]]:
    return database.execute("SELECT exc_value, output FROM crontabber_log ORDER BY id")


def words(text: str | None) -> list[str]:
    """In any order: two pipes have none."""
    return sorted((text or "").split())


def test_success_is_silent_and_its_output_is_kept(crontabber: Command, database: Database) -> None:
    configure(crontabber, database, "command='echo said; echo also >&2'")
    done = crontabber(CONF)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    [(error, output)] = logged(database)
    assert error is None
    assert words(output) == ["also", "said"]


def test_the_log_tells_the_output_to_those_who_ask(crontabber: Command, database: Database) -> None:
    configure(crontabber, database, "command='echo said; echo also >&2'")
    first, *rest = crontabber(CONF, INFO).stderr.splitlines()
    assert "job succeeded" in first
    assert sorted(line.split(" - ")[-1] for line in rest) == ["job wrote: also", "job wrote: said"]


def test_failure_is_one_line_for_cron_s_mail(crontabber: Command, database: Database) -> None:
    configure(crontabber, database, "command='echo said; echo why >&2; exit 3'")
    done = crontabber(CONF)
    assert (done.returncode, done.stdout) == (0, "")
    [line] = done.stderr.splitlines()
    assert line.endswith("job failed: crontabber.errors.CommandFailed: exit status 3: why")
    [(error, output)] = logged(database)
    assert error == "exit status 3: why"
    assert words(output) == ["said", "why"]
    assert state(database, "job").last_error["value"] == "exit status 3: why"
    assert "exit status 3: why" in crontabber(CONF, "--nagios").stdout


def test_options_of_commands_are_obeyed(crontabber: Command, database: Database) -> None:
    """What is a path is meant from where the configuration is."""
    (crontabber.directory / "work").mkdir()
    crontabber.write("work/vars", "FROM_FILE='a file'\n")
    configure(
        crontabber,
        database,
        """\
        command='''pwd; echo "$FROM_FILE, $OWN, $(nice)"; exit 3'''
        directory=work
        environment_file=work/vars
        environment='''
        OWN=own
        '''
        nice=5
        success_codes=0, 3
        shell=/bin/bash
        """,
    )
    assert crontabber(CONF).stderr == ""
    nice = os.nice(0) + 5
    assert logged(database) == [(None, f"{crontabber.directory}/work\na file, own, {nice}\n")]


def test_what_it_keeps_can_be_less_or_nothing(crontabber: Command, database: Database) -> None:
    configure(crontabber, database, "command=seq 1 100000\nkeep_output=7")
    crontabber(CONF)
    configure(crontabber, database, "command=seq 1 100000\nkeep_output=0")
    crontabber(CONF, "--job=job", "--force")
    assert [output for _, output in logged(database)] == ["100000\n", None]


def test_secrets_of_its_environment_are_masked(crontabber: Command, database: Database) -> None:
    crontabber.write("vars", "MY_PASSWORD='correct horse'\n")
    configure(
        crontabber,
        database,
        """\
        command='echo "it is $MY_PASSWORD"; echo "$MY_PASSWORD" >&2; exit 1'
        environment_file=vars
        """,
    )
    done = crontabber(CONF, INFO)
    [(error, output)] = logged(database)
    for text in (error, output, done.stderr):
        assert text
        assert "horse" not in text
    assert "it is ****" in (output or "")


def test_settings_of_ours_in_the_environment_are_not_passed_on(
    crontabber: Command, database: Database
) -> None:
    configure(crontabber, database, "command=env")
    crontabber(CONF, env={"resource.postgresql.application_name": "mine", "KEPT": "yes"})
    [(_, output)] = logged(database)
    assert "application_name" not in (output or "")
    assert "\nKEPT=yes\n" in f"\n{output}"


def test_a_class_keeps_its_output_too_and_it_reaches_cron(
    crontabber: Command, database: Database
) -> None:
    crontabber.write("jobs/prints.py", PRINTS)
    crontabber.configure(database, "jobs.prints.Prints|1h")
    done = crontabber(CONF)
    assert (done.stdout, done.stderr) == ("printed hunter2\n", "")  # as without keep_output
    assert logged(database) == [(None, "printed ********\n")]


def test_dates_come_one_by_one_with_what_is_known_of_them(
    crontabber: Command, database: Database
) -> None:
    facts = "command='echo \"$CRONTABBER_JOB $CRONTABBER_DATE $CRONTABBER_DAY [$CRONTABBER_LAST_"
    configure(crontabber, database, f"{facts}SUCCESS] $CRONTABBER_ATTEMPT\"'\nbackfill=yes", "1d")
    crontabber(CONF)
    pass_time(database, "2 days")
    crontabber(CONF)
    outputs = [output or "" for _, output in logged(database)]
    form = r"job (\S+T\S+\+00:00) (\S+) \[(\S*)\] 1\n"
    found = [re.fullmatch(form, output) for output in outputs]
    assert len(found) == 3
    dates = [match[1] for match in found if match]
    assert [match[2] for match in found if match] == [date[:10] for date in dates]
    assert [match[3] for match in found if match][2] == dates[1]


def test_sigterm_ends_all_of_it(crontabber: Command, database: Database) -> None:
    os.mkfifo(crontabber.directory / "ready")
    configure(crontabber, database, HANGS)
    with crontabber.popen(CONF) as tick:
        (crontabber.directory / "ready").read_text()
        tick.send_signal(signal.SIGTERM)
        assert tick.wait() == 128 + signal.SIGTERM
    assert has_ended(crontabber.directory / "pid")
    assert logged(database) == [("stopped by SIGTERM", "begun\n")]


def test_a_timeout_ends_all_of_it(crontabber: Command, database: Database) -> None:
    late = "command='echo begun; (echo $$ > pid; sleep 600; :)'\ntimeout=1s"
    configure(crontabber, database, late)
    assert crontabber(CONF).returncode == 0
    assert logged(database) == [("did not finish within 1s", "begun\n")]
    assert has_ended(crontabber.directory / "pid")


@pytest.mark.parametrize("section", [HANGS, DATES], ids=["without dates", "with dates"])
def test_a_killed_crontabber_leaves_nothing_that_runs_beside_the_next_try(
    section: str, crontabber: Command, database: Database
) -> None:
    """trap: an orphan goes on, and the next tick runs the job beside it"""
    os.mkfifo(crontabber.directory / "ready")
    configure(crontabber, database, section, "1d")
    if section == DATES:
        assert crontabber(CONF).returncode == 0
        pass_time(database, "2 days")
    with crontabber.popen(CONF) as tick:
        (crontabber.directory / "ready").read_text()
        tick.kill()
        tick.wait()
        assert has_ended(crontabber.directory / "pid")
    (crontabber.directory / "again").touch()
    crontabber(CONF)
    outcomes = [error for _, error in runs(database)]
    assert outcomes.count("<class 'crontabber.errors.JobCrashed'>") == 1
    assert outcomes[-1] is None
    if section == DATES:
        days = (crontabber.directory / "days").read_text().split()
        assert len(days) == 4
        assert days[1] == days[2] != days[3]  # the second is given again, and no other
        assert ran(database) == ["job"] * 3
