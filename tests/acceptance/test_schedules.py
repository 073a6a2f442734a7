"""The manual's chapters 1.2.2 and 1.2.3: how often a job runs, and at what time."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from psycopg2 import sql

from tests.acceptance.rows import CONF, INFO, pass_time, ran, runs, state
from tests.support import Command, Database

APPS = """\
from crontabber.base import BaseCronApp

class App(BaseCronApp):
    def run(self):
        pass

class A(App):
    app_name = 'a'

class B(App):
    app_name = 'b'

class C(App):
    app_name = 'c'

class Bad(App):
    app_name = 'bad'

    def run(self):
        raise ValueError('bad')
"""


def moment(row: Any, column: str, zone: str = "UTC") -> datetime:
    """A column of a row, in a zone."""
    when: datetime = getattr(row, column)
    return when.astimezone(ZoneInfo(zone))


def zone_where_it_is(hour: int, database: Database) -> str:
    """A time zone where it is between this hour and the next."""
    [(now,)] = database.execute("SELECT extract(hour FROM now() AT TIME ZONE 'UTC')::int")
    east = (hour - now + 11) % 24 - 11
    return f"Etc/GMT{-east:+d}"  # its sign is the wrong way round


def set_zone(database: Database, zone: str) -> None:
    database.execute(
        sql.SQL("ALTER DATABASE {} SET timezone TO {}").format(
            sql.Identifier(database.dbname), sql.Literal(zone)
        )
    )


def test_a_frequency_is_minutes_hours_or_days(crontabber: Command, database: Database) -> None:
    crontabber.write("jobs/myapp.py", APPS)
    crontabber.configure(database, "jobs.myapp.A|5m\njobs.myapp.B|1h\njobs.myapp.C|3d")
    crontabber(CONF)
    assert ran(database) == ["a", "b", "c"]  # what has never run is due at once

    pass_time(database, "3 minutes")
    crontabber(CONF)
    assert len(runs(database)) == 3

    for how_much, expected in [("2 minutes", ["a"]), ("1 hour", ["a", "b"])]:
        before = len(runs(database))
        pass_time(database, how_much)
        crontabber(CONF)
        assert ran(database)[before:] == expected

    pass_time(database, "3 days")
    crontabber(CONF)
    assert ran(database)[-3:] == ["a", "b", "c"]
    row = state(database, "a")  # for all that it missed, it ran once
    assert moment(row, "next_run") - moment(row, "last_run") <= timedelta(minutes=5)


def test_a_time_of_day_is_meant_in_the_time_zone_of_the_server(
    crontabber: Command, database: Database
) -> None:
    crontabber.write("jobs/myapp.py", APPS)
    crontabber.configure(
        database, "jobs.myapp.A|1d|06:00\njobs.myapp.B|2d|21:00\njobs.myapp.C|22:30"
    )
    noon = zone_where_it_is(12, database)
    set_zone(database, noon)
    crontabber(
        CONF, env={"TZ": "America/New_York"}
    )  # what the host takes for its zone is no matter
    assert ran(database) == ["a"]  # the only one whose time has passed today

    [(now,)] = database.execute("SELECT now()")
    today = now.astimezone(ZoneInfo(noon)).replace(hour=0, minute=0, second=0, microsecond=0)
    expected = {
        "a": today + timedelta(days=1, hours=6),
        "b": today + timedelta(hours=21),
        "c": today + timedelta(hours=22, minutes=30),
    }
    for name, when in expected.items():
        assert moment(state(database, name), "next_run", noon) == when
    listed = crontabber(CONF, "--list-jobs").stdout
    assert "Frequency:      2d @ 21:00" in listed
    assert f"Next run:       {expected['a']:%Y-%m-%d} 06:00:00" in listed

    # the server moves, and the jobs with it; that starts none of them
    evening = zone_where_it_is(16, database)
    set_zone(database, evening)
    crontabber(CONF)
    assert ran(database) == ["a"]
    assert moment(state(database, "b"), "next_run", evening).hour == 21

    # or the configuration says otherwise
    crontabber.configure(database, "jobs.myapp.B|2d|21:00", f"timezone={noon}")
    crontabber(CONF)
    assert moment(state(database, "b"), "next_run", noon).hour == 21


def test_two_days_at_a_time_of_day(crontabber: Command, database: Database) -> None:
    crontabber.write("jobs/myapp.py", APPS)
    crontabber.configure(database, "jobs.myapp.A|2d|06:00")
    noon = zone_where_it_is(12, database)
    set_zone(database, noon)
    crontabber(CONF)
    first = moment(state(database, "a"), "next_run", noon)
    assert (first.hour, first.minute) == (6, 0)
    pass_time(database, "1 day")
    crontabber(CONF)
    assert ran(database) == ["a"]
    pass_time(database, "1 day")
    crontabber(CONF)
    assert ran(database) == ["a", "a"]
    assert moment(state(database, "a"), "next_run", noon) == first


def test_the_jobs_list_is_written_for_people(crontabber: Command, database: Database) -> None:
    """trap: "# old: m.A|1h, m.B|1h" ran B."""
    crontabber.write("jobs/myapp.py", APPS)
    crontabber.configure(
        database,
        """\

        jobs.myapp.A | 5m  ,jobs.myapp.B|1h;
            # old: jobs.myapp.Bad|1h, jobs.myapp.Bad|2h
        jobs.myapp.C |1d|  03:00   # at night
        """,
    )
    done = crontabber(CONF, "--list")
    assert done.returncode == 0
    blocks = [block.splitlines()[1:4] for block in done.stdout.split("\n\n")]
    assert blocks == [
        ["Class:          jobs.myapp.A", "App name:       a", "Frequency:      5m"],
        ["Class:          jobs.myapp.B", "App name:       b", "Frequency:      1h"],
        ["Class:          jobs.myapp.C", "App name:       c", "Frequency:      1d @ 03:00"],
    ]


def test_an_edited_frequency_counts_from_now_on_and_starts_nothing(
    crontabber: Command, database: Database
) -> None:
    """trap: 7d changed to 5m took effect after up to 7 days."""
    crontabber.write("jobs/myapp.py", APPS)
    crontabber.configure(database, "jobs.myapp.A|7d\njobs.myapp.B|7d")
    crontabber(CONF)
    pass_time(database, "1 day")
    crontabber.configure(database, "jobs.myapp.A|5m\njobs.myapp.B|7d")
    crontabber(CONF)
    assert ran(database) == ["a", "b"]
    pass_time(database, "5 minutes")
    crontabber(CONF)
    assert ran(database) == ["a", "b", "a"]


def test_a_failed_job_is_tried_again_after_five_minutes_and_never_later_than_its_next_turn(
    crontabber: Command, database: Database
) -> None:
    """trap: a failed 1m job was retried after 300 s, later than had it succeeded."""
    crontabber.write("jobs/myapp.py", APPS)
    crontabber.configure(database, "jobs.myapp.Bad|1h")
    done = crontabber(CONF, INFO)
    assert "bad failed: ValueError: bad" in done.stderr
    row = state(database, "bad")
    wait = moment(row, "next_run") - moment(row, "last_run")
    assert timedelta(minutes=5) - wait < timedelta(seconds=1)
    assert (row.error_count, row.last_success) == (1, None)
    assert row.last_error["type"] == "<class 'ValueError'>"
    assert row.last_error["value"] == "bad"
    assert "in run" in row.last_error["traceback"]

    pass_time(database, "5 minutes")
    crontabber.configure(database, "jobs.myapp.Bad|1h", "error_retry_time=60")
    crontabber(CONF)
    row = state(database, "bad")
    assert row.error_count == 2
    assert moment(row, "next_run") - moment(row, "last_run") <= timedelta(minutes=1)

    crontabber.configure(database, "jobs.myapp.Bad|1m")
    crontabber(CONF, "--job=bad", "--force")
    row = state(database, "bad")
    assert moment(row, "next_run") - moment(row, "last_run") <= timedelta(minutes=1)


CALENDARS = """
jobs.myapp.A|mon..sun|06:00, jobs.myapp.B|*/10 8-18 * * mon-fri,sun#2
jobs.myapp.C|1,15,last|03:00   # the first, the middle and the end of a month
jobs.myapp.Bad|1h|:05
"""


def test_calendars_are_listed_run_and_waited_for(crontabber: Command, database: Database) -> None:
    crontabber.write("jobs/myapp.py", APPS)
    crontabber.configure(database, CALENDARS)
    noon = zone_where_it_is(12, database)
    set_zone(database, noon)
    done = crontabber(CONF, "--configtest")
    assert (done.returncode, done.stderr) == (0, "")

    crontabber(CONF)
    assert "a" in ran(database)  # 06:00 has passed today
    [(now,)] = database.execute("SELECT now()")
    today = now.astimezone(ZoneInfo(noon)).replace(hour=0, minute=0, second=0, microsecond=0)
    assert moment(state(database, "a"), "next_run", noon) == today + timedelta(days=1, hours=6)
    plans = dict(database.execute("SELECT app_name, plan FROM crontabber"))
    assert plans["a"] == f"mon..sun|06:00 {noon}"
    assert plans["b"] == f"*/10 8-18 * * mon-fri,sun#2 {noon}"
    assert moment(state(database, "c"), "next_slot", noon).day in {1, 15, *range(28, 32)}
    assert moment(state(database, "bad"), "next_slot", noon).minute == 5

    listed = crontabber(CONF, "--list-jobs").stdout
    for shown in ("mon..sun @ 06:00", "*/10 8-18 * * mon-fri,sun#2", "1h @ :05"):
        assert f"Frequency:      {shown}\n" in listed
    assert f"{today + timedelta(days=1):%Y-%m-%d} 06:00:00" in listed

    # nothing is due now, and a changed calendar starts nothing
    pass_time(database, "1 day", "a")
    crontabber.configure(database, CALENDARS.replace("mon..sun|06:00", "0 7 * * *"))
    before = ran(database)
    crontabber(CONF)
    assert ran(database) == [*before, "a"]  # its old slot was open
    crontabber(CONF)
    assert ran(database) == [*before, "a"]
    assert moment(state(database, "a"), "next_run", noon) == today + timedelta(days=1, hours=7)


def test_a_schedule_that_cannot_be_is_refused_in_one_line(
    crontabber: Command, database: Database
) -> None:
    crontabber.write("jobs/myapp.py", APPS)
    bad = "jobs.myapp.A|30m|:05\njobs.myapp.B|0 3 * * fri#weekly\njobs.myapp.C|mon,1|03:00"
    crontabber.configure(database, bad)
    done = crontabber(CONF, "--configtest")
    assert done.returncode == 3
    assert "Traceback" not in done.stdout + done.stderr
    for said in ("needs a frequency of whole hours", "cannot be 'fri#weekly'", "write one kind"):
        assert said in done.stdout + done.stderr
