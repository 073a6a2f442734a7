"""What --graph prints."""

import re
import shutil
import subprocess
from datetime import datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from crontabber.schedule.findings import Counts, Health
from crontabber.schedule.grammar import Schedule
from crontabber.schedule.model import JobSpec, JobState, LastError
from crontabber.schedule.status import Overview, statuses
from crontabber.views import graph as view
from crontabber.views.envelope import class_of
from tests.schemas import conforming

NOW = datetime(2026, 11, 28, 10, 33, tzinfo=timezone.utc)
BERLIN = ZoneInfo("Europe/Berlin")


def overview(
    jobs: dict[str, tuple[str, ...]], states: dict[str, JobState] | None = None
) -> Overview:
    specs = [
        JobSpec(name, f"m.{number}", Schedule.parse("1h"), BERLIN, depends_on=parents)
        for number, (name, parents) in enumerate(jobs.items())
    ]
    rows = states if states is not None else {name: ok(name) for name in jobs}
    health = Health([], Counts(jobs=len(jobs)), False)
    return Overview(NOW, BERLIN, statuses(specs, rows, health, NOW), health)


def ok(name: str, minutes: int = 10, **more: Any) -> JobState:
    slot, past = NOW + timedelta(minutes=minutes), NOW - timedelta(minutes=50)
    return JobState(name, next_run=slot, next_slot=slot, last_run=past, last_success=past, **more)


CHAIN = {
    "extract": (),
    "rates": (),
    "transform": ("extract",),
    "load": ("transform",),
    "report": ("load", "rates"),
}
ERROR = LastError("<class 'OSError'>", "[Errno 111] Connection refused", "")
STATES = {
    **{name: ok(name) for name in CHAIN},
    "transform": ok("transform", last_error=ERROR, error_count=3),
    "load": ok("load", -5),
}


def test_the_tree() -> None:
    text = view.graph(overview(CHAIN, STATES), width=100)
    assert text.splitlines() == [
        "extract          ok",
        "└─ transform     failed  failed 3 times: OSError: [Errno 111] Connection refused",
        "   └─ load       blocked  transform failed when it last ran",
        "      └─ report  ok",
        "rates            ok",
        "└─ report        see above",
    ]


def test_a_long_reason_stands_below_beside_the_branches() -> None:
    text = view.graph(overview(CHAIN, STATES), width=60)
    assert text.splitlines()[1:5] == [
        "└─ transform     failed",
        "   │      failed 3 times: OSError: [Errno 111] Connection",
        "   │      refused",
        "   └─ load       blocked  transform failed when it last ran",
    ]
    assert max(map(len, text.splitlines())) <= 60


def test_the_tree_in_ascii() -> None:
    text = view.graph(overview(CHAIN, STATES), branches=view.ASCII, width=100)
    assert text.isascii()
    assert text.splitlines()[3] == "      `- report  ok"


def test_children_of_one_parent_are_in_the_listed_order() -> None:
    jobs = {"a": (), "c": ("a",), "b": ("a",), "d": ("c",)}
    assert view.graph(overview(jobs)).splitlines() == [
        "a        ok",
        "├─ c     ok",
        "│  └─ d  ok",
        "└─ b     ok",
    ]


def test_a_parent_that_is_not_configured_and_a_circle_are_said() -> None:
    jobs: dict[str, tuple[str, ...]] = {"a": ("gone",), "b": ("c",), "c": ("b",)}
    lines = view.graph(overview(jobs)).splitlines()
    assert lines[0] == "gone  not in this configuration"
    assert lines[1].startswith("└─ a  ")
    assert "in a circle" in lines[-1]
    assert view.graph(overview({})) == "There are no jobs."


def test_a_job_and_its_kin() -> None:
    found = overview(CHAIN)
    kin = [each.job.app_name for each in view.kin(found.statuses, "load")]
    assert kin == ["extract", "transform", "load", "report"]
    assert [each.job.app_name for each in view.kin(found.statuses, "rates")] == ["rates", "report"]


def test_the_state_is_coloured() -> None:
    text = view.graph(overview(CHAIN, STATES), style=lambda kind, text: f"<{kind}>{text}")
    assert "<error>failed" in text
    assert "<overdue>blocked" in text


ODD = {'we"ird \\ [x] #1;': (), "näme\nwith": ('we"ird \\ [x] #1;', "gone")}


def test_mermaid() -> None:
    lines = view.mermaid(overview(CHAIN, STATES)).splitlines()
    assert lines[0] == "flowchart TD"
    assert '    job3["transform<br/>failed"]:::error' in lines
    assert "    job1 --> job3" in lines
    assert sum("-->" in line for line in lines) == 4
    odd = view.mermaid(overview(ODD))
    [label] = re.findall(r'job1\["(.*)"\]', odd)
    assert not set(label.replace("<br/>", "")) & set('"[]<>')
    assert "not in this configuration" in odd


def test_dot() -> None:
    text = view.dot(overview(ODD))
    assert r'label="we\"ird \\ [x] #1;\nok"' in text
    assert "job1 -> job2;" in text
    if not shutil.which("dot"):
        pytest.skip("Graphviz is not installed")
    done = subprocess.run(["dot", "-Tsvg"], input=text, capture_output=True, text=True, check=True)
    assert "<svg" in done.stdout


def test_the_document_conforms() -> None:
    document = conforming(view.graph_document(overview(CHAIN, STATES), class_of))
    assert document["kind"] == "graph"
    assert document["jobs"][4]["depends_on"] == ["load", "rates"]
