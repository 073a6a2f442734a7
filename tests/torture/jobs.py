"""The jobs that are tortured; each writes into a ledger what it does, and when.

Jobs that are a single transaction write in that transaction: what was not committed was
not done. All others write at once, over a connection of their own: what was begun stays.
"""

import contextlib
import os
import sys
import uuid
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg2

from crontabber.base import BaseCronApp
from crontabber.database.interruptible import InterruptibleConnection
from crontabber.mixins import (
    as_backfill_cron_app,
    as_single_postgres_transaction,
    using_postgres,
    with_subprocess,
)
from crontabber.process.command_app import CommandOptions, command_app
from crontabber.transaction_executor import TransactionExecutorWithLimitedBackoff

LEDGER = "TORTURE_LEDGER"
"""The environment's variable with the connection string of the ledger that is written at once."""
GATE = "TORTURE_GATE"
"""The variable with an app_name: that job waits between start and end until `GATE_LOCK` is free."""
GATE_LOCK = 815

_WRITE = "INSERT INTO ledger (app, slot, run, pid, phase) VALUES (%s, %s, %s, %s, %s)"

_BEGUN = "SELECT EXISTS (SELECT FROM ledger WHERE app = %s AND slot = %s)"


class Run:
    """One run, as its job writes it down."""

    def __init__(self, connection: Any, app_name: str, slot: datetime) -> None:
        self._connection = connection
        self._fields = (app_name, slot, uuid.uuid4().hex, os.getpid())
        self.is_first = not self._begun()
        """Whether no run of this slot began before; asked by those that fail then."""
        self.write("start")
        if os.environ.get(GATE) == app_name:
            self._execute("SELECT pg_advisory_lock_shared(%s)", (GATE_LOCK,))

    def _begun(self) -> bool:
        with self._connection.cursor() as cursor:
            cursor.execute(_BEGUN, self._fields[:2])
            return bool(cursor.fetchone()[0])

    def write(self, phase: str) -> None:
        self._execute(_WRITE, (*self._fields, phase))

    def _execute(self, statement: str, parameters: tuple[object, ...]) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(statement, parameters)


@contextlib.contextmanager
def ledger(app_name: str, slot: datetime) -> Iterator[Run]:
    """Write down the start, and the end if the run gets there, each at once."""
    with contextlib.closing(
        psycopg2.connect(os.environ[LEDGER], connection_factory=InterruptibleConnection)
    ) as connection:
        connection.autocommit = True
        run = Run(connection, app_name, slot)
        yield run
        run.write("end")


class _KnowsSlot(BaseCronApp):
    """Knows the slot that a job without a date is run for."""

    slot: datetime

    def main(self, slots: Iterable[datetime]) -> Iterator[datetime]:
        return super().main(self._noted(slots))

    def _noted(self, slots: Iterable[datetime]) -> Iterator[datetime]:
        for self.slot in slots:
            yield self.slot


class Plain(_KnowsSlot):
    app_name = "plain"

    def run(self) -> None:
        with ledger(self.app_name, self.slot):
            pass


class Child(_KnowsSlot):
    app_name = "child"
    depends_on = "plain"

    def run(self) -> None:
        with ledger(self.app_name, self.slot):
            pass


@with_subprocess
class Subprocess(_KnowsSlot):
    app_name = "subprocess"

    def run(self) -> None:
        with ledger(self.app_name, self.slot):
            done = self.run_process(["cat"], input="one\ntwo\n")
            assert done == (0, "one\ntwo", "")


@as_backfill_cron_app
class Backfill(BaseCronApp):
    app_name = "backfill"

    def run(self, date: datetime) -> None:
        with ledger(self.app_name, date):
            pass


@using_postgres
@as_single_postgres_transaction
class Single(_KnowsSlot):
    app_name = "single"

    def run(self, connection: Any) -> None:
        Run(connection, self.app_name, self.slot).write("end")


@using_postgres
@as_single_postgres_transaction
@as_backfill_cron_app
class SingleBackfill(BaseCronApp):
    app_name = "single-backfill"

    def run(self, connection: Any, date: datetime) -> None:
        Run(connection, self.app_name, date).write("end")


class AtOnce(TransactionExecutorWithLimitedBackoff):
    """Tries once more, without waiting."""

    def _delays(self) -> tuple[float, ...]:
        return (0.0,)


class TriesAgain(SingleBackfill):
    app_name = "tries-again"
    required_config = SingleBackfill.required_config.safe_copy()
    required_config.database.transaction_executor_class.default = f"{__name__}.AtOnce"


def _command(name: str, app_name: str, *, backfill: bool) -> Any:
    script = Path(__file__).with_name("command.py")
    line = f'TICK=$PPID exec "{sys.executable}" "{script}"'
    cls: Any = command_app(app_name, CommandOptions(line), backfill=backfill)
    cls.__name__, cls.__qualname__, cls.__module__ = name, name, __name__
    cls.depends_on, cls.single_transaction = (), False
    return cls


Command = _command("Command", "command", backfill=False)
CommandBackfill = _command("CommandBackfill", "command-backfill", backfill=True)


@as_backfill_cron_app
class Extract(BaseCronApp):
    """The first of a chain; some of its dates fail when they are tried first."""

    app_name = "extract"

    def run(self, date: datetime) -> None:
        with ledger(self.app_name, date) as run:
            if date.minute % 10 == 3 and run.is_first:
                raise ValueError("not yet")


@using_postgres
@as_single_postgres_transaction
@as_backfill_cron_app
class Transform(BaseCronApp):
    app_name = "transform"
    depends_on = "extract"

    def run(self, connection: Any, date: datetime) -> None:
        Run(connection, self.app_name, date).write("end")


@as_backfill_cron_app
class Report(BaseCronApp):
    app_name = "report"
    depends_on = ("transform", "extract")

    def run(self, date: datetime) -> None:
        with ledger(self.app_name, date):
            pass


@as_backfill_cron_app
class Newest(BaseCronApp):
    """Gets the newest date only; the ledger has the others."""

    app_name = "newest"
    missed = "latest"

    def run(self, date: datetime) -> None:
        with ledger(self.app_name, date):
            pass


class Pulse(_KnowsSlot):
    """Has no dates, and is due each minute; the ledger has what it misses."""

    app_name = "pulse"
    every = "1m"

    def run(self) -> None:
        with ledger(self.app_name, self.slot):
            pass


@using_postgres
@as_single_postgres_transaction
class SinglePulse(_KnowsSlot):
    app_name = "single-pulse"
    every = "1m"

    def run(self, connection: Any) -> None:
        Run(connection, self.app_name, self.slot).write("end")


@as_backfill_cron_app
class Locked(BaseCronApp):
    """Never runs while another job with its lock does."""

    app_name = "locked"
    lock = "one at a time"

    def run(self, date: datetime) -> None:
        with ledger(self.app_name, date):
            pass


class LockedToo(_KnowsSlot):
    app_name = "locked-too"
    lock = "one at a time"

    def run(self) -> None:
        with ledger(self.app_name, self.slot):
            pass


COMMANDS = (Command, CommandBackfill)
"""Their work is done in processes of their own, which must end with a tick that is killed."""
ALL = (Plain, Child, Subprocess, Backfill, Single, SingleBackfill, TriesAgain)
CHAIN = (Extract, Transform, Report)
"""Each date of one waits for that of those before it."""
LOCKED = (Locked, LockedToo)
"""They share a lock."""
ACCOUNTED = (*CHAIN, Newest, Pulse, SinglePulse)
"""Of these the ledger says which slots were not run."""
