"""``--nagios`` answers in time, no matter what hangs."""

import socket
import time
from collections.abc import Iterator

import pytest

from tests.acceptance.rows import CONF
from tests.support import Command, Database

START = 30.0
"""Seconds that a start of the command may take on a busy machine, besides what it waits."""

APP = """\
from crontabber.base import BaseCronApp

class App(BaseCronApp):
    app_name = 'app'

    def run(self):
        pass
"""

IN_PYTHON = "import time\ntime.sleep(3600)\n"
SWALLOWED = """\
import time
while True:
    try:
        time.sleep(3600)
    except BaseException:
        pass
"""
IN_C = "import ctypes\nctypes.PyDLL(None).sleep(3600)\n"  # which keeps the interpreter's lock
NO_SIGNALS = f"import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, range(1, 32))\n{IN_C}"


@pytest.fixture
def silent() -> Iterator[int]:
    """A port where connections are made, and nothing is ever said."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield server.getsockname()[1]


def asked(crontabber: Command, *arguments: str) -> tuple[int, str, float]:
    """The exit status, the line, and how many seconds it took."""
    began = time.monotonic()
    done = crontabber(CONF, "--nagios", *arguments)
    assert done.stderr == ""
    assert done.stdout.count("\n") == 1
    return done.returncode, done.stdout.rstrip(), time.monotonic() - began


def silent_ini(port: int, addresses: int) -> str:
    hosts, ports = (",".join([each] * addresses) for each in ("127.0.0.1", str(port)))
    return f'[resource]\n[[postgresql]]\nhost="{hosts}"\nport="{ports}"\nuser=u\ndbname=d\n'


def test_five_silent_addresses_take_less_than_the_ten_seconds_of_check_nrpe(
    crontabber: Command, silent: int
) -> None:
    """trap: libpq waits in C for one address after the other, and no signal ends that."""
    crontabber.write("crontabber.ini", silent_ini(silent, 5))
    code, line, took = asked(crontabber)
    assert code == 3
    assert line.startswith("UNKNOWN - no answer within 8 s: is a server silent,")
    assert took < 8 + START


@pytest.mark.parametrize("place", ["command line", "environment", "file"])
def test_how_long_is_an_option(crontabber: Command, silent: int, place: str) -> None:
    ini = silent_ini(silent, 5)
    argument = ["--nagios-timeout=0.5"] if place == "command line" else []
    if place == "file":
        ini += "[crontabber]\nnagios_timeout=0.5\n"
    crontabber.write("crontabber.ini", ini)
    env = {"crontabber.nagios_timeout": "0.5"} if place == "environment" else {}
    done = crontabber(CONF, "--nagios", *argument, env=env)
    assert done.returncode == 3
    assert done.stdout.startswith("UNKNOWN - no answer within 0.5 s:")


def test_a_server_that_takes_longer_than_the_default_can_be_waited_for(
    crontabber: Command, silent: int
) -> None:
    crontabber.write("crontabber.ini", silent_ini(silent, 1))
    code, line, took = asked(
        crontabber, "--nagios-timeout=20", "--resource.postgresql.connect_timeout=9"
    )
    assert code == 3
    assert "timeout expired" in line
    assert took > 8.5


@pytest.mark.parametrize(
    "text", ["0", "-1", "soon", ""], ids=["none", "less than none", "no number", "empty"]
)
def test_what_is_no_time_is_refused(crontabber: Command, text: str) -> None:
    crontabber.write("crontabber.ini", "")
    code, line, _ = asked(crontabber, f"--nagios-timeout={text}")
    assert code == 3
    assert line.startswith("UNKNOWN - option crontabber.nagios_timeout ")


@pytest.mark.parametrize(
    "hang", [IN_PYTHON, SWALLOWED, IN_C, NO_SIGNALS], ids=["Python", "swallowed", "C", "no signals"]
)
def test_a_job_whose_import_hangs(crontabber: Command, database: Database, hang: str) -> None:
    """trap: what the alarm raised became a fault of one job, and the next one hung for ever."""
    crontabber.write("one.py", hang + APP)
    crontabber.write("two.py", hang + APP)
    crontabber.configure(database, "")
    assert crontabber(CONF, "--list-jobs").returncode == 0
    crontabber.configure(database, "one.App|1h\ntwo.App|1h")
    for seconds in (1, 10, 40):  # a busy machine may need more until it is there
        code, line, took = asked(crontabber, f"--nagios-timeout={seconds}")
        assert code == 3
        assert line.startswith(f"UNKNOWN - no answer within {seconds} s: ")
        assert took < seconds + START
        if "import of a job" in line:
            return
    raise AssertionError(line)


def test_a_database_class_whose_import_hangs(crontabber: Command) -> None:
    crontabber.write("factories.py", IN_C)
    crontabber.write("crontabber.ini", "[crontabber]\ndatabase_class=factories.Factory\n")
    code, line, took = asked(crontabber, "--nagios-timeout=1")
    assert (code, line.partition(":")[0]) == (3, "UNKNOWN - no answer within 1 s")
    assert took < 1 + START


@pytest.mark.parametrize(
    ("end", "how"),
    [
        ("import os\nos.execv('/bin/sh', ['sh', '-c', 'exit 0'])\n", "its exit status is 0"),
        ("import os\nos.kill(os.getpid(), 11)\n", "it was ended by signal 11"),
    ],
    ids=["another program", "a crash in C"],
)
def test_a_module_that_ends_the_process_is_no_ok(
    crontabber: Command, database: Database, end: str, how: str
) -> None:
    crontabber.write("one.py", end)
    crontabber.configure(database, "")
    assert crontabber(CONF, "--list-jobs").returncode == 0
    crontabber.configure(database, "one.App|1h")
    code, line, _ = asked(crontabber)
    assert (code, line) == (3, f"UNKNOWN - the check ended without an answer: {how}")


def test_started_with_sigchld_ignored(crontabber: Command, database: Database) -> None:
    """A parent's ``trap '' CHLD``."""
    import signal

    crontabber.configure(database, "")
    previous = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        with crontabber.popen(CONF, "--nagios") as process:
            out, _ = process.communicate(timeout=60)
    finally:
        signal.signal(signal.SIGCHLD, previous)
    assert out.startswith("WARNING - there are no jobs in this configuration | jobs=0 ")
