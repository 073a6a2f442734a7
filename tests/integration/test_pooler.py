"""A pooler that swaps sessions between transactions: noticed, refused, and nothing stays locked."""

import io
import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing

import psycopg2
import pytest

from crontabber.errors import StoreError
from crontabber.schedule.model import JobState
from crontabber.store.postgres import PostgresStore
from tests.pooler import Choose, Pooler, latest, oldest
from tests.stores import claim, done, factory_of, put, run_of
from tests.support import Database

APP = "a"


@pytest.fixture
def direct(module_database: Database) -> Database:
    """A database whose tables are there, with a row that was run once."""
    module_database.execute("DROP TABLE IF EXISTS crontabber, crontabber_log")
    with closing(PostgresStore(factory_of(module_database), patience=5)) as store:
        put(store, APP)
    return module_database


def locks(database: Database) -> list[tuple[object, ...]]:
    """The advisory locks in the database."""
    return database.execute(
        "SELECT pid, classid, objid FROM pg_locks WHERE locktype = 'advisory' AND granted"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )


# -- the pooler itself --------------------------------------------------------


PID = "SELECT pg_backend_pid()"


def pid(connection: psycopg2.extensions.connection) -> int:
    with connection.cursor() as cursor:
        cursor.execute(PID)
        [(found,)] = cursor.fetchall()
        return int(found)


def test_a_session_is_a_transactions_and_the_next_clients_then(direct: Database) -> None:
    with (
        Pooler(direct) as pooler,
        closing(pooler.database.connect()) as one,
        closing(pooler.database.connect()) as two,
    ):
        assert pid(one) == pid(two) != one.info.backend_pid


def test_a_transaction_keeps_its_session(direct: Database) -> None:
    with (
        Pooler(direct, size=2) as pooler,
        closing(pooler.database.connect()) as one,
        closing(pooler.database.connect()) as two,
    ):
        one.autocommit = False
        first = pid(one)
        assert pid(two) != first
        assert pid(one) == first
        one.rollback()
        assert pid(two) == first


def test_sessions_may_take_turns(direct: Database) -> None:
    with (
        Pooler(direct, size=3, choose=oldest) as pooler,
        closing(pooler.database.connect()) as one,
    ):
        pooler.fill()
        assert len({pid(one) for _ in range(9)}) == 3


def test_what_a_client_sets_follows_it_and_locks_do_not(direct: Database) -> None:
    with (
        Pooler(direct, size=2, choose=oldest) as pooler,
        closing(pooler.database.connect()) as one,
    ):
        pooler.fill()
        with one.cursor() as cursor:
            cursor.execute("SET TimeZone = 'Asia/Tokyo'")
            for _ in range(4):
                cursor.execute("SHOW TimeZone")
                assert cursor.fetchall() == [("Asia/Tokyo",)]
            cursor.execute("SELECT pg_advisory_lock(7)")
        assert len(locks(direct)) == 1
    assert locks(direct) == []


def test_copy_goes_through(direct: Database) -> None:
    with Pooler(direct) as pooler, closing(pooler.database.connect()) as one:
        with one.cursor() as cursor:
            cursor.execute("CREATE TEMP TABLE t (a int)")
            cursor.copy_expert("COPY t FROM STDIN", io.StringIO("1\n2\n"))
            out = io.StringIO()
            cursor.copy_expert("COPY t TO STDOUT", out)
        assert out.getvalue() == "1\n2\n"


def test_a_client_that_is_gone_in_a_transaction_ends_its_session(direct: Database) -> None:
    with Pooler(direct) as pooler:
        with closing(pooler.database.connect()) as one:
            one.autocommit = False
            first = pid(one)
        with closing(pooler.database.connect()) as two:
            assert pid(two) != first


# -- ticks through it ---------------------------------------------------------


class Tick:
    """The steps of a tick that is to run one job; it ends where it is refused."""

    STEPS = ("look", "claim", "save", "close")

    def __init__(self, pooler: Pooler, running: list["Tick"]) -> None:
        self._store = PostgresStore(factory_of(pooler.database), patience=0)
        self._running = running
        self._steps = iter(self.STEPS)
        self._state: JobState | None = None
        self.refusal: str | None = None
        self.ran = False

    def step(self) -> None:
        """Do the next step."""
        name = next(self._steps)
        if self.refusal is None or name == "close":
            try:
                getattr(self, f"_{name}")()
            except StoreError as error:
                self.refusal = str(error)
                self._stop()

    def _look(self) -> None:
        self._store.look(["m.A"])

    def _claim(self) -> None:
        claimed = claim(self._store, APP)
        if claimed is None:
            return
        assert self._running == [], "two ticks have the claim on one job"
        assert claimed.marked, "a live run was taken for a crash"
        self._state = claimed.state
        self._running.append(self)

    def _save(self) -> None:
        if self._state is not None:
            self._store.save(self._state, done(self._state), run_of(self._state))
            self._store.release(APP)
            self.ran = True
            self._stop()

    def _close(self) -> None:
        self._store.close()
        self._stop()

    def _stop(self) -> None:
        if self in self._running:
            self._running.remove(self)


def orders(count: int, size: int) -> Iterator[Sequence[int]]:
    """In which order so many ticks may take their steps: all for two in one session, else some.

    The two are alike: which of them begins makes no difference.
    """
    steps = [number for number in range(count) for _ in Tick.STEPS]
    if (count, size) == (2, 1):
        for firsts in itertools.combinations(range(1, len(steps)), len(Tick.STEPS) - 1):
            yield [0 if place in (0, *firsts) else 1 for place in range(len(steps))]
        return
    dice = random.Random(count * size)
    for _ in range(6):
        dice.shuffle(steps)
        yield list(steps)


def chaos(seed: int) -> Choose:
    dice = random.Random(seed)
    return lambda _, idle: dice.choice(idle)


CHOICES: dict[str, Callable[[], Choose]] = {
    "latest": lambda: latest,
    "oldest": lambda: oldest,
    "chaos": lambda: chaos(815),
}
WAYS = [
    (size, choice, own_keys)
    for size in (1, 2, 3)
    for choice, own_keys in [("latest", True), ("oldest", True), ("chaos", True), ("latest", False)]
    if size > 1 or choice == "latest"  # of one there is no choice
]
"""How many sessions, who gets which, and whether the pooler shows itself by keys of its own."""


@pytest.mark.parametrize(("size", "choice", "own_keys"), WAYS)
@pytest.mark.parametrize("ticks", [2, 3, 4])
def test_ticks_through_a_pooler_are_refused_or_alone_with_the_job(
    direct: Database, ticks: int, size: int, choice: str, own_keys: bool
) -> None:
    """trap: in the session of another tick its lock is ours as well, and its run a crash"""
    with Pooler(direct, size, CHOICES[choice](), own_keys=own_keys) as pooler:
        pooler.fill()
        # where each is refused when it looks, two are enough
        for order in itertools.islice(orders(ticks, size), 2 if own_keys else None):
            running: list[Tick] = []
            made = [Tick(pooler, running) for _ in range(ticks)]
            for number in order:
                made[number].step()
            assert not own_keys or not any(tick.ran for tick in made), order
            assert [
                tick.refusal for tick in made if "pooler" not in (tick.refusal or "pooler")
            ] == []
            assert locks(direct) == [], f"locked in the pool after {order}"
            direct.execute("UPDATE crontabber SET ongoing = NULL")
