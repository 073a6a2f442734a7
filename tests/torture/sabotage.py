"""Breaks crontabber on purpose: an oracle that does not notice is no oracle."""

import contextlib
import datetime
import os
from collections.abc import Iterator, Mapping
from typing import Any
from unittest import mock

import psycopg2
import time_machine

from crontabber.store.postgres import PostgresStore
from crontabber.store.rows import run_parameters
from crontabber.store.sql import load_queries
from tests.torture.jobs import LEDGER

SABOTAGE = "TORTURE_SABOTAGE"
"""The environment's variable that names what to break."""
CLOCK = "TORTURE_CLOCK"
"""The variable with the seconds by which the machine's clock is wrong."""


@contextlib.contextmanager
def split_record() -> Iterator[None]:
    """The log is written in one transaction, and the state in the next."""
    whole = PostgresStore.save

    def save(
        store: Any, before: Any, after: Any, run: Any = None, within: Any = None, **more: Any
    ) -> Any:
        if run and within is None:
            _log(run)
            run = None
        return whole(store, before, after, run, within, **more)

    with mock.patch.object(PostgresStore, "save", save):
        yield


def _log(run: Any) -> None:
    row = {"app_name": run.app_name, "exc_type": None, "exc_value": None, **run_parameters(run)}
    connection = psycopg2.connect(os.environ[LEDGER])
    with contextlib.closing(connection), connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO crontabber_log (app_name, slot, success, exc_type, exc_value)"
            " VALUES (%(app_name)s, %(slot)s, %(success)s, %(exc_type)s, %(exc_value)s)",
            row,
        )


@contextlib.contextmanager
def record_apart() -> Iterator[None]:
    """The record is never part of the transaction that did the work."""
    with mock.patch.object(PostgresStore, "shares_database", return_value=False):
        yield


@contextlib.contextmanager
def forget_crashes() -> Iterator[None]:
    """A crashed run is run again, and the crash is not logged."""
    whole = PostgresStore.save

    def save(
        store: Any, before: Any, after: Any, run: Any = None, within: Any = None, **more: Any
    ) -> Any:
        crash = run and run.error and "JobCrashed" in run.error.type
        return whole(store, before, after, None if crash else run, within, **more)

    with mock.patch.object(PostgresStore, "save", save):
        yield


@contextlib.contextmanager
def break_claims() -> Iterator[None]:
    """Every claim is granted, without a lock."""
    queries = {
        name: text.replace("NOT pg_catalog.pg_try_advisory_lock(%(lock)s)", "false")
        for name, text in load_queries().items()
    }
    with mock.patch("crontabber.store.session.load_queries", return_value=queries):
        yield


@contextlib.contextmanager
def ignore_dates() -> Iterator[None]:
    """A child is given its dates, even if its parent has not done them."""
    with (
        mock.patch("crontabber.schedule.dependencies.has_done", return_value=True),
        mock.patch("crontabber.tick.claim.free_until", lambda _job, _states, now: now),
    ):
        yield


@contextlib.contextmanager
def move_slots() -> Iterator[None]:
    """A date that was asked for moves the slot of the schedule, as if it were one of its own."""
    queries = dict(load_queries())
    for name in ("save_asked", "save_asked_and_pass"):
        moves = "next_slot = %(slot)s::timestamptz, asked_slot = %(asked_slot)s"
        queries[name] = queries[name].replace("asked_slot = %(asked_slot)s", moves, 1)
    with mock.patch("crontabber.store.session.load_queries", return_value=queries):
        yield


@contextlib.contextmanager
def ledger_apart() -> Iterator[None]:
    """What is passed over is written in a transaction of its own, before that which does so."""
    whole = PostgresStore.save

    def save(
        store: Any,
        before: Any,
        after: Any,
        run: Any = None,
        within: Any = None,
        spans: Any = (),
    ) -> Any:
        if spans:
            store._make_ledger()
            _pass(spans)
        return whole(store, before, after, run, within)

    with mock.patch.object(PostgresStore, "save", save):
        yield


def _pass(spans: Any) -> None:
    connection = psycopg2.connect(os.environ[LEDGER])
    with contextlib.closing(connection), connection, connection.cursor() as cursor:
        for span in spans:
            cursor.execute(
                "INSERT INTO crontabber_spans (app_name, first_slot, last_slot, slots, verdict,"
                " done_at) VALUES (%s, %s, %s, %s, %s, now())",
                (span.app_name, span.first, span.last, span.slots, span.verdict.value),
            )


_BREAKERS = (
    split_record,
    record_apart,
    forget_crashes,
    break_claims,
    ignore_dates,
    move_slots,
    ledger_apart,
)
SABOTAGES = {each.__name__: each for each in _BREAKERS}


@contextlib.contextmanager
def apply(env: Mapping[str, str]) -> Iterator[None]:
    """Break what the environment names, and set the clock as it says."""
    with contextlib.ExitStack() as stack:
        if name := env.get(SABOTAGE):
            stack.enter_context(SABOTAGES[name]())
        if seconds := env.get(CLOCK):
            stack.enter_context(wrong_clock(float(seconds)))
        yield


@contextlib.contextmanager
def wrong_clock(seconds: float) -> Iterator[None]:
    """The machine's clock is wrong by so many seconds, and goes on from there."""
    now = datetime.datetime.now(datetime.timezone.utc)
    with time_machine.travel(now + datetime.timedelta(seconds=seconds), tick=True):
        yield


SITECUSTOMIZE = f"""\
import os
if not os.environ.keys().isdisjoint({{"{SABOTAGE}", "{CLOCK}"}}):
    from tests.torture.sabotage import apply
    broken = apply(os.environ)
    broken.__enter__()
"""
"""What has the real command do the same, for as long as it lives."""
