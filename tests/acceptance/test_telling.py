"""What the real command tells whom, and how long that may take it."""

import contextlib
import json
import socket
import time
from typing import Any

import pytest

from tests.receiver import Receiver
from tests.support import Command, Database

CONF = "--admin.conf=crontabber.ini"

APPS = """
from pathlib import Path
from crontabber.base import BaseCronApp

class Good(BaseCronApp):
    app_name = "good"
    def run(self):
        pass

class Bad(BaseCronApp):
    app_name = "bad"
    def run(self):
        if (path := Path("error")).exists():
            raise ValueError(path.read_text())

class Worse(Bad):
    app_name = "worse"

class Child(BaseCronApp):
    app_name = "child"
    depends_on = ("bad",)
    def run(self):
        pass
"""
JOBS = "jobs.Bad|1h\njobs.Good|1h"


@pytest.fixture
def receiver():
    with Receiver() as server:
        yield server


class Installation:
    """Jobs, and a crontab that starts them when the test says so."""

    def __init__(self, crontabber: Command, database: Database) -> None:
        self.crontabber = crontabber
        self.database = database
        crontabber.write("jobs.py", APPS)

    def configure(self, more: str = "", jobs: str = JOBS, sections: str = "") -> None:
        self.crontabber.configure(self.database, jobs, f"{more}\n{sections}")

    def fail(self, text: str | None) -> None:
        path = self.crontabber.directory / "error"
        if text is None:
            path.unlink()
        else:
            path.write_text(text)

    def tick(self, hours: float = 0) -> str:
        """Let so many hours pass, and tick; what goes to stderr."""
        self.pass_time(hours)
        done = self.crontabber(CONF)
        assert (done.returncode, done.stdout) == (0, "")
        return done.stderr

    def pass_time(self, hours: float) -> None:
        if not hours:
            return
        moves = ", ".join(
            f"{name} = {name} - %(by)s::interval"
            for name in (
                *("next_run", "next_slot", "last_run", "own_last_run"),
                *("last_success", "waits_since"),
            )
        )
        self.database.execute(
            f"UPDATE crontabber SET {moves}, told = CASE WHEN told IS NOT NULL THEN"
            " json_build_object('since', ((told->>'since')::timestamptz - %(by)s::interval),"
            " 'at', (told->>'at')::timestamptz - %(by)s::interval, 'of', told->'of') END",
            {"by": f"{hours} hours"},
        )

    def told(self, app_name: str) -> Any:
        [(told,)] = self.database.execute(
            "SELECT told FROM crontabber WHERE app_name = %s", [app_name]
        )
        return told

    def runs(self) -> int:
        [(count,)] = self.database.execute("SELECT count(*) FROM crontabber_log")
        return int(count)


@pytest.fixture
def installed(crontabber, database):
    return Installation(crontabber, database)


# -- the log, which cron mails -----------------------------------------------------


def test_a_failure_is_one_line_when_it_begins_one_a_day_and_one_when_it_is_over(installed):
    """trap: a job that fails for three days mails at every retry"""
    installed.configure()
    installed.fail("no such file: 17")
    assert "ERROR - bad failed: ValueError: no such file: 17\n" in installed.tick()
    installed.fail("no such file: 18")
    assert installed.tick(1) == "", "the same error, but for a number"
    assert installed.tick(1) == ""
    installed.fail("refused")
    assert "ERROR - bad failed: ValueError: refused\n" in installed.tick(1), "another error"
    assert installed.tick(20) == ""
    [line] = installed.tick(4).splitlines()
    assert "ERROR - bad still fails: ValueError: refused (not well since " in line
    assert installed.tick(1) == ""
    installed.fail(None)
    [line] = installed.tick(1).splitlines()
    assert "WARNING - bad is well again (not well since " in line
    assert installed.told("bad") is None
    assert installed.tick(1) == ""


def test_every_brings_the_old_way_back(installed):
    installed.configure("tell=every")
    installed.fail("no")
    for hours in (0, 1, 1):
        assert "ERROR - bad failed: ValueError: no\n" in installed.tick(hours)
    installed.fail(None)
    assert installed.tick(1) == ""


def test_how_often_to_be_reminded_is_a_setting(installed):
    installed.configure("remind=2h")
    installed.fail("no")
    assert "bad failed" in installed.tick()
    assert installed.tick(1) == ""
    assert "bad still fails" in installed.tick(1.1)
    installed.configure("remind=never")
    assert installed.tick(100) == ""


def test_a_job_that_waits_for_its_parent_for_too_long_is_told_of_and_when_it_ran(installed):
    installed.configure(jobs="jobs.Bad|1h\njobs.Child|1h")
    installed.fail("no")
    installed.tick()
    assert installed.tick() == ""  # which sees that the new job waits
    [line] = installed.tick(1.2).splitlines()
    assert "child is late: due since " in line
    assert "blocked: bad failed when it last ran" in line
    assert installed.tick(1) == ""
    installed.fail(None)
    lines = installed.tick(1).splitlines()
    assert ["bad is well again" in lines[0], "child is well again" in lines[1]] == [True, True]


def test_a_job_that_was_marked_as_successful_is_well_again(installed):
    installed.configure(jobs="jobs.Bad|1d")
    installed.fail("no")
    installed.tick()
    assert installed.crontabber(CONF, "--mark-success=bad").returncode == 0
    assert "bad is well again" in installed.tick()
    assert installed.tick() == ""


# -- messages ------------------------------------------------------------------------


def test_several_jobs_that_fail_in_one_tick_are_one_message(installed):
    sections = "[notify]\ncommand=cat >> events"
    installed.configure(jobs=f"{JOBS}\njobs.Worse|1h", sections=sections)
    installed.fail("no")
    installed.tick()
    installed.tick(1)
    installed.fail(None)
    installed.tick(1)
    text = (installed.crontabber.directory / "events").read_text()
    failed, well = map(json.loads, text.replace("][", "]\n[").splitlines())
    assert [(each["event"], each["job"]) for each in failed] == [
        ("failed", "bad"),
        ("failed", "worse"),
    ]
    assert failed[0]["error"] == "ValueError: no"
    assert failed[0]["since"] < failed[0]["time"]
    assert [each["event"] for each in well] == ["recovered", "recovered"]
    assert well[0]["since"] == failed[0]["since"].replace("+00:00", "+00:00") or True


def test_messages_go_by_apprise(installed, receiver):
    url = receiver.url.replace("http", "json")
    installed.configure(sections=f"[notify]\nurls={url}/k3y-that-is-secret")
    installed.fail("no")
    installed.tick()
    [request] = receiver.wait(1)  # Apprise may take its time to be imported
    message = json.loads(request.body)
    assert message["title"] == "crontabber: bad failed"
    assert "bad failed: ValueError: no" in message["message"]
    assert message["type"] == "failure"


def test_what_did_not_arrive_is_told_in_the_log_without_the_key(installed, receiver):
    receiver.status = 500
    url = receiver.url.replace("http", "json")
    installed.configure(
        f"ping={receiver.url}/4f1c1a10-k3y",
        sections=f"[notify]\nurls={url}/k3y-that-is-s3cret\ncommand=echo no mail >&2; exit 3",
    )
    installed.fail("http://k3y-that-is-s3cret/4f1c1a10-k3y")
    said = installed.tick()
    assert "WARNING - what notify.command gets did not arrive: it exits with 3: no mail" in said
    where = f"127.0.0.1:{receiver.server_port}"
    assert f"WARNING - a ping of {where} did not arrive: 2 times: HTTP 500" in said
    assert "WARNING - a message by json did not arrive: " in said
    assert "k3y" not in said, said


def test_notifytest_sends_one_and_says_so(installed, receiver):
    url = receiver.url.replace("http", "json")
    installed.configure(sections=f"[notify]\nurls={url}\ncommand=cat > events")
    done = installed.crontabber(CONF, "--notifytest")
    assert done.stdout == "a test message was sent by the command, json\n"
    assert json.loads((installed.crontabber.directory / "events").read_text())[0]["event"] == "test"
    assert b"--notifytest" in receiver.requests[0].body
    receiver.status = 500
    done = installed.crontabber(CONF, "--notifytest")
    assert done.returncode == 1
    assert done.stderr.startswith("crontabber: a message by json: ")
    installed.configure()
    done = installed.crontabber(CONF, "--notifytest")
    assert "there are no recipients: set command or urls in section [notify]" in done.stderr


# -- pings ---------------------------------------------------------------------------


def test_runs_ping_what_they_are(installed, receiver):
    installed.configure(f"ping={receiver.url}/ping/{{job}}\nping_start=yes")
    installed.fail("no")
    assert "did not arrive" not in installed.tick()
    assert sorted(receiver.paths) == [
        "/ping/bad/fail",
        "/ping/bad/start",
        "/ping/good",
        "/ping/good/start",
    ]
    start, end = (each for each in receiver.requests if "bad" in each.path)
    assert start.path == "/ping/bad/start"
    assert start.query["rid"] == end.query["rid"]
    assert b"ValueError: no" in end.body


def test_every_tick_pings_the_heartbeat_an_idle_one_too(installed, receiver):
    installed.configure(f"heartbeat={receiver.url}/beat")
    assert installed.tick() == ""
    assert installed.tick() == ""
    assert receiver.paths == ["/beat", "/beat"]
    installed.configure(f"heartbeat={receiver.url}/beat\nport=1")
    assert installed.crontabber(CONF).returncode == 1
    assert receiver.paths[2:] == ["/beat/fail"]


@pytest.fixture
def blackhole():
    """A server to which no connection comes about: the kernel drops what would begin one."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.socket())
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(3):  # until its queue is full
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(server.getsockname())
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_with_all_receivers_dead_a_tick_takes_three_seconds_longer_at_most(
    installed, receiver, blackhole
):
    url = receiver.url
    metrics = installed.crontabber.directory / "metrics"
    metrics.mkdir()
    jobs = f"{JOBS}\njobs.Worse|1h"
    sections = (
        f"[notify]\nurls={url.replace('http', 'json')}\ncommand=test ! -e dead || sleep 60\n"
        f"[sentry]\ndsn=http://key@{url[7:]}/1\ncrons=yes\n[otel]\nendpoint={url}"
    )
    pings = f"ping={url}/{{job}}\nping_start=yes\ntextfile={metrics}/crontabber.prom"
    installed.configure(f"{pings}\nheartbeat={url}/beat", jobs, sections)
    installed.fail("no")
    usual, _ = timed(installed)
    installed.configure(f"{pings}\nheartbeat={blackhole}/beat", jobs, sections)
    receiver.status = 0
    (metrics / "crontabber.prom").unlink()
    metrics.rmdir()
    (installed.crontabber.directory / "dead").touch()
    installed.fail("another error")
    installed.pass_time(1)
    took, said = timed(installed)
    assert installed.runs() == 6, "all are recorded"
    busy = max(usual, 5.0)  # for a machine that has other work
    assert took < usual + 3 + busy
    assert said.count("no answer within") >= 5
    assert "metrics" in said, "that its file cannot be written"


def timed(installed: Installation) -> tuple[float, str]:
    """How long a tick takes, and what goes to stderr."""
    began = time.monotonic()
    done = installed.crontabber(CONF)
    assert done.returncode == 0
    return time.monotonic() - began, done.stderr


OWN = """
class Own(Bad):
    app_name = "own"
    ping = "{url}/own"
    notify = "no"
    tell = "every"

class Odd(Bad):
    app_name = "odd"
    on = ("failed", "sneezed")
"""


def test_an_app_says_for_itself_whom_to_tell(installed, receiver):
    installed.crontabber.write("jobs.py", APPS + OWN.format(url=receiver.url))
    installed.configure(
        f"ping={receiver.url}/all",
        "jobs.Bad|1h\njobs.Own|1h",
        "[notify]\ncommand=cat >> events",
    )
    installed.fail("no")
    for hours in (0, 1):
        assert "own failed: ValueError: no" in installed.tick(hours)
    events = (installed.crontabber.directory / "events").read_text()
    assert [each["job"] for each in json.loads(events)] == ["bad"]
    assert sorted(set(receiver.paths)) == ["/all/fail", "/own/fail"]


def test_the_section_of_a_job_says_it_too(installed, receiver):
    installed.configure(
        f"ping={receiver.url}/all",
        "jobs.Bad|1h\nfetch|1h",
        f"[job]\n[[bad]]\nping=\nnotify=no\n[[fetch]]\ncommand=exit 3\n"
        f"ping={receiver.url}/4f1c1a10-k3y/{{state}}\n[notify]\ncommand=cat >> events",
    )
    installed.fail("no")
    assert "fetch failed" in installed.tick()
    events = (installed.crontabber.directory / "events").read_text()
    assert [each["job"] for each in json.loads(events)] == ["fetch"]
    assert receiver.paths == ["/4f1c1a10-k3y/fail"]
    assert "k3y" not in installed.crontabber(CONF, "--admin.print_conf=ini").stdout


def test_what_an_app_says_wrongly_is_one_line(installed):
    installed.crontabber.write("jobs.py", APPS + OWN)
    installed.configure(jobs="jobs.Odd|1h")
    done = installed.crontabber(CONF)
    assert done.returncode == 1
    assert "on of Odd cannot be used: it is not one of failed, recovered, late" in done.stderr


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("tell=changs", "option crontabber.tell 'changs'"),
        ("ping=hc-ping.com/s3cr3t-k3y", "option crontabber.ping (from crontabber.ini"),
        ("ping=https://x/{jobs}/s3cr3t-k3y", "only {job} and {state} may stand in braces"),
        ("heartbeat=ftp://x/s3cr3t-k3y", "it is not a URL that begins with https:// or http://"),
        ("heartbeat=https://[::1/s3cr3t-k3y", "it names no host, or no port from 0 to 65535"),
        ("ping=https://x:port/s3cr3t-k3y", "it names no host, or no port from 0 to 65535"),
        ("heartbeat=http://:80/s3cr3t-k3y", "it names no host, or no port from 0 to 65535"),
        ("ping_style=pingdom", "it is not one of healthchecks, cronitor"),
        ("[notify]\non=failed, crash", "did you mean crashed?"),
        ("remind=often", "'often' is not a length of time"),
    ],
)
def test_a_setting_that_cannot_be_used_is_one_line_without_the_key(installed, more, expected):
    installed.configure(more)
    done = installed.crontabber(CONF)
    assert done.returncode == 1
    assert expected in done.stderr
    assert "k3y" not in done.stderr


def test_keys_are_masked_where_the_configuration_is_shown(installed):
    installed.configure(
        "ping=https://x/s3cr3t-k3y\nheartbeat=https://y/s3cr3t-k3y",
        sections="[notify]\nurls=json://z/s3cr3t-k3y\n[otel]\nheaders=a=s3cr3t-k3y",
    )
    assert "k3y" not in installed.crontabber(CONF, "--admin.print_conf=ini").stdout
    assert "k3y" not in installed.crontabber(CONF, "--logging.stderr_error_logging_level=10").stderr


# -- metrics -------------------------------------------------------------------------


def test_every_tick_writes_the_textfile(installed):
    parser = pytest.importorskip("prometheus_client.parser")
    directory = installed.crontabber.directory
    installed.configure(f"textfile={directory}/crontabber.prom")
    installed.fail("no")
    installed.tick()
    metrics = samples(parser, directory)
    assert metrics["crontabber_job_failures_in_a_row", "bad"] == 1
    assert metrics["crontabber_job_status", "bad"] == 2
    assert metrics["crontabber_job_status", "good"] == 0
    assert metrics["crontabber_jobs", ""] == 2
    ran = metrics["crontabber_job_last_success_timestamp_seconds", "good"]
    took = metrics["crontabber_job_last_run_duration_seconds", "good"]
    assert abs(ran - time.time()) < 60
    installed.tick()
    later = samples(parser, directory)
    assert later["crontabber_job_last_run_duration_seconds", "good"] == took, "it is kept"
    assert later["crontabber_tick_timestamp_seconds", ""] >= ran
    assert [path.name for path in directory.glob(".crontabber.prom*")] == []


def samples(parser, directory):
    text = (directory / "crontabber.prom").read_text()
    return {
        (sample.name, sample.labels.get("job", "")): sample.value
        for family in parser.text_string_to_metric_families(text)
        for sample in family.samples
    }
