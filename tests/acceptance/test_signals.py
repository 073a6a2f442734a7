"""Signals, and jobs that do to the process what they should not: neither spoils the tick."""

import contextlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest

from tests.acceptance.rows import CONF, pass_time, ran, runs, state, without_news
from tests.support import TIMEOUT, Command, Database
from tests.torture.proxy import Ambush, Moment, Proxy

JOBS = """\
import logging.config
import multiprocessing
import os
import signal
import sys
import time
from crontabber.base import BaseCronApp
from crontabber.reporters.log import LogReporter
from crontabber.mixins import (
    as_backfill_cron_app, as_single_postgres_transaction, using_postgres,
    with_postgres_connection_as_argument, with_subprocess
)

def ready():
    with open('ready', 'w') as fifo:
        fifo.write('!')

def once(name):
    'Whether this is the first time.'
    try:
        open(name, 'x').close()
    except FileExistsError:
        return False
    return True

class InPython(BaseCronApp):
    app_name = 'job'

    def run(self):
        if once('began'):
            ready()
            while True:
                try:
                    signal.pause()
                except Exception:
                    pass  # "except Exception" does not swallow it

@using_postgres
@with_postgres_connection_as_argument
class InSql(BaseCronApp):
    app_name = 'job'

    def run(self, connection):
        if once('began'):
            connection.cursor().execute('SELECT pg_sleep(3600)')

@using_postgres
@as_single_postgres_transaction
class InTransaction(InSql):
    pass

@with_subprocess
class InSubprocess(BaseCronApp):
    app_name = 'job'

    def run(self):
        if once('began'):
            self.run_process('echo $$ > pid; echo ! > ready; exec sleep 3600')

@as_backfill_cron_app
class InBackfill(BaseCronApp):
    app_name = 'job'

    def run(self, date):
        if once('began'):
            ready()
            signal.pause()

class Swallows(BaseCronApp):
    app_name = 'job'

    def run(self):
        if once('began'):
            try:
                ready()
                signal.pause()
            except BaseException:
                pass

class Exits(BaseCronApp):
    app_name = 'job'

    def run(self):
        sys.exit('enough')

class Interrupts(BaseCronApp):
    app_name = 'job'

    def run(self):
        raise KeyboardInterrupt

@using_postgres
@with_postgres_connection_as_argument
class Closes(BaseCronApp):
    app_name = 'job'

    def run(self, connection):
        connection.close()

@using_postgres
@as_single_postgres_transaction
class ClosesTransaction(Closes):
    pass

@using_postgres
@with_postgres_connection_as_argument
class LeavesOpen(BaseCronApp):
    app_name = 'job'

    def run(self, connection):
        connection.cursor().execute('LOCK TABLE crontabber_log IN SHARE MODE')

class Forks(BaseCronApp):
    app_name = 'job'

    def run(self):
        pid = os.fork()
        if pid:
            os.waitpid(pid, 0)

class ForksWorker(BaseCronApp):
    app_name = 'job'

    def run(self):
        worker = multiprocessing.get_context('fork').Process(target=time.sleep, args=(600,))
        worker.start()
        worker.terminate()
        worker.join()
        assert worker.exitcode == -signal.SIGTERM

class Hushes(BaseCronApp):
    app_name = 'job'

    def run(self):
        logging.config.dictConfig({'version': 1, 'root': {'level': 'CRITICAL'}})
        logging.disable(logging.CRITICAL)

class ClosesOutput(BaseCronApp):
    app_name = 'job'

    def run(self):
        sys.stdout.close()
        sys.stderr = None

class Moves(BaseCronApp):
    app_name = 'job'

    def run(self):
        os.mkdir('elsewhere')
        os.chdir('elsewhere')

class Deaf(BaseCronApp):
    app_name = 'job'

    def run(self):
        for number in signal.SIGTERM, signal.SIGINT, signal.SIGHUP:
            signal.signal(number, signal.SIG_IGN)

class Next(BaseCronApp):
    app_name = 'next'

    def run(self):
        assert os.path.exists('crontabber.ini')

class NextInPython(InPython):
    app_name = 'next'

class NextFails(BaseCronApp):
    app_name = 'next'

    def run(self):
        raise KeyError('as it should')

class NextIsKilled(BaseCronApp):
    app_name = 'next'

    def run(self):
        os.kill(os.getpid(), signal.SIGKILL)

class EndsAfterwards(BaseCronApp):
    'The signal comes when the record is made, and before the next job begins.'
    app_name = 'job'

    def run(self):
        if once('ended'):
            LogReporter.succeeded = self.end

    @staticmethod
    def end(reporter, job, run):
        if job.app_name == 'job':
            os.kill(os.getpid(), signal.SIGTERM)

class Prints(BaseCronApp):
    app_name = 'job'

    def run(self):
        print('printed')

class LeavesChild(BaseCronApp):
    'Its process is killed, and a child of it lives on.'
    app_name = 'job'

    def run(self):
        if once('began'):
            if os.fork() == 0:
                signal.pause()
            os.kill(os.getpid(), signal.SIGKILL)
"""
BROKEN = {
    "Exits": "<class 'SystemExit'>",
    "Interrupts": "<class 'KeyboardInterrupt'>",
    "ClosesTransaction": "<class 'psycopg2.InterfaceError'>",
}
STOPPED = "<class 'crontabber.errors.Stopped'>"
SIGNALS = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP]


@pytest.fixture
def tick(crontabber: Command, database: Database) -> Callable[..., Command]:
    """Writes the configuration of one job, and of one that comes after it."""

    def configure(job: str, after: str = "Next", database: Database = database) -> Command:
        crontabber.write("jobs/bad.py", JOBS)
        crontabber.configure(database, f"jobs.bad.{job}|1h\njobs.bad.{after}|1h")
        os.mkfifo(crontabber.directory / "ready")
        return crontabber

    return configure


@contextlib.contextmanager
def running(crontabber: Command) -> Iterator["subprocess.Popen[str]"]:
    """A tick, as soon as a job has said that it is ready; it is waited for at the end."""
    fifo = os.open(crontabber.directory / "ready", os.O_RDONLY | os.O_NONBLOCK)
    try:
        with crontabber.popen(CONF) as process:
            readable, _, _ = select.select([fifo], [], [], TIMEOUT)
            assert readable, "the job never began"
            yield process
            process.wait(TIMEOUT)
    finally:
        os.close(fifo)


def await_query(database: Database, *, runs: bool = True) -> None:
    """Wait until the query of the job runs, or does not any more."""
    give_up = time.monotonic() + TIMEOUT
    while runs != bool(
        database.execute(
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database()"
            " AND query LIKE 'SELECT pg_sleep%' AND state = 'active'"
        )
    ):
        assert time.monotonic() < give_up, "the job never began, or its query never ended"


def assert_stopped(process: "subprocess.Popen[str]", database: Database, number: int) -> None:
    """The job was ended, recorded and released, and the next one was left alone."""
    assert process.returncode == 128 + number
    assert runs(database) == [("job", STOPPED)]
    assert state(database, "job").ongoing is None
    assert state(database, "job").error_count == 1


def assert_goes_on(crontabber: Command, database: Database) -> None:
    pass_time(database, "5 minutes", "job")
    done = crontabber(CONF)
    assert (done.returncode, done.stdout, without_news(done.stderr)) == (0, "", "")
    assert sorted(ran(database)) == ["job", "next"]


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("job", ["InPython", "InSubprocess", "InBackfill"])
def test_a_signal_ends_the_job_and_the_tick(
    tick: Callable[..., Command], database: Database, job: str, number: int
) -> None:
    """trap: sys.exit and Ctrl-C inside a job became job failures and the next job ran."""
    crontabber = tick(job)
    with running(crontabber) as process:
        process.send_signal(number)
    assert_stopped(process, database, number)
    assert_goes_on(crontabber, database)


def test_nothing_is_left_of_a_subprocess(tick: Callable[..., Command], database: Database) -> None:
    crontabber = tick("InSubprocess")
    with running(crontabber) as process:
        pid = int((crontabber.directory / "pid").read_text())
        process.send_signal(signal.SIGTERM)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.parametrize("is_new", [True, False])
def test_a_signal_between_two_jobs_leaves_the_next_as_if_it_had_not_been_claimed(
    tick: Callable[..., Command], database: Database, is_new: bool
) -> None:
    """trap: a job that never began looked as if it had crashed"""
    crontabber = tick("EndsAfterwards")
    if not is_new:
        assert crontabber("--job=jobs.bad.Next", CONF).returncode == 0
        pass_time(database, "1 hour")
    before = [] if is_new else runs(database)
    assert crontabber(CONF).returncode == 128 + signal.SIGTERM
    assert runs(database) == [*before, ("job", None)]
    if not is_new:
        after = state(database, "next")
        assert (after.ongoing, after.last_error, bool(after.first_run)) == (None, None, True)
        assert after.next_run
    assert crontabber(CONF).returncode == 0
    assert runs(database) == [*before, ("job", None), ("next", None)]


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("job", ["InSql", "InTransaction"])
def test_a_signal_ends_a_query(
    tick: Callable[..., Command], database: Database, job: str, number: int
) -> None:
    """trap: SIGTERM left the job ongoing for 12 h."""
    crontabber = tick(job)
    with crontabber.popen(CONF) as process:
        await_query(database)
        process.send_signal(number)
        process.wait(TIMEOUT)
    assert_stopped(process, database, number)
    await_query(database, runs=False)
    assert_goes_on(crontabber, database)


def test_a_job_that_swallows_the_signal_has_run(
    tick: Callable[..., Command], database: Database
) -> None:
    crontabber = tick("Swallows")
    with running(crontabber) as process:
        process.send_signal(signal.SIGTERM)
    assert process.returncode == 128 + signal.SIGTERM
    assert runs(database) == [("job", None)]
    crontabber(CONF)
    assert ran(database) == ["job", "next"]


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize(
    ("message", "done"),
    [(b"pg_try_advisory_lock", []), (b"crontabber_log (log_time", [("job", None)])],
    ids=["while it is claimed", "while its success is recorded"],
)
def test_a_signal_while_no_job_runs(
    tick: Callable[..., Command],
    database: Database,
    message: bytes,
    done: list[tuple[str, None]],
    number: int,
) -> None:
    """trap: SIGHUP killed the process between jobs."""
    with Proxy(database) as proxy:
        crontabber = tick("Moves", database=database._replace(host="127.0.0.1", port=proxy.port))
        proxy.lay(Ambush(message, Moment.BEFORE, lambda: process.send_signal(number), cut=False))
        with crontabber.popen(CONF) as process:
            process.wait(TIMEOUT)
        assert process.returncode == 128 + number
        assert runs(database) == done
        assert state(database, "job").ongoing is None
        assert state(database, "job").error_count == 0
        assert crontabber(CONF).returncode == 0
    assert ran(database) == ["job", "next"]


@pytest.mark.parametrize(
    "job",
    "Exits Interrupts Closes ClosesTransaction LeavesOpen Forks ForksWorker Hushes ClosesOutput"
    " Moves Deaf".split(),
)
def test_what_a_job_does_to_the_process_does_not_spoil_the_tick(
    tick: Callable[..., Command], database: Database, job: str
) -> None:
    """trap: sys.exit, Ctrl-C or a dropped connection inside a job blocked every later job."""
    done = tick(job)(CONF)
    assert done.returncode == 0
    assert runs(database) == [("job", BROKEN.get(job)), ("next", None)]
    assert state(database, "job").ongoing is None
    assert "Traceback" not in done.stdout
    assert bool(done.stderr) == (job in BROKEN)


@pytest.mark.parametrize("job", ["Hushes", "ClosesOutput"])
def test_what_is_wrong_is_told_after_a_job_that_wanted_silence(
    tick: Callable[..., Command], database: Database, job: str
) -> None:
    """trap: one job's logging.config silenced every later failure of the tick"""
    done = tick(job, after="NextFails")(CONF)
    assert "ERROR - next failed: KeyError: 'as it should'" in done.stderr
    assert runs(database)[0] == ("job", None)


def test_what_a_job_printed_is_not_lost_with_the_next(tick: Callable[..., Command]) -> None:
    done = tick("Prints", after="NextIsKilled")(CONF)
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, "printed\n")


def test_a_child_that_outlives_its_process_does_not_keep_the_claim(
    tick: Callable[..., Command], database: Database
) -> None:
    """trap: a killed process did not free its jobs at once, as a child of it lived on"""
    crontabber = tick("LeavesChild")
    with crontabber.popen(CONF, start_new_session=True) as process:
        assert process.wait(TIMEOUT) == -signal.SIGKILL
        try:
            listed = crontabber(CONF, "--list-jobs").stdout
            assert "Ongoing now!" not in listed, "who looks sees what the next tick will find"
            assert "crontabber.errors.JobCrashed" in listed
            health = crontabber(CONF, "--nagios")
            assert health.stdout.startswith("CRITICAL - job (LeavesChild): <class 'crontabber.er")
            assert crontabber(CONF).returncode == 0
            assert ran(database) == ["next", "job"]
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def test_signals_work_again_after_a_job_that_ignored_them(
    tick: Callable[..., Command], database: Database
) -> None:
    crontabber = tick("Deaf", after="NextInPython")
    with running(crontabber) as process:
        process.send_signal(signal.SIGTERM)
    assert process.returncode == 128 + signal.SIGTERM
    assert runs(database) == [("job", None), ("next", STOPPED)]


def test_what_the_caller_ignores_stays_ignored(
    tick: Callable[..., Command], database: Database
) -> None:
    """As under ``nohup``: SIGHUP does not end the tick."""
    crontabber = tick("InPython")
    previous = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with running(crontabber) as process:
            process.send_signal(signal.SIGHUP)
            process.send_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGHUP, previous)
    assert process.returncode == 128 + signal.SIGTERM
    assert_goes_on(crontabber, database)
