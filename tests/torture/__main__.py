"""``make torture``: the long form, with the table for the documentation."""

import argparse
import importlib.util
import os
import random
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crontabber import embedded
from tests.pgbouncer import pgbouncer
from tests.server import own_server
from tests.support import Database, fresh_database, server_directory, signals_heard
from tests.torture.arena import arena
from tests.torture.jobs import ACCOUNTED, ALL, COMMANDS
from tests.torture.oracle import Verdict
from tests.torture.scenarios import Result, Scenarios

if TYPE_CHECKING:
    from tests.contrib_procrastinate.torture import Site

HEADINGS = ("scenario", "strikes", "slots", "once", "lost", "twice", "repeated", "passed over")
LINE = "{:44} {:>10} {:>6} {:>6} {:>5} {:>5} {:>8} {:>11}"
OURS = ("PG", "CRONTABBER", "crontabber.")


def say(line: str) -> None:
    """To stdout, at once."""
    print(line, flush=True)  # noqa: T201  it is a command


class Table:
    """Prints each result as it comes, and adds them up."""

    def __init__(self) -> None:
        self.total = Verdict()
        self.kills = 0
        say(LINE.format(*HEADINGS))

    def show(self, scenario: str, result: Result, *, kills: bool = False) -> None:
        """A scenario's line; *kills* says that its strikes were kills."""
        strikes, verdict = result
        self.total += verdict
        self.kills += strikes if kills else 0
        self._print(scenario, strikes, verdict)

    def finish(self) -> int:
        """The last line, and what was violated; the exit status."""
        self._print("all", f"{self.kills} kills", self.total)
        for violation in self.total.violations:
            say(f"VIOLATION {violation}")
        return min(len(self.total.violations), 1)

    def _print(self, scenario: str, strikes: object, v: Verdict) -> None:
        ends = (v.slots, v.once, v.lost, v.twice, v.repeated, v.passed)
        say(LINE.format(scenario, str(strikes), *ends))


def main() -> int:
    """Torture, print, and say whether all promises were kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("--kills", type=int, default=1000, help="how many kills at least")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="of the dice")
    parser.add_argument(
        "--pgbouncer", action="store_true", help="all ticks through a PgBouncer in session mode"
    )
    options = parser.parse_args()
    for name in [name for name in os.environ if name.startswith(OURS)]:
        del os.environ[name]
    say(f"seed {options.seed}")
    table = Table()
    with (
        signals_heard(),
        server_directory() as directory,
        embedded.server(directory, linger=0.2, settings={"fsync": "off"}) as parameters,
    ):
        run = torture_through_pgbouncer if options.pgbouncer else torture
        run(table, Database(**parameters), random.Random(options.seed), options.kills)
    return table.finish()


def torture(table: Table, server: Database, dice: random.Random, kills: int) -> None:
    """Every scenario, in full."""
    with scenarios(server, dice, apps=ACCOUNTED) as chains:
        asked = chains.on_purpose(max(kills // 8, 20))
        table.show("chains, ranges, pauses, resets; SIGKILL", asked, kills=True)
        cut = chains.at_messages(chains.points(max(kills // 20, 10)), None)
        table.show("chains, connection cut", cut)
        table.show("chains, two to eight crontabbers at once", chains.races([*range(2, 9)] * 3))
    with scenarios(server, dice, forks=False) as real:
        table.show("SIGKILL at every message", real.at_messages(real.points()), kills=True)
        table.show("the machine's clock wrong, and SIGKILL", real.wrong_clocks(25), kills=True)
    with scenarios(server, dice) as fork:
        first = fork.at_messages(fork.points(first=True), first=True)
        table.show("SIGKILL at every message of the first tick", first, kills=True)
        rest = max(kills - table.kills, 100)
        table.show("SIGKILL at random, one to four in a row", fork.at_random(rest), kills=True)
        table.show("SIGTERM, SIGINT, SIGHUP at random", fork.signals(100))
        cut = fork.at_messages(fork.points(), None)
        table.show("connection cut at every message", cut)
        table.show("backends terminated", fork.terminated(60))
        near = fork.neighbour(max(kills * 3 // 10, 20), longest=3.0)
        table.show("SIGKILL with a hostile neighbour", near, kills=True)
        table.show("two to eight crontabbers at once", fork.races([*range(2, 9)] * 15))
        first = fork.races([*range(2, 9)] * 3, first=True)
        table.show("two to eight first ticks at once", first)
    with scenarios(server, dice, apps=COMMANDS) as commands:
        killed = commands.at_random(max(kills // 10, 20), backlogs=[1, 3])
        table.show("commands, SIGKILL at random", killed, kills=True)
        table.show("commands, SIGTERM, SIGINT, SIGHUP at random", commands.signals(20))
    if importlib.util.find_spec("procrastinate"):
        with workers(server, dice) as made:
            result = made.at_random(max(kills * 3 // 10, 20))
            table.show("six Procrastinate workers, killed or stopped", result)
    with own_server() as other, scenarios(server, dice, other.database) as restarted:
        table.show("server restarted", restarted.restarted(30, other))


def torture_through_pgbouncer(
    table: Table, server: Database, dice: random.Random, kills: int
) -> None:
    """Those scenarios in which a pooler in session mode could make a difference."""
    with scenarios(server, dice, pooled=True) as fork:
        table.show("SIGKILL at every message", fork.at_messages(fork.points()), kills=True)
        rest = max(kills - table.kills, 100)
        table.show("SIGKILL at random, one to four in a row", fork.at_random(rest), kills=True)
        table.show("SIGTERM, SIGINT, SIGHUP at random", fork.signals(100))
        table.show("connection cut at every message", fork.at_messages(fork.points(), None))
        table.show("backends terminated", fork.terminated(60))
        table.show("two to eight crontabbers at once", fork.races([*range(2, 9)] * 15))


@contextmanager
def scenarios(
    server: Database,
    dice: random.Random,
    state: Database | None = None,
    *,
    forks: bool = True,
    pooled: bool = False,
    apps: Sequence[Any] = ALL,
) -> Iterator[Scenarios]:
    """Scenarios with a database of their own; the state may be elsewhere than the ledger."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        database = stack.enter_context(fresh_database(server))
        state = state or database
        through = stack.enter_context(pgbouncer(state, "session", 60)) if pooled else None
        made = arena(directory, state, ledger=database, forks=forks, through=through, apps=apps)
        yield Scenarios(stack.enter_context(made), dice)


@contextmanager
def workers(server: Database, dice: random.Random) -> Iterator["Site"]:
    """Workers of Procrastinate, with a database of their own."""
    from tests.contrib_procrastinate.torture import site

    with (
        tempfile.TemporaryDirectory() as directory,
        fresh_database(server) as database,
        site(Path(directory), database, dice) as made,
    ):
        yield made


if __name__ == "__main__":
    sys.exit(main())
