"""What people ask of jobs by ``manage.py``; and settings of dates, output and receivers."""

import json
import re
from pathlib import Path

from tests.acceptance.rows import pass_time, ran
from tests.contrib_django.site import Site
from tests.receiver import Receiver
from tests.support import Database

_CALLS = """
import io, json
from django.core.management import CommandError, call_command

def call(*words):
    out = io.StringIO()
    try:
        call_command(*words, stdout=out)
    except CommandError as error:
        return [error.returncode, str(error)]
    except SystemExit as error:
        return [error.code, out.getvalue()]
    return [0, out.getvalue()]

print(json.dumps([call(*words) for words in json.loads({words!r})]))
"""


def calls(site: Site, *lines: str) -> list[tuple[int, str]]:
    """The exit status of each command, and what it said; all in one process."""
    program = _CALLS.format(words=json.dumps([line.split() for line in lines]))
    done = site("shell", "-v0", "-c", program)
    assert done.returncode == 0, done.stderr
    return [(code, text.strip()) for code, text in json.loads(done.stdout)]


def test_a_pause(site: Site, database: Database) -> None:
    told = site.told(database, [{"cmd": "talk", "frequency": "1m"}, {"cmd": "fail"}])
    told.ok("cronrun", "-v0")
    said = calls(
        told,
        "cronpause talk --for=2h --why=maintenance",
        "cronlist",
        "cronpause fail --for=1h --until=2099-01-01",
        "cronpause fail --until=2000-01-01",
        "cronpause tlk",
        "cronpause all --for=ever",
        "cronresume fail",
        "cronresume fail talk",
        "cronpause talk,",
        "cronrun -v0",
        "cronretry fail",
        "cronretry talk",
    )
    assert said[0][0] == 0
    assert said[0][1].startswith("talk is paused until 20")
    assert said[0][1].endswith("; manage.py cronresume talk ends it")
    assert re.search("Paused: .+, by .+@.+: maintenance", said[1][1])
    assert said[2] == (1, "give only one of --for and --until")
    assert said[3] == (1, "a pause until 2000-01-01 is over already: give a later time")
    assert said[4] == (1, "there is no job 'tlk': did you mean talk?")
    assert said[5][1].count("is paused until it is resumed: manage.py cronresume ") == 2
    assert said[6][1].startswith("fail was paused: its next run is at ")
    assert said[7][1].splitlines()[0] == "fail is not paused"
    assert said[7][1].splitlines()[1].startswith("talk was paused: its next run is at ")
    assert said[8][0] == 0
    assert said[10] == (0, "fail is tried again by the next tick")
    assert said[11] == (0, "talk has not failed: there is nothing to try again")


def days_ago(database: Database, *numbers: int) -> list[str]:
    return [
        day
        for (day,) in database.execute(
            "SELECT to_char(now() AT TIME ZONE 'UTC' - days * interval '1 day', 'YYYY-MM-DD')"
            " FROM unnest(%s) WITH ORDINALITY AS given (days, place) ORDER BY place",
            [list(numbers)],
        )
    ]


def test_dates_on_purpose(site: Site, database: Database) -> None:
    """Dates before ``start``, which were never due; ``cronrun`` does them."""
    days = days_ago(database, *range(20, -1, -1))
    start, first, last = days[16], days[4], days[6]
    more = {"backfill": True, "last_success": True, "start": start}
    told = site.told(database, [{"cmd": "dates", **more}, {"cmd": "talk"}])
    asked = f"cronbackfill dates --from={first} --to={last}"
    said = calls(
        told,
        "cronrun -v0 --job=talk",
        f"{asked} --dry-run",
        asked,
        "cronbackfill --list",
        f"cronbackfill talk --from={first} --to={last}",
        "cronbackfill dates",
        "cronbackfill dates --list",
        "cronbackfill --list --newest-first",
        "cronbackfill --cancel=7",
        f"cronbackfill dates --from={days[0]} --to={days[1]} --redo=all --newest-first",
        "cronbackfill --cancel=4",
        "cronrun -v0",
        "cronbackfill --list",
    )
    assert said[1] == (0, "\n".join(f"dates {day} 00:00" for day in days[4:7]))
    number, hint = said[2][1].splitlines()
    assert number == f"backfill 2: 3 dates of dates, {first} 00:00 to {last} 00:00"
    assert "manage.py cronbackfill --list shows how far they are" in hint
    assert hint.endswith("manage.py cronbackfill --cancel=2 ends it")
    assert said[3][1].startswith(f"2 dates: 0 of 3 dates done; next {first} 00:00")
    assert said[4][0] == 1
    assert "manage.py cronrun --job=talk --force runs it now" in said[4][1]
    assert said[5] == (
        1,
        "manage.py cronbackfill NAME needs --from=DATE and --to=DATE, such as 2026-11-21",
    )
    assert said[6][1] == "name a job with --from and --to, or ask for --list or --cancel=N"
    assert said[7][1] == "--newest-first needs a job: write cronbackfill JOB --from=D --to=D"
    assert said[8] == (1, "there is no backfill 7 under way: see manage.py cronbackfill --list")
    assert said[9][1].startswith("backfill 4: 2 dates of dates")
    assert said[10] == (0, "backfill 4 of dates is cancelled: 0 of 2 dates were done")
    assert said[12] == (0, "no backfill is under way")
    done = database.execute(
        "SELECT to_char(slot AT TIME ZONE 'UTC', 'YYYY-MM-DD') FROM crontabber_log"
        " WHERE app_name = 'dates' ORDER BY id"
    )
    slots = [slot for (slot,) in done]
    assert slots == [*days[16:], *days[4:7]], "by the schedule from its start, then what was asked"


def test_cronlist_looks_as_the_command_line_does(site: Site, database: Database) -> None:
    jobs = [{"cmd": "fail"}, {"cmd": "talk", "depends_on": "fail", "frequency": "1h"}]
    told = site.told(database, jobs)
    told.ok("cronrun")
    said = calls(
        told,
        "cronlist --status",
        "cronlist --status=fail --format=json",
        "cronlist --explain=talk",
        "cronlist --explain",
        "cronlist --history=fail --failed --count=1",
        "cronlist --preview --until=2000-01-01",
        "cronlist --status --graph",
        "cronlist --count=3",
        "cronlist --format=json",
        "cronlist --nagios --format=json",
    )
    assert "2 jobs: 0 ok, 1 failed, 1 blocked" in said[0][1]
    document = json.loads(said[1][1])
    assert [job["app_name"] for job in document["jobs"]] == ["fail"]
    assert "TRY      manage.py cronretry fail" in said[2][1]
    assert said[3][0] == 1
    assert "ValueError" in said[4][1]
    assert said[5] == (1, "--until=2000-01-01 is in the past: write a time that is to come")
    assert said[6] == (1, "give only one of --status and --graph")
    assert said[7] == (
        1,
        "option --count goes with --history or --preview: give one of them, too",
    )
    assert json.loads(said[8][1])["kind"] == "list-jobs"
    assert (said[9][0], json.loads(said[9][1])["kind"]) == (2, "nagios")


def test_what_is_missed(site: Site, database: Database) -> None:
    jobs = [
        {"cmd": "talk", "frequency": "1h", "missed": "none", "too_late": "10m"},
        {
            "cmd": "dates",
            "cmd_args": ["--last-success="],
            "frequency": "1h",
            "backfill": True,
            "missed": "latest",
        },
    ]
    told = site.told(database, jobs)
    told.ok("cronrun")
    pass_time(database, "5 hours 30 minutes")
    told.ok("cronrun")
    assert ran(database) == ["talk", "dates", "dates"]
    verdicts = database.execute(
        "SELECT app_name, verdict, sum(slots)::integer FROM crontabber_spans"
        " GROUP BY 1, 2 ORDER BY 1"
    )
    assert verdicts == [("dates", "passed over", 4), ("talk", "too late", 5)]


def test_output_is_kept_and_trimmed(site: Site, database: Database) -> None:
    jobs = [{"cmd": "talk", "keep_output": 60}, {"cmd": "fail"}]
    told = site.told(database, jobs)
    told.ok("cronrun")
    kept = database.execute("SELECT output FROM crontabber_log ORDER BY id")
    # what is printed, in its order; what is logged is in the log
    assert kept[1] == (None,)
    assert kept[0][0].endswith("to stderr\none\ntwo\nan error\nlogged\nno end")
    assert len(kept[0][0].encode()) <= 60
    said = calls(
        told, "cronclean --keep-output=0 --dry-run", "cronclean", "cronclean --keep-output=0"
    )
    assert [text for _, text in said] == [
        "to be removed from the log: 0 successes, 0 errors, the output of 1 runs",
        "removed from the log: 0 successes, 0 errors, the output of 0 runs",
        "removed from the log: 0 successes, 0 errors, the output of 1 runs",
    ]
    assert database.execute("SELECT count(output) FROM crontabber_log") == [(0,)]


def test_people_are_told_of_changes(site: Site, database: Database, tmp_path: Path) -> None:
    with Receiver() as receiver:
        more = f"""
CRONTABBER_HEARTBEAT = {receiver.url!r} + "/beat/0a1b2c3d4e5f6a7b8c9d"
CRONTABBER_PING = {receiver.url!r} + "/{{job}}"
CRONTABBER_NOTIFY_COMMAND = "cat >> events; echo >> events"
CRONTABBER_NOTIFY_ON = ["failed"]
CRONTABBER_TEXTFILE = {str(tmp_path / "jobs.prom")!r}
CRONTABBER_ERROR_RETRY_TIME = 0
"""
        told = site.told(database, [{"cmd": "fail"}, {"cmd": "talk", "ping": ""}], more)
        first = told.ok("cronrun")
        again = told.ok("cronrun")
        assert sorted(receiver.paths) == [*["/beat/0a1b2c3d4e5f6a7b8c9d"] * 2, *["/fail/fail"] * 2]
        assert told("cronnotifytest").returncode == 0
        assert "0a1b2c3d" not in told.ok("shell", "-v0", "-c", _REDACTED)
    assert "ERROR - fail failed: ValueError: " in first
    assert "INFO - fail failed" in again, "that it fails again is no news"
    assert "ERROR" not in again
    [event] = json.loads((site.directory / "events").read_text().splitlines()[0])
    assert (event["event"], event["job"]) == ("failed", "fail")
    assert 'crontabber_job_failures_in_a_row{job="fail"} 2' in (tmp_path / "jobs.prom").read_text()


_REDACTED = """
from django.conf import settings
from crontabber.contrib.django.cron import DjangoCron
from crontabber.contrib.django.secrets import redactor
with DjangoCron() as cron:
    print(cron.redact(settings.CRONTABBER_HEARTBEAT), redactor()(settings.CRONTABBER_HEARTBEAT))
"""
