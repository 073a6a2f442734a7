"""What is told of dates that people asked for, by the command, against what the rows say."""

import os
from datetime import date, timedelta

import pytest

from tests.acceptance.rows import CONF
from tests.schemas import conforming
from tests.support import Command, Database

INI = """\
[crontabber]
timezone={zone}
error_retry_time=0
jobs='''
{jobs}
'''
{database}
[job]
[[a]]
command=sh work.sh
backfill=yes
{options}
"""
WORK = 'if grep -qxF -e "$CRONTABBER_DATE" -e "$CRONTABBER_DAY" broken; then exit 1; fi\n'


class World:
    """A job whose dates of the last five days are done, and which fails at those in a file."""

    def __init__(self, command: Command, database: Database) -> None:
        self.command, self.database = command, database
        command.write("work.sh", WORK)
        self.breaks()

    def begin(self, jobs: str = "a|1d|00:00", options: str = "", zone: str = "UTC") -> None:
        text = INI.format(
            zone=zone, jobs=jobs, options=options, database=self.database.ini_section()
        )
        self.command.write("crontabber.ini", text)
        self.say()
        first = f"date_trunc('day', now(), '{zone}') - interval '5 days'"
        self.database.execute(
            f"UPDATE crontabber SET first_slot = {first}, next_slot = {first}, next_run = {first},"
            " last_run = NULL, own_last_run = NULL, last_success = NULL"
        )
        self.database.execute("DELETE FROM crontabber_log")
        self.say()

    def breaks(self, *dates: str) -> None:
        self.command.write("broken", "".join(f"{each}\n" for each in dates))

    def say(self, *options: str) -> str:
        done = self.command(CONF, *options)
        assert done.returncode == 0, done.stderr
        return str(done.stdout).strip()

    def ask(self, first: str, last: str, *more: str) -> str:
        """Ask for dates; the number that people speak of."""
        said = self.say("--backfill=a", f"--from={first}", f"--to={last}", *more)
        return said.partition(" ")[2].partition(":")[0]

    def told(self, first: str, last: str = "") -> list[str]:
        """What history, calendar and explanation say of a range: three verdicts, or fewer."""
        found = []
        for verb in ("history", "dates"):
            options = (f"--{verb}=a", f"--from={first}", f"--to={last or first}", "--format=json")
            [job] = conforming(self.say(*options))["jobs"]
            found.append("+".join(each["verdict"] for each in job["slots"]))
        at = (last or first) if "T" in first else f"{first}T12:00"
        [job] = conforming(self.say("--explain=a", f"--at={at}", "--format=json"))["jobs"]
        return [*found, job["past"]["verdict"]]


@pytest.fixture
def world(crontabber: Command, database: Database) -> World:
    return World(crontabber, database)


def day(back: int) -> str:
    return str(date.today() - timedelta(days=back))  # noqa: DTZ011  the server's zone is UTC


def test_dates_of_before_the_first_one(world: World) -> None:
    """trap: "All dates are done" while some were asked for; "tried again" when it was cancelled"""
    world.begin()
    assert world.told(day(9)) == ["", "", "unknown"]
    world.breaks(day(8))
    number = world.ask(day(9), day(7))
    assert world.told(day(9)) == ["open"] * 3
    assert "All dates are done" not in world.say("--dates=a", f"--from={day(9)}")
    world.say()
    assert world.told(day(9)) == ["done"] * 3
    assert world.told(day(8)) == ["failed"] * 3
    assert world.told(day(7)) == ["open"] * 3
    assert world.told(day(9), day(7))[:2] == ["done+failed+open"] * 2
    world.say(f"--cancel-backfill={number}")
    assert world.told(day(9)) == ["done"] * 3
    assert world.told(day(8)) == ["failed", "not run", "failed"]
    assert world.told(day(7)) == ["", "", "unknown"]


def test_a_redo_that_fails_undoes_nothing(world: World) -> None:
    """trap: to the calendar the date had failed, to the history it was done"""
    world.begin()
    world.breaks(day(3))
    number = world.ask(day(4), day(2), "--redo=all")
    world.say()
    for back in (4, 3, 2):
        assert world.told(day(back)) == ["done"] * 3
    world.say(f"--cancel-backfill={number}")
    world.database.execute("DELETE FROM crontabber_log WHERE exc_type IS NULL")  # as is cleaned
    assert world.told(day(3)) == ["done"] * 3


def test_dates_that_are_given_up(world: World) -> None:
    """trap: they counted as done, and those that had been done before counted as missing"""
    world.begin(options="retry=1")
    world.breaks(day(8), day(3))
    world.ask(day(9), day(7))
    world.say()
    assert ": 1 of 3 dates done, 1 given up; next " in world.say("--list-backfills")
    [job] = conforming(world.say("--list-backfills", "--format=json"))["jobs"]
    [asked] = job["backfills"]
    assert (asked["total"], asked["done"], asked["given_up"]) == (3, 1, 1)
    assert world.told(day(8)) == ["given up", "not run", "given up"]
    world.say()
    world.ask(day(3), day(3), "--redo=all")
    world.say()
    assert world.told(day(3)) == ["done"] * 3
    assert world.say("--list-backfills") == "no backfill is under way"
    options = ("--backfill=a", f"--from={day(9)}", f"--to={day(1)}", "--dry-run")
    assert day(3) not in world.say(*options)
    assert day(3) in world.say(*options, "--redo=failed")


def test_dates_that_were_passed_over(world: World) -> None:
    world.begin(options="missed=latest")
    assert world.told(day(3)) == ["passed over", "not run", "passed over"]
    world.breaks(day(3))
    number = world.ask(day(4), day(2))
    assert world.told(day(4), day(2)) == ["open", "open", "open"]
    world.say()
    assert world.told(day(4), day(2))[:2] == ["done+failed+open"] * 2
    assert world.told(day(3)) == ["failed"] * 3
    world.say(f"--cancel-backfill={number}")
    assert world.told(day(3)) == ["passed over", "not run", "passed over"]


def test_the_hour_that_exists_twice(world: World) -> None:
    """trap: the two had one name"""
    world.begin("a|1h", zone="Europe/Berlin")
    world.breaks("2026-10-25T02:00:00+01:00")
    world.ask("2026-10-25", "2026-10-25T03:00")
    world.say()
    night = ("2026-10-25T01:00", "2026-10-25T03:00")
    assert world.told(*night) == ["done+failed+open"] * 2 + ["open"]
    lines = world.say("--history=a", f"--from={night[0]}", f"--to={night[1]}")
    assert "2026-10-25 01:00 .. 2026-10-25 02:00 CEST (2)  done" in lines
    assert "2026-10-25 02:00 CET " in lines
    assert "failed once at 2026-10-25 02:00 CET: " in world.say("--status")


def test_a_job_that_gets_no_dates_any_more(world: World) -> None:
    """trap: its dates were said to be tried again, and each tick imported its class for that"""
    world.begin()
    world.breaks(day(9))
    number = world.ask(day(9), day(8))
    world.say()
    ini = world.command.directory / "crontabber.ini"
    ini.write_text(ini.read_text().replace("backfill=yes", "backfill=no"))
    world.say()
    ends = f"the job gets no dates any more: --cancel-backfill={number} ends it"
    assert world.say("--list-backfills") == f"{number} a: 0 of 2 dates done; {ends}"
    assert ends in " ".join(world.say("--explain=a").split())
    assert world.say(f"--cancel-backfill={number}").startswith(f"backfill {number} of a is cancel")
    assert world.say("--list-backfills") == "no backfill is under way"


def test_a_date_in_progress_when_its_backfill_is_cancelled_is_not_missing(world: World) -> None:
    """trap: the ledger did not know of it, and the next request had it done a second time"""
    world.begin()
    gate = world.command.directory / "gate"
    os.mkfifo(gate)
    world.command.write("work.sh", 'test -p gate && echo "$CRONTABBER_DAY" > gate; true')
    number = world.ask(day(10), day(8))
    with world.command.popen(CONF) as tick:
        while f"running {day(10)}" not in world.say("--list-backfills"):
            assert tick.poll() is None
        assert "0 of 3" in world.say(f"--cancel-backfill={number}")
        assert gate.read_text().strip() == day(10)
        assert tick.wait() == 0
    assert world.told(day(10)) == ["done"] * 3
    missing = [f"a {day(9)} 00:00", f"a {day(8)} 00:00"]
    options = ("--backfill=a", f"--from={day(10)}", f"--to={day(8)}")
    assert world.say(*options, "--dry-run").splitlines() == missing
    assert len(world.say(*options, "--dry-run", "--redo=all").splitlines()) == 3
