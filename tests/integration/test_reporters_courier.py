"""Pings and letters against a real server that takes them, is slow, refuses, redirects, hangs."""

import json
import logging
import os
import socket
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import psutil
import pytest

from crontabber.reporters import Tick
from crontabber.reporters.budget import Budget
from crontabber.reporters.courier import Courier, CourierReporter
from crontabber.reporters.pings import Ping, PingReporter
from crontabber.schedule.grammar import Schedule
from crontabber.schedule.model import JobSpec, LastError, Outcome, Run
from tests.receiver import Receiver
from tests.support import ROOT, TIMEOUT

NOW = datetime(2026, 11, 24, 3, tzinfo=timezone.utc)
JOB = JobSpec("my-app", "jobs.MyApp", Schedule.parse("1h"), ZoneInfo("UTC"))
OTHER = JOB._replace(app_name="other")
SOON = 0.5
"""Seconds to wait for a server that never answers."""


@pytest.fixture
def receiver():
    with Receiver() as server:
        yield server


@pytest.fixture
def courier():
    return Courier(Budget(TIMEOUT))


def run_of(job, error=None):
    outcome = Outcome.FAILED if error else Outcome.SUCCEEDED
    known = error and LastError("<class 'ValueError'>", error, "")
    return Run(job.app_name, NOW, NOW, timedelta(seconds=1), outcome, "host", known)


def test_what_is_handed_over_arrives(receiver, courier):
    courier.request("a ping", f"{receiver.url}/a", method="POST", body=b"\x00\xff")
    courier.request("a ping", f"{receiver.url}/b?key=1")
    assert courier.finish() == []
    assert sorted(receiver.paths) == ["/a", "/b"]
    assert {request.body for request in receiver.requests} == {b"\x00\xff", b""}


def test_letters_with_one_key_arrive_in_their_order(receiver, courier):
    receiver.delay = 0.01
    for number in range(20):
        courier.request("a ping", f"{receiver.url}/{number}", key="one")
    assert courier.finish() == []
    assert receiver.paths == [f"/{number}" for number in range(20)]


@pytest.mark.parametrize(
    ("status", "headers", "why"),
    [
        (500, {}, "HTTP 500 Internal Server Error"),
        (403, {}, "HTTP 403 Forbidden"),
        (301, {"Location": "http://127.0.0.1:9/"}, "HTTP 301 Moved Permanently"),
        (302, {"Location": "/elsewhere"}, "HTTP 302 Found"),
    ],
)
def test_a_server_that_refuses_or_redirects_is_told_of(receiver, courier, status, headers, why):
    receiver.status, receiver.answer_headers = status, headers
    courier.request("a ping", f"{receiver.url}/k3y")
    assert courier.finish() == [("a ping", why)]
    assert len(receiver.requests) == 1, "no redirect is followed: it could get the key"


def test_one_that_is_not_there_is_told_of(courier):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    courier.request("a ping", f"http://127.0.0.1:{port}/k3y")
    courier.request("a name", "http://nowhere.invalid/k3y", key="other")
    found = dict(courier.finish())
    assert "Connection refused" in found["a ping"]
    assert "k3y" not in str(found)
    assert found["a name"]


def test_a_slow_server_is_waited_for(receiver, courier):
    receiver.delay = 0.3
    courier.request("a ping", receiver.url)
    assert courier.finish() == []


def test_one_that_hangs_does_not_hold_up_the_others_nor_the_tick(receiver):
    budget = Budget(SOON)
    courier = Courier(budget)
    with Receiver() as dead:
        dead.status = 0
        began = time.monotonic()
        for number in range(100):
            courier.request("a dead one", f"{dead.url}/{number}")
        handed_over = time.monotonic() - began
        courier.request("a ping", receiver.url)
        failures = courier.finish()
        receiver.wait(1)
    assert {each.to for each in failures} <= {"a dead one", "a ping"}
    assert "no answer within 0.5 s" in failures[0].why
    assert budget.left < SOON
    assert handed_over < TIMEOUT / 6


def test_a_slow_one_may_get_it_after_the_tick_has_gone(receiver):
    courier = Courier(Budget(0.0))
    courier.request("a ping", receiver.url)
    assert len(courier.finish()) == 1
    receiver.wait(1)


def test_a_tick_that_is_killed_has_told_what_it_told(receiver):
    code = f"""if True:
        import os, signal
        from crontabber.reporters.budget import Budget
        from crontabber.reporters.courier import Courier
        Courier(Budget()).request("a ping", "{receiver.url}/last-words")
        os.kill(os.getpid(), signal.SIGKILL)
        """
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False, timeout=TIMEOUT)
    assert receiver.wait(1)[0].path == "/last-words"


def test_the_process_that_delivers_is_no_child_of_the_tick(receiver, courier):
    """trap: a job that waits for all its children would wait for it, for ever"""
    before = psutil.Process().children()
    courier.request("a ping", receiver.url)
    assert psutil.Process().children() == before
    courier.finish()


def test_no_url_can_be_seen_in_the_list_of_processes(receiver, courier):
    receiver.status = 0
    courier.request("a ping", f"{receiver.url}/k3y")
    receiver.wait(1)
    listed = subprocess.run(["ps", "axww", "-o", "args"], capture_output=True, check=False)
    assert b"carrier.py" in listed.stdout
    assert b"k3y" not in listed.stdout


def test_a_job_that_closes_our_pipe_and_opens_a_file_does_not_get_our_words(
    receiver, courier, tmp_path
):
    courier.request("a ping", receiver.url)
    pipe = courier._process._in
    file = os.open(tmp_path / "own", os.O_CREAT | os.O_RDWR)
    os.dup2(file, pipe)
    courier.request("a ping", f"{receiver.url}/k3y")
    failures = courier.finish()
    os.close(file)
    os.close(pipe)
    assert (tmp_path / "own").read_bytes() == b""
    assert "a job has closed" in failures[0].why


def test_a_command_gets_its_text_and_says_why_it_failed(courier, tmp_path):
    text = json.dumps(["ä" * 100_000])
    courier.send("a command", "command", command=f"cat > {tmp_path}/got", input=text)
    courier.send("another", "command", command="echo one; echo two >&2; exit 7", input="")
    courier.send("a third", "command", command="kill -9 $$", input=text)
    assert sorted(courier.finish()) == [
        ("a third", "it was ended by signal 9"),
        ("another", "it exits with 7: two"),
    ]
    assert (tmp_path / "got").read_text() == text


def test_what_did_not_arrive_is_a_line_for_each_receiver(receiver, courier, caplog):
    receiver.status = 500
    told = CourierReporter(courier, Budget(), lambda text: text.replace("Internal", "***"))
    for number in range(3):
        courier.request("a ping", f"{receiver.url}/{number}")
    told.finished()
    told.finished()
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage() == "a ping did not arrive: 3 times: HTTP 500 *** Server Error"


# -- the pings of runs -----------------------------------------------------------------


def pinging(courier, receiver, heartbeat=""):
    ping = Ping(f"{receiver.url}/{{job}}", start=True)
    return PingReporter(courier, lambda job: ping if job.app_name != "silent" else None, heartbeat)


def test_runs_are_pinged_with_one_id_each(receiver, courier):
    told = pinging(courier, receiver)
    told.started(JOB, run_of(JOB))
    told.succeeded(JOB, run_of(JOB))
    told.started(OTHER, run_of(OTHER))
    told.failed(OTHER, run_of(OTHER, "no"), ValueError("no"))
    told.finished()
    assert courier.finish() == []
    of_job = [each for each in receiver.requests if each.path.startswith("/my-app")]
    of_other = [each for each in receiver.requests if each.path.startswith("/other")]
    assert [each.path for each in of_job] == ["/my-app/start", "/my-app"]
    assert [each.path for each in of_other] == ["/other/start", "/other/fail"]
    assert len({each.query["rid"] for each in of_job}) == 1
    assert {each.query["rid"] for each in of_job} != {each.query["rid"] for each in of_other}


def test_a_backfill_that_catches_up_is_not_a_ping_for_each_slot(receiver, courier):
    told = pinging(courier, receiver)
    for _ in range(100):
        told.started(JOB, run_of(JOB))
        told.succeeded(JOB, run_of(JOB))
    told.started(JOB, run_of(JOB))
    told.failed(JOB, run_of(JOB, "no"), ValueError("no"))
    told.finished()
    assert courier.finish() == []
    assert receiver.paths == ["/my-app/start", "/my-app/fail"]


def test_jobs_without_a_ping_are_silent(receiver, courier):
    told = pinging(courier, receiver)
    silent = JOB._replace(app_name="silent")
    told.started(silent, run_of(silent))
    told.succeeded(silent, run_of(silent))
    told.finished()
    assert courier.finish() == []
    assert receiver.requests == []


def test_the_heartbeat_says_whether_the_tick_did_its_work(receiver, courier):
    told = pinging(courier, receiver, f"{receiver.url}/beat")
    told.ticked(Tick())
    told.ticked(Tick("the database is away"))
    assert courier.finish() == []
    assert receiver.paths == ["/beat", "/beat/fail"]
