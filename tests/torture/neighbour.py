"""A hostile neighbour: a role that locks what crontabber needs, and freezes the server."""

import contextlib
import os
import random
import signal
import threading
from collections.abc import Iterator
from typing import Any

import psycopg2

from tests.support import Database
from tests.torture.books import BACKENDS, Books

LOCKS = (
    "LOCK TABLE crontabber IN ACCESS EXCLUSIVE MODE",
    "LOCK TABLE crontabber IN SHARE MODE",
    "LOCK TABLE crontabber_log IN ACCESS EXCLUSIVE MODE",
    "SELECT FROM crontabber ORDER BY random() LIMIT 3 FOR UPDATE",
    "SELECT FROM crontabber FOR UPDATE",
    "SELECT pg_advisory_xact_lock(x'63726F6E74616200'::bigint)",  # that of migrations
)


class Neighbour:
    """A role of its own in the database of *books*; use it as a context manager."""

    def __init__(self, books: Books, dice: random.Random, longest: float) -> None:
        self._books = books
        self._dice = dice
        self._longest = longest
        self._role = f"neighbour_{os.getpid()}"

    def __enter__(self) -> "Neighbour":
        self._books.execute(f"CREATE ROLE {self._role} LOGIN")
        self._books.execute(f"GRANT SELECT, UPDATE ON crontabber, crontabber_log TO {self._role}")
        return self

    def __exit__(self, *exception: object) -> None:
        self._books.execute(f"DROP OWNED BY {self._role}; DROP ROLE {self._role}")

    @contextlib.contextmanager
    def in_the_way(self) -> Iterator[None]:
        """Be in the way for a while, at most until the end of the block."""
        seconds = self._dice.uniform(0, self._longest)
        lock = self._dice.choice((*LOCKS, None))
        over = threading.Event()
        work = threading.Thread(target=self._block, args=(lock, over))
        timer = threading.Timer(seconds, over.set)
        work.start()
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            over.set()
            work.join()

    def _block(self, lock: str | None, over: threading.Event) -> None:
        role = Database.connect(self._books.database._replace(user=self._role))
        with contextlib.closing(role) as connection, connection.cursor() as cursor:
            if lock is None:
                self._freeze(cursor, over)
                return
            connection.autocommit = False
            cursor.execute("SET lock_timeout = '2s'")
            with contextlib.suppress(psycopg2.errors.LockNotAvailable):
                cursor.execute(lock)
                over.wait()

    @staticmethod
    def _freeze(cursor: Any, over: threading.Event) -> None:
        """Stop the processes of the server that serve ticks, as soon as there are any."""
        pids: list[int] = []
        while not (pids or over.wait(0.001)):
            cursor.execute(f"SELECT pid FROM pg_stat_activity WHERE {BACKENDS}")
            pids = [pid for (pid,) in cursor.fetchall()]
        for pid in pids:
            _signal(pid, signal.SIGSTOP)
        over.wait()
        for pid in pids:
            _signal(pid, signal.SIGCONT)


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
