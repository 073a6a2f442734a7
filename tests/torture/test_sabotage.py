"""Broken on purpose: where crontabber breaks a promise, the oracle says so."""

import itertools

import pytest

from tests.torture.arena import arena
from tests.torture.jobs import CHAIN, GATE, Extract, Newest, Plain, Single
from tests.torture.proxy import Moment
from tests.torture.sabotage import SABOTAGE


def test_without_the_claim_two_ticks_run_a_job_at_once(tmp_path, database):
    with arena(tmp_path, database, apps=[Plain]) as broken:
        broken.env[GATE] = "plain"
        broken.env[SABOTAGE] = "break_claims"
        broken.prepare()
        with broken.books.gate():
            [one] = broken.start()
            broken.books.await_at_gate(1)
            [other] = broken.start()
            broken.books.await_at_gate(2)
        one.wait()
        other.wait()
        violations = " | ".join(broken.settle().violations)
    assert "plain ran twice at once" in violations
    assert "it was not killed" in violations


@pytest.mark.parametrize(
    ("sabotage", "app", "violation"),
    [
        ("split_record", Plain, "is logged as a success 2 times"),
        ("record_apart", Single, "and is a single transaction"),
        ("forget_crashes", Plain, "no crash of process"),
        ("ledger_apart", Newest, "in the ledger twice"),
    ],
)
def test_killed_at_every_message_until_the_oracle_complains(
    tmp_path, database, sabotage, app, violation
):
    with arena(tmp_path, database, apps=[app]) as broken:
        broken.env[SABOTAGE] = sabotage
        assert violation in " | ".join(first_complaint(broken))


def test_a_child_that_ignores_the_dates_of_its_parent(tmp_path, database):
    with arena(tmp_path, database, apps=CHAIN) as broken:
        broken.env[SABOTAGE] = "ignore_dates"
        broken.prepare(backlog=12)  # of which one fails when the parent tries it first
        assert "before extract had done it" in " | ".join(broken.settle().violations)


def test_a_range_that_moves_the_slot_of_the_schedule(tmp_path, database):
    with arena(tmp_path, database, apps=[Extract]) as broken:
        broken.prepare()
        broken.tick()
        broken.env[SABOTAGE] = "move_slots"
        ends = (
            f"--from={broken.books.minute(Extract, -3)}",
            f"--to={broken.books.minute(Extract, -2)}",
        )
        with broken.books.asking(Extract, "missing", -3, -2):
            broken.command("--backfill=extract", *ends)
        violations = " | ".join(broken.settle().violations)
    assert "extract ran slots that were not due" in violations


def first_complaint(broken):
    for message, moment in itertools.product(range(5, 100), Moment):
        broken.prepare()
        struck = broken.ambush(message, moment)
        if violations := broken.settle().violations:
            return violations
        assert struck, "the oracle never complained"
    return ()
