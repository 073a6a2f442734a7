"""Commands as process groups: what they say, and that nothing of them is left behind."""

import contextlib
import math
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from crontabber.process import commands as process
from crontabber.process.commands import run

HANGS = 60
"""Seconds for which a command sleeps that is to be ended; a test that takes them failed."""


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(process, "GRACE", 0.3)
    monkeypatch.setattr(process, "_LOOK", 0.1)


@pytest.fixture
def pidfile(tmp_path):
    return tmp_path / "pid"


def has_ended(pidfile: Path) -> bool:
    """Whether the process that wrote the file is gone; or soon, as SIGKILL takes a moment."""
    try:
        found = psutil.Process(int(pidfile.read_text()))
        with contextlib.suppress(psutil.TimeoutExpired):
            found.wait(5)
        return found.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_a_command_gives_its_exit_code_and_output():
    assert run("echo out; echo err >&2; exit 3") == (3, "out\n", "err\n")
    assert run("true") == (0, "", "")


def test_a_string_goes_to_the_shell():
    assert run("echo $((6 * 7)) | tr 4 5") == (0, "52\n", "")


def test_a_list_never_goes_to_the_shell():
    """trap: list arguments went through a shell."""
    arguments = ["$HOME", "; exit 1", "a b", '"', "*", "`id`"]
    assert run([sys.executable, "-c", "import sys; print(sys.argv[1:])", *arguments]) == (
        0,
        f"{arguments}\n",
        "",
    )


def test_a_single_string_in_a_list_is_a_program_not_a_command_line():
    with pytest.raises(FileNotFoundError, match="exit 0"):
        run(["exit 0"])


def test_a_path_can_be_in_the_list(tmp_path):
    (tmp_path / "file").write_text("x")
    assert run(["ls", tmp_path]) == (0, "file\n", "")


def test_input_is_what_the_command_reads():
    """trap: run_process ignored input."""
    assert run(["cat"], input="first\nsecond ü\n") == (0, "first\nsecond ü\n", "")


def test_input_may_be_longer_than_a_pipe_holds():
    text = "x" * 1_000_000
    assert run(["cat"], input=text) == (0, text, "")


def test_input_that_nobody_reads_is_no_error():
    assert run(["true"], input="x" * 1_000_000) == (0, "", "")


def test_without_input_there_is_nothing_to_read():
    assert run(["cat"]) == (0, "", "")


def test_output_is_text_whatever_its_bytes():
    assert run(r"printf 'a\377\303\274\r\n'") == (0, "a\ufffdü\r\n", "")


def test_output_longer_than_a_pipe_on_both_sides():
    code = "import sys; sys.stderr.write('e' * 300_000); sys.stdout.write('o' * 300_000)"
    assert run([sys.executable, "-c", code]) == (0, "o" * 300_000, "e" * 300_000)


def test_a_signal_that_ends_the_command_is_a_negative_exit_code():
    assert run("kill -KILL $$") == (-signal.SIGKILL, "", "")


def test_a_timeout_that_is_not_reached_changes_nothing():
    assert run(["cat"], input="in time", timeout=HANGS) == (0, "in time", "")


def run_too_long(command, pidfile):
    """What is raised; on a busy machine the command may need more time to write the file."""
    for timeout in (0.3, 3, 30):
        with pytest.raises(subprocess.TimeoutExpired, match=f"after {timeout} sec") as caught:
            run(command, timeout=timeout)
        if pidfile.exists() and pidfile.read_text():
            break
    return caught.value


def test_a_timeout_ends_the_whole_group_and_tells_what_was_said(pidfile):
    command = f"echo begun; echo oh >&2; sh -c 'echo $$ > {pidfile}; sleep {HANGS}; true'; true"
    error = run_too_long(command, pidfile)
    assert (error.stdout, error.stderr) == ("begun\n", "oh\n")
    assert has_ended(pidfile)


def test_a_timeout_ends_a_group_that_does_not_heed_sigterm(pidfile):
    run_too_long(f"trap '' TERM; (echo $$ > {pidfile}; sleep {HANGS}; true); true", pidfile)
    assert has_ended(pidfile)


def test_a_group_may_tidy_up_before_it_ends(pidfile, monkeypatch):
    monkeypatch.setattr(process, "GRACE", HANGS)
    tidied = pidfile.with_name("tidied")
    tidy = f"trap 'echo tidied > {tidied}; exit' TERM; echo $$ > {pidfile}"
    run_too_long(f"{tidy}; sleep {HANGS} & wait", pidfile)
    assert tidied.read_text() == "tidied\n"


def test_a_command_that_closed_its_output_is_still_bound_by_the_timeout(pidfile):
    command = f"echo last words; exec >&- 2>&-; echo $$ > {pidfile}; sleep {HANGS}"
    assert run_too_long(command, pidfile).stdout == "last words\n"


def test_a_child_in_the_background_is_waited_for_as_long_as_it_may_speak():
    assert run("(sleep 0.3; echo late) & echo early") == (0, "early\nlate\n", "")


@pytest.mark.parametrize("timeout", [None, HANGS / 2])
def test_a_daemon_that_holds_the_pipes_does_not_hold_the_job(timeout, pidfile):
    code = f"""import os, time
if os.fork() == 0:
    os.setsid()
    open({str(pidfile)!r}, "w").write(str(os.getpid()))
    os.write(1, b"daemon\\n")
    time.sleep({HANGS})
while not os.path.exists({str(pidfile)!r}) or not open({str(pidfile)!r}).read():
    time.sleep(0.01)
"""
    begun = time.monotonic()
    assert run([sys.executable, "-c", code], timeout=timeout) == (0, "daemon\n", "")
    assert time.monotonic() - begun < HANGS / 2
    os.kill(int(pidfile.read_text()), signal.SIGKILL)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"command": []}, ValueError, r"command is \[\]: write a program and its arguments"),
        ({"command": None}, ValueError, "command is None"),
        ({"command": "cat", "input": b"x"}, TypeError, "input has to be text, not bytes"),
        ({"command": "cat", "input": 7}, TypeError, "input has to be text, not int"),
        ({"command": "true", "timeout": "5"}, TypeError, "timeout has to be a number .* not str"),
        ({"command": "true", "timeout": math.nan}, ValueError, "timeout has to be a number .* nan"),
    ],
)
def test_an_argument_that_means_nothing_is_named(arguments, error, message):
    with pytest.raises(error, match=message):
        run(**arguments)


def test_a_timeout_may_be_for_ever():
    assert run("true", timeout=math.inf) == (0, "", "")


class Stop(BaseException):
    """What a signal's handler raises."""


def test_an_exception_from_a_signal_ends_the_group(pidfile):
    def stop(signum, frame):
        raise Stop

    previous = signal.signal(signal.SIGUSR1, stop)
    try:
        with pytest.raises(Stop):
            run(f"echo $$ > {pidfile}; kill -USR1 {os.getpid()}; sleep {HANGS}; true")
    finally:
        signal.signal(signal.SIGUSR1, previous)
    assert has_ended(pidfile)


def test_a_signal_before_the_command_begins_to_start_keeps_it_from_starting(monkeypatch):
    """trap: it was started anyway, and nothing could end it"""
    starters = []

    class Late(threading.Thread):
        """Begins when the wait for it was ended by a signal's exception."""

        def start(self):
            starters.append(self)
            raise Stop

    monkeypatch.setattr("crontabber.process.commands.threading.Thread", Late)
    started = []
    monkeypatch.setattr(
        "crontabber.process.commands.subprocess.Popen", lambda *_, **__: started.append(1)
    )
    with pytest.raises(Stop):
        run("true")
    for starter in starters:
        super(Late, starter).start()
        starter.join()
    assert len(starters) == 1
    assert not started


def test_a_second_signal_during_the_grace_leaves_nothing_behind(pidfile, monkeypatch):
    monkeypatch.setattr(process, "GRACE", HANGS)

    def stop(signum, frame):
        raise Stop

    previous = signal.signal(signal.SIGUSR1, stop)
    stubborn = f"trap 'kill -USR1 {os.getpid()}' TERM; echo $$ > {pidfile}; "
    try:
        with pytest.raises(Stop):
            run(f"{stubborn} kill -USR1 {os.getpid()}; while :; do sleep 0.05; done")
    finally:
        signal.signal(signal.SIGUSR1, previous)
    assert has_ended(pidfile)


def test_ctrl_c_is_for_the_job_not_for_the_command():
    code = "import os; print(os.getsid(0) == os.getpid() == os.getpgid(0))"
    assert run([sys.executable, "-c", code]) == (0, "True\n", "")


@pytest.mark.parametrize("handler", [signal.SIG_IGN, lambda *_: os.waitpid(-1, os.WNOHANG)])
def test_the_exit_code_is_true_where_sigchld_is_not_the_default(handler):
    """trap: SIGCHLD ignored: failures became successes"""
    previous = signal.signal(signal.SIGCHLD, handler)
    try:
        assert run("exit 3")[0] == 3
        assert signal.getsignal(signal.SIGCHLD) is handler
    finally:
        signal.signal(signal.SIGCHLD, previous)


def test_in_a_thread_an_exit_code_that_would_be_lost_is_an_error():
    raised = []

    def call():
        try:
            run("exit 3")
        except RuntimeError as error:
            raised.append(str(error))

    previous = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        thread = threading.Thread(target=call)
        thread.start()
        thread.join()
    finally:
        signal.signal(signal.SIGCHLD, previous)
    assert "SIGCHLD is ignored" in raised[0]
