"""What is done to ticks, round by round; each scenario adds up the oracle's verdicts."""

import itertools
import random
import signal
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack

from crontabber.base import BaseCronApp
from tests.server import Server
from tests.torture.arena import Arena, after
from tests.torture.books import BACKENDS
from tests.torture.jobs import ACCOUNTED, CHAIN
from tests.torture.neighbour import Neighbour
from tests.torture.oracle import Verdict
from tests.torture.proxy import Moment
from tests.torture.sabotage import CLOCK

Result = tuple[int, Verdict]
"""How often a tick was hurt, and what the oracle said."""
Points = Sequence[tuple[int, Moment]]
"""Where to strike: the number of a message, and when."""


class Scenarios:
    """All that can be done in one arena, with the dice that decide."""

    def __init__(self, arena: Arena, dice: random.Random) -> None:
        self._arena = arena
        self._dice = dice
        began = time.monotonic()
        self._messages = self._count(first=False)
        self._seconds = time.monotonic() - began

    def points(self, count: int | None = None, *, first: bool = False) -> Points:
        """Every message of a tick and moment around it, or so many of them."""
        messages = self._count(first=True) if first else self._messages
        points = list(itertools.product(range(1, messages + 1), Moment))
        return points if count is None else self._dice.sample(points, count)

    def _count(self, *, first: bool) -> int:
        """How many messages a tick sends, the *first* one ever or another."""
        self._arena.prepare(first=first)
        self._arena.tick()
        return self._arena.proxy.count

    def at_messages(
        self, points: Points, number: int | None = signal.SIGKILL, *, first: bool = False
    ) -> Result:
        """A signal, or just a cut connection, at each point; with *first* in a first tick."""
        strikes, verdict = 0, Verdict()
        for message, moment in points:
            self._arena.prepare(first=first)
            strikes += self._arena.ambush(message, moment, number)
            verdict += self._settle(f"signal {number}, {moment.value} message {message}")
        return strikes, verdict

    def at_random(self, strikes_wanted: int, backlogs: Sequence[int] = (1, 3, 20)) -> Result:
        """Kills at random messages and moments, up to four ticks in a row."""
        strikes, verdict = 0, Verdict()
        while strikes < strikes_wanted:
            self._arena.prepare(backlog=self._dice.choice(backlogs))
            for _ in range(self._dice.randint(1, 4)):
                if self._dice.random() < 0.5:
                    message = self._dice.randint(1, self._messages)
                    strikes += self._arena.ambush(message, self._dice.choice(list(Moment)))
                else:
                    strikes += self._arena.signalled(signal.SIGKILL, self._moment())
            verdict += self._settle("random moments")
        return strikes, verdict

    def on_purpose(self, strikes_wanted: int) -> Result:
        """Ranges, pauses and resets that people ask for while ticks are killed at random."""
        strikes, verdict = 0, Verdict()
        while strikes < strikes_wanted:
            self._arena.prepare(backlog=self._dice.choice([1, 3, 12]))
            said = []
            for _ in range(self._dice.randint(2, 4)):
                said.append(self._ask())
                strikes += self._killed()
            self._arena.command("--resume=all")
            verdict += self._settle("; ".join(filter(None, said)) or "nothing was asked for")
        return strikes, verdict

    def _killed(self) -> bool:
        if self._dice.random() < 0.7:
            message = self._dice.randint(1, self._messages)
            return self._arena.ambush(message, self._dice.choice(list(Moment)))
        return self._arena.signalled(signal.SIGKILL, self._moment())

    def _ask(self) -> str:
        """Have a person ask for something; what it was, as a text."""
        self._arena.books.await_quiet()
        kind = self._dice.choice(["range", "range", "pause", "resume", "reset", "nothing"])
        app = self._dice.choice(CHAIN if kind == "range" else ACCOUNTED)
        name = app.app_name
        if kind == "range":
            return self._ask_for_range(app)
        if kind == "reset":
            with self._arena.books.resetting(app):
                self._arena.command(f"--reset-job={name}")
            return f"reset {name}"
        if kind == "nothing":
            return ""
        self._arena.command(f"--{kind}={name}")
        return f"{kind} {name}"

    def _ask_for_range(self, app: type[BaseCronApp]) -> str:
        books, dice = self._arena.books, self._dice
        redo = dice.choice(["missing", "failed", "all"])
        first = dice.randint(-8, 0)
        last = dice.randint(first, 2)
        begin, end = (
            f"--{word}={books.minute(app, minute)}"
            for word, minute in (("from", first), ("to", last))
        )
        more = dice.choice([[], ["--newest-first"], ["--with-children"]])
        if not books.can_ask(app, last):
            return ""
        with books.asking(app, redo, first, last):
            self._arena.command(f"--backfill={app.app_name}", begin, end, f"--redo={redo}", *more)
        return f"backfill {app.app_name} {begin} {end} --redo={redo} {more}"

    def signals(self, rounds: int) -> Result:
        """Signals that ask the tick to end, at random moments and at random messages."""
        strikes, verdict = 0, Verdict()
        for _ in range(rounds):
            number = self._dice.choice([signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
            self._arena.prepare()
            if self._dice.random() < 0.5:
                strikes += self._arena.signalled(number, self._moment())
            else:
                message = self._dice.randint(1, self._messages)
                strikes += self._arena.ambush(message, Moment.BEFORE, number)
            verdict += self._settle(number.name)
        return strikes, verdict

    def terminated(self, rounds: int) -> Result:
        """Backends terminated at random moments, three times a tick."""
        strikes: list[object] = []

        def terminate() -> None:
            strikes.extend(
                self._arena.books.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    f" WHERE {BACKENDS} ORDER BY random() LIMIT 1"
                )
            )

        verdict = Verdict()
        for _ in range(rounds):
            self._arena.prepare()
            [tick] = self._arena.start()
            with ExitStack() as timers:
                for _ in range(3):
                    timers.enter_context(after(self._moment(), terminate))
                tick.wait()
            verdict += self._settle("backends terminated")
        return len(strikes), verdict

    def neighbour(self, strikes_wanted: int, longest: float) -> Result:
        """Kills while a neighbour is in the way, for up to *longest* seconds each time.

        Some ticks are not killed: they must end by themselves.
        """
        strikes, verdict = 0, Verdict()
        with Neighbour(self._arena.books, self._dice, longest) as neighbour:
            while strikes < strikes_wanted:
                self._arena.prepare(backlog=self._dice.choice([1, 3]))
                for _ in range(self._dice.randint(1, 3)):
                    with neighbour.in_the_way():
                        moment = self._moment() + self._dice.choice([0, longest])
                        strikes += self._arena.signalled(signal.SIGKILL, moment)
                with neighbour.in_the_way():
                    statuses = self._arena.tick()
                if -signal.SIGKILL in statuses:
                    verdict += Verdict(violations=("a tick did not end by itself",))
                verdict += self._settle("a neighbour in the way")
        return strikes, verdict

    def restarted(self, rounds: int, server: Server) -> Result:
        """The server restarted at random moments, as if it had crashed."""
        strikes: list[float] = []

        def restart() -> None:
            server.restart()
            strikes.append(time.monotonic())

        verdict = Verdict()
        for _ in range(rounds):
            self._arena.prepare()
            [tick] = self._arena.start()
            with after(self._moment(), restart):
                tick.wait()
            self._arena.books.reconnect()
            verdict += self._settle("server restarted")
        return len(strikes), verdict

    def races(self, sizes: Iterable[int], *, first: bool = False) -> Result:
        """So many ticks at once; with *first* on an empty database."""
        races, verdict = 0, Verdict()
        for size in sizes:
            self._arena.prepare(first=first)
            statuses = self._arena.tick(size)
            races += 1
            verdict += self._settle(f"{size} ticks at once")
            if odd := set(statuses) - {0, 2, 3}:
                verdict += Verdict(violations=(f"racing ticks exited with {odd}",))
        return races, verdict

    def wrong_clocks(self, rounds: int) -> Result:
        """Each tick on a machine whose clock says something else, and some are killed."""
        strikes, verdict = 0, Verdict()
        for _ in range(rounds):
            self._arena.prepare()
            for _ in range(2):
                seconds = self._dice.choice([-1, 1]) * 10 ** self._dice.uniform(0, 7)
                env = {CLOCK: str(seconds)}
                message = self._dice.randint(1, self._messages * 3 // 2)
                self._arena.ambush(message, self._dice.choice(list(Moment)), env=env)
                strikes += 1
            verdict += self._settle("wrong clocks")
        return strikes, verdict

    def _moment(self) -> float:
        """Some time within a tick, in seconds."""
        return self._dice.uniform(0, self._seconds)

    def _settle(self, what: str) -> Verdict:
        """The verdict of a round; its faults say what was done."""
        return self._arena.settle().told(what)
