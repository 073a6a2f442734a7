"""What must not run at once, and that no job waits for it in vain; real processes."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable
from typing import Any

import pytest

from crontabber.contrib.procrastinate import procrastinate_app, queue
from tests.contrib_procrastinate.cluster import GATE, Cluster

APPS = f"""
    from crontabber.base import BaseCronApp
    from crontabber.mixins import using_postgres, with_postgres_connection_as_argument


    @using_postgres
    @with_postgres_connection_as_argument
    class Quick(BaseCronApp):
        app_name = "quick"

        def run(self, connection, what=None):
            connection.autocommit = True
            cursor = connection.cursor()
            cursor.execute("INSERT INTO did VALUES (%s)", (what or self.app_name,))
            self.work(cursor)
            cursor.execute("INSERT INTO did VALUES (%s)", (f"{{what or self.app_name}} did",))

        def work(self, cursor):
            pass


    class Child(Quick):
        app_name = "child"
        depends_on = "quick"


    class Slow(Quick):
        app_name = "slow"
        lock = "M"

        def work(self, cursor):
            cursor.execute("SELECT pg_advisory_lock_shared({GATE})")


    class Other(Quick):
        app_name = "other"
        lock = "M"


    class Unserved(Other):
        app_name = "unserved"
        queue = "unserved"
"""
PUT_BACK = """
    SELECT FROM procrastinate_jobs
    WHERE status = 'todo' AND scheduled_at IS NOT NULL AND args ->> %s = %s
"""


Deferring = Callable[[str], Callable[..., Any]]
"""Configures jobs; answers what their one-off runs are configured by."""


@pytest.fixture
def deferring(cluster, monkeypatch):
    """Configures jobs; answers what their one-off runs are configured by."""
    with contextlib.ExitStack() as stack:

        def made(jobs):
            cluster.configure(APPS, jobs)
            monkeypatch.syspath_prepend(str(cluster.command.directory))
            monkeypatch.delitem(sys.modules, "apps", raising=False)
            app = procrastinate_app(f"--admin.conf={cluster.command.directory / 'crontabber.ini'}")
            asyncio.run(make_tables(app))
            stack.enter_context(app.open())
            return app.configure_run

        yield made
    monkeypatch.delitem(sys.modules, "apps", raising=False)


async def make_tables(app):
    async with app.open_async():
        await queue.make_tables(app)


def only_slow_is_queued(cluster):
    cluster.tick()
    cluster.database.execute("DELETE FROM procrastinate_jobs WHERE lock <> 'crontabber:slow'")


def test_a_run_that_is_planned_for_later_does_not_touch_the_schedule(
    cluster: Cluster, deferring: Deferring
) -> None:
    configure = deferring("apps.Quick|1d\napps.Child|1d")
    configure("quick", schedule_in={"days": 400}).defer()
    cluster.tick()
    cluster.work()
    cluster.until_done("quick", "child")


def test_a_run_that_is_planned_for_later_holds_up_no_other(
    cluster: Cluster, deferring: Deferring
) -> None:
    configure = deferring("apps.Quick|1d")
    configure("quick", schedule_in={"days": 400}).defer()
    configure("quick", queue="unserved").defer()
    configure("quick", schedule_in={"seconds": -1}).defer(what="soon")
    configure("quick").defer(what="now")
    cluster.work("--queues=crontabber", "--one-shot").wait()
    assert sorted(cluster.did()) == ["now", "now did", "soon", "soon did"]


def test_runs_that_are_deferred_for_now_keep_their_order(
    cluster: Cluster, deferring: Deferring
) -> None:
    configure = deferring("apps.Quick|1d")
    for number in range(4):
        configure("quick").defer(what=f"{number}")
    cluster.work("--concurrency=4")
    cluster.until("SELECT FROM did HAVING count(*) = 8", hurry=True)
    assert [what for what in cluster.did() if len(what) == 1] == ["0", "1", "2", "3"]


def test_a_job_does_not_wait_for_one_with_its_lock_that_no_worker_takes(cluster: Cluster) -> None:
    cluster.configure(APPS, "apps.Unserved|1d\napps.Other|1d")
    cluster.tick()
    cluster.work("--queues=crontabber")
    cluster.until_done("other")
    assert cluster.queued() == ["crontabber:unserved"]


def test_a_job_whose_lock_is_held_is_tried_again_without_a_tick(cluster: Cluster) -> None:
    cluster.configure(APPS, "apps.Slow|1d\napps.Other|1d")
    with cluster.gate():
        only_slow_is_queued(cluster)
        cluster.work("--concurrency=2")
        cluster.until_at_gate()
        cluster.tick()
        cluster.until(PUT_BACK, ("app_name", "other"))
    cluster.until_done("slow", "other", hurry=True)
    assert cluster.did() == ["slow", "slow did", "other", "other did"]


def test_a_one_off_run_waits_for_the_jobs_with_its_lock(
    cluster: Cluster, deferring: Deferring
) -> None:
    configure = deferring("apps.Slow|1d\napps.Other|1d")
    with cluster.gate():
        only_slow_is_queued(cluster)
        cluster.work("--concurrency=2")
        cluster.until_at_gate()
        configure("slow").defer(what="own")
        configure("other").defer(what="other")
        cluster.until(PUT_BACK, ("crontabber_class", "apps.Slow"))
        cluster.until(PUT_BACK, ("crontabber_class", "apps.Other"))
        assert cluster.did() == ["slow"]
    cluster.until("SELECT FROM did HAVING count(*) = 6", hurry=True)
    assert cluster.did()[:2] == ["slow", "slow did"]


def test_a_job_waits_for_a_one_off_run_and_loses_no_turn(
    cluster: Cluster, deferring: Deferring
) -> None:
    configure = deferring("apps.Slow|1d\napps.Other|1d")
    with cluster.gate():
        configure("slow").defer(what="once")
        cluster.work("--concurrency=2")
        cluster.until("SELECT FROM did")
        assert cluster.tick().returncode == 0
        cluster.until(PUT_BACK, ("app_name", "slow"))
        cluster.until(PUT_BACK, ("app_name", "other"))
        assert cluster.did() == ["once"]
    cluster.until_done("slow", "other", hurry=True)
    assert cluster.did()[:2] == ["once", "once did"]


def test_a_one_off_run_that_a_stopping_worker_ends_is_run_again(
    cluster: Cluster, deferring: Deferring
) -> None:
    configure = deferring("apps.Slow|1d|03:00")
    with cluster.gate():
        configure("slow").defer()
        worker = cluster.work("--shutdown-graceful-timeout=0.1")
        cluster.until("SELECT FROM did")
        worker.signal(signal.SIGTERM)
        assert worker.wait() == 0
    cluster.work("--one-shot").wait()
    assert cluster.did() == ["slow", "slow", "slow did"]


def test_a_job_that_moved_to_another_queue_moves(cluster: Cluster) -> None:
    cluster.configure(APPS, "apps.Unserved|1d\napps.Quick|1d")
    cluster.tick()
    cluster.command.write("apps.py", APPS.replace('queue = "unserved"', 'queue = "slow"'))
    cluster.tick()
    assert cluster.database.execute(
        "SELECT queue_name, lock FROM procrastinate_jobs ORDER BY id"
    ) == [("crontabber", "crontabber:quick"), ("slow", "crontabber:unserved")]


def test_what_waited_for_a_run_that_crashed_does_not_any_longer(cluster: Cluster) -> None:
    cluster.configure(APPS, "apps.Slow|1d")
    with cluster.gate():
        cluster.tick()
        worker = cluster.work()
        cluster.until_at_gate()
        cluster.database.execute(
            "INSERT INTO procrastinate_jobs"
            " (queue_name, task_name, lock, queueing_lock, args, status)"
            " SELECT queue_name, task_name, lock, queueing_lock, args, 'todo'"
            " FROM procrastinate_jobs WHERE status = 'doing'"
        )
        worker.signal(signal.SIGKILL)
        worker.wait()
        cluster.until_freed("slow")
        cluster.tick()
    cluster.work("--one-shot").wait()
    assert cluster.did() == ["slow", "slow", "slow did"]
