"""The arena: ticks that are started, killed, cut off and signalled, until all is quiet."""

import contextlib
import shlex
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from crontabber.base import BaseCronApp
from tests.support import Command, Database
from tests.torture.books import Books, class_path, dsn, frequency
from tests.torture.forkserver import ARGUMENTS, CommandStarter, ForkServer, Starter, Tick
from tests.torture.jobs import ALL, LEDGER
from tests.torture.oracle import Verdict, judge
from tests.torture.proxy import Ambush, Moment, Proxy

TICKS = 16
"""After so many undisturbed ticks all has to be quiet."""

SETTINGS = """
error_retry_time=0
# a claim of ours does not age
max_ongoing_age_hours=0.000001
"""


class Arena:
    """Runs ticks of one configuration, through a proxy; `arena` makes one."""

    def __init__(self, directory: Path, books: Books, proxy: Proxy, starter: Starter) -> None:
        self.directory = directory
        self.books = books
        self.proxy = proxy
        self.starter = starter
        self.env = {LEDGER: dsn(books.ledger)}
        self.killed: set[int] = set()
        self.prepare(first=True)
        self.tick()

    def prepare(self, *, first: bool = False, backlog: int = 3) -> None:
        """Forget all, and have the jobs due; with *first* for the first time ever."""
        self.killed.clear()
        if first:
            self.books.prepare_first()
        else:
            self.books.prepare(backlog)

    # -- ticks -----------------------------------------------------------------

    def start(self, count: int = 1, env: Mapping[str, str] | None = None) -> Sequence[Tick]:
        """Start so many ticks at once."""
        self.proxy.lay(None)
        return self.start_ambushed(count, env)

    def start_ambushed(
        self, count: int = 1, env: Mapping[str, str] | None = None
    ) -> Sequence[Tick]:
        """The same, into the ambush that is laid, if there is one."""
        started = self.starter.start(count, {**self.env, **(env or {})})
        self.starter.go()
        return started

    def tick(self, count: int = 1, env: Mapping[str, str] | None = None) -> list[int]:
        """Run so many undisturbed ticks at once; their exit statuses."""
        return [tick.wait() for tick in self.start(count, env)]

    def command(self, *arguments: str) -> None:
        """Run the command as people do, undisturbed; what it cannot do makes this fail."""
        [status] = self.tick(env={ARGUMENTS: shlex.join(arguments)})
        assert status == 0, f"{arguments} exited with {status}"

    def ambush(
        self,
        message: int | bytes,
        moment: Moment,
        number: int | None = signal.SIGKILL,
        env: Mapping[str, str] | None = None,
    ) -> bool:
        """Run a tick that gets a signal at a message; False if it ended before.

        With SIGKILL the connection is cut as well, and without a signal it is all that
        happens.
        """
        started, struck = threading.Event(), threading.Event()
        victims: list[Tick] = []

        def strike() -> None:
            struck.set()
            if number:
                started.wait()
                victims[0].signal(number)

        cut = number in (None, signal.SIGKILL)
        self.proxy.lay(Ambush(message, moment, strike, cut))
        victims += self.start_ambushed(env=env)
        started.set()
        status = self.wait(victims[0])
        assert not (number and struck.is_set()) or status in (-number, 128 + number)
        return struck.is_set()

    def signalled(self, number: int, seconds: float, env: Mapping[str, str] | None = None) -> bool:
        """Run a tick that gets a signal after some time; False if it had ended before."""
        [tick] = self.start(env=env)

        def strike() -> None:
            with contextlib.suppress(ProcessLookupError):  # it ended at this very moment
                tick.signal(number)

        with after(seconds, strike):
            status = self.wait(tick)
        return status in (-number, 128 + number)

    def wait(self, tick: Tick) -> int:
        """Wait for the end of a tick; its exit status."""
        status = tick.wait()
        if status == -signal.SIGKILL:
            self.killed.add(tick.pid)
        return status

    def settle(self) -> Verdict:
        """Run ticks until nothing is due, and ask the oracle."""
        for _ in range(TICKS):
            self.tick()
            if not self.books.busy():
                return self.verdict()
        busy = f"still busy after {TICKS} ticks: {self.books.busy()}"
        return self.verdict() + Verdict(violations=(busy,))

    def verdict(self) -> Verdict:
        """What the oracle says now."""
        return judge(self.books.history(self.killed))


@contextlib.contextmanager
def after(seconds: float, strike: Callable[[], None]) -> Iterator[None]:
    """Strike when so much time has passed, unless this is over by then."""
    timer = threading.Timer(seconds, strike)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


@contextlib.contextmanager
def arena(
    directory: Path,
    database: Database,
    *,
    forks: bool = True,
    apps: Sequence[type[BaseCronApp]] = ALL,
    ledger: Database | None = None,
    through: Database | None = None,
) -> Iterator[Arena]:
    """An arena for *apps*, of forks or of real commands; its files are in *directory*.

    *through* is the same database as the ticks find it, where a pooler stands before it.
    """
    command = Command(directory)
    with contextlib.ExitStack() as stack:
        proxy = stack.enter_context(Proxy(through or database))
        command.configure(
            Database("127.0.0.1", proxy.port, database.dbname, database.user, database.password),
            "\n".join(f"{class_path(app)}|{frequency(app)}" for app in apps),
            SETTINGS,
        )
        starter = stack.enter_context(ForkServer(command)) if forks else CommandStarter(command)
        books = stack.enter_context(Books(database, apps, ledger))
        yield Arena(directory, books, proxy, starter)
