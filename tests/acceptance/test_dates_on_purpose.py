"""Dates of the past, pauses, and slots that are passed over, by the command, on real tables."""

from datetime import date, timedelta

import pytest

from tests.acceptance.rows import CONF, INFO, pass_time
from tests.schemas import conforming
from tests.support import Command, Database

INI = """\
fetch|1d
report|1d
mail|1h
"""
SECTIONS = {
    "fetch": "command=echo $CRONTABBER_DAY >> fetch.log\nbackfill=yes",
    "report": "command=echo $CRONTABBER_DAY >> report.log\nbackfill=yes\ndepends_on=fetch",
    "mail": "command=echo mail >> mail.log",
}
UTC = "--crontabber.timezone=UTC"


@pytest.fixture
def chain(crontabber: Command, database: Database) -> Command:
    """Two backfill apps, of which one depends on the other, and a job; all have run once."""
    path = crontabber.configure(database, INI.replace("\n", "\n        "))
    sections = "".join(f"[[{name}]]\n{text}\n" for name, text in SECTIONS.items())
    path.write_text(f"{path.read_text()}\n[job]\n{sections}")
    say(crontabber)
    return crontabber


def say(crontabber: Command, *options: str, status: int = 0) -> str:
    """What the command says; it has to exit with *status*."""
    done = crontabber(CONF, UTC, *options)
    assert (done.returncode, done.stderr if status == 0 else "") == (status, ""), done.stderr
    return str(done.stdout if status == 0 else done.stdout + done.stderr).strip()


def days(crontabber: Command, name: str) -> list[str]:
    path = crontabber.directory / f"{name}.log"
    return path.read_text().split() if path.exists() else []


def day(back: int) -> str:
    return str(date.today() - timedelta(days=back))  # noqa: DTZ011  the server's zone is UTC


# -- backfills that are asked for -------------------------------------------------


def test_a_range_is_done_by_the_next_tick_parents_first(chain: Command, database: Database) -> None:
    for name in ("fetch", "report"):
        (chain.directory / f"{name}.log").unlink()
    plan = database.execute("SELECT app_name, next_slot, next_run FROM crontabber ORDER BY 1")
    said = say(chain, "--backfill=fetch", f"--from={day(9)}", f"--to={day(7)}", "--with-children")
    number = said.partition(" ")[2].partition(":")[0]
    assert f"backfill {number}: 3 dates of fetch, {day(9)} " in said
    assert f"backfill {number}: 3 dates of report, {day(9)} " in said
    assert days(chain, "fetch") == []

    progress = say(chain, "--list-backfills")
    assert f"{number} fetch: 0 of 3 dates done; next {day(9)} " in progress
    assert f"{number} report: 0 of 3 dates done; next {day(9)} " in progress
    assert "waits: fetch has not done" in progress
    document = conforming(say(chain, "--list-backfills", "--format=json"))
    assert [job["backfills"][0]["total"] for job in document["jobs"]] == [3, 3]

    say(chain)
    assert days(chain, "fetch") == days(chain, "report") == [day(9), day(8), day(7)]
    after = database.execute("SELECT app_name, next_slot, next_run FROM crontabber ORDER BY 1")
    assert after == plan
    assert say(chain, "--list-backfills") == "no backfill is under way"
    order = database.execute("SELECT app_name, slot::date FROM crontabber_log ORDER BY id")[-6:]
    assert [name for name, _ in order] == ["fetch", "report"] * 3

    # they are done, and what is done is not done again, even if the log is trimmed
    database.execute("DELETE FROM crontabber_log")
    said = say(chain, "--backfill=fetch", f"--from={day(9)}", f"--to={day(7)}")
    assert said.startswith("fetch has nothing to do in this range: its dates are done")
    said = say(chain, "--backfill=fetch", f"--from={day(8)}", f"--to={day(8)}", "--redo=all")
    assert "1 date of fetch" in said
    say(chain)
    assert days(chain, "fetch")[-1:] == [day(8)]
    assert days(chain, "report") == [day(9), day(8), day(7)]


def test_a_long_reason_is_kept_in_part(chain: Command, database: Database) -> None:
    said = say(chain, "--pause=mail", f"--why=full {'x' * 100_000}").splitlines()
    assert said[0] == "the reason has 100,005 characters: the first 500 are kept"
    assert said[1].startswith("mail is paused until ")
    [(kept,)] = database.execute("SELECT pause_reason FROM crontabber WHERE app_name = 'mail'")
    assert kept == f"full {'x' * 495}"


def test_a_range_with_nothing_to_do_says_why(chain: Command) -> None:
    """trap: dates that a backfill was still to do were said to be done, or still to come"""

    def ask(first: int, last: int, *options: str) -> list[str]:
        said = say(chain, "--backfill=fetch", f"--from={day(first)}", f"--to={day(last)}", *options)
        return [line.partition("range: ")[2] for line in said.splitlines()]

    say(chain, "--backfill=fetch", f"--from={day(9)}", f"--to={day(8)}")
    [listed] = say(chain, "--list-backfills").splitlines()
    queued = f"its dates are queued by backfill {listed.split()[0]}"
    assert ask(9, 8) == ask(9, 8, "--redo=all") == ask(9, 8, "--redo=failed") == [queued]
    say(chain)
    again = "; --redo=all does them again"
    assert ask(9, 8) == [f"its dates are done{again}"]
    assert ask(9, 8, "--redo=failed") == ["it gave up on none of its dates"]
    say(chain, "--backfill=fetch", f"--from={day(7)}", f"--to={day(7)}")
    queued = f"queued by backfill {say(chain, '--list-backfills').split()[0]}"
    assert ask(9, 7) == [f"its dates are done, or {queued}{again}"]


def test_newest_first_and_a_dry_run(chain: Command, database: Database) -> None:
    (chain.directory / "fetch.log").unlink()
    options = ("--backfill=fetch", f"--from={day(4)}", f"--to={day(2)}", "--newest-first")
    listed = say(chain, *options, "--dry-run").splitlines()
    assert [line.split()[:2] for line in listed] == [["fetch", day(n)] for n in (2, 3, 4)]
    assert say(chain, "--list-backfills") == "no backfill is under way"
    say(chain, *options)
    say(chain)
    assert days(chain, "fetch") == [day(2), day(3), day(4)]


def test_a_date_that_failed_is_listed_with_how_often(chain: Command, database: Database) -> None:
    say(chain, "--backfill=fetch", f"--from={day(4)}", f"--to={day(4)}")
    failed = '{"retry_at": "2099-01-01T00:00:00+00:00", "attempts": 1, "error": "no"}'
    database.execute(
        "UPDATE crontabber SET asked = jsonb_build_array(asked::jsonb->0 || %s::jsonb)::json"
        " WHERE app_name = 'fetch'",
        [failed],
    )
    assert ", failed once (no), again 2099-01-01 00:00;" in say(chain, "--list-backfills")


def test_a_date_that_failed_is_told_of_wherever_one_looks(
    chain: Command, database: Database
) -> None:
    """trap: only --nagios and --list-backfills told of it, all else said ok"""
    script = f'test "$CRONTABBER_DAY" != {day(4)}'
    ini = chain.directory / "crontabber.ini"
    ini.write_text(ini.read_text().replace(SECTIONS["fetch"], f"command={script}\nbackfill=yes"))
    said = say(chain, "--backfill=fetch", f"--from={day(4)}", f"--to={day(4)}")
    number = said.partition(" ")[2].partition(":")[0]
    assert chain(CONF, UTC).returncode == 0
    failure = f"backfill {number} failed once at {day(4)} "

    for verb in ("--status", "--status=fetch", "--list-jobs=fetch", "--explain=fetch"):
        told = " ".join(say(chain, verb).split())
        assert failure in told or f"backfill {number}: {day(4)} " in told, verb
    explained = say(chain, "--explain=fetch").splitlines()
    assert explained[1] == "FAILED"
    assert explained[-1].endswith("crontabber --retry=fetch")
    for verb in ("--status", "--list-jobs", "--explain=fetch", "--nagios", "--list-backfills"):
        code = 1 if verb == "--nagios" else 0
        document = conforming(say(chain, verb, "--format=json", status=code))
        [fetch] = (each for each in document["jobs"] if each["app_name"] == "fetch")
        assert (fetch["state"], failure in fetch["reason"]) == ("failed", True), verb
    report = chain.directory / "report.html"
    say(chain, f"--report={report}")
    jobs, errors = report.read_text().split('id="errors"')
    assert failure in jobs
    assert failure in errors

    say(chain, f"--cancel-backfill={number}")
    assert "3 jobs: 3 ok" in say(chain, "--status")


def test_a_backfill_can_be_cancelled(chain: Command) -> None:
    said = say(chain, "--backfill=fetch", f"--from={day(4)}", f"--to={day(2)}")
    number = said.partition(" ")[2].partition(":")[0]
    said = say(chain, f"--cancel-backfill={number}")
    assert said == f"backfill {number} of fetch is cancelled: 0 of 3 dates were done"
    say(chain)
    assert len(days(chain, "fetch")) == 1
    assert "no backfill" in say(chain, f"--cancel-backfill={number}", status=1)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--from=2026-11-01"], "needs --from=DATE and --to=DATE"),
        (["--from=2026-11-02", "--to=2026-11-01"], "is after --to=2026-11-01"),
        (["--from=2026-11-01", "--to=2099-01-01"], "reaches into the future"),
        (["--from=tomorrow", "--to=2026-11-01"], "'tomorrow' is not a time"),
        (["--from=2026-11-01", "--to=2026-11-02", "--redo=some"], "write missing, failed or all"),
    ],
)
def test_a_range_that_cannot_be_meant_is_refused(
    chain: Command, options: list[str], said: str
) -> None:
    assert said in say(chain, "--backfill=fetch", *options, status=1)
    assert say(chain, "--list-backfills") == "no backfill is under way"


def test_only_a_backfill_app_has_dates(chain: Command) -> None:
    said = say(chain, "--backfill=mail", f"--from={day(3)}", f"--to={day(2)}", status=1)
    assert "mail is not a backfill app" in said


def test_ten_million_slots_are_refused_with_the_count(
    crontabber: Command, database: Database
) -> None:
    path = crontabber.configure(database, "fetch|1m")
    path.write_text(f"{path.read_text()}\n[job]\n[[fetch]]\n{SECTIONS['fetch']}\n")
    say(crontabber)
    said = say(crontabber, "--backfill=fetch", "--from=2006-01-01", "--to=2025-01-01", status=1)
    assert "fetch has 9,995,039 dates in this range" in said or "9,99" in said


def test_who_asked_is_noted_in_the_transaction_of_the_change(
    chain: Command, database: Database
) -> None:
    """trap: a command that ended in between had changed a job, and no one had done it"""

    def last_note() -> tuple[str, bool]:
        [found] = database.execute(
            "SELECT reason, note.xmin = job.xmin FROM crontabber_spans AS note"
            " JOIN crontabber AS job USING (app_name) WHERE slots = 0 AND app_name = 'fetch'"
            " ORDER BY id DESC LIMIT 1"
        )
        return found

    said = say(chain, "--backfill=fetch", f"--from={day(4)}", f"--to={day(4)}", "--with-children")
    number = said.partition(" ")[2].partition(":")[0]
    assert last_note() == ("backfill", True)
    say(chain, f"--cancel-backfill={number}")
    assert last_note() == (f"cancel backfill {number}", True)
    say(chain, "--pause=fetch")
    assert last_note() == ("pause", True)
    say(chain, "--resume=fetch")
    assert last_note() == ("resume", True)
    notes = database.execute(
        "SELECT reason, count(*) FROM crontabber_spans WHERE app_name = 'report'"
        " GROUP BY reason ORDER BY reason"
    )
    assert notes == [("backfill", 1), (f"cancel backfill {number}", 1)]


# -- pauses ----------------------------------------------------------------------


def test_a_paused_job_does_not_run_and_says_why(chain: Command, database: Database) -> None:
    said = say(chain, "--pause=fetch,mail", "--why=the disk is full")
    assert "fetch is paused until " in said
    assert "; --resume=fetch ends it" in said
    [(until,)] = database.execute(
        "SELECT paused_until - paused_since FROM crontabber WHERE app_name = 'fetch'"
    )
    assert until == timedelta(days=1)
    pass_time(database, "2 days")
    done = chain(CONF, UTC, INFO)
    assert done.returncode == 0
    assert "fetch is skipped: paused, by " in done.stderr
    assert "the disk is full" in done.stderr
    assert len(days(chain, "fetch")) == 1
    # a child sees a paused parent as not done
    assert len(days(chain, "report")) == 1
    assert "paused" in say(chain, "--status")
    assert "Paused:         until " in say(chain, "--list-jobs=fetch")
    assert chain(CONF, UTC, "--nagios").returncode < 2

    assert "fetch was paused: its next run is at once" in say(chain, "--resume=fetch")
    assert "mail was paused: its next run is at " in say(chain, "--resume=mail")
    assert say(chain, "--resume=mail") == "mail is not paused"
    say(chain)
    assert len(days(chain, "fetch")) == len(days(chain, "report")) == 3
    slots = database.execute("SELECT verdict, slots FROM crontabber_spans WHERE slots > 0")
    assert slots == [("paused", 48)]


def test_a_pause_for_ever_and_one_until_a_time(chain: Command, database: Database) -> None:
    assert "until it is resumed" in say(chain, "--pause=all", "--for=ever")
    assert "is over already" in say(chain, "--pause=all", "--until=2020-01-01", status=1)
    assert "give only one" in say(chain, "--pause=all", "--for=1h", "--until=2027-01-01", status=1)
    say(chain, "--pause=fetch", "--until=2099-01-01T03:00")
    [(until,)] = database.execute(
        "SELECT paused_until::text FROM crontabber WHERE app_name = 'fetch'"
    )
    assert until.startswith("2099-01-01 03:00")
    assert len(say(chain, "--resume=all").splitlines()) == 3
    assert say(chain, "--resume=all") == "no job is paused"
    say(chain, "--pause=fetch")
    assert say(chain, "--reset-job=fetch").endswith("; its pause is forgotten, too")
    assert say(chain, "--reset-job=mail") == "mail is reset: it will run as if for the first time"
    for verb in ("pause", "resume", "mark-success"):
        assert "no job is named" in say(chain, f"--{verb}=, ,", status=1)


# -- what is passed over ------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "dates", "verdict"),
    [
        ("missed=latest", 1, "passed over"),
        ("too_late=30h", 2, "too late"),
        ("missed=none", 1, "too late"),
        ("missed=all", 6, None),
    ],
)
def test_what_becomes_of_slots_that_were_missed(
    crontabber: Command, database: Database, option: str, dates: int, verdict: str | None
) -> None:
    path = crontabber.configure(database, "fetch|1d")
    path.write_text(f"{path.read_text()}\n[job]\n[[fetch]]\n{SECTIONS['fetch']}\n{option}\n")
    say(crontabber)
    pass_time(database, "6 days")
    say(crontabber)
    assert len(days(crontabber, "fetch")) == 1 + dates
    assert days(crontabber, "fetch")[-1] == day(0)
    [(ledger,)] = database.execute("SELECT to_regclass('crontabber_spans')")
    if verdict is None:
        assert ledger is None  # it is made when it is needed
    else:
        assert database.execute("SELECT verdict, slots FROM crontabber_spans") == [
            (verdict, 6 - dates)
        ]


def test_a_backfill_app_that_never_ran_begins_at_its_start(
    crontabber: Command, database: Database
) -> None:
    path = crontabber.configure(database, "fetch|1d|03:00")
    section = f"{SECTIONS['fetch']}\nstart={day(3)}"
    path.write_text(f"{path.read_text()}\n[job]\n[[fetch]]\n{section}\n")
    say(crontabber)
    assert days(crontabber, "fetch")[:3] == [day(3), day(2), day(1)]


@pytest.mark.parametrize(
    ("to", "last", "dates"),
    [
        ("2025-10-26T02:30", "02:30", 4),
        ("2025-10-26T02:30+02:00", "02:30", 4),
        ("2025-10-26T02:30+01:00", "02:30", 6),
        ("2025-10-26T03:00", "03:00", 7),
        ("2025-10-26", "23:30", 48),
    ],
)
def test_the_end_of_a_range_in_an_hour_that_comes_twice(
    crontabber: Command, database: Database, to: str, last: str, dates: int
) -> None:
    """The first of the two, as for all times; an offset says otherwise, and a day has all"""
    crontabber.write("jobs.py", HALF_HOURLY)
    crontabber.configure(database, "jobs.App|*/30 * * * *", "timezone=Europe/Berlin")
    crontabber(CONF)
    wish = ("--backfill=half", "--from=2025-10-26T01:00", f"--to={to}", "--dry-run")
    said = crontabber(CONF, *wish).stdout.splitlines()
    assert (len(said), said[-1]) == (dates, f"half 2025-10-26 {last}")


HALF_HOURLY = """
from crontabber.base import BaseCronApp
from crontabber.mixins import as_backfill_cron_app

@as_backfill_cron_app
class App(BaseCronApp):
    app_name = "half"

    def run(self, date):
        pass
"""
