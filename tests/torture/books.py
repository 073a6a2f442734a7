"""The books: the tables and the ledger, before a round and after it."""

import contextlib
import os
import time
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import psycopg2
from psycopg2.extensions import make_dsn

from crontabber.base import BaseCronApp
from tests.support import TIMEOUT, Database
from tests.torture.jobs import GATE_LOCK
from tests.torture.oracle import Entry, Expected, History, Logged, Passed

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)

_LEDGER = """
    CREATE TABLE IF NOT EXISTS ledger (
        app text, slot timestamptz, run text, pid integer, phase text,
        at timestamptz DEFAULT clock_timestamp()
    )
"""
_PREPARE = """
    INSERT INTO crontabber (
        app_name, next_run, next_slot, first_run, last_run, own_last_run, last_success,
        error_count, depends_on, class_path, plan, backfill, first_slot
    ) VALUES (%s, %s, %s, %s, %s, %s, %s, 0, %s, %s, %s, %s, %s)
"""
_SPANS = """
    SELECT app_name, first_slot, last_slot, verdict FROM crontabber_spans
    WHERE verdict <> 'backfilled' AND slots > 0 ORDER BY id
"""
_ASKED = """
    SELECT app_name, generate_series(
        (dates ->> 0)::timestamptz, (dates ->> 1)::timestamptz, interval '1 minute'
    )
    FROM crontabber, json_array_elements(asked) AS entry,
        json_array_elements(entry -> 'wanted') AS dates
    WHERE (entry ->> 'number')::integer > %s
"""
_LEFT = """
    SELECT app_name, generate_series(
        (dates ->> 0)::timestamptz, (dates ->> 1)::timestamptz, interval '1 minute'
    )
    FROM crontabber, json_array_elements(asked) AS entry,
        json_array_elements(entry -> 'dates') AS dates
"""
_LAST_ASKED = """
    SELECT coalesce(max((entry ->> 'number')::integer), 0)
    FROM crontabber, json_array_elements(asked) AS entry
"""


class _Asked(NamedTuple):
    """A slot that a person asked for, or in whose minute a person had the job forgotten."""

    app: str
    slot: datetime
    at: datetime


class Books:
    """What is written in a database about *apps*; use it as a context manager.

    *ledger* is the database for the ledger of jobs that write at once, where it must not
    fall with the other.
    """

    def __init__(
        self, database: Database, apps: Sequence[type[BaseCronApp]], ledger: Database | None
    ) -> None:
        self.database = database
        self.ledger = ledger or database
        self.apps = apps
        self._first: dict[str, datetime | None] = {}
        self._asked: list[_Asked] = []
        self._resets: list[_Asked] = []
        self._forgotten: list[_Asked] = []
        self._gaps: list[Passed] = []
        self._connections: dict[Database, Any] = {}
        for where in self._databases():
            self.execute(_LEDGER, database=where)

    def __enter__(self) -> "Books":
        return self

    def __exit__(self, *exception: object) -> None:
        self.reconnect()

    # -- before ----------------------------------------------------------------

    def prepare(self, backlog: int = 3) -> None:
        """Forget all, and have the jobs due: the backfills for *backlog* slots, the others one."""
        self._forget("DELETE FROM crontabber; DELETE FROM crontabber_log")
        [(now,)] = self.execute("SELECT date_trunc('minute', now())")
        for app in self.apps:
            often = frequency(app) == "1m"
            slot = now - MINUTE * (backlog - 1) if often else now
            self._first[app.app_name] = slot
            before = slot - (MINUTE if often else DAY)
            times = (slot, slot, before, before, before, before)
            about = (parents(app), class_path(app), frequency(app), app.is_backfill, slot)
            self.execute(_PREPARE, (app.app_name, *times, *about))

    def prepare_first(self) -> None:
        """Forget all, the tables too: nothing has ever run."""
        self._forget("DROP TABLE IF EXISTS crontabber, crontabber_log, crontabber_spans")
        self._first = {app.app_name: None for app in self.apps}

    def await_quiet(self) -> None:
        """Wait until what was killed is gone: the server may still do what it said last."""
        self.await_none(  # the processes of workers keep their sessions, but no claims
            f"SELECT 1 FROM pg_stat_activity AS session WHERE {BACKENDS} AND (state <> 'idle'"
            " OR EXISTS (SELECT FROM pg_locks WHERE pid = session.pid AND locktype = 'advisory'))"
        )

    def _forget(self, statement: str) -> None:
        self.await_quiet()
        for where in self._databases():
            self.execute("DELETE FROM ledger", database=where)
        self.execute(statement)
        if self._has_spans():
            self.execute("DELETE FROM crontabber_spans")
        self._asked.clear()
        self._resets.clear()
        self._forgotten.clear()
        self._gaps.clear()

    def _has_spans(self) -> bool:
        return bool(self.execute("SELECT to_regclass('crontabber_spans') IS NOT NULL")[0][0])

    # -- meanwhile -------------------------------------------------------------

    @contextlib.contextmanager
    def gate(self) -> Iterator[None]:
        """Have the job that `jobs.GATE` names wait in the middle, until this is over."""
        self.execute("SELECT pg_advisory_lock(%s)", (GATE_LOCK,), self.ledger)
        try:
            yield
        finally:
            self.release_gate()

    def release_gate(self) -> None:
        """Let the job go on."""
        self.execute("SELECT pg_advisory_unlock_all()", database=self.ledger)

    def await_at_gate(self, count: int = 1) -> None:
        """Wait until so many runs are at the gate."""
        self.await_none(
            "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            " AND objid = %s HAVING count(*) <> %s",
            (GATE_LOCK, count),
            self.ledger,
        )

    def await_none(self, query: str, parameters: Any = None, at: Database | None = None) -> None:
        """Wait until a query has no rows."""
        give_up = time.monotonic() + TIMEOUT
        while self.execute(query, parameters, at):
            assert time.monotonic() < give_up, f"waited too long for: {query}"

    def minute(self, app: type[BaseCronApp], number: int) -> str:
        """A slot of *app*, by its number from its first one, as one types it."""
        return f"{self._slot(app, number):%Y-%m-%dT%H:%M}Z"

    def can_ask(self, app: type[BaseCronApp], last: int) -> bool:
        """Whether a range that ends at its slot number *last* may be asked for."""
        row = "SELECT next_slot FROM crontabber WHERE app_name = %s AND next_slot IS NOT NULL"
        [(now,)] = self.execute("SELECT now()")
        return bool(self.execute(row, (app.app_name,))) and self._slot(app, last) <= now

    def _slot(self, app: type[BaseCronApp], number: int) -> datetime:
        first = self._first[app.app_name]
        assert first, "ranges are of jobs that were prepared"
        return first + MINUTE * number

    @contextlib.contextmanager
    def asking(self, app: type[BaseCronApp], redo: str, first: int, last: int) -> Iterator[None]:
        """Note what a command asks for that has a range done; faults if that is not what it says.

        *first* and *last* are minutes from the first slot of *app*.
        """
        [(number,)] = self.execute(_LAST_ASKED)
        wanted = {self._slot(app, minute) for minute in range(first, last + 1)}
        [(limit,)] = self.execute(
            "SELECT next_slot FROM crontabber WHERE app_name = %s", (app.app_name,)
        )
        wanted = {slot for slot in wanted if slot < limit}
        # of a backfill under way: what is left of it, and what it did unless that is meant too
        taken = self.execute(_LEFT) if redo == "all" else self.execute(_ASKED, (0,))
        wanted -= {slot for name, slot in taken if name == app.app_name}
        if redo != "all":
            done = "SELECT success FROM crontabber_log WHERE app_name = %s"
            wanted -= {slot for [slot] in self.execute(done, (app.app_name,))}
        yield
        asked = self.execute(_ASKED, (number,))
        found = {slot for name, slot in asked if name == app.app_name}
        # none of these gives up; and of what was before a reset nothing is remembered
        if redo != "failed" and not self._resets_of(app):
            assert found == wanted, f"--redo={redo} is to do {found} and not {wanted}"
        now = self._now()
        self._asked += (_Asked(name, slot, now) for name, slot in asked)

    @contextlib.contextmanager
    def resetting(self, app: type[BaseCronApp]) -> Iterator[None]:
        """Note that a command has *app* forgotten, and what is left of its backfills with it."""
        name = app.app_name
        left = {slot for other, slot in self.execute(_LEFT) if other == name}
        begun = self.execute("SELECT first_slot FROM crontabber WHERE app_name = %s", (name,))
        if not begun:  # it is forgotten already
            yield
            return
        self._gaps += self._not_due({name: begun[0][0]})
        yield
        for asked in [each for each in reversed(self._asked) if each.app == name]:
            if asked.slot in left:
                left.remove(asked.slot)
                self._asked.remove(asked)
                self._forgotten.append(asked)  # a run of it may have crashed
        now = self._now()
        self._resets.append(_Asked(name, now.replace(second=0, microsecond=0), now))

    def _now(self) -> datetime:
        [(now,)] = self.execute("SELECT now()")
        assert isinstance(now, datetime)
        return now

    def _resets_of(self, app: type[BaseCronApp]) -> list[datetime]:
        return [reset.at for reset in self._resets if reset.app == app.app_name]

    # -- afterwards ------------------------------------------------------------

    def busy(self) -> list[tuple[str, str]]:
        """The jobs that are due or ongoing."""
        if self.execute("SELECT to_regclass('crontabber') IS NULL")[0][0]:
            return [("no", "tables")]
        return self.execute(
            "SELECT app_name, next_run::text FROM crontabber"
            " WHERE ongoing IS NOT NULL OR next_run <= now() OR asked IS NOT NULL"
        )

    def history(self, killed: Collection[int]) -> History:
        """What is known now."""
        rows = self.execute("SELECT app_name, next_slot, ongoing, first_slot FROM crontabber")
        upcoming = {name: slot for name, slot, *_ in rows}
        begun = {name: slot for name, *_, slot in rows}
        log = self.execute(
            "SELECT app_name, slot, success, exc_type, exc_value, log_time"
            " FROM crontabber_log ORDER BY id"
        )
        entries = "SELECT app, slot, run, pid, phase, at FROM ledger"
        return History(
            expected=[self._expected(app, upcoming.get(app.app_name)) for app in self.apps],
            entries=[
                Entry(*row)
                for where in self._databases()
                for row in self.execute(entries, database=where)
            ],
            log=[Logged(*row) for row in log],
            ongoing=[name for name, _, ongoing, _ in rows if ongoing],
            killed=frozenset(killed),
            host=os.uname().nodename,
            passed=[*self._passed(), *self._gaps, *self._not_due(begun)],
        )

    def _passed(self) -> Iterator[Passed]:
        if self._has_spans():
            yield from (Passed(*row) for row in self.execute(_SPANS))

    def _not_due(self, begun: Mapping[str, datetime]) -> Iterator[Passed]:
        """The minutes between the last reset of a job and the tick that saw it again."""
        for name, minute in {reset.app: reset.slot for reset in self._resets}.items():
            if name in begun and minute + MINUTE < begun[name]:
                yield Passed(name, minute + MINUTE, begun[name] - MINUTE, "not due")

    def _expected(self, app: type[BaseCronApp], upcoming: datetime | None) -> Expected:
        first = self._first[app.app_name]
        slots: tuple[datetime, ...] | None = (first,) if first else None
        if first and frequency(app) == "1m":
            # those too that came due meanwhile; that none is open any more `busy` knows
            count = round(((upcoming or first) - first) / MINUTE)
            slots = tuple(first + MINUTE * number for number in range(max(count, 1)))
        about = (app.single_transaction, app.is_backfill, tuple(parents(app)))
        asked: defaultdict[datetime, list[datetime]] = defaultdict(list)
        asked.update({each.slot: [] for each in self._forgotten if each.app == app.app_name})
        for each in self._asked:
            if each.app == app.app_name:
                asked[each.slot].append(each.at)
        slots = slots and tuple(sorted({*slots, *asked}))
        resets = self._resets_of(app)
        return Expected(
            app.app_name, slots, *about, asked, first, resets, getattr(app, "lock", None)
        )

    # -- the databases ---------------------------------------------------------

    def execute(
        self, statement: str, parameters: Any = None, database: Database | None = None
    ) -> list[Any]:
        """Run a statement, where the state is or elsewhere; over connections that are kept."""
        where = database or self.database
        if where not in self._connections:
            self._connections[where] = psycopg2.connect(dsn(where))
            self._connections[where].autocommit = True
        with self._connections[where].cursor() as cursor:
            cursor.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []

    def reconnect(self) -> None:
        """Close the connections, until they are used again: a server may have gone."""
        while self._connections:
            self._connections.popitem()[1].close()

    def _databases(self) -> set[Database]:
        return {self.database, self.ledger}


BACKENDS = "datname = current_database() AND application_name = 'crontabber'"
"""Which rows of pg_stat_activity are those of ticks and jobs."""


def dsn(database: Database) -> str:
    """How to connect, under a name that is not crontabber's."""
    return make_dsn(
        host=database.host,
        port=database.port,
        dbname=database.dbname,
        user=database.user,
        password=database.password or None,
        application_name="ledger",
        options="-c statement_timeout=60000",
    )


def class_path(app: type[BaseCronApp]) -> str:
    return f"{app.__module__}.{app.__name__}"


def frequency(app: type[BaseCronApp]) -> str:
    return getattr(app, "every", "1m" if app.is_backfill else "1d")


def parents(app: type[BaseCronApp]) -> list[str]:
    return [app.depends_on] if isinstance(app.depends_on, str) else list(app.depends_on)
