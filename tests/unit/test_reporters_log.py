"""What the log says: one record of one line for each event, and where records go."""

import logging
import socket
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from crontabber.config.logs import LoggingSettings
from crontabber.log import setup as logs
from crontabber.log import syslog
from crontabber.reporters.log import LogReporter
from crontabber.schedule.grammar import Schedule
from crontabber.schedule.model import JobSpec, LastError, Outcome, Run, Skip, SkipReason
from crontabber.tick.failures import last_error
from tests.support import ROOT, TIMEOUT

ZONE = ZoneInfo("Europe/Berlin")
JOB = JobSpec("my-app", "jobs.myapp.MyApp", Schedule.parse("1h"), ZONE)
BACKFILL = JobSpec("my-fill", "jobs.myapp.MyFill", Schedule.parse("1d|03:00"), ZONE, backfill=True)
SLOT = datetime(2026, 11, 20, 2, tzinfo=timezone.utc)


def run_of(job, error=None, seconds=0.31):
    outcome = Outcome.FAILED if error else Outcome.SUCCEEDED
    return Run(job.app_name, SLOT, SLOT, timedelta(seconds=seconds), outcome, "a-host", error)


@pytest.fixture
def records(caplog):
    caplog.set_level(logging.DEBUG, "crontabber")
    return lambda: [(record.levelname, record.getMessage()) for record in caplog.records]


def fail(reporter, error, job=JOB, redact=str):
    try:
        raise error
    except BaseException as raised:  # noqa: BLE001  a job may raise anything
        reporter.failed(job, run_of(job, last_error(raised, redact)), raised)


def test_a_good_run(records):
    LogReporter().started(JOB, run_of(JOB))
    LogReporter().succeeded(JOB, run_of(JOB))
    LogReporter().started(BACKFILL, run_of(BACKFILL))
    LogReporter().succeeded(BACKFILL, run_of(BACKFILL, seconds=125))

    assert records() == [
        ("DEBUG", "my-app begins"),
        ("INFO", "my-app succeeded in 0.31 s"),
        ("DEBUG", "my-fill begins for 2026-11-20 03:00 CET"),
        ("INFO", "my-fill succeeded for 2026-11-20 03:00 CET in 2 min 5 s"),
    ]


def test_a_failed_run_is_one_line_and_its_traceback_is_for_debugging(records):
    fail(LogReporter(), FileNotFoundError(2, "No such file", "/etc/nope"))
    fail(LogReporter(), ValueError("odd"), BACKFILL)

    line, traceback, backfill_line, _ = records()
    assert line == (
        "ERROR",
        "my-app failed: FileNotFoundError: [Errno 2] No such file: '/etc/nope'",
    )
    assert traceback[0] == "DEBUG"
    assert traceback[1].startswith("my-app Traceback (most recent call last):\n")
    assert backfill_line == ("ERROR", "my-fill failed for 2026-11-20 03:00 CET: ValueError: odd")


class Unspeakable(Exception):
    def __str__(self):
        raise RuntimeError


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ValueError("one\ntwo\r\n  three"), "ValueError: one two three"),
        (ValueError("\x1b[31mred \x00 \ud800"), r"ValueError: \x1b[31mred \x00 \ud800"),
        (ValueError("%s {} %(x)s"), "ValueError: %s {} %(x)s"),
        (ValueError(), "ValueError"),
        (SystemExit(3), "SystemExit: 3"),
        (subprocess.SubprocessError("x"), "subprocess.SubprocessError: x"),
        (Unspeakable(), f"{__name__}.Unspeakable: (its text cannot be had: str() raised Runti"),
        (ValueError("x" * 10**6), "ValueError: " + "x" * 500 + " …"),
    ],
)
def test_whatever_an_exception_says_is_one_line(records, error, expected):
    fail(LogReporter(), error)

    message = records()[0][1]
    assert message.startswith(f"my-app failed: {expected}")
    assert message.isprintable()
    assert len(message) < 600


def test_a_crash_names_host_and_process(records):
    words = LastError("<class 'crontabber.errors.JobCrashed'>", "process 12 on a-host began …", "")
    LogReporter().failed(JOB, run_of(JOB, words, seconds=0), None)

    assert records() == [("ERROR", "my-app crashed: process 12 on a-host began …")]


@pytest.mark.parametrize(
    ("reason", "level"),
    [
        (SkipReason.NOT_DUE, "DEBUG"),
        (SkipReason.ONGOING, "INFO"),
        (SkipReason.BLOCKED, "INFO"),
    ],
)
def test_a_skipped_job_and_why(records, reason, level):
    LogReporter().skipped(JOB, Skip(reason, "by its parent"))

    assert records() == [(level, f"my-app is skipped: {reason.value}, by its parent")]


def test_trouble_is_critical_and_without_secrets(records):
    LogReporter(lambda text: text.replace("hunter2", "***")).trouble("hunter2\nis bad")

    assert records() == [("CRITICAL", "*** is bad")]


def test_secrets_are_taken_out_of_what_exceptions_say(records):
    fail(LogReporter(lambda text: text.replace("hunter2", "***")), ValueError("pw hunter2"))

    assert records()[0][1] == "my-app failed: ValueError: pw ***"
    assert all("hunter2" not in message for _, message in records()[:1])
    assert "ValueError: pw hunter2" not in records()[1][1]


def test_records_say_what_happened_and_to_which_app(records, caplog):
    reporter = LogReporter()
    reporter.started(JOB, run_of(JOB))
    reporter.succeeded(JOB, run_of(JOB))
    fail(reporter, ValueError("x"))
    reporter.failed(JOB, run_of(JOB), None)
    reporter.skipped(JOB, Skip(SkipReason.BLOCKED, "x"))
    reporter.trouble("x")
    reporter.finished()

    assert [(record.action, record.app_name) for record in caplog.records] == [
        ("started", "my-app"),
        ("succeeded", "my-app"),
        ("failed", "my-app"),
        ("failed", "my-app"),
        ("crashed", "my-app"),
        ("skipped", "my-app"),
        ("trouble", ""),
    ]


# Where records go


@pytest.fixture(autouse=True)
def _root_logger_as_it_was():
    root = logging.getLogger()
    level = root.level
    yield
    for handler in [*root.handlers]:
        if (handler.name or "").startswith("crontabber."):
            root.removeHandler(handler)
            handler.close()
    root.setLevel(level)


def settings(**values):
    defaults = {
        "stderr_level": logging.WARNING,
        "stderr_format": "{levelname} - {message}",
        "syslog_host": "",
        "syslog_port": 514,
        "syslog_facility": "user",
        "syslog_level": logging.ERROR,
        "syslog_format": "crontabber (pid {process}): {levelname} - {message}",
    }
    return LoggingSettings(**{**defaults, **values})


def test_stderr_gets_what_is_grave_enough_in_its_format(capsys):
    logs.configure(settings())
    LogReporter().succeeded(JOB, run_of(JOB))
    logging.getLogger("jobs.myapp").warning("a job's own logger: %s", "{x}")

    assert capsys.readouterr().err == "WARNING - a job's own logger: {x}\n"


def test_a_lower_level_shows_more(capsys):
    logs.configure(settings(stderr_level=logging.INFO))
    LogReporter().succeeded(JOB, run_of(JOB))

    assert capsys.readouterr().err == "INFO - my-app succeeded in 0.31 s\n"


def test_an_idle_tick_writes_nothing(capsys):
    """trap: an idle tick of one job wrote 53 lines (a mail each time)."""
    logs.configure(settings())
    LogReporter().skipped(JOB, Skip(SkipReason.NOT_DUE, "until tomorrow"))
    LogReporter().finished()

    assert capsys.readouterr() == ("", "")


def test_what_is_configured_again_replaces_what_was(capsys):
    other = logging.NullHandler()
    logging.getLogger().addHandler(other)
    try:
        logs.configure(settings())
        logs.configure(settings())
        logging.getLogger("crontabber").error("once")
        assert other in logging.getLogger().handlers, "handlers of others are left alone"
    finally:
        logging.getLogger().removeHandler(other)

    assert capsys.readouterr().err == "ERROR - once\n"


@pytest.fixture
def udp():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(TIMEOUT)
        yield server


def test_syslog_gets_errors_by_udp(udp, capsys):
    port = udp.getsockname()[1]
    logs.configure(
        settings(
            syslog_host="localhost",
            syslog_port=port,
            syslog_facility="local3",
            syslog_format="crontabber: {levelname} - {message}",
            stderr_level=logging.CRITICAL,
        )
    )
    logging.getLogger("crontabber").warning("not so grave")
    fail(LogReporter(), ValueError("x"))

    assert udp.recv(1000) == b"<155>crontabber: ERROR - my-app failed: ValueError: x"
    assert capsys.readouterr().err == ""


def test_syslog_can_be_a_socket_such_as_dev_log(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the path of a socket must be short
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind("log")
        server.settimeout(TIMEOUT)
        logs.configure(settings(syslog_host="/proc/self/cwd/log"))
        logging.getLogger("crontabber").error("to a socket")

        assert server.recv(1000).startswith(b"<11>crontabber (pid ")


@pytest.fixture
def dev_log(tmp_path, monkeypatch):
    """Makes a socket such as ``/dev/log``, and has us log to it."""
    monkeypatch.chdir(tmp_path)  # the path of a socket must be short
    made = []

    def dev_log(kind=socket.SOCK_DGRAM, **more):
        server = socket.socket(socket.AF_UNIX, kind)
        made.append(server)
        (tmp_path / "log").unlink(missing_ok=True)
        server.bind("log")
        server.settimeout(TIMEOUT)
        if kind == socket.SOCK_STREAM:
            server.listen()
        if len(made) == 1:
            host = "/proc/self/cwd/log"
            logs.configure(settings(syslog_host=host, syslog_format="{message}", **more))
        return server

    yield dev_log
    for server in made:
        server.close()


LOGGER = logging.getLogger("crontabber")


def test_a_record_that_is_too_long_is_shortened_and_the_next_is_heard(udp, capsys):
    """trap: a record too long for a datagram silenced syslog for the rest of the tick"""
    port = udp.getsockname()[1]
    logs.configure(settings(syslog_host="localhost", syslog_port=port, syslog_format="{message}"))
    LOGGER.error("ü%s", "ä" * 500_000)
    LOGGER.error("heard")

    long = udp.recv(1 << 16).decode()
    assert long.startswith("<11>üää")
    assert long.endswith("ää [shortened]")
    assert len(long.encode()) > 60_000
    assert udp.recv(1000) == b"<11>heard"
    assert "nothing is logged" not in capsys.readouterr().err


def test_a_record_that_is_too_long_for_a_socket_is_shortened(dev_log, capsys):
    server = dev_log()
    LOGGER.error("x" * 10_000_000)
    assert server.recv(1 << 20).endswith(b"xx [shortened]")
    LOGGER.error("heard")
    assert server.recv(1000) == b"<11>heard"
    assert "nothing is logged" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "sent"),
    [("half \ud83d a pair", b"<11>half \\ud83d a pair"), ("nul \0 in it", b"<11>nul \0 in it")],
)
def test_a_record_of_odd_characters_is_sent(dev_log, monkeypatch, text, sent):
    """trap: what UTF-8 cannot say was a traceback on stderr"""
    server = dev_log()
    # pytest's own handlers would put the text into a report, which xdist cannot send either
    ours = [each for each in logging.root.handlers if (each.name or "").startswith("crontabber")]
    monkeypatch.setattr(logging.root, "handlers", ours)
    LOGGER.error(text)
    assert server.recv(1000) == sent


def test_a_record_that_cannot_be_formatted_silences_nothing(dev_log, monkeypatch):
    monkeypatch.setattr(logging, "raiseExceptions", False)  # or pytest's own handler raises
    server = dev_log()
    LOGGER.error("%d", "none")
    LOGGER.error("heard")
    assert server.recv(1000) == b"<11>heard"


def test_a_syslog_that_is_restarted_is_found_again(dev_log, capsys):
    first = dev_log()
    LOGGER.error("one")
    first.close()
    second = dev_log()
    LOGGER.error("two")
    assert second.recv(1000) == b"<11>two"
    assert "nothing is logged" not in capsys.readouterr().err


def test_a_syslog_that_was_gone_is_tried_again_later(dev_log, monkeypatch, capsys):
    """trap: a tick of hours had no syslog after a restart that took a second"""
    now = [1000.0]
    monkeypatch.setattr(syslog, "monotonic", lambda: now[0])
    first = dev_log()
    LOGGER.error("one")
    first.close()
    LOGGER.error("two")
    second = dev_log()
    LOGGER.error("three")
    now[0] += 30
    LOGGER.error("four")
    assert second.recv(1000) == b"<11>four"
    assert capsys.readouterr().err.count("nothing is logged to syslog") == 1


def test_a_syslog_that_takes_nothing_holds_nothing_up(dev_log, monkeypatch, capsys):
    """trap: a wait without end"""
    monkeypatch.setattr(syslog, "_PATIENCE", 0.05)
    dev_log()
    for _ in range(3_000):
        LOGGER.error("x" * 100)
    assert "nothing is logged to syslog at /proc/self/cwd/log: timed out" in capsys.readouterr().err


def test_syslog_can_be_a_stream(dev_log):
    server = dev_log(socket.SOCK_STREAM)
    LOGGER.error("one")
    LOGGER.error("two")
    heard, _ = server.accept()
    with heard, heard.makefile("rb") as stream:
        logging.getLogger().handlers[-1].close()
        assert stream.read() == b"<11>one\0<11>two\0"


@pytest.mark.parametrize("host", ["nowhere.invalid", "/no/such/socket", "a..b", "x" * 64 + ".y"])
def test_a_syslog_that_is_not_there_is_one_warning(host, capsys):
    logs.configure(settings(syslog_host=host, syslog_level=logging.DEBUG))
    for number in range(3):
        logging.getLogger("crontabber").error("error %d", number)

    lines = capsys.readouterr().err.splitlines()
    [warning] = [line for line in lines if line.startswith("WARNING")]
    assert warning.startswith(f"WARNING - nothing is logged to syslog at {host}: ")
    assert sorted(set(lines) - {warning}) == [f"ERROR - error {number}" for number in range(3)]


def test_a_syslog_that_goes_away_is_one_warning(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    server.bind("log")
    logs.configure(settings(syslog_host="/proc/self/cwd/log"))
    logging.getLogger("crontabber").error("heard")
    server.close()
    logging.getLogger("crontabber").error("not heard")
    logging.getLogger("crontabber").error("not heard either")

    err = capsys.readouterr().err
    assert err.count("WARNING - nothing is logged to syslog") == 1
    assert "Traceback" not in err


def test_a_tick_with_nothing_to_say_to_syslog_does_not_look_for_it():
    """trap: each tick paid for what it did not need."""
    code = """if True:
        import logging, sys
        from crontabber.log import setup as logs
        from crontabber.reporters.log import LogReporter
        from types import SimpleNamespace
        logs.configure(SimpleNamespace(
            stderr_level=30, stderr_format="{message}", syslog_host="nowhere.invalid",
            syslog_level=40, syslog_format="{message}"))
        logging.getLogger("crontabber").info("idle")
        assert "logging.handlers" not in sys.modules
        assert "rich" not in sys.modules
        """
    line = [sys.executable, "-c", code]
    done = subprocess.run(
        line, cwd=ROOT, check=False, capture_output=True, text=True, timeout=TIMEOUT
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_stderr_that_is_closed_stops_nothing(monkeypatch):
    class Broken:
        def write(self, _):
            raise BrokenPipeError

        flush = write

    logs.configure(settings())
    monkeypatch.setattr(sys, "stderr", Broken())
    logging.getLogger("crontabber").error("unheard")
