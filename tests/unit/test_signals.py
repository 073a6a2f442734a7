"""Signals while a job's code runs, in this process; real ones, raised by the test itself."""

import signal

import pytest

from crontabber.errors import Stopped
from crontabber.process.signals import STOPPING, Signals


@pytest.mark.parametrize("number", STOPPING)
def test_a_second_signal_does_not_hit_the_cleanup_after_the_first(number: int) -> None:
    """trap: an impatient second signal ended a job's ``finally`` half way"""
    cleaned_up = []

    def job() -> None:
        try:
            signal.raise_signal(number)
        finally:
            signal.raise_signal(number)
            cleaned_up.append(True)

    with Signals() as signals:
        with pytest.raises(Stopped), signals.interruptible():
            job()
        with pytest.raises(Stopped):
            signals.check()
    assert cleaned_up


def test_the_bookkeeping_is_not_interrupted() -> None:
    with Signals() as signals:
        with signals.interruptible():
            pass
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(Stopped, match="stopped by SIGTERM"):
            signals.check()


def test_a_signal_that_came_before_a_job_ends_it_at_once() -> None:
    with Signals() as signals:
        signal.raise_signal(signal.SIGTERM)
        begun = False
        with pytest.raises(Stopped), signals.interruptible():
            begun = True
        assert not begun
