"""Which rows travel to a tick: those only of jobs that may be due, as the decision has it."""

import random
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from crontabber.schedule.decide import decide
from crontabber.schedule.grammar import JobLine, Schedule
from crontabber.schedule.model import JobSpec, JobState, Skip, SkipReason, plan_text
from crontabber.store import Snapshot
from crontabber.store.postgres import PostgresStore
from tests.stores import factory_of
from tests.support import Database

SCHEDULES = ["5m", "1h", "1d", "1d|03:00", "7d|23:30"]
SCHEDULES += ["1h|:05", "mon..fri|03:00", "1,15,last|03:00", "*/10 8-18 * * mon-fri", "0 3 1 1 *"]
PLANS = ["5m", "1h", "1d", "1d|03:00 UTC", "1d|03:00 Europe/Berlin", "7d|23:30 UTC", None]
PLANS += ["mon..fri|03:00 UTC", "*/10 8-18 * * mon-fri UTC"]
OFFSETS = [None, -40000, -400, -5, -1, 1, 4, 55, 200, 900, 1300, 4000, 21000, 40000]
"""Minutes from now."""

INSERT = """
INSERT INTO crontabber (
    app_name, class_path, next_run, next_slot, first_run, last_run, own_last_run, error_count,
    depends_on, plan, backfill, gave_up, ongoing, last_error, claim_time, claim_host
)
SELECT
    %s, %s, now() + %s * minute, now() + %s * minute, now(), now() + %s * minute,
    now() + %s * minute, 0, %s, %s, %s, %s, now() + %s * minute, %s, now() + %s * minute, %s
FROM (SELECT interval '1 minute') AS unit (minute)
"""


@pytest.fixture(scope="module")
def store(module_database: Database) -> Iterator[PostgresStore]:
    store = PostgresStore(factory_of(module_database), patience=0)
    store.look(())
    yield store
    store.close()


def spec(line: JobLine, row: JobState, zone: str) -> JobSpec:
    return JobSpec(
        row.app_name,
        line.class_path,
        line.schedule,
        ZoneInfo(zone),
        row.depends_on,
        bool(row.backfill),
    )


def at(snapshot: Snapshot, states: dict[str, JobState], line: JobLine, zone: str) -> object:
    [row] = [each for each in states.values() if each.class_path == line.class_path]
    return decide(spec(line, row, zone), row, states, snapshot.now)


def insert(database: Database, dice: random.Random, count: int, zone: str) -> list[JobLine]:
    lines, rows = [], []
    for number in range(count):
        schedule = dice.choice(SCHEDULES)
        plan = dice.choice([plan_text(Schedule.parse(schedule), zone)] * 9 + PLANS)
        slot, last = dice.choice(OFFSETS), dice.choice([-1, -1, -1, -300, None, 5, 400])
        run = dice.choice([slot, slot, slot, dice.choice(OFFSETS)])
        own = dice.choice([last, last, last, last, -77])
        ongoing = dice.choice([None] * 8 + [-3, -3000])
        rows.append(
            [
                f"app-{number}",
                f"m.A{number}",
                run,
                slot,
                last,
                own,
                [f"app-{dice.randrange(count)}"] if dice.random() < 0.2 else [],
                plan,
                dice.choice([False, False, True, True, None]),
                dice.choice([False] * 5 + [True, None]),
                ongoing,
                '{"type": "E", "value": "", "traceback": ""}' if dice.random() < 0.2 else None,
                ongoing,
                dice.choice(["host", None]) if ongoing else None,
            ],
        )
        lines.append(JobLine.parse(f"m.A{number}|{schedule}"))
    with closing(database.connect()) as connection, connection.cursor() as cursor:
        cursor.executemany(INSERT, rows)
    return lines


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"])
def test_a_row_that_is_left_out_is_that_of_a_job_that_is_not_due(
    module_database: Database, store: PostgresStore, zone: str
) -> None:
    module_database.execute("TRUNCATE crontabber")
    lines = insert(module_database, random.Random(zone), 400, zone)
    snapshot = store.look_for_due(lines, zone)
    states = dict(store.look(None).states)
    left_out = [line for line in lines if not snapshot.may_be_due(line.class_path)]
    assert 20 < len(left_out) < 300, "both kinds are there"
    for line in left_out:
        decision = at(snapshot, states, line, zone)
        assert isinstance(decision, Skip), line
        assert decision.reason is SkipReason.NOT_DUE, line
    for line in lines:
        [row] = [each for each in states.values() if each.class_path == line.class_path]
        if line in left_out:
            continue
        assert snapshot.states[row.app_name] == row
        for parent in row.depends_on:
            assert snapshot.states[parent] == states[parent]
        decision = at(snapshot, states, line, zone)
        is_edited = row.plan != spec(line, row, zone).plan
        is_odd = is_edited or row.ongoing or None in (row.backfill, row.next_slot)
        if not is_odd and isinstance(decision, Skip) and decision.reason is SkipReason.NOT_DUE:
            is_ahead = row.last_run and row.last_run > snapshot.now
            assert is_ahead, f"{line} could have been left out: {row}"


def test_a_class_without_a_row_and_one_with_two_may_be_due(
    module_database: Database, store: PostgresStore
) -> None:
    module_database.execute("TRUNCATE crontabber")
    lines = [JobLine.parse(f"m.{name}|1h") for name in ("New", "Twice", "Waits")]
    future, plan = datetime.now(ZoneInfo("UTC")) + timedelta(minutes=30), "1h"
    for app_name, class_path, slot in (
        ("ghost", "m.Twice", future - timedelta(hours=9)),
        ("twice", "m.Twice", future),
        ("waits", "m.Waits", future),
        ("old", None, future),
    ):
        module_database.execute(
            "INSERT INTO crontabber (app_name, class_path, next_run, next_slot, plan, backfill)"
            " VALUES (%s, %s, %s, %s, %s, false)",
            [app_name, class_path, slot, slot, plan],
        )
    snapshot = store.look_for_due(lines, "")
    assert snapshot.candidates == frozenset({"m.New", "m.Twice"})
    assert set(snapshot.states) == {"ghost", "old"}
    named = store.look_for_due(lines, "", ["waits", "nowhere"])
    assert named.candidates == snapshot.candidates
    assert set(named.states) == {"ghost", "old", "waits"}


def test_without_lines_or_rows_there_is_a_time_and_a_zone(
    module_database: Database, store: PostgresStore
) -> None:
    module_database.execute("TRUNCATE crontabber")
    snapshot = store.look_for_due((), "")
    assert snapshot.now.tzinfo
    assert snapshot.zone == store.look(None).zone
    assert (snapshot.states, snapshot.candidates) == ({}, frozenset())


def test_a_plan_is_held_against_the_zone_of_the_server(
    module_database: Database, store: PostgresStore
) -> None:
    module_database.execute("TRUNCATE crontabber")
    zone = store.look(()).zone
    for name in (zone, "Asia/Tokyo"):
        module_database.execute(
            "INSERT INTO crontabber (app_name, class_path, next_run, next_slot, plan, backfill)"
            " VALUES (%s, %s, now() + interval '1 h', now() + interval '1 h', %s, false)",
            [name, f"m.{name.replace('/', '')}", f"1d|03:00 {name}"],
        )
    lines = [JobLine.parse(f"m.{each.replace('/', '')}|1d|03:00") for each in (zone, "Asia/Tokyo")]
    assert store.look_for_due(lines, "").candidates == frozenset({"m.AsiaTokyo"})
    of_server = f"m.{zone.replace('/', '')}"
    assert store.look_for_due(lines, "Asia/Tokyo").candidates == frozenset({of_server})
