"""The verbs --preview and --graph, and the warnings of --configtest, by the real command."""

import re

import pytest
from icalendar import Calendar

from tests.schemas import conforming
from tests.support import Command, Database

CONF = "--admin.conf=crontabber.ini"
JOBS = """
from crontabber.base import BaseCronApp

class Fetch(BaseCronApp):
    app_name = "fetch"
    def run(self):
        raise OSError("refused")

class Report(BaseCronApp):
    app_name = "report"
    depends_on = "fetch"
    def run(self):
        pass

class Nightly(BaseCronApp):
    app_name = "nightly"
    def run(self):
        pass
"""


@pytest.fixture
def site(crontabber: Command, module_database: Database) -> Command:
    crontabber.write("jobs/shop.py", JOBS)
    lines = "jobs.shop.Fetch|1h\njobs.shop.Report|1h\njobs.shop.Nightly|1d|02:30"
    crontabber.configure(module_database, lines, "timezone=Europe/Berlin")
    return crontabber


def ask(site: Command, *arguments: str, env: dict[str, str] | None = None) -> str:
    done = site(CONF, *arguments, env=env)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_a_preview_writes_nothing_and_makes_no_tables(
    site: Command, module_database: Database
) -> None:
    text = ask(site, "--preview")
    assert text.count("\n") == 3 + 10 + 1  # why one of them is blocked
    assert module_database.execute("SELECT to_regclass('crontabber')") == [(None,)]


def test_preview_and_graph_after_a_tick(site: Command) -> None:
    site(CONF)
    text = ask(site, "--preview", "--count=3")
    assert re.search(r"in 5m +fetch  try 2$", text, re.MULTILINE)
    assert re.search(r"due +report", text)
    assert "blocked: fetch failed" in text
    text = ask(site, "--preview=jobs.shop.Nightly", "--until=2099-01-01", "--count=400")
    assert "02:30 does not exist: clocks are set forward to 03:00" in text
    assert "02:30 exists twice: the first counts" in text
    assert "report" not in text

    document = conforming(ask(site, "--preview=report", "--format=json"))
    assert len(document["jobs"][0]["upcoming"]) == 10
    calendar = Calendar.from_ical(ask(site, "--preview=fetch", "--count=2", "--format=ics"))
    assert [event["SUMMARY"] for event in calendar.walk("VEVENT")] == ["fetch", "fetch"]

    tree = ask(site, "--graph").splitlines()
    assert tree[:2] == [
        "fetch      failed  failed once: OSError: refused",
        "└─ report  blocked  fetch failed when it last ran",
    ]
    assert tree[2].startswith("nightly  ")
    ascii_only = ask(site, "--graph=report", env={"PYTHONIOENCODING": "ascii"}).splitlines()
    assert ascii_only[1].startswith("`- report")
    assert len(ascii_only) == 2
    assert ask(site, "--graph", "--format=mermaid").startswith("flowchart TD\n")
    assert ask(site, "--graph", "--format=dot").startswith("digraph crontabber {\n")
    assert conforming(ask(site, "--graph", "--format=json"))["kind"] == "graph"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--preview --count=0", "--count=0 is not a number from 1 to 10000: write --count=10"),
        (
            "--preview --count=many",
            "--count=many is not a number from 1 to 10000: write --count=10",
        ),
        ("--preview --until=then", "'then' is not a time: write YYYY-MM-DDTHH:MM"),
        ("--preview --until=2020-01-01", "--until=2020-01-01 is in the past: write a time that"),
        ("--preview=reprot", "there is no job 'reprot': did you mean report?"),
        ("--graph=reprot", "there is no job 'reprot': did you mean report?"),
        ("--graph --format=ics", "--format=ics is not known to --graph: write text or json or me"),
    ],
)
def test_bad_input_gets_one_line(site: Command, arguments: str, said: str) -> None:
    done = site(CONF, *arguments.split())
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"crontabber: {said}")
    assert done.stderr.count("\n") == 1


def test_configtest_warns_of_odd_schedules_and_exits_with_the_number_of_faults(
    site: Command,
) -> None:
    said = ask(site, "--configtest").splitlines()
    assert said[-1] == "OK: all 3 jobs are well"
    assert len(said) == 3
    for line in said[:2]:
        assert re.match(r"warning: nightly \(1d\|02:30\): on \d{4}-\d\d-\d\d 02:30 ", line)
        assert line.endswith("(Europe/Berlin)")
