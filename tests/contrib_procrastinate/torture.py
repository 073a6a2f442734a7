"""Workers killed in all ways, with cron's ticks beside them; the oracle judges the result."""

import contextlib
import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from tests.contrib_procrastinate.cluster import TICK, Worker
from tests.support import Command, Database
from tests.torture.arena import SETTINGS
from tests.torture.books import Books, class_path, dsn, frequency
from tests.torture.forkserver import ForkServer
from tests.torture.jobs import ALL, CHAIN, GATE, GATE_LOCK, LEDGER, LOCKED
from tests.torture.oracle import Verdict, judge

WORKERS = 6
APPS = (*ALL, *CHAIN, *LOCKED)
PATIENCE = 60.0
"""Seconds after which all has to be quiet."""

_FAST = """
    from crontabber.contrib.procrastinate import queue

    # no test has time for the real ones
    queue.HEARTBEAT, queue.STALLED, queue.CLEANING = 0.3, 1.5, "* * * * * *"

    from crontabber.contrib.procrastinate import app
"""
_QUIET = """
    SELECT NOT EXISTS (SELECT FROM crontabber WHERE ongoing IS NOT NULL OR next_run <= now())
    AND NOT EXISTS (SELECT FROM procrastinate_jobs WHERE task_name = 'crontabber'
        AND status IN ('todo', 'doing'))
"""
_PAUSED = "SELECT app_name FROM crontabber WHERE paused_since IS NOT NULL"
_AT_THE_GATE = f"""
    SELECT EXISTS (
        SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = {GATE_LOCK}
    )
"""


class Site:
    """Some workers, and ticks of both kinds; `site` makes one."""

    def __init__(
        self,
        command: Command,
        books: Books,
        forks: ForkServer,
        dice: random.Random,
        size: int,
    ) -> None:
        self._command = command
        self._size = size
        self._books = books
        self._forks = forks
        self._dice = dice
        self._env = {LEDGER: dsn(books.ledger)}
        self._killed: set[int] = set()
        self._asked: list[str] = []
        """What people asked for in this round."""
        self.workers: list[Worker] = []

    # -- what goes on -------------------------------------------------------------------

    def tick(self) -> None:
        """A tick that hands over."""
        done = self._command(*TICK, env=self._env)
        assert done.returncode == 0, done.stderr

    def start(self) -> None:
        """Start the workers that are missing."""
        while len(self.workers) < self._size:
            env = {**self._env, GATE: self._dice.choice(ALL).app_name}
            several = self._dice.choice([1, 1, 3])
            worker = Worker(self._command, "fast.app", env, f"--concurrency={several}")
            self.workers.append(worker)

    def first(self) -> None:
        """Everything for the first time, and undisturbed."""
        self._books.prepare_first()
        self.tick()
        self.start()
        assert not self._tick_until_quiet()

    # -- what is done to it ----------------------------------------------------------

    def kill_worker(self, worker: Worker) -> None:
        """SIGKILL to a worker, which takes its processes with it."""
        worker.signal(signal.SIGSTOP)  # so that it starts no process meanwhile
        self._killed.update(worker.children())
        worker.signal(signal.SIGKILL)
        self._bury(worker)

    def kill_process(self, worker: Worker) -> None:
        """SIGKILL to the process of a worker, which lives on."""
        for pid in worker.children():
            self._killed.add(pid)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def stop_worker(self, worker: Worker) -> None:
        """SIGTERM to a worker and its processes, as a service manager sends it."""
        worker.signal(signal.SIGTERM, group=True)
        self._bury(worker)

    def run_beside(self) -> None:
        """A tick of cron's, which runs what is due itself; perhaps it is killed."""
        [tick] = self._forks.start(1, self._env)
        self._forks.go()
        if self._dice.random() < 0.5:
            self._wait_a_moment()
            tick.signal(signal.SIGKILL)
        if tick.wait() == -signal.SIGKILL:
            self._killed.add(tick.pid)

    def pause(self) -> str:
        """A person pauses a job of the chain, or ends all pauses; what it was, as a text."""
        if self._dice.random() < 0.5:
            return self._ask(f"--pause={self._dice.choice(CHAIN).app_name}")
        return self._ask("--resume=all")

    def _ask(self, option: str) -> str:
        done = self._command("--admin.conf=crontabber.ini", option)
        # a job that is running, or crashed, cannot be resumed; it is when all is quiet
        return option if done.returncode == 0 else ""

    def _bury(self, worker: Worker) -> None:
        self.workers.remove(worker)
        worker.wait()
        worker.end()

    # -- rounds ----------------------------------------------------------------------

    def at_random(self, blows: int) -> tuple[int, Verdict]:
        """Rounds with so many blows altogether; how many there were, and the verdict."""
        done, verdict = 0, Verdict()
        while done < blows:
            self._books.prepare(self._dice.choice([1, 3, 10]))
            self._killed.clear()
            self._asked.clear()
            names = self._in_the_middle() if self._dice.random() < 0.5 else self._anywhere()
            done += len(names)
            self.start()
            verdict += self._settle().told(", ".join([*names, *self._asked]))
        return done, verdict

    def _in_the_middle(self) -> list[str]:
        """A blow to workers whose jobs cannot go on; to at least one, if it gets so far."""
        with self._books.gate():
            self.tick()
            self._wait_until(_AT_THE_GATE)
            for worker in [*self.workers]:
                if self._dice.random() < 0.7:
                    self.kill_worker(worker)
                elif self._dice.random() < 0.5:
                    self.kill_process(worker)
        return ["killed in the middle"]

    def _anywhere(self) -> list[str]:
        """Up to four blows in a row, while jobs run."""
        names = []
        self.tick()
        for _ in range(self._dice.randint(1, 4)):
            self._wait_a_moment()
            names.append(self._blow())
            if self._dice.random() < 0.5:
                self.start()
            if self._dice.random() < 0.5:
                self.tick()
            if self._dice.random() < 0.3:
                self._asked.append(self.pause())
        return names

    def _blow(self) -> str:
        if not self.workers or self._dice.random() < 0.2:
            self.run_beside()
            return "beside a tick of cron"
        blow = self._dice.choice([self.kill_worker, self.kill_process, self.stop_worker])
        blow(self._dice.choice(self.workers))
        return blow.__name__

    def _settle(self) -> Verdict:
        busy = self._tick_until_quiet()
        verdict = judge(self._books.history(self._killed))
        return verdict + Verdict(violations=(f"still busy: {busy}",) if busy else ())

    def _tick_until_quiet(self) -> object:
        """Tick until nothing is due, queued or running; what is, if that does not end."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            self.tick()
            if self._books.execute(_PAUSED):
                self._ask("--resume=all")
            if self._wait_until(_QUIET):
                return None
        return self._books.busy() or "in the queue"

    def _wait_until(self, query: str, seconds: float = 1.0) -> bool:
        """Wait until a query says yes; not for longer than so many seconds."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self._books.execute(query)[0][0]:
                return True
            time.sleep(0.02)
        return False

    def _wait_a_moment(self) -> None:
        time.sleep(self._dice.uniform(0, 0.4))


@contextlib.contextmanager
def site(
    directory: Path, database: Database, dice: random.Random, size: int = WORKERS
) -> Iterator[Site]:
    """A site of *size* workers for all jobs that are tortured; its files are in *directory*."""
    command = Command(directory)
    command.write("fast.py", _FAST)
    command.configure(
        database, "\n".join(f"{class_path(app)}|{frequency(app)}" for app in APPS), SETTINGS
    )
    with ForkServer(command) as forks, Books(database, APPS, None) as books:
        made = Site(command, books, forks, dice, size)
        try:
            made.first()
            yield made
        finally:
            while made.workers:
                made.workers.pop().end()
