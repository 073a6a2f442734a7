"""What a class and its children write is kept, if it says so, and goes where it went before."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from crontabber.config.appspec import keep_output_of
from crontabber.errors import JobLineError
from crontabber.mixins import as_backfill_cron_app
from crontabber.process.tail import Tail, kept
from crontabber.schedule.model import Outcome
from crontabber.testing import Simulation
from tests.support import ROOT, TIMEOUT
from tests.unit.test_tick import HOUR, START, app, simulation


def ticked(run: Any, keep_output: int = 100) -> Simulation:
    sim, _ = simulation({app("a", run, keep_output=keep_output): "1h"})
    sim.tick()
    return sim


def output(run: Any, keep_output: int = 100) -> str | None:
    [found] = ticked(run, keep_output).log
    assert found.outcome is Outcome.SUCCEEDED, found.error
    return found.output


def test_what_the_job_and_its_children_write_is_kept_and_passed_on(
    capfd: pytest.CaptureFixture[str],
) -> None:
    def run(self: Any) -> None:
        os.write(1, b"job\n")
        os.system("echo child; echo error >&2")

    found = output(run)
    assert found
    assert sorted(found.split()) == ["child", "error", "job"]
    assert capfd.readouterr() == ("job\nchild\n", "error\n")


def test_nothing_is_kept_unless_the_class_says_so(capfd: pytest.CaptureFixture[str]) -> None:
    assert output(lambda self: os.write(1, b"job\n") and None, 0) is None
    assert capfd.readouterr().out == "job\n"


def test_silence_is_nothing() -> None:
    assert output(lambda self: None) is None


def test_what_a_failed_run_wrote_is_kept(capfd: pytest.CaptureFixture[str]) -> None:
    def run(self: Any) -> None:
        os.write(2, b"oh\n")
        raise OSError("no")

    [found] = ticked(run).log
    assert (found.outcome, found.output) == (Outcome.FAILED, "oh\n")


def test_each_date_has_its_own_output(capfd: pytest.CaptureFixture[str]) -> None:
    def run(self: Any, date: Any) -> None:
        os.write(1, f"{date:%H}\n".encode())

    sim, _ = simulation({as_backfill_cron_app(app("a", run, keep_output=100)): "1h"})
    sim.tick()
    sim.tick(START + 2 * HOUR)
    assert [each.output for each in sim.log] == ["03\n", "04\n", "05\n"]


def test_a_megabyte_is_passed_on_and_its_end_is_kept(capfd: pytest.CaptureFixture[str]) -> None:
    def run(self: Any) -> None:
        os.system("head -c 1000000 /dev/zero | tr '\\0' x; echo end")

    assert output(run, 8) == "xxxxend\n"
    assert capfd.readouterr().out == "x" * 1_000_000 + "end\n"


def test_what_is_left_in_the_background_may_go_on_writing(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Without a SIGPIPE, and without holding up the tick."""
    ready, word = tmp_path / "ready", tmp_path / "word"
    os.mkfifo(ready)
    os.mkfifo(word)
    before = others()
    children: list[subprocess.Popen[bytes]] = []

    def run(self: Any) -> None:
        children.append(subprocess.Popen(["sh", "-c", f"echo begun; : > {ready}; cat {word}"]))
        ready.read_text()

    assert output(run) == "begun\n"
    [recorder] = map(psutil.Process, others() - before)
    word.write_text("late\n")
    assert children[0].wait(TIMEOUT) == 0
    recorder.wait(TIMEOUT)
    assert capfd.readouterr().out == "begun\nlate\n"


def test_no_connection_is_held_open_and_no_child_of_ours_is_left() -> None:
    """trap: a session that lives on keeps its claims"""
    ends, before = os.pipe(), psutil.Process().children()

    def run(self: Any) -> None:
        os.close(ends[1])
        self.read = os.read(ends[0], 1)  # blocks if another process has the writing end
        assert self.read == b""
        assert psutil.Process().children() == before

    assert output(run) is None
    os.close(ends[0])


def test_a_recorder_that_is_killed_costs_the_output_only() -> None:
    def run(self: Any) -> None:
        [recorder] = map(psutil.Process, others() - before)
        recorder.terminate()  # which it does not heed
        os.write(1, b"job\n")
        recorder.kill()

    before = others()
    assert output(run) is None


def others() -> set[int]:
    """The processes that come from a fork of this one."""
    ours = psutil.Process().cmdline()
    found = psutil.process_iter()
    return {each.pid for each in found if each.pid != os.getpid() and _line_of(each) == ours}


def _line_of(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def test_the_log_of_the_job_is_in_its_output(tmp_path: Path) -> None:
    """In a process of its own: pytest has streams that lead elsewhere."""
    (tmp_path / "job.py").write_text(
        "import ctypes, logging, sys\n"
        "from datetime import datetime, timezone\n"
        "from crontabber.base import BaseCronApp\n"
        "from crontabber.testing import Simulation\n"
        "class A(BaseCronApp):\n"
        "    app_name, keep_output = 'a', 100\n"
        "    def run(self):\n"
        "        print('printed')\n"
        "        sys.stdout.flush()\n"
        "        ctypes.PyDLL(None).write(1, b'in C, with the lock' * 9000, 9000 * 19)\n"
        "        logging.getLogger('mine').warning('logged')\n"
        "        print('at the end')\n"
        "sim = Simulation({A: '1h'}, datetime(2026, 11, 21, tzinfo=timezone.utc))\n"
        "sim.tick()\n"
        "print('KEPT', repr(sim.log[0].output))\n"
    )
    given: list[dict[str, Any]] = [{"stderr": subprocess.STDOUT}, {"stderr": subprocess.DEVNULL}]
    for streams in given:
        done = subprocess.run(
            [sys.executable, "job.py"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            timeout=TIMEOUT,
            **streams,
        )
        text, _, found = done.stdout.rpartition("KEPT ")
        assert text.startswith("printed\nin C, with")
        assert {"logged", "at the end"} <= {*found[1:-2].replace("lock", "lock\\n").split("\\n")}


@pytest.mark.parametrize(
    ("data", "limit", "expected"),
    [
        (b"", 5, None),
        (b"abc", 5, "abc"),
        (b"abcdef", 5, "bcdef"),
        (b"a\0", 5, "a\\x00"),
        (b"\xff", 5, "\\xff"),
        ("aü".encode(), 2, "ü"),
        ("aü".encode(), 1, None),
        (b"abc", 0, None),
        (b"the secret is out", 20, "the ****** is out"),
        (b"the secret is out", 10, "**** is out"[-10:]),
    ],
)
def test_what_is_kept_of_bytes(data: bytes, limit: int, expected: str | None) -> None:
    assert kept(data, limit, lambda text: text.replace("secret", "******")) == expected


def test_a_tail_holds_little_more_than_it_keeps() -> None:
    tail = Tail(10)
    for number in range(100_000):
        tail.add(b"%d\n" % number)
    assert tail.last() == b"998\n99999\n"
    assert len(tail._data) == 10
    tail.clear()
    assert tail.last() == b""


@pytest.mark.parametrize("value", [-1, 1.5, "16k", True])
def test_what_is_no_number_of_bytes_is_named(value: Any) -> None:
    with pytest.raises(JobLineError, match=r"keep_output of A is .*, not a whole number from 0"):
        keep_output_of(app("a", keep_output=value))
