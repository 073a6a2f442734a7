"""The settings: what a job is made of, and what is said of one that cannot be used."""

import subprocess
import sys
from datetime import date, timedelta

import pytest

pytest.importorskip("django", reason="Django is not installed: pip install 'crontabber[django]'")

from crontabber.config.appspec import AppSpec
from crontabber.contrib.django.command import app_class
from crontabber.contrib.django.database import parameters
from crontabber.contrib.django.jobs import Job, Jobs, SettingError, read_job
from crontabber.contrib.django.words import in_django
from crontabber.schedule.grammar import Schedule
from crontabber.schedule.model import Missed, Tells


def test_a_command_alone_runs_daily():
    assert read_job({"cmd": "report"}, "here") == Job("report", "report", Schedule.parse("1d"))


def test_a_job_with_everything():
    entry = {
        "cmd": "report",
        "name": "report-csv",
        "cmd_args": ["--days", 3],
        "frequency": "2d",
        "time": "21:00",
        "backfill": True,
        "last_success": True,
        "depends_on": "fetch",
        "lock": "shop",
        "retry": 3,
        "timeout": "2h",
        "missed": "latest",
        "too_late": "6h",
        "start": date(2026, 1, 1),
        "keep_output": 4096,
        "on": ["failed", "late"],
        "ping": "https://hc-ping.example/{job}",
    }
    job = read_job(entry, "here")
    assert job == Job(
        name="report-csv",
        cmd="report",
        schedule=Schedule.parse("2d|21:00"),
        cmd_args=("--days", "3"),
        depends_on=("fetch",),
        backfill=True,
        last_success=True,
        lock="shop",
        retry=3,
        timeout="2h",
        missed="latest",
        too_late="6h",
        start=date(2026, 1, 1),
        keep_output=4096,
        on=["failed", "late"],
        ping="https://hc-ping.example/{job}",
    )
    spec = AppSpec.of(app_class(job))
    assert (spec.missed, spec.too_late) == (Missed.LATEST, timedelta(hours=6))
    assert (spec.start, spec.keep_output, spec.is_command) == ("2026-01-01", 4096, True)
    assert spec.tells == Tells(on=("failed", "late"), ping="https://hc-ping.example/{job}")
    assert str(job.line) == "django:report-csv|2d|21:00"
    assert str(job) == "report --days 3"


@pytest.mark.parametrize(
    ("frequency", "time", "schedule"),
    [
        ("mon..fri", "06:30", "mon..fri|06:30"),
        ("1,15,last", "3:00", "1,15,last|03:00"),
        ("1h", ":05", "1h|:05"),
        ("*/10 8-18 * * MON-FRI", None, "*/10 8-18 * * mon-fri"),
        ("0 3 * * fri#2", None, "0 3 * * fri#2"),
    ],
)
def test_a_job_takes_every_schedule_of_the_core(frequency, time, schedule):
    job = read_job({"cmd": "report", "frequency": frequency, "time": time}, "here")
    assert job.schedule == Schedule.parse(schedule)
    assert str(job.line) == f"django:report|{schedule}"


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("report", "is a str, and not a dict"),
        ({}, "has no command"),
        ({"cmd": 3}, "has no command"),
        ({"cmd": "cronrun"}, "(cronrun) runs the jobs, and cannot be one of them: leave it out"),
        ({"cmd": "r", "frequncy": "1d"}, "unknown key 'frequncy': did you mean frequency?"),
        ({"cmd": "r", "zzz": 1}, "unknown key 'zzz': a job has cmd, name, cmd_args"),
        ({"cmd": "r", "frequency": "5"}, "cannot be used: '5' is not a frequency"),
        ({"cmd": "r", "frequency": 5}, "frequency of here (r) is 5: make it a text"),
        ({"cmd": "r", "frequency": "1d|03:00"}, "'1d|03:00' is not a frequency"),
        ({"cmd": "r", "frequency": "03:00"}, "'03:00' is not a frequency"),
        ({"cmd": "r", "frequency": "mon..fri"}, "'mon..fri' has no time"),
        ({"cmd": "r", "frequency": "0 3 * *", "time": ""}, "make it a text"),
        ({"cmd": "r", "frequency": "0 3 * *"}, "not a cron expression: write five fields"),
        ({"cmd": "r", "frequency": "30m", "time": ":05"}, "needs a frequency of whole hours"),
        ({"cmd": "r", "spread": "soon"}, "spread of here (r) cannot be used: it is 'soon', not a"),
        ({"cmd": "r", "time": "3h"}, "'3h' is not a time"),
        ({"cmd": "r", "frequency": "1h", "time": "03:00"}, "needs a frequency of whole days"),
        ({"cmd": "r", "cmd_args": "--x"}, "make it a list"),
        ({"cmd": "r", "backfill": "yes"}, "make it True or False"),
        ({"cmd": "r", "depends_on": [1]}, "make it the name of a job"),
        ({"cmd": "r", "name": ""}, "make it a text"),
        ({"cmd": "r", "name": "a\0"}, "here (r) cannot be used: a name in it is 'a\\x00'"),
        ({"cmd": "r", "lock": 3}, "lock of here (r) cannot be used: it is 3, not a name"),
        ({"cmd": "r", "retry": "3"}, "retry of here (r) cannot be used: it is '3': it has to be"),
        ({"cmd": "r", "timeout": "2"}, "timeout of here (r) cannot be used: it is '2', not a"),
        ({"cmd": "r", "missed": "some"}, "it is 'some', and not one of: all, latest, none"),
        ({"cmd": "r", "too_late": "soon"}, "it is 'soon', not a length of time such as '2h'"),
        ({"cmd": "r", "start": "monday"}, "it is 'monday', not a date such as 2026-11-21"),
        ({"cmd": "r", "keep_output": "1MB"}, "it is '1MB', not a whole number from 0 on"),
        ({"cmd": "r", "on": ["faild"]}, "on of here (r) cannot be used: it is not one of failed"),
        ({"cmd": "r", "ping": "ftp://x"}, "ping of here (r) cannot be used: it is not a URL"),
        ({"cmd": "all"}, "give it another name"),
    ],
)
def test_what_is_wrong_with_a_job_is_said(entry, said):
    with pytest.raises(SettingError) as error:
        read_job(entry, "here")
    assert said in str(error.value)


def test_one_bad_job_does_not_spoil_the_others():
    jobs = Jobs.read([{"cmd": "a"}, {}, {"cmd": "a"}, {"cmd": "a", "name": "b"}])
    assert [str(line) for line in jobs.lines] == ["django:a|1d", "django:b|1d"]
    assert [fault.message for fault in jobs.faults] == [
        "CRONTABBER_JOBS[1] has no command",
        "CRONTABBER_JOBS[2] (a) is the second job called 'a'",
    ]


def test_the_setting_is_a_list():
    [fault] = Jobs.read({"cmd": "a"}).faults
    assert str(fault) == "CRONTABBER_JOBS is a dict, and not a list: make it a list of dicts"


def _database(**values):
    return {"NAME": "", "HOST": "", "PORT": "", "USER": "", "PASSWORD": "", "OPTIONS": {}, **values}


@pytest.mark.parametrize(
    ("database", "expected"),
    [
        (_database(), {}),
        (
            _database(NAME="shop", HOST="db", PORT=5433, USER="u", PASSWORD="a b"),
            {"dbname": "shop", "host": "db", "port": "5433", "user": "u", "password": "a b"},
        ),
        (
            _database(OPTIONS={"sslmode": "require", "connect_timeout": 3, "pool": True}),
            {"sslmode": "require", "connect_timeout": "3"},
        ),
        (_database(OPTIONS={"service": "shop", "isolation_level": 2}), {"service": "shop"}),
        (
            _database(OPTIONS={"options": "-c search_path=jobs", "assume_role": "the owner"}),
            {"options": "-c search_path=jobs -c role=the\\ owner"},
        ),
    ],
)
def test_libpq_is_told_what_django_is_told(database, expected):
    assert parameters(database) == expected


def test_answers_name_the_commands_of_the_project():
    assert in_django("--resume=a b ends it") == "manage.py cronresume a b ends it"
    assert in_django("see --list-backfills") == "see manage.py cronbackfill --list"
    quoted = "TRY crontabber --retry=a; its error: no --retry=3"
    assert in_django(quoted, quotes=True) == "TRY manage.py cronretry a; its error: no --retry=3"


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("TELL = 'sometimes'", "TELL cannot be used: it is not one of changes, every"),
        ("REMIND = 'soon'", "REMIND cannot be used: 'soon' is not a length of time"),
        ("PING = 'ftp://key'", "PING cannot be used: it is not a URL that begins with https"),
        ("NOTIFY_ON = ['faild']", "NOTIFY_ON cannot be used: it is not one of failed"),
        ("HEARTBAET = 'x'", "there is no setting CRONTABBER_HEARTBAET: did you mean"),
    ],
)
def test_what_is_wrong_with_a_setting_is_said(setting, said):
    program = f"""
from django.conf import settings
name, _, text = {setting!r}.partition(" = ")
databases = {{"default": {{"ENGINE": "django.db.backends.postgresql", "NAME": "x"}}}}
settings.configure(DATABASES=databases, **{{"CRONTABBER_" + name: eval(text)}})
from crontabber.contrib.django import conf
print(*conf.faults(), *conf.strangers())
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert said in done.stdout
    assert "key" not in done.stdout
