"""``manage.py cronrun`` and its helpers, as processes on a real database."""

import json
import signal
import time

import pytest

from crontabber.errors import ExitCode
from tests.acceptance.rows import pass_time, ran, runs, state
from tests.contrib_django.site import Site
from tests.server import own_server
from tests.support import TIMEOUT, Database, alarm


def logged(text: str) -> list[str]:
    """The lines of a log without the time: ``INFO - …``."""
    return [line.split(",", 1)[1].split(" ", 1)[1] for line in text.splitlines()]


def test_what_a_command_prints_is_logged(site: Site, database: Database) -> None:
    jobs = [{"cmd": "talk", "cmd_args": ["--count=41", "word"]}]
    output = site.told(database, jobs).ok("cronrun")
    lines = logged("\n".join(line for line in output.splitlines() if "shop" not in line))
    assert "INFO - talk: printed ['word'] 42 False" in lines
    assert "WARNING - talk: to stderr" in lines
    assert "INFO - talk: one" in lines
    assert "INFO - talk: two" in lines
    assert "WARNING - talk: an error" in lines
    assert "INFO - talk: no end" in lines
    # a record without a handler goes to stderr, as logging does it, and stderr is logged
    assert "WARNING - talk: logged" in lines
    assert lines[-1].startswith("INFO - talk succeeded in ")
    assert len(lines) == 8


def test_arguments_for_once(site: Site, database: Database) -> None:
    told = site.told(database, [{"cmd": "talk"}])
    once = ("--job-arg", "count=1", "--job-arg", "loud=yes", "--job-arg", "words=x")
    assert "printed ['x'] 2 True" in told.ok("cronrun", "--job=talk", "--force", *once)
    bare = ("--job-arg", "loud")
    assert "printed [] 1 True" in told.ok("cronrun", "--job=talk", "--force", *bare)
    assert "is not run: not due" in told.ok("cronrun", "--job=talk")
    refused = told("cronrun", "--job-arg", "count=1")
    assert refused.returncode == 1
    assert "need --job=NAME" in refused.stderr
    refused = told("cronrun", "--job=tlk")
    assert (refused.returncode, refused.stderr) == (
        1,
        "CommandError: there is no job 'tlk': did you mean talk?\n",
    )
    refused = told("cronrun", "--every=1m")
    assert refused.returncode == 1
    assert "--every needs --loop" in refused.stderr


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("cuont=1", "the command has no option 'cuont': did you mean count?"),
        ("count", "count needs a value: write count=VALUE"),
        ("count=one", "argument --count: invalid int value: 'one'"),
        ("version=yes", "with them it says something and exits: leave out --help and --version"),
    ],
)
def test_a_bad_argument_is_no_failure_of_the_job(
    site: Site, database: Database, argument: str, said: str
) -> None:
    """trap: a mistyped option counted as a failed run, with all that follows from one"""
    told = site.told(database, [{"cmd": "talk"}])
    refused = told("cronrun", "--job=talk", "--force", "--job-arg", argument)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == f"CommandError: talk is not run: {said}\n"
    told.ok("cronlist")  # which makes the tables
    assert runs(database) == []


def test_arguments_are_tried_with_the_times_that_the_command_needs(
    site: Site, database: Database
) -> None:
    jobs = [{"cmd": "dates", "last_success": True}, {"cmd": "broken_at_once"}]
    told = site.told(database, jobs)
    site.write("shop/management/commands/broken_at_once.py", "1 / 0\n")
    output = told.ok("cronrun", "--job=dates", "--force", "--job-arg", "run_time=x")
    assert "dates: x|\n" in output
    # what is wrong with the command itself is remembered, as ever
    assert told("cronrun", "--job=broken_at_once", "--job-arg", "run_time=x").returncode == 1
    assert dict(runs(database))["broken_at_once"] == "<class 'ZeroDivisionError'>"


def test_backfill_and_last_success(site: Site, database: Database) -> None:
    """trap: a backfill slot that failed was lost, as last success moved on"""
    zone = 'CRONTABBER_TIMEZONE = "Asia/Tokyo"'
    jobs = [{"cmd": "dates", "frequency": "1h", "backfill": True, "last_success": True}]
    told = site.told(database, jobs, zone)
    database.execute(f"ALTER DATABASE {database.dbname} SET timezone TO 'UTC'")
    told.ok("cronrun")
    pass_time(database, "3 hours")
    [(first,)] = database.execute(
        "SELECT to_char(last_success AT TIME ZONE 'Asia/Tokyo', 'YYYY-MM-DD\"T\"HH24:MI')"
        " FROM crontabber"
    )
    given = [
        line.split(": ")[1].split("|") for line in told.ok("cronrun").splitlines() if "|" in line
    ]
    assert given[0][1] == first
    assert [last for _, last in given[1:]] == [slot for slot, _ in given[:-1]]
    assert len(given) == 3
    refused = told("cronrun", "--job=dates", "--force")
    assert refused.returncode == 1
    assert "a backfill app, which only runs by its own schedule" in refused.stdout
    assert len(ran(database)) == 4


def test_without_a_success_there_is_no_last_success(site: Site, database: Database) -> None:
    told = site.told(
        database, [{"cmd": "dates", "last_success": True, "cmd_args": ["--run-time=x"]}]
    )
    assert "dates: x|\n" in told.ok("cronrun")


def test_parents_go_first_and_a_bad_job_does_not_stop_the_others(
    site: Site, database: Database
) -> None:
    jobs = [
        {"cmd": "talk", "name": "child", "depends_on": ["parent"]},
        {"cmd": "fail", "frequency": "0m"},
        {"cmd": "talk", "name": "parent"},
        {"cmd": "talk", "name": "orphan", "depends_on": ["fail2"]},
        {"cmd": "fail", "name": "fail2"},
        {"cmd": "no_such", "name": "gone"},
    ]
    done = site.told(database, jobs)("cronrun", "--verbosity=0")
    assert done.returncode == ExitCode.ERROR
    assert "CRITICAL - the schedule of CRONTABBER_JOBS[1] (fail) cannot be used" in done.stderr
    assert ran(database) == ["parent", "child"]
    assert dict(runs(database, "fail2")) == {"fail2": "<class 'ValueError'>"}
    assert state(database, "gone").last_error["value"] == "there is no command 'no_such'"
    error = state(database, "fail2").last_error
    assert error["value"] == "<b>no\x1b[31m luck</b>"
    assert "contrib/django" not in error["traceback"]


def test_a_job_that_runs_elsewhere_is_skipped(site: Site, database: Database) -> None:
    """trap: cron's mail and a container's restart for what is as it should be"""
    jobs = [{"cmd": "wait", "frequency": "1m"}, {"cmd": "talk"}]
    told = site.told(database, jobs)
    with told.started("cronrun") as first:
        assert first.stderr
        assert "wait: begun" in first.stderr.readline()
        second = told("cronrun")
        assert second.returncode == ExitCode.OK
        assert "wait is skipped: running elsewhere" in second.stderr
        alone = told("cronrun", "--job=wait", "--force")
        assert alone.returncode == ExitCode.OK
        assert alone.stdout.startswith("wait is not run: running elsewhere, by process ")
        for command in ("cronreset", "cronmarksuccess"):
            refused = told(command, "wait,talk")
            assert refused.returncode == ExitCode.ONGOING
            assert "wait is running now" in refused.stdout
            assert "talk" in refused.stdout
        first.send_signal(signal.SIGTERM)
        assert first.wait(TIMEOUT) == 128 + signal.SIGTERM
    assert state(database, "wait").last_error["value"] == "stopped by SIGTERM"
    assert state(database, "wait").ongoing is None


def test_locks_attempts_and_time_limits(site: Site, database: Database) -> None:
    jobs = [
        {"cmd": "fail", "frequency": "2d", "retry": 1},
        {"cmd": "wait", "name": "short", "timeout": 0.1},
        {"cmd": "wait", "lock": "shop"},
        {"cmd": "talk", "lock": "shop"},
    ]
    told = site.told(database, jobs)
    with told.started("cronrun") as first:
        assert first.stderr
        assert any("wait: begun" in line for line in first.stderr)
        second = told("cronrun", "--job=talk")
        assert second.returncode == ExitCode.OK
        assert "talk is skipped: its lock is held" in second.stderr
    assert state(database, "short").last_error["value"] == "did not finish within 0.1s"
    [(waits,)] = database.execute(
        "SELECT next_run > now() + '1 day'::interval FROM crontabber WHERE app_name = 'fail'"
    )
    assert waits, "its one attempt failed, so it waits for its next slot"


def test_a_job_that_failed_by_itself_is_an_exit_status(site: Site, database: Database) -> None:
    """trap: a deployment's one-off job failed, and went on with status 0"""
    told = site.told(database, [{"cmd": "fail"}, {"cmd": "talk"}])
    done = told("cronrun", "--job=fail")
    assert done.returncode == ExitCode.ERROR
    assert "fail failed: ValueError" in done.stderr
    assert "is not run: not due" in told.ok("cronrun", "--job=fail")
    assert told("cronrun", "--job=fail", "--force").returncode == ExitCode.ERROR
    told.ok("cronrun")
    assert told.ok("cronrun", "--job=talk", "--force")


def test_a_thread_that_keeps_the_process_is_told(site: Site, database: Database) -> None:
    text = """\
    import threading
    from django.core.management.base import BaseCommand
    class Command(BaseCommand):
        def handle(self, **options):
            threading.Thread(target=threading.Event().wait, name="endless").start()
    """
    site.write("shop/management/commands/leave.py", text)
    with site.told(database, [{"cmd": "leave"}]).started("cronrun") as process, alarm(process):
        assert process.stderr
        said = "".join(process.stderr.readline() for _ in range(2))
        assert "leave left running: thread 'endless'" in said
        process.kill()


def test_reset_and_mark(site: Site, database: Database) -> None:
    jobs = [
        {"cmd": "fail", "frequency": "1h"},
        {"cmd": "dates", "frequency": "1h", "backfill": True, "last_success": True},
    ]
    told = site.told(database, jobs)
    # a new backfill job can begin in the past
    three = time.strftime("%Y-%m-%dT%H:%M", time.gmtime(time.time() - 3 * 3600 - 5))
    told.ok("cronmarksuccess", "dates", f"--at={three}")
    output = told.ok("cronrun")
    assert output.count("dates: ") == 3
    assert f"|{three}" in output
    assert state(database, "fail").error_count == 1

    assert "fail counts as having succeeded" in told.ok("cronmarksuccess")
    assert state(database, "fail").error_count == 0
    assert told.ok("cronmarksuccess", "all").count("counts as") == 2
    assert told.ok("cronmarksuccess", "dates,fail,").count("counts as") == 2
    assert told.ok("cronmarksuccess", "dates, fail", "dates").count("counts as") == 2
    since = told("cronmarksuccess", "fail", "--at=2020-01-01")
    assert (since.returncode, since.stdout) == (1, "")
    assert since.stderr.startswith("CommandError: fail has succeeded at ")
    pass_time(database, "5 hours", "dates")
    told.ok("cronmarksuccess", "dates")
    assert "dates" not in told.ok("cronrun")

    assert told("cronreset").returncode == 2
    for command in ("cronreset", "cronmarksuccess"):  # an empty variable is not to mean all
        assert told(command, "").stderr == "CommandError: no job is named: name one, or all\n"
        assert told(command, " ,").returncode == 1
    refused = told("cronreset", "fail,daets")
    assert refused.returncode == 1
    assert refused.stderr == "CommandError: there is no job 'daets': did you mean dates?\n"
    assert state(database, "fail")
    assert told.ok("cronreset", "all").count("is reset") == 2
    assert database.execute("SELECT app_name FROM crontabber") == []


def test_the_log_is_trimmed(site: Site, database: Database) -> None:
    told = site.told(database, [{"cmd": "cronclean", "cmd_args": ["--keep-successes=1"]}])
    assert "removed from the log: 0 successes, 0 errors" in told.ok("cronrun")
    database.execute(
        "INSERT INTO crontabber_log (app_name, log_time, exc_type)"
        " SELECT 'x', now() - '2 days'::interval, type FROM unnest(ARRAY[NULL, 'E']) AS type"
    )
    dry = ("cronclean", "--dry-run", "--keep-successes=1", "--keep-errors=1")
    for _ in range(2):
        assert (
            told.ok(*dry)
            == "to be removed from the log: 1 successes, 1 errors, the output of 0 runs\n"
        )
    assert told.ok("cronclean", "--keep-successes=1") == _removed(1, 0)
    assert told.ok("cronclean", "--keep-errors=1") == _removed(0, 1)
    assert told("cronclean", "--keep-errors=-1").returncode == 2


def test_check_reports_every_fault(site: Site, database: Database) -> None:
    jobs = [
        {"cmd": "repotr"},
        {"cmd": "report", "frequency": "1w"},
        {"cmd": "talk", "backfill": True},
        {"cmd": "dates", "cmd_args": ["--run-time=x"]},
        {"cmd": "wait", "name": "a", "depends_on": ["b"]},
        {"cmd": "wait", "name": "b", "depends_on": ["a", "c"]},
        {"cmd": "broken"},
        {"cmd": "gone"},
        {"cmd": "rude"},
        {"cmd": "talk", "name": "helpful", "cmd_args": ["--help"]},
        {"cmd": "cronrun"},
    ]
    site.write("shop/management/commands/broken.py", "1 / 0\n")
    site.write("shop/management/commands/gone.py", "raise SystemExit(0)\n")
    site.write("shop/management/commands/rude.py", "raise KeyboardInterrupt\n")
    more = """CRONTABBER_ERROR_RETRY_TIME = "soon"
CRONTABBER_TIMEZONE = "Mars"
CRONTABBER_SENTRY_DSN = "http://secret@/"
CRONTABBER_DATABASE = "defualt"
CRONTABBER_JBOS = []
CRONTABBER_RETRY = 3
"""
    done = site.told(database, jobs, more)("check")
    assert done.returncode == 1
    for said in (
        "(crontabber.E001) CRONTABBER_DATABASE is 'defualt', which is not in DATABASES",
        "HINT: did you mean default?",
        "(crontabber.E001) CRONTABBER_TIMEZONE cannot be used",
        "(crontabber.E001) CRONTABBER_ERROR_RETRY_TIME cannot be used",
        "(crontabber.E001) CRONTABBER_SENTRY_DSN cannot be used",
        "(crontabber.W001) there is no setting CRONTABBER_JBOS",
        "HINT: did you mean CRONTABBER_JOBS?",
        "(crontabber.W001) there is no setting CRONTABBER_RETRY\n\tHINT: there are CRONTABBER_DATA",
        "(crontabber.E001) the schedule of CRONTABBER_JOBS[1] (report) cannot be used",
        "(crontabber.E002) the job 'repotr' runs 'repotr', which is not a command",
        "HINT: did you mean report?",
        "(crontabber.E004) the job 'talk' has 'backfill', and its command no option 'run_time'",
        "(crontabber.E005) the arguments of the job 'dates' are refused: the following",
        "arguments are required: --last-success",
        "(crontabber.E006) jobs depend on each other in a circle: ",
        "(crontabber.W002) the job 'b' depends on 'c', which is not in CRONTABBER_JOBS",
        "(crontabber.E003) the command of the job 'broken' cannot be made: ZeroDivisionError",
        "(crontabber.E003) the command of the job 'gone' cannot be made: it calls sys.exit (",
        "(crontabber.E003) the command of the job 'rude' cannot be made: it raises Keyboard",
        "(crontabber.E005) the arguments of the job 'helpful' are refused: with them it says some",
        "(crontabber.E001) cmd of CRONTABBER_JOBS[10] (cronrun) runs the jobs, and cannot be one",
    ):
        assert said in done.stderr
    assert "secret" not in done.stderr
    assert "17 issues" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("alias", [None, 5])
def test_the_database_is_named(site: Site, database: Database, alias: object) -> None:
    """trap: what is no text ended the check with a traceback"""
    done = site.told(database, [], f"CRONTABBER_DATABASE = {alias}")("check")
    assert done.returncode == 1
    assert f"(crontabber.E001) CRONTABBER_DATABASE is {alias}, and not a text" in done.stderr
    assert "HINT: name one of DATABASES: there are default" in done.stderr


def test_the_database_has_to_be_postgresql(site: Site, database: Database) -> None:
    more = 'DATABASES["default"] = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}'
    told = site.told(database, [], more)
    assert "is of the kind sqlite, and crontabber needs PostgreSQL" in told("check").stderr
    done = told("cronlist")
    assert done.returncode == 1
    assert done.stderr.startswith("CommandError: the database 'default' is of the kind sqlite")


def test_the_loop_survives_a_restart_of_the_database_and_stops_in_a_job(site: Site) -> None:
    with own_server() as server:
        told = site.told(server.database, [{"cmd": "wait"}, {"cmd": "talk"}])
        told.ok("cronmarksuccess", "wait")  # so that it is not due for a day
        program = (
            "from datetime import timedelta; from django.core.management import call_command;"
            "call_command('cronrun', loop=True, every=timedelta(milliseconds=100), verbosity=2)"
        )
        with told.started("shell", "-v0", "-c", program) as loop:

            def until(text: str) -> None:
                assert loop.stderr
                for line in loop.stderr:
                    if text in line:
                        return
                raise AssertionError(f"no {text!r}, and it ended with {loop.wait()}")

            until("talk succeeded")
            until("wait is skipped: not due")
            server.stop()
            until("CRITICAL - cannot use the database")
            server.start()
            until("wait is skipped: not due")
            server.database.execute("UPDATE crontabber SET next_run = now(), next_slot = now()")
            until("wait: begun")
            loop.send_signal(signal.SIGTERM)
            until("stopped by SIGTERM")
            assert loop.wait(TIMEOUT) == 0
        assert state(server.database, "wait").last_error["value"] == "stopped by SIGTERM"
        assert state(server.database, "wait").ongoing is None


def test_errors_go_to_the_sentry_of_the_project_once(site: Site, database: Database) -> None:
    """trap: sentry-sdk takes what is logged for an error of its own"""
    pytest.importorskip("sentry_sdk")
    sent = site.directory / "sent"
    more = f"""
import json, sentry_sdk
from sentry_sdk.transport import Transport

class Outbox(Transport):
    def capture_envelope(self, envelope):
        with open({str(sent)!r}, "a") as file:
            print(json.dumps(envelope.get_event()), file=file)

sentry_sdk.init("http://key@127.0.0.1:9/1", transport=Outbox, release="shop 1")
"""
    jobs = [{"cmd": "fail"}, {"cmd": "fail", "frequency": "0m"}]
    site.told(database, jobs, more)("cronrun")
    trouble, error = map(json.loads, sent.read_text().splitlines())
    assert (error["release"], error["tags"]["app_name"]) == ("shop 1", "fail")
    assert error["exception"]["values"][-1]["type"] == "ValueError"
    assert trouble["level"] == "fatal"
    assert "'0m' is not a frequency" in trouble["message"]


def test_errors_go_to_a_dsn(site: Site, database: Database) -> None:
    dsn = 'CRONTABBER_SENTRY_DSN = "http://key@127.0.0.1:9/2"'
    output = site.told(database, [{"cmd": "fail"}], dsn).ok("cronrun")
    assert "Sentry did not get 1 of 1 errors" in output


def _removed(successes: int, errors: int) -> str:
    what = f"{successes} successes, {errors} errors, the output of 0 runs"
    return f"removed from the log: {what}\n"
