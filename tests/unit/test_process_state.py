"""What is put back after a run, in the process of the tests itself."""

import gc
import logging
import os
import signal
import sys
import threading
from pathlib import Path

import pytest

from crontabber.process.state import THINGS, ProcessState
from crontabber.process.things import Thing


def test_each_thing_says_why() -> None:
    assert all(thing.name and thing.why for thing in THINGS)
    assert len({thing.name for thing in THINGS}) == len(THINGS)


def test_a_restore_never_raises_and_the_rest_is_put_back(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Breaks(Thing):
        def read(self) -> int:
            return 0

        def put_back(self, was: int) -> bool:
            raise KeyboardInterrupt("no")

    things = (Breaks("this", "it breaks"), *THINGS)
    monkeypatch.setattr("crontabber.process.state.THINGS", things)
    with ProcessState():
        os.environ["CRONTABBER_SPOILT"] = "yes"
    assert "CRONTABBER_SPOILT" not in os.environ
    assert "after a job this cannot be put back: no" in caplog.text


def test_a_thing_that_cannot_be_read_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    class Hides(Thing):
        def read(self) -> int:
            raise OSError

    monkeypatch.setattr("crontabber.process.state.THINGS", (Hides("this", "it hides"), *THINGS))
    with ProcessState():
        sys.argv.append("spoilt")
    assert sys.argv[-1] != "spoilt"


def test_in_another_thread_all_but_signals_is_put_back() -> None:
    seen: list[object] = []

    def work() -> None:
        with ProcessState():
            os.umask(0o777)
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
        seen.append(signal.pthread_sigmask(signal.SIG_BLOCK, []))

    umask = os.umask(0o022)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert os.umask(umask) == 0o022
    assert seen == [set()]


def test_stdout_of_another_kind_is_left_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    stream = sys.stdout
    with ProcessState():
        sys.stdout.write("within\n")
    assert sys.stdout is stream
    assert capsys.readouterr().out == "within\n"


def open_descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_nothing_is_left_of_the_copies_of_descriptors() -> None:
    gc.collect()  # what other tests left would be closed meanwhile
    before = open_descriptors()
    for _ in range(3):
        with ProcessState():
            pass
    assert open_descriptors() == before


def test_a_state_that_is_used_again_restores_what_it_first_found() -> None:
    state, argv = ProcessState(), [*sys.argv]
    for spoil in (sys.argv.clear, lambda: None, lambda: sys.argv.append("spoilt")):
        with state:
            spoil()
        assert sys.argv == argv


def test_a_state_that_is_used_again_knows_what_came_into_being_meanwhile() -> None:
    state, name = ProcessState(), "tests.made_between_two_runs"
    with state:
        sys.path.append("/added by a job")
        sys.made_by_a_job = 1  # type: ignore[attr-defined]
    logger = logging.getLogger(name)
    try:
        with state:
            logger.disabled = True
            sys.path.clear()
            sys.made_by_a_job = 2  # type: ignore[attr-defined]
        assert not logger.disabled
        assert sys.path[-1] == "/added by a job"
        assert sys.made_by_a_job == 1  # type: ignore[attr-defined]
    finally:
        sys.path.remove("/added by a job")
        del sys.made_by_a_job  # type: ignore[attr-defined]


def test_copies_of_descriptors_that_a_job_closed_are_made_anew() -> None:
    state, before = ProcessState(), [os.fstat(number).st_ino for number in (0, 1, 2)]
    with state:
        os.closerange(200, 210)  # as daemons close all
    for number in (0, 1, 2):
        with state:
            reading, writing = os.pipe()
            os.dup2(writing, number)
            os.close(reading)
            os.close(writing)
        assert [os.fstat(number).st_ino for number in (0, 1, 2)] == before
