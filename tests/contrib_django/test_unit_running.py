"""What runs a command: its command line, what becomes of its output, and the loop."""

# ruff: noqa: T201

import io
import logging
import os
import signal
import sys
from argparse import ArgumentParser, BooleanOptionalAction
from datetime import timedelta

import pytest

pytest.importorskip("django", reason="Django is not installed: pip install 'crontabber[django]'")

from django.core.management import CommandError

from crontabber.contrib.django.command import command_line, try_arguments
from crontabber.contrib.django.jobs import Job
from crontabber.contrib.django.loop import loop
from crontabber.contrib.django.output import logged_output
from crontabber.errors import DatabaseUnavailable, ExitCode
from crontabber.schedule.grammar import Schedule

JOB = Job("report", "report", Schedule.parse("1d"), ("--days=3", "archive"))


class Report:
    """As much of a command as is asked."""

    def create_parser(self, *_):
        parser = ArgumentParser()
        parser.add_argument("where", nargs="*")
        parser.add_argument("--days", type=int)
        parser.add_argument("-t", "--run-time")
        parser.add_argument("--dry", action="store_true")
        parser.add_argument("--no-input", action="store_false", dest="interactive")
        parser.add_argument("--fast", action=BooleanOptionalAction)
        parser.add_argument("--format", choices=["csv"])
        return parser


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ([], []),
        ([("run_time", "2026-11-21T03:00")], ["--run-time=2026-11-21T03:00"]),
        ([("run_time", "")], ["--run-time="]),
        ([("run-time", "x"), ("--days", "4")], ["--run-time=x", "--days=4"]),
        ([("dry", "yes")], ["--dry"]),
        ([("dry", "0")], []),
        ([("interactive", "yes")], []),
        ([("interactive", "no")], ["--no-input"]),
        ([("fast", "yes")], ["--fast"]),
        ([("fast", "no")], ["--no-fast"]),
        ([("where", "there")], ["there"]),
        ([("dry", None), ("fast", None)], ["--dry", "--fast"]),
        ([("--dry", None)], ["--dry"]),
        ([("no-input", None), ("--no-fast", None)], ["--no-input", "--no-fast"]),
        ([("no_input", "yes"), ("no-fast", "no")], ["--no-input"]),
        ([("interactive", None)], []),
    ],
)
def test_arguments_are_given_by_name(more, words):
    assert command_line(Report(), JOB, more) == ["--days=3", "archive", *words]


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        (("dyas", "1"), "the command has no option 'dyas': did you mean days?"),
        (("zzz", "1"), "the command has no option 'zzz'; it has days, dry, fast, format, help, i"),
        (("days", None), "days needs a value: write days=VALUE"),
        (("where", None), "where needs a value: write where=VALUE"),
        (("dry", "maybe"), "dry=maybe cannot be given: it is neither yes nor no"),
    ],
)
def test_an_argument_that_the_command_does_not_take_is_refused(argument, said):
    with pytest.raises(CommandError) as error:
        command_line(Report(), JOB, [argument])
    assert str(error.value).startswith(said)


def test_what_would_only_print_is_refused_and_prints_nothing(capsys):
    """trap: argparse exits with 0, and so did every command of the project that checks its jobs"""
    job = Job("report", "report", JOB.schedule, ("--help",))
    with pytest.raises(CommandError, match="leave out --help and --version"):
        try_arguments(Report(), job)
    assert capsys.readouterr() == ("", "")


def test_each_line_is_logged_with_the_job(caplog):
    caplog.set_level(logging.INFO, "crontabber.output")
    with logged_output("report", lambda text: text.replace("secret", "***")) as (out, _):
        print("one\r\ntwo secret")
        print("wrong", file=sys.stderr)
        out.write("half a ")
        assert len(caplog.records) == 3
        out.write("line\n\x1b[31mred")
    lines = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert lines == [
        ("INFO", "report: one"),
        ("INFO", "report: two ***"),
        ("WARNING", "report: wrong"),
        ("INFO", "report: half a line"),
        ("INFO", r"report: \x1b[31mred"),
    ]
    assert {(record.action, record.app_name) for record in caplog.records} == {("output", "report")}


def test_bytes_are_logged_too(caplog):
    """trap: what works by hand, as to write to sys.stdout.buffer, fails as a job"""
    caplog.set_level(logging.INFO, "crontabber.output")
    with logged_output("report"):
        print("text, ", end="")
        assert sys.stdout.buffer.write(b"k\xc3") == 2  # half a character
        assert sys.stdout.buffer.write(memoryview(b"\xa4se\n")) == 4
        with io.TextIOWrapper(sys.stderr.buffer, "utf-8") as stderr:
            stderr.write("wrapped")
        sys.stdout.buffer.write(b"half an \xc3")
    assert [record.getMessage() for record in caplog.records] == [
        "report: text, käse",
        r"report: half an \xc3",
        "report: wrapped",
    ]


def test_a_handler_that_writes_to_stderr_does_not_hear_itself(capsys, monkeypatch):
    """trap: the log line of a printed line is printed, and logged, and printed"""

    class ToStderr(logging.Handler):
        def emit(self, record):
            print(record.getMessage(), file=sys.stderr)

    logger = logging.getLogger("crontabber.output")
    monkeypatch.setattr(logger, "handlers", [ToStderr()])
    monkeypatch.setattr(logger, "propagate", False)  # to handlers that other tests left
    with logged_output("report"):
        print("wrong", file=sys.stderr)
    assert capsys.readouterr().err == "report: wrong\n"


def test_output_is_given_back_when_the_command_raises():
    before = sys.stdout, sys.stderr
    with pytest.raises(ValueError, match="no"), logged_output("report"):
        raise ValueError("no")
    assert (sys.stdout, sys.stderr) == before


@pytest.fixture
def ticks():
    return []


def test_the_loop_survives_what_ticks_raise(ticks, caplog):
    def tick(signals):
        ticks.append(signals)
        if len(ticks) == 1:
            raise DatabaseUnavailable("cannot use the database")
        if len(ticks) == 2:
            raise ZeroDivisionError
        if len(ticks) == 4:
            os.kill(os.getpid(), signal.SIGTERM)
        return ExitCode.ERROR

    assert loop(tick, timedelta()) == signal.SIGTERM
    assert len(ticks) == 4
    first, second = [r for r in caplog.records if r.levelno >= logging.ERROR]
    assert first.getMessage() == "cannot use the database"
    assert (second.getMessage(), second.exc_info[0]) == ("a tick failed", ZeroDivisionError)


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_the_wait_between_ticks(signum, ticks):
    alarm = signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signum))
    before = signal.getsignal(signum)

    def tick(_):
        ticks.append(signal.setitimer(signal.ITIMER_REAL, 0.05))
        return ExitCode.OK

    try:
        assert loop(tick, timedelta(hours=1)) == signum
    finally:
        signal.signal(signal.SIGALRM, alarm)
    assert len(ticks) == 1
    assert signal.getsignal(signum) is before


def test_a_signal_in_the_bookkeeping_is_not_lost(ticks):
    """trap: a signal that comes after the tick's last look at it is forgotten with the tick"""

    def tick(signals):
        ticks.append(signals)
        os.kill(os.getpid(), signal.SIGTERM)  # while nothing may be interrupted
        return ExitCode.OK

    assert loop(tick, timedelta(hours=1)) == signal.SIGTERM
    assert len(ticks) == 1
