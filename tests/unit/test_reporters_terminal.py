"""What a person at a terminal sees: a line for each run, a bar for many slots."""

import io
import os
import pty
import re
import subprocess
import sys
import textwrap
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from crontabber.reporters.terminal import TerminalReporter, open_slots
from crontabber.reporters.wording import duration_words
from crontabber.schedule.forecast import Upcoming
from crontabber.schedule.grammar import Schedule
from crontabber.schedule.model import JobSpec, LastError, Outcome, Run, Skip, SkipReason
from crontabber.tick.failures import last_error
from tests.support import ROOT, TIMEOUT

BERLIN = ZoneInfo("Europe/Berlin")
FIRST = datetime(2026, 11, 20, 2, tzinfo=timezone.utc)


def job_of(schedule="1h", *, backfill=False, app_name="my-app", zone=BERLIN):
    return JobSpec(app_name, "jobs.myapp.MyApp", Schedule.parse(schedule), zone, backfill=backfill)


JOB = job_of()
BACKFILL = job_of(backfill=True, app_name="my-fill")


def run_of(job, number=0, of=1, error=None):
    """Run *number* of a job that has *of* open slots, an hour apart."""
    slot = FIRST + timedelta(hours=number)
    now = FIRST + timedelta(hours=of - 1, minutes=30)
    outcome = Outcome.FAILED if error else Outcome.SUCCEEDED
    return Run(job.app_name, slot, now, timedelta(seconds=0.31), outcome, "a-host", error)


@pytest.fixture
def stream():
    return io.StringIO()


def succeed(reporter, job, count=1, of=None):
    for number in range(count):
        reporter.started(job, run_of(job, number, of or count))
        reporter.succeeded(job, run_of(job, number, of or count))


def fail(reporter, job, error, number=0, of=1):
    reporter.started(job, run_of(job, number, of))
    run = run_of(job, number, of, last_error(error, str))
    reporter.failed(job, run, error)


def test_a_run_is_one_line(stream):
    succeed(TerminalReporter(stream), JOB)

    assert stream.getvalue() == "my-app  ok       0.31 s\n"


def test_a_few_slots_are_a_line_each(stream):
    succeed(TerminalReporter(stream), BACKFILL, 2)

    assert stream.getvalue() == (
        "my-fill  ok       2026-11-20 03:00 CET  0.31 s\n"
        "my-fill  ok       2026-11-20 04:00 CET  0.31 s\n"
    )


def test_many_slots_are_summed_up(stream):
    reporter = TerminalReporter(stream)
    succeed(reporter, BACKFILL, 12)
    succeed(reporter, JOB)
    reporter.finished()

    assert stream.getvalue() == "my-fill  ok       12 slots  3.7 s\nmy-app  ok       0.31 s\n"


def test_a_failure_says_why(stream):
    error = ValueError("[red]not\nmarkup[/] %s \x1b[2J hunter2")
    fail(TerminalReporter(stream, lambda text: text.replace("hunter2", "***")), JOB, error)

    assert stream.getvalue() == (
        "my-app  failed   0.31 s  ValueError: [red]not markup[/] %s \\x1b[2J ***\n"
    )


@pytest.mark.parametrize(
    ("good", "summary"),
    [(0, ""), (1, "my-fill  ok       1 slot  0.31 s\n"), (2, "my-fill  ok       2 slots")],
)
def test_a_failure_among_many_slots_names_its_slot(stream, good, summary):
    reporter = TerminalReporter(stream)
    succeed(reporter, BACKFILL, good, of=12)
    fail(reporter, BACKFILL, ValueError("odd"), good, of=12)
    reporter.finished()

    said = stream.getvalue()
    assert said.startswith(summary)
    assert said.splitlines()[-1] == (
        f"my-fill  failed   2026-11-20 0{3 + good}:00 CET  0.31 s  ValueError: odd"
    )
    assert said.count("\n") == (2 if good else 1)


def test_a_crash_names_host_and_process_and_then_the_job_runs(stream):
    reporter = TerminalReporter(stream)
    words = LastError("<class 'JobCrashed'>", "process 12 on a-host began …", "")
    reporter.failed(JOB, run_of(JOB, error=words), None)
    succeed(reporter, JOB)

    assert (
        stream.getvalue()
        == "my-app  crashed  process 12 on a-host began …\nmy-app  ok       0.31 s\n"
    )


@pytest.mark.parametrize(
    ("schedule", "first", "now", "expected"),
    [
        ("1h", "2026-01-01 00:00", "2026-01-01 00:00", 1),
        ("1h", "2026-01-01 00:00", "2026-01-01 00:59", 1),
        ("1h", "2026-01-01 00:00", "2026-01-01 01:00", 2),
        ("5m", "2026-01-01 00:00", "2026-01-01 01:00", 13),
        ("1m", "1926-01-01 00:00", "2026-01-01 00:00", 100 * 365 * 1440 + 25 * 1440 + 1),
        ("1d|03:00", "2026-03-27 02:00", "2026-03-30 00:59", 3),  # clocks are set forward
        ("1d|03:00", "2026-03-27 02:00", "2026-03-30 01:00", 4),
        ("1h", "2026-01-02 00:00", "2026-01-01 00:00", 1),  # --force, ahead of time
        ("1d", "2026-01-02 00:00", "2026-01-01 00:00", 1),
    ],
)
def test_open_slots_are_counted(schedule, first, now, expected):
    first, now = (datetime.fromisoformat(f"{text}+00:00") for text in (first, now))
    run = Run("my-fill", first, now, None, Outcome.SUCCEEDED, "a-host")
    assert open_slots(job_of(schedule, backfill=True), run) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "0.00 s"),
        (0.314, "0.31 s"),
        (3.24, "3.2 s"),
        (12.4, "12 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (3599, "59 min 59 s"),
        (7200, "2 h 0 min"),
        (100_000, "27 h 46 min"),
    ],
)
def test_durations(seconds, expected):
    assert duration_words(timedelta(seconds=seconds)) == expected


class Broken(io.StringIO):
    def write(self, _):
        raise BrokenPipeError


@pytest.mark.parametrize("make", [Broken, io.StringIO])
def test_a_stream_that_is_broken_or_closed_stops_nothing(make):
    stream = make()
    reporter = TerminalReporter(stream)
    if make is io.StringIO:
        stream.close()
    succeed(reporter, BACKFILL, 5)
    succeed(reporter, JOB)
    fail(reporter, JOB, ValueError("x"))
    reporter.finished()


def test_a_stream_that_cannot_say_it_says_it_otherwise():
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    fail(TerminalReporter(stream), JOB, ValueError("größer"))
    stream.flush()

    assert stream.buffer.getvalue().endswith(rb"ValueError: gr\xf6\xdfer" + b"\n")


# On a real terminal


def on_terminal(code, *, stderr=None, **environ):
    """What is shown when *code* runs on a terminal, with a `reporter` to its stdout."""
    prelude = """
        import logging, os, subprocess, sys
        from tests.unit.test_reporters_terminal import *
        reporter = TerminalReporter(sys.stdout)
        """
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(prelude) + textwrap.dedent(code)],
        cwd=ROOT,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "120", "LINES": "24", **environ},
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=stderr or theirs,
    )
    os.close(theirs)
    shown = b""
    try:
        while some := os.read(ours, 65536):
            shown += some
    except OSError:  # Linux says so that the other end is closed
        pass
    os.close(ours)
    assert process.wait(TIMEOUT) == 0, shown
    return shown.decode()


def screen(shown):
    """The lines that are left on the screen."""
    lines = [""]
    for part in re.split(r"(\r\n|\r|\x1b\[2K|\x1b\[1A)", shown):
        if part == "\r\n":
            lines.append("")
        elif part == "\x1b[1A":
            lines.pop()
        elif part == "\x1b[2K":
            lines[-1] = ""
        else:
            lines[-1] += re.sub(r"\x1b\[[?0-9;]*[a-z]", "", part.strip("\r"))
    return lines


def test_a_bar_shows_what_is_done_and_left_and_then_goes_away():
    shown = on_terminal("succeed(reporter, BACKFILL, 4); reporter.finished()")

    for done in range(5):
        assert f"{done} done, {4 - done} left, time to go" in shown
    assert re.search(r"time to go \S*0:00:0", shown), "it is estimated"
    assert shown.index("0 done") < shown.index("3 done") < shown.index("4 slots")
    assert screen(shown) == ["my-fill  ok       4 slots  1.2 s", ""]
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l"), "the cursor is there again"


def test_a_backfill_that_takes_longer_than_was_thought():
    shown = on_terminal("succeed(reporter, BACKFILL, 5, of=3); reporter.finished()")

    assert "5 done, 0 left" in shown
    assert "-" not in shown.partition("5 done, ")[2].partition(" left")[0]


def test_what_a_job_prints_is_not_garbled():
    shown = on_terminal("""
        import crontabber.log.setup
        from crontabber.config.logs import LoggingSettings
        crontabber.log.setup.configure(LoggingSettings(30, "{message}", "", 514, "user", 40, ""))
        for number in range(4):
            reporter.started(BACKFILL, run_of(BACKFILL, number, 4))
            if number == 0: print("printed")
            if number == 1: print("to stderr", file=sys.stderr)
            if number == 2: logging.getLogger("jobs").warning("logged")
            if number == 3:
                kept = sys.stdout
                print("not ended", end="")
            reporter.succeeded(BACKFILL, run_of(BACKFILL, number, 4))
        reporter.finished()
        print("afterwards")
        """)

    assert screen(shown) == [
        "printed",
        "to stderr",
        "logged",
        "not ended",
        "my-fill  ok       4 slots  1.2 s",
        "afterwards",
        "",
    ]


def test_what_child_processes_write_is_not_swallowed():
    shown = on_terminal("""
        for number in range(3):
            reporter.started(BACKFILL, run_of(BACKFILL, number, 3))
            subprocess.run(["echo", f"from child {number}"])
            reporter.succeeded(BACKFILL, run_of(BACKFILL, number, 3))
        reporter.finished()
        """)

    lines = screen(shown)
    for number in range(3):
        assert lines[number].endswith(f"from child {number}")
    assert lines[3:] == ["my-fill  ok       3 slots  0.93 s", ""]


def test_a_stderr_that_is_no_terminal_gets_what_is_meant_for_it(tmp_path):
    with (tmp_path / "errors").open("w+") as errors:
        on_terminal(
            """
            reporter.started(BACKFILL, run_of(BACKFILL, 0, 3))
            print("an error", file=sys.stderr)
            reporter.finished()
            """,
            stderr=errors,
        )
        errors.seek(0)
        assert errors.read() == "an error\n"


def test_colours_only_where_they_are_wanted():
    code = "succeed(reporter, JOB); fail(reporter, JOB, ValueError('x')); reporter.finished()"
    coloured = on_terminal(code)
    assert "\x1b[32mok" in coloured
    assert "\x1b[1;31mfailed" in coloured

    plain = on_terminal(code, NO_COLOR="1")
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", plain)
    assert screen(plain) == screen(coloured)


def test_a_job_that_forks_finds_no_threads():
    """A thread that draws could hold a lock at the moment of a fork."""
    on_terminal("""
        import threading
        reporter.started(BACKFILL, run_of(BACKFILL, 0, 3))
        assert threading.active_count() == 1
        reporter.finished()
        """)


def test_the_words_of_a_tick_are_aligned(stream):
    reporter = TerminalReporter(stream)
    reporter.selected([JOB, BACKFILL])
    succeed(reporter, JOB)
    fail(reporter, BACKFILL, ValueError("odd"))
    reporter.skipped(JOB, Skip(SkipReason.BLOCKED, "fetch failed when it last ran"))
    reporter.skipped(BACKFILL, Skip(SkipReason.ONGOING, "by process 12 on a-host"))
    reporter.skipped(JOB, Skip(SkipReason.NOT_DUE, "until tomorrow"))
    reporter.handed_over(JOB)

    assert stream.getvalue().splitlines() == [
        "my-app   ok       0.31 s",
        "my-fill  failed   2026-11-20 03:00 CET  0.31 s  ValueError: odd",
        "my-app   blocked  fetch failed when it last ran",
        "my-fill  running  by process 12 on a-host",
        "my-app   handed over  to the workers",
    ]


def test_why_one_job_is_not_run_is_the_answer_to_who_asked_for_it(stream):
    reporter = TerminalReporter(stream, tells_skips=False)
    reporter.skipped(JOB, Skip(SkipReason.BLOCKED, "fetch failed when it last ran"))

    assert stream.getvalue() == ""


@pytest.mark.parametrize(
    ("minutes", "words"),
    [
        (0.2, "1 min"),
        (41, "41 min"),
        (927, "15 h 27 min"),
        (72 * 60, "3 d 0 h"),
    ],
)
def test_who_has_nothing_to_do_says_what_is_next(stream, minutes, words):
    now = datetime(2026, 11, 28, 10, 33, tzinfo=timezone.utc)
    at = now + timedelta(minutes=minutes)
    TerminalReporter(stream).idle(Upcoming(JOB, at, at), now)

    local = at.astimezone(BERLIN)
    when = f"{local:%a} {local.day} {local:%b %H:%M} (Europe/Berlin)"
    assert stream.getvalue() == f"nothing is due; next: my-app in {words}, at {when}\n"


def test_no_job_may_have_a_next_time(stream):
    TerminalReporter(stream).idle(None, datetime(2026, 11, 28, tzinfo=timezone.utc))

    assert stream.getvalue() == "nothing is due; no job has a next time\n"


def test_a_job_that_waits_for_its_time_is_not_mentioned_and_nothing_is_imported():
    """trap: each tick paid for what it did not need."""
    code = """
        reporter.skipped(JOB, Skip(SkipReason.NOT_DUE, "until tomorrow"))
        reporter.finished()
        assert "rich" not in sys.modules
        """
    assert on_terminal(code) == ""
