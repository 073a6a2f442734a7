"""The short form of ``make torture``: some of each."""

import os
import random

import pytest

from tests.server import own_server
from tests.torture.arena import arena
from tests.torture.jobs import ACCOUNTED, COMMANDS
from tests.torture.scenarios import Scenarios

SEED = int(os.environ.get("TORTURE_SEED", "815"))


@pytest.fixture(scope="module")
def scenarios(module_database, tmp_path_factory):
    with arena(tmp_path_factory.mktemp("forks"), module_database) as made:
        yield Scenarios(made, random.Random(SEED))


def hold(result, *, at_least=1):
    """Enough was done, and all promises were kept."""
    strikes, verdict = result
    assert verdict.violations == ()
    assert (verdict.lost, verdict.twice) == (0, 0)
    assert verdict.slots == verdict.once + verdict.repeated
    assert strikes >= at_least


def hold_accounts(result, *, at_least=1):
    """The same where slots are passed over, or were not due any more."""
    strikes, verdict = result
    assert verdict.violations == ()
    assert (verdict.lost, verdict.twice) == (0, 0)
    assert strikes >= at_least


def test_the_real_command_killed_at_some_messages(tmp_path, database):
    """trap: SIGKILL left the job ongoing for 12 h, and blocked every later job."""
    with arena(tmp_path, database, forks=False) as made:
        real = Scenarios(made, random.Random(SEED))
        hold(real.at_messages(real.points(2)), at_least=2)


def test_killed_at_some_messages(scenarios):
    """trap: the position was saved only after the whole catch-up; a kill repeated ten dates."""
    hold(scenarios.at_messages(scenarios.points(6)), at_least=6)


def test_killed_in_the_first_tick_ever(scenarios):
    hold(scenarios.at_messages(scenarios.points(3, first=True), first=True), at_least=3)


def test_killed_at_random(scenarios):
    hold(scenarios.at_random(3), at_least=3)


def test_commands_are_killed_with_their_tick(module_database, tmp_path_factory):
    """trap: an orphan goes on, and the next tick runs the job beside it"""
    with arena(tmp_path_factory.mktemp("commands"), module_database, apps=COMMANDS) as made:
        commands = Scenarios(made, random.Random(SEED))
        hold(commands.at_random(2, backlogs=[1]), at_least=2)


def test_ranges_pauses_and_resets_of_chains(module_database, tmp_path_factory):
    """trap: a child got dates that its parent had not done"""
    directory = tmp_path_factory.mktemp("chains")
    with arena(directory, module_database, apps=ACCOUNTED) as made:
        hold_accounts(Scenarios(made, random.Random(SEED)).on_purpose(3), at_least=3)


def test_signalled_at_random(scenarios):
    """trap: SIGTERM left the job ongoing for 12 h."""
    hold(scenarios.signals(3))


def test_connections_cut(scenarios):
    """trap: a dropped connection left the job ongoing; a good run went unrecorded."""
    hold(scenarios.at_messages(scenarios.points(4), None), at_least=4)


def test_backends_terminated(scenarios):
    """trap: after a lost connection the dead one stayed in the pool."""
    hold(scenarios.terminated(3))


def test_a_neighbour_in_the_way(scenarios):
    """trap: LOCK TABLE crontabber hung a tick, and twelve more piled up behind it."""
    hold(scenarios.neighbour(2, longest=0.3), at_least=2)


def test_races(scenarios):
    """trap: two processes started together ran a job twice, 7 of 240 times."""
    hold(scenarios.races([2, 5]), at_least=2)


def test_races_of_first_ticks(scenarios):
    """trap: two first ticks at once crashed making tables."""
    hold(scenarios.races([2, 4], first=True), at_least=2)


def test_wrong_clocks(scenarios):
    """trap: a claim made by a host whose clock is 3 s ahead was ignored."""
    hold(scenarios.wrong_clocks(2), at_least=4)


def test_server_restarted(tmp_path, database):
    with own_server() as server, arena(tmp_path, server.database, ledger=database) as made:
        hold(Scenarios(made, random.Random(SEED)).restarted(2, server))
