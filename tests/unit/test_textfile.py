"""Metrics in a file: as Prometheus reads them, whole, and with what the rows do not have."""

import json
import re
import shutil
import subprocess
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from prometheus_client.parser import text_string_to_metric_families

from crontabber.reporters import Tick
from crontabber.reporters.textfile import TextfileReporter
from crontabber.schedule.grammar import Schedule
from crontabber.schedule.model import JobSpec, JobState, LastError, Outcome, Run
from tests.support import ROOT

NOW = datetime(2026, 11, 24, 12, tzinfo=timezone.utc)
HOUR = timedelta(hours=1)
JOB = JobSpec("a", "jobs.A", Schedule.parse("1h"), ZoneInfo("UTC"))
ROW = JobState("a", next_run=NOW + HOUR, next_slot=NOW + HOUR, last_run=NOW, last_success=NOW,
               class_path="jobs.A", plan="1h", backfill=False)  # fmt: skip


@pytest.fixture
def path(tmp_path):
    return tmp_path / "crontabber.prom"


def tick(*rows, jobs=(JOB,), runs=(), **more):
    states = {row.app_name: row for row in rows}
    return Tick("", NOW, jobs, states, runs, **more)


def written(path, *what, **more):
    TextfileReporter(str(path)).ticked(tick(*what, **more))
    families = [*text_string_to_metric_families(path.read_text())]
    assert all(family.type == "gauge" and family.documentation for family in families)
    return {
        (sample.name.removeprefix("crontabber_"), sample.labels.get("job", "")): sample.value
        for family in families
        for sample in family.samples
    }


def test_a_job_that_is_well(path):
    found = written(path, ROW)
    assert found["job_status", "a"] == 0
    assert found["job_last_success_timestamp_seconds", "a"] == NOW.timestamp()
    assert found["job_next_run_timestamp_seconds", "a"] == (NOW + HOUR).timestamp()
    assert found["job_late_seconds", "a"] == found["job_open_slots", "a"] == 0
    assert found["tick_timestamp_seconds", ""] == NOW.timestamp()
    assert ("job_last_run_duration_seconds", "a") not in found


def test_a_backfill_app_that_is_late_and_blocked(path):
    fill = JOB._replace(app_name="f", backfill=True, depends_on=("a",))
    slot = NOW - 3 * HOUR
    row = ROW._replace(app_name="f", backfill=True, next_run=slot, next_slot=slot)
    broken = ROW._replace(last_error=LastError("x", "y", ""), error_count=3)
    found = written(path, row, broken, jobs=(JOB, fill))
    assert found["job_open_slots", "f"] == 4
    assert found["job_late_seconds", "f"] == 3 * 3600
    assert found["job_blocked", "f"] == 1
    assert found["job_failures_in_a_row", "a"] == 3
    assert found["job_status", "a"] == 2
    assert found["job_status", "f"] == 0, "one cause is one finding, as --nagios has it"


@pytest.mark.parametrize("name", ['odd "name"', "back\\slash", "two\nlines", "ä"])
def test_any_name_is_a_label_and_its_duration_is_kept(path, name):
    job, row = JOB._replace(app_name=name), ROW._replace(app_name=name)
    run = Run(name, NOW, NOW, timedelta(seconds=1.25), Outcome.SUCCEEDED, "host")
    assert (
        written(path, row, jobs=(job,), runs=(run,))["job_last_run_duration_seconds", name] == 1.25
    )
    assert written(path, row, jobs=(job,))["job_last_run_duration_seconds", name] == 1.25
    elsewhere = row._replace(last_run=NOW + HOUR)
    assert ("job_last_run_duration_seconds", name) not in written(path, elsewhere, jobs=(job,))


def test_a_job_without_a_row_has_what_is_known(path):
    found = written(path)
    assert found["job_failures_in_a_row", "a"] == 0
    assert ("job_last_success_timestamp_seconds", "a") not in found


def test_a_tick_that_failed_leaves_the_file_and_its_time(path):
    written(path, ROW)
    before = path.read_text()
    TextfileReporter(str(path)).ticked(Tick("the database is away"))
    assert path.read_text() == before


def test_a_file_that_cannot_be_written_is_one_warning(tmp_path, caplog):
    TextfileReporter(str(tmp_path / "nowhere" / "a.prom")).ticked(tick(ROW))
    [record] = caplog.records
    assert "cannot be written: No such file or directory" in record.getMessage()


def test_all_may_read_it_and_nothing_else_is_left(path):
    written(path, ROW)
    assert path.stat().st_mode & 0o777 == 0o644
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_a_file_that_is_none_of_ours_to_read_is_replaced(path):
    path.write_bytes(b'\xff\x00 crontabber_job_last_run_duration_seconds{job="a"} x\n')
    assert written(path, ROW)


def test_promtool_finds_no_fault(path):
    promtool = shutil.which("promtool")
    if not promtool:
        pytest.skip("there is no promtool")
    written(path, ROW)
    done = subprocess.run(
        [promtool, "check", "metrics"], stdin=path.open(), capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("name", ["alerts.yml", "grafana.json"])
def test_the_examples_speak_of_metrics_that_there_are(path, name):
    text = (ROOT / "docs" / "telling" / name).read_text(encoding="utf-8")
    if name.endswith("json"):
        json.loads(text)
    run = Run("a", NOW, NOW, HOUR, Outcome.SUCCEEDED, "host")
    found = {f"crontabber_{metric}" for metric, _ in written(path, ROW, runs=(run,))}
    used = set(re.findall(r"crontabber_\w+", text))
    assert used <= found
