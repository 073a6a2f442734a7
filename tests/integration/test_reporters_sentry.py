"""Both of Sentry's clients against a server that takes what they send, or does not."""

import gzip
import json
import logging
import shutil
import ssl
import subprocess
import sys
import threading
import time
import zlib
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from crontabber.errors import ConfigError
from crontabber.reporters.sentry import SentryReporter
from crontabber.schedule.grammar import Schedule
from crontabber.schedule.model import JobSpec, LastError, Outcome, Run
from tests.fighters import FIGHTERS
from tests.support import ROOT, TIMEOUT

KEY, SECRET = "d3683ad1publickey", "0ce4aeb8secret"
JOB = JobSpec("my-app", "jobs.myapp.MyApp", Schedule.parse("1d|03:00"), ZoneInfo("Europe/Berlin"))
SLOT = datetime(2026, 11, 20, 2, tzinfo=timezone.utc)
SOON = 1.0
"""Seconds to wait for a server that never answers."""
LONG = 10
"""Seconds that are too long, however slow the machine is."""


HANGS, TRICKLES = 0, 1
"""No real statuses: never to answer, and to begin again and again."""


class Sentry(ThreadingHTTPServer):
    """Takes events, or answers with another *status*."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = 200
        self.answer_headers: dict[str, str] = {}
        self.requests: list[tuple[str, dict[str, str], Any]] = []
        self.let_go = threading.Event()

    @property
    def dsn(self) -> str:
        scheme = "https" if isinstance(self.socket, ssl.SSLSocket) else "http"
        return f"{scheme}://{KEY}:{SECRET}@127.0.0.1:{self.server_port}/14"

    @property
    def event(self):
        """The only event that was sent."""
        [(_, _, event)] = self.requests
        return event


class _Handler(BaseHTTPRequestHandler):
    server: Sentry

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append((self.path, dict(self.headers), _event(self.path, body)))
        if self.server.status in (HANGS, TRICKLES):
            while not self.server.let_go.wait(SOON / 10):
                self.wfile.write(b"HTTP/1.0 "[: self.server.status])
            return
        self.send_response(self.server.status)
        for name, value in self.server.answer_headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def do_GET(self):
        raise AssertionError("an event is sent by POST")

    def log_message(self, *_):
        pass


def _event(path, body):
    """The event in what raven sends, or in sentry-sdk's envelope."""
    if path.endswith("/store/"):
        return json.loads(zlib.decompress(body))
    _, item_header, payload = gzip.decompress(body).split(b"\n", 2)
    header = json.loads(item_header)
    assert header["type"] == "event"
    assert payload[header["length"] :].strip() == b"", "there is one item"
    return json.loads(payload[: header["length"]])


@pytest.fixture
def server():
    with Sentry() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.let_go.set()
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for 127.0.0.1 that no client trusts, and its key, in one file."""
    openssl = shutil.which("openssl")
    if not openssl:
        pytest.skip("there is no openssl to make a certificate with")
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    line = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=127.0.0.1"
    files = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", path, "-out", f"{path}.crt"]
    subprocess.run([openssl, *line.split(), *files], check=True, capture_output=True)
    with path.open("a") as both:
        both.write(path.with_name("both.pem.crt").read_text())
    return path


@pytest.fixture
def tls_server(server, certificate):
    """The server, spoken to by https."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    return server


@pytest.fixture(params=["sentry-sdk", "raven"])
def client(request, monkeypatch):
    """Which client is used: sentry-sdk is hidden when it is to be raven."""
    if request.param == "raven":
        monkeypatch.setitem(sys.modules, "sentry_sdk", None)
    return request.param


def reporter(dsn, **more):
    return SentryReporter(dsn, "1.0.0", **{"patience": TIMEOUT, **more})


def a_run(error=None):
    return Run("my-app", SLOT, SLOT, timedelta(seconds=1), Outcome.FAILED, "a-host", error)


def error_of(value="it did not work"):
    """An exception as a job raises it, with locals that must not be sent."""
    password = "hunter2"
    try:
        raise ValueError(value)
    except ValueError as error:
        assert password
        return error


def fail(reporter, error):
    reporter.failed(JOB, a_run(), error)


def python(*arguments):
    """Run Python in a process of its own."""
    line = [sys.executable, *arguments]
    return subprocess.run(
        line, cwd=ROOT, check=False, capture_output=True, text=True, timeout=TIMEOUT
    )


def test_an_exception_is_sent_with_app_name_slot_and_release(client, server):
    reporter(server.dsn, environment="staging").failed(JOB, a_run(), error_of())

    [(path, headers, event)] = server.requests
    assert path == ("/api/14/store/" if client == "raven" else "/api/14/envelope/")
    assert f"sentry_key={KEY}" in headers["X-Sentry-Auth"]
    [exception] = event["exception"]["values"]
    assert (exception["type"], exception["value"]) == ("ValueError", "it did not work")
    assert exception["stacktrace"]["frames"][-1]["function"] == "error_of"
    assert dict(event["tags"]) == {"app_name": "my-app", "slot": "2026-11-20T03:00+01:00"}
    assert event["release"] == "1.0.0"
    assert event["environment"] == "staging"
    assert event["level"] in ("error", logging.ERROR)


def test_causes_are_sent_too(client, server):
    try:
        raise KeyError("first") from error_of("before")
    except KeyError as error:
        fail(reporter(server.dsn), error)

    kinds = [exception["type"] for exception in server.event["exception"]["values"]]
    assert kinds == ["ValueError", "KeyError"]


def test_a_crash_is_sent_as_a_message(client, server):
    words = LastError("<class 'JobCrashed'>", "process 12 on a-host did not finish", "")
    reporter(server.dsn).failed(JOB, a_run(words), None)

    event = server.event
    assert event["message"] == "my-app crashed: process 12 on a-host did not finish"
    assert dict(event["tags"])["app_name"] == "my-app"
    assert event["fingerprint"] == ["crashed", "my-app"], "crashes of a job are one issue"
    assert "exception" not in event


def test_no_local_variable_and_no_argument_of_the_command_is_sent(client, server, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["crontabber", "--resource.postgresql.password=hunter3"])
    fail(reporter(server.dsn), error_of())

    frames = server.event["exception"]["values"][0]["stacktrace"]["frames"]
    assert all("vars" not in frame for frame in frames)
    assert "hunter3" not in json.dumps(server.event)


def test_every_text_is_redacted(client, server):
    def redact(text):
        return text.replace("hunter2", "********")

    fail(reporter(server.dsn, redact=redact), error_of("hunter2 is refused"))

    assert server.event["exception"]["values"][0]["value"] == "******** is refused"
    assert "hunter2" not in json.dumps(server.event), "not even in the lines of source around it"


def test_an_exception_whose_text_cannot_be_had_stops_nothing(client, server, caplog):
    class Odd(Exception):
        def __str__(self):
            raise RuntimeError("no text")

    told = reporter(server.dsn)
    fail(told, Odd())
    fail(told, error_of("\ud800 \x00"))
    told.finished()

    assert len(server.requests) + len(caplog.records) >= 2, "each is sent, or warned of"


@pytest.mark.parametrize("hidden", ["nothing", "sentry_sdk"])
def test_clients_leave_the_process_alone(server, hidden):
    """No hooks, no threads; and the client that a job made for itself is still its own."""
    code = f"""if True:
        import http.client, logging, sys, threading

        def all_that_is_patched():
            connection, log = http.client.HTTPConnection, logging.Logger
            return (sys.excepthook, threading.excepthook, threading.Thread.start,
                    connection.putrequest, connection.getresponse, log.callHandlers, log._log)

        before = all_that_is_patched()
        sys.modules[{hidden!r}] = None
        from crontabber.reporters.sentry import SentryReporter
        SentryReporter({server.dsn!r}, "1").send_test()
        assert all_that_is_patched() == before
        assert threading.active_count() == 1
        if sys.modules.get("sentry_sdk"):
            assert not sys.modules["sentry_sdk"].get_client().is_active()
        """
    done = python("-c", code)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert len(server.requests) == 1


def warning_of(caplog):
    [record] = caplog.records
    assert (record.name, record.levelname) == ("crontabber", "WARNING")
    assert (record.action, record.app_name) == ("sentry", "")
    message = record.getMessage()
    assert "\n" not in message
    assert record.exc_info is None
    assert KEY not in message, "trap: the Sentry DSN, secret included, went to stderr"
    assert SECRET not in message
    return message


def test_all_is_silent_when_all_is_well(client, server, caplog):
    caplog.set_level(logging.INFO)
    told = reporter(server.dsn)
    fail(told, error_of())
    told.finished()

    assert len(server.requests) == 1
    assert not caplog.records


@pytest.mark.parametrize(
    ("status", "headers", "expected"),
    [
        (500, {}, "HTTP 500 Internal Server Error"),
        (403, {"X-Sentry-Error": f"bad key {KEY}"}, "HTTP 403 Forbidden (bad key ********)"),
        (429, {"Retry-After": "60"}, "HTTP 429 Too Many Requests"),
        (301, {"Location": "http://127.0.0.1:9/"}, "HTTP 301 Moved Permanently"),
    ],
)
def test_a_server_that_refuses_is_one_warning(client, server, caplog, status, headers, expected):
    server.status, server.answer_headers = status, headers
    told = reporter(server.dsn)
    fail(told, error_of())
    fail(told, error_of())
    told.finished()

    where = f"127.0.0.1:{server.server_port}, project 14"
    assert warning_of(caplog) == f"Sentry did not get 2 of 2 errors: {where}: {expected}"
    assert len(server.requests) == 2


@pytest.mark.parametrize("status", [HANGS, TRICKLES])
def test_a_server_that_hangs_is_waited_for_once_in_a_tick(client, server, caplog, status):
    server.status = status
    told = reporter(server.dsn, patience=SOON)
    began = time.monotonic()
    for _ in range(50):
        fail(told, error_of())
    told.finished()

    assert time.monotonic() - began < LONG
    assert "did not get 50 of 50 errors" in warning_of(caplog)
    assert "no answer within" in warning_of(caplog) or "timed out" in warning_of(caplog)
    assert len(server.requests) == 1, "after a time-out no more are tried"


def test_the_next_tick_waits_anew(client, server):
    """A worker's process is told by one reporter of one tick after the other."""
    server.status = HANGS
    told = reporter(server.dsn, patience=SOON)
    fail(told, error_of())
    told.finished()
    server.status = 200
    fail(told, error_of())

    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("dsn", "expected"),
    [
        ("http://{key}:{secret}@127.0.0.1:1/14", "127.0.0.1:1, project 14: "),
        ("http://{key}:{secret}@nowhere.invalid/14", "nowhere.invalid, project 14: "),
        ("{key}", "sentry.dsn cannot be used: it does not begin with https://"),
        ("ftp://{key}:{secret}@host/14", "it does not begin with https://"),
        ("https://host/14", "it has no key"),
        ("https://{key}:{secret}@/14", "it has no host"),
        ("https://{key}:{secret}@host/", "it does not end with the number of a project"),
        ("https://{key}:{secret}@host/a-name", "it does not end with the number of a project"),
        ("https://{key}:{secret}@host:a-port/14", "its host or port cannot be read"),
        ("https://{key}:{secret}@[host/14", "its host or port cannot be read"),
    ],
)
def test_a_dsn_that_leads_nowhere_is_one_warning(client, caplog, dsn, expected):
    told = reporter(dsn.format(key=KEY, secret=SECRET))
    fail(told, error_of())
    fail(told, error_of())
    told.finished()

    assert "Sentry did not get 2 of 2 errors: " in warning_of(caplog)
    assert expected in warning_of(caplog)


def test_ways_to_send_in_an_old_dsn_are_understood(client, server):
    fail(reporter(f"threaded+{server.dsn}?timeout=5"), error_of())

    assert server.event["exception"]


def test_https_works_on_every_python(client, tls_server, certificate):
    """raven's own way over https calls ssl.wrap_socket, which left Python in 3.12."""
    fail(reporter(f"{tls_server.dsn}?ca_certs={certificate}"), error_of())
    fail(reporter(f"{tls_server.dsn}?verify_ssl=0"), error_of())

    assert len(tls_server.requests) == 2


def test_a_server_that_cannot_prove_who_it_is_gets_nothing(client, tls_server, caplog):
    told = reporter(tls_server.dsn)
    fail(told, error_of())
    told.finished()

    assert "certificate verify failed" in warning_of(caplog)
    assert not tls_server.requests


def test_without_any_client_it_says_what_to_install(server, caplog, monkeypatch):
    monkeypatch.setitem(sys.modules, "sentry_sdk", None)
    monkeypatch.setitem(sys.modules, "raven", None)
    told = reporter(server.dsn)
    fail(told, error_of())
    told.finished()

    assert "pip install 'crontabber[sentry]'" in warning_of(caplog)


def test_a_client_that_fails_is_named(server, caplog, monkeypatch):
    import sentry_sdk

    def capture_event(*_):
        raise RuntimeError(f"what to do with {KEY}?")

    monkeypatch.setattr(sentry_sdk.Client, "capture_event", capture_event)
    told = reporter(server.dsn)
    fail(told, error_of())
    told.finished()

    assert "cannot tell of it (RuntimeError: what to do with ********?): try" in warning_of(caplog)


@pytest.mark.parametrize("name", FIGHTERS)
def test_an_exception_that_fights_back_is_told_all_the_same(client, server, name):
    """trap: an exception whose attributes raise ended the tick"""
    told = reporter(server.dsn)
    fail(told, FIGHTERS[name]())
    told.finished()

    assert len(server.requests) == 1


def test_the_test_says_where_it_was_sent(client, server):
    said = reporter(server.dsn).send_test()

    assert said.startswith(
        f"a test exception was sent to 127.0.0.1:{server.server_port}, project 14, by {client} "
    )
    assert "--sentrytest" in server.event["exception"]["values"][0]["value"]
    assert server.event["release"] == "1.0.0"


def test_the_test_fails_without_a_dsn():
    with pytest.raises(ConfigError, match=r"there is no sentry\.dsn"):
        reporter("").send_test()


@pytest.mark.parametrize(
    ("status", "expected"), [(HANGS, "no answer|timed out"), (403, "HTTP 403")]
)
def test_the_test_fails_when_the_server_does_not_take_it(client, server, status, expected):
    server.status = status
    with pytest.raises(ConfigError, match=expected) as caught:
        reporter(server.dsn, patience=SOON if status == HANGS else TIMEOUT).send_test()
    assert KEY not in str(caught.value)


def test_an_idle_tick_imports_no_client():
    """trap: each tick paid for what it did not need; and an idle tick writes nothing."""
    code = """if True:
        import logging, sys
        logging.basicConfig(level=logging.INFO)
        from crontabber.reporters.sentry import SentryReporter
        told = SentryReporter("https://not a dsn", "1")
        told.finished()
        heavy = {"raven", "sentry_sdk", "urllib.request", "ssl", "http.client"}
        assert not heavy & set(sys.modules), heavy & set(sys.modules)
        """
    done = python("-c", code)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("hidden", ["sentry_sdk", "nothing"])
def test_an_old_client_pollutes_nothing(server, hidden):
    """raven emits warnings on newer Pythons; one that makes them errors must not stop it."""
    code = f"""if True:
        import sys
        sys.modules[{hidden!r}] = None
        from crontabber.reporters.sentry import SentryReporter
        print(SentryReporter({server.dsn!r}, "1").send_test())
        """
    for option in ("error", "always"):
        done = python("-B", "-W", option, "-c", code)
        assert done.stderr == ""
        assert done.stdout.count("\n") == 1


def test_a_failed_job_is_sent_if_there_is_a_dsn_and_else_nothing_is(server, crontabber, database):
    """trap: a client finds a DSN in the environment by itself"""
    crontabber.write(
        "jobs/app.py",
        """\
        from crontabber.base import BaseCronApp

        class Fails(BaseCronApp):
            app_name = "fails"

            def run(self):
                raise ValueError("sent somewhere?")
        """,
    )
    crontabber.configure(database, "jobs.app.Fails|1d")
    for arguments, expected in ((), 0), ((f"--sentry.dsn={server.dsn}",), 1):
        crontabber("--admin.conf=crontabber.ini", "--reset-job=jobs.app.Fails")
        done = crontabber("--admin.conf=crontabber.ini", *arguments, env={"SENTRY_DSN": server.dsn})
        assert "fails failed: ValueError: sent somewhere?" in done.stderr
        assert len(server.requests) == expected
