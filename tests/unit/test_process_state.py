"""What is put back after a run, in the process of the tests itself."""

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

        def put_back(self, was: int) -> None:
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
    before = open_descriptors()
    for _ in range(3):
        ProcessState().restore()
    assert open_descriptors() == before
