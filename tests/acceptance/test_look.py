"""What looks at jobs: it answers, writes nothing, and prints JSON by the schema if asked for it."""

import contextlib
import json

import pytest

from crontabber.errors import ExitCode
from crontabber.store.keys import hashed
from tests.schemas import conforming
from tests.support import Command, Database

CONF = "--admin.conf=crontabber.ini"
JOBS = """
from crontabber.base import BaseCronApp
from crontabber.mixins import as_backfill_cron_app


class Good(BaseCronApp):
    app_name = "good"

    def run(self):
        pass


@as_backfill_cron_app
class Bad(BaseCronApp):
    app_name = "bad"
    lock = "door"

    def run(self, date):
        raise OSError(111, "refused, and \\u00e9 |")


@as_backfill_cron_app
class Child(BaseCronApp):
    app_name = "child"
    depends_on = "bad"

    def run(self, date):
        pass
"""
LOOKS = [
    ("status", ["--status"]),
    ("status", ["--status=bad"]),
    ("list-jobs", ["--list-jobs"]),
    ("list-jobs", ["--list-jobs=child"]),
    ("explain", ["--explain=child"]),
    ("explain", ["--explain=child", "--at=2026-01-01T03:00"]),
    ("history", ["--history=bad"]),
    ("history", ["--history=all", "--from=2026-01-01"]),
    ("dates", ["--dates=bad"]),
    ("nagios", ["--nagios"]),
    ("nagios", ["--nagios", "--job=child"]),
    ("audit-ghosts", ["--audit-ghosts"]),
    ("configtest", ["--configtest"]),
]
"""Each kind of document, and how to ask for it."""


READ_ONLY = {"PGOPTIONS": "-c default_transaction_read_only=on"}
LISTED = "jobs.app.Good|1d\njobs.app.Bad|1d\njobs.app.Child|1d"


@pytest.fixture(scope="module")
def ticked(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Command:
    """The command in a directory with three jobs, after a tick."""
    crontabber = Command(tmp_path_factory.mktemp("look"))
    crontabber.write("jobs/app.py", JOBS)
    crontabber.configure(module_database, LISTED)
    crontabber(CONF)
    return crontabber


@pytest.mark.parametrize(("kind", "options"), LOOKS)
def test_every_look_prints_a_document_by_the_schema_and_writes_nothing(
    kind: str, options: list[str], ticked: Command
) -> None:
    finds_that = kind in {"nagios", "configtest"}  # nothing can be written
    done = ticked(CONF, *options, "--format=json", env=None if finds_that else READ_ONLY)
    assert done.stderr == ""
    assert conforming(done.stdout)["kind"] == kind
    assert done.returncode == (1 if options == ["--nagios"] else 0)


@pytest.mark.parametrize("options", [options for _, options in LOOKS[:9]])
def test_every_look_fits_a_terminal_and_writes_nothing(options: list[str], ticked: Command) -> None:
    done = ticked(CONF, *options, env=READ_ONLY)
    assert (done.returncode, done.stderr) == (ExitCode.OK, "")
    ours = (line for line in done.stdout.splitlines() if not line.startswith('  File "'))
    assert [line for line in ours if len(line) > 80] == []


@pytest.mark.parametrize("option", ["--status=good", "--explain=child", "--dates=bad"])
def test_a_database_without_tables_is_looked_at_and_stays_without(
    option: str, crontabber: Command, database: Database
) -> None:
    crontabber.write("jobs/app.py", JOBS)
    crontabber.configure(database, LISTED)
    done = crontabber(CONF, option, "--format=json")
    assert (done.returncode, done.stderr) == (ExitCode.OK, "")
    conforming(done.stdout)
    [(count,)] = database.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
    assert count == 0


def test_the_status_says_what_is_wrong_first_and_counts(ticked: Command) -> None:
    lines = ticked(CONF, "--status").stdout.splitlines()
    assert all(len(line) <= 80 for line in lines)
    states = [line.split()[:2] for line in lines if not line.startswith(" ")][3:6]
    assert states == [["failed", "bad"], ["blocked", "child"], ["ok", "good"]]
    assert lines[-1].startswith("3 jobs: 1 ok, 1 failed, 1 blocked; next: ")


@pytest.mark.parametrize("option", ["status", "list-jobs", "explain", "history", "dates"])
def test_a_job_that_does_not_exist_is_one_line(option: str, ticked: Command) -> None:
    done = ticked(CONF, f"--{option}=badd", "--format=json")
    assert (done.returncode, done.stdout) == (ExitCode.ERROR, "")
    assert done.stderr == "crontabber: there is no job 'badd': did you mean bad?\n"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--history=bad", "--count=x"],
            "--count=x is not a number of lines: write one such as 20",
        ),
        (["--history=bad", "--from=then"], "'then' is not a time"),
        (
            ["--history=bad", "--from=2026-02-01", "--to=2026-01-01"],
            "--from=2026-02-01 is after --to=2026-01-01: exchange them",
        ),
        (["--dates=good"], "good is not a backfill app, so it has no dates: see --history=good"),
        (["--explain=bad", "--at=2999-01-01"], "'2999-01-01' is more than a hundred years away"),
        (["--explain=bad", "--at=2060-01-01"], "--at=2060-01-01 is yet to come"),
        (["--failed"], "option --failed goes with --history: give that, too"),
    ],
)
def test_what_cannot_be_meant_is_one_line(
    options: list[str], message: str, ticked: Command
) -> None:
    done = ticked(CONF, *options)
    assert (done.returncode, done.stdout) == (ExitCode.ERROR, "")
    assert done.stderr.startswith(f"crontabber: {message}")
    assert done.stderr.count("\n") == 1


def test_nagios_that_cannot_tell_says_so_as_json(crontabber: Command, database: Database) -> None:
    crontabber.configure(database._replace(host="/nowhere"), "jobs.app.Good|1d")
    for options in (["--nagios"], ["--nagios", "--nonsense"]):
        done = crontabber(CONF, *options, "--format=json")
        assert done.returncode == 3
        read = conforming(done.stdout)
        assert (read["status"], read["jobs"], read["zone"]) == ("UNKNOWN", [], None)


def test_a_run_under_way_and_the_lock_that_it_holds_are_seen(
    ticked: Command, module_database: Database
) -> None:
    [(table,)] = module_database.execute("SELECT 'crontabber'::regclass::oid::bigint")
    connection = module_database.connect()
    with contextlib.closing(connection), connection.cursor() as cursor:
        for name in (f"lock:{table}:door", f"{table}:good"):
            cursor.execute("SELECT pg_advisory_lock(%s)", [hashed(name)])
        found = json.loads(ticked(CONF, "--explain=bad", "--format=json").stdout)["jobs"][0]
        checks = {check["name"]: check for check in found["checks"]}
        assert (checks["lock"]["ok"], checks["claim"]["ok"]) == (False, True)
        assert checks["lock"]["reason"] == '"door" is held'
        text = ticked(CONF, "--explain=good").stdout
        assert "  RUNNING  claim     another session has just claimed it\n" in text


def test_signs_are_ascii_where_the_locale_has_no_more(ticked: Command) -> None:
    assert "✗" in ticked(CONF, "--dates=bad").stdout
    for env in ({"LC_ALL": "C"}, {"PYTHONIOENCODING": "ascii"}, {"LANG": ""}):
        assert ticked(CONF, "--dates=bad", env=env).stdout.isascii(), env


def test_colour_is_for_terminals_and_says_nothing_new(ticked: Command) -> None:
    coloured = ticked.tty(CONF, "--status").stdout
    plain = ticked.tty(CONF, "--status", env={"NO_COLOR": "1"}).stdout
    assert "\x1b[" in coloured
    assert "\x1b[" not in plain
    assert "failed   bad" in plain


def test_a_history_says_that_older_runs_were_not_read_and_how_to_see_them(
    ticked: Command, module_database: Database
) -> None:
    """trap: it showed the newest 5000 runs as if there were no others"""
    assert "--from" not in ticked(CONF, "--history=good").stdout
    module_database.execute(
        "INSERT INTO crontabber_log (app_name, log_time, slot, success, duration, host)"
        " SELECT 'good', now() - n * interval '1 day', now() - n * interval '1 day', now(), '1 s',"
        " 'old' FROM generate_series(1, 5001) AS n"
    )
    try:
        for name, most in ("good", "5000 runs"), ("all", "1666 runs of each job"):
            last = ticked(CONF, f"--history={name}").stdout.splitlines()[-1]
            asks = f"--history={name} --from=TIME"
            assert last == f"Only the newest {most} were read; for older ones: {asks}"
            document = json.loads(ticked(CONF, f"--history={name}", "--format=json").stdout)
            found = {job["app_name"]: job.get("older_unread") for job in document["jobs"]}
            assert found["good"] is True
            assert found.get("bad") is None
        whole = ticked(CONF, "--history=good", "--from=2000-01-01")
        assert "were read" not in whole.stdout
    finally:
        module_database.execute("DELETE FROM crontabber_log WHERE host = 'old'")


def test_before_the_first_tick_time_and_zone_are_the_servers(
    crontabber: Command, database: Database
) -> None:
    """They were those of this host and UTC, and 03:00 that of another day."""
    database.execute(f"ALTER DATABASE {database.dbname} SET timezone = 'Australia/Lord_Howe'")
    crontabber.write("apps.py", JOBS)
    crontabber.configure(database, "apps.Good|1d|03:00")
    for look in ("--status", "--preview", "--explain=good", "--nagios", "--graph"):
        done = crontabber(CONF, look)
        assert done.returncode == (1 if look == "--nagios" else 0), done.stderr
        assert "UTC\n" not in done.stdout
    assert "Australia/Lord_Howe" in crontabber(CONF, "--status").stdout
    assert database.execute("SELECT to_regclass('crontabber')") == [(None,)]
