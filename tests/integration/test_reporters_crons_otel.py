"""Sentry's check-ins and OpenTelemetry's spans, against receivers that read their protocols."""

import gzip
import json

import pytest

from crontabber.reporters.crons import schedule_of, slug_of
from crontabber.schedule.grammar import Schedule
from tests.receiver import Receiver
from tests.support import Command, Database

CONF = "--admin.conf=crontabber.ini"
APPS = """
from crontabber.base import BaseCronApp

class Spans(BaseCronApp):
    app_name = "Spans!"
    def run(self):
        from opentelemetry import trace
        with trace.get_tracer("mine").start_as_current_span("a step"):
            pass

class Bad(BaseCronApp):
    app_name = "bad"
    def run(self):
        raise ValueError("no")
"""


@pytest.fixture
def receiver():
    with Receiver() as server:
        yield server


def tick(crontabber: Command, database: Database, sections: str) -> str:
    crontabber.write("jobs.py", APPS)
    crontabber.configure(database, "jobs.Spans|1d|00:00\njobs.Bad|5m", sections)
    done = crontabber(CONF)
    assert done.returncode == 0
    return done.stderr


def test_runs_check_in_at_sentry_with_their_schedules(receiver, crontabber, database):
    pytest.importorskip("sentry_sdk")
    dsn = f"http://key@{receiver.url[7:]}/14"
    tick(crontabber, database, f"timezone=Europe/Berlin\n[sentry]\ndsn={dsn}\ncrons=yes")
    check_ins = [found for each in receiver.wait(5) for found in items(each, "check_in")]
    by_job = {name: [each for each in check_ins if each["monitor_slug"] == name] for name in
              ("spans", "bad")}  # fmt: skip
    assert [each["status"] for each in by_job["spans"]] == ["in_progress", "ok"]
    assert [each["status"] for each in by_job["bad"]] == ["in_progress", "error"]
    begin, end = by_job["spans"]
    assert begin["check_in_id"] == end["check_in_id"]
    assert end["duration"] >= 0
    assert end["monitor_config"] == {
        "schedule": {"type": "crontab", "value": "0 0 * * *"},
        "timezone": "Europe/Berlin",
        "checkin_margin": 60,
        "max_runtime": 720,
    }
    errors = [found for each in receiver.requests for found in items(each, "event")]
    assert [each["tags"]["app_name"] for each in errors] == ["bad"]


def items(request, kind):
    """The items of this kind in an envelope."""
    lines = gzip.decompress(request.body).split(b"\n")[1:]
    pairs = zip(lines[::2], lines[1::2], strict=False)
    return [json.loads(body) for head, body in pairs if json.loads(head)["type"] == kind]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5m", {"type": "interval", "value": 5, "unit": "minute"}),
        ("2h", {"type": "interval", "value": 2, "unit": "hour"}),
        ("7d", {"type": "interval", "value": 7, "unit": "day"}),
        ("7d|03:30", {"type": "interval", "value": 7, "unit": "day"}),
        ("1d|03:30", {"type": "crontab", "value": "30 3 * * *"}),
        ("mon..wed|03:30", {"type": "crontab", "value": "30 3 * * 1,2,3"}),
        ("1,15,last|00:00", {"type": "crontab", "value": "0 0 1,15,L * *"}),
        ("1h|:05", {"type": "crontab", "value": "5 * * * *"}),
        ("*/7 3 * * mon", {"type": "crontab", "value": "*/7 3 * * mon"}),
    ],
)
def test_a_schedule_is_told_in_one_of_sentrys_two_forms(text, expected):
    assert schedule_of(Schedule.parse(text)) == expected


@pytest.mark.parametrize(
    ("name", "slug"), [("My App.2", "my-app-2"), ("ä", "job"), ("x" * 99, "x" * 50)]
)
def test_the_name_of_a_monitor(name, slug):
    assert slug_of(name) == slug


def test_a_run_is_a_span_and_those_of_the_job_are_below_it(receiver, crontabber, database):
    pytest.importorskip("opentelemetry.sdk")
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
        ExportMetricsServiceRequest,
    )
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    said = tick(
        crontabber,
        database,
        f'[otel]\nendpoint={receiver.url}\nheaders="x-key=k3y-that-is-s3cret"',
    )
    assert "k3y" not in said
    traces, metrics = sorted(receiver.wait(2), key=lambda each: each.path, reverse=True)
    assert (traces.path, metrics.path) == ("/v1/traces", "/v1/metrics")
    assert traces.headers["x-key"] == "k3y-that-is-s3cret"
    spans = spans_of(ExportTraceServiceRequest.FromString(traces.body))
    assert set(spans) == {"Spans!", "a step", "bad"}
    assert spans["a step"].parent_span_id == spans["Spans!"].span_id
    assert spans["bad"].trace_id != spans["Spans!"].trace_id
    assert spans["bad"].status.message == "ValueError: no"
    body = ExportMetricsServiceRequest.FromString(metrics.body)
    names = {
        metric.name
        for resource in body.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }
    assert names == {"crontabber.runs", "crontabber.run.duration"}


def spans_of(request):
    return {
        span.name: span
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    }
