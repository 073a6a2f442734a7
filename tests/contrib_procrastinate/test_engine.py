"""Ticks hand over, workers run; real processes, on a real PostgreSQL."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import procrastinate
import pytest

from crontabber.contrib.procrastinate import engine, queue
from crontabber.contrib.procrastinate.due_job import DueJob
from tests.contrib_procrastinate.cluster import GATE, TICK, Cluster
from tests.server import own_server
from tests.support import Command

APPS = f"""
    import psycopg2

    from crontabber.base import BaseCronApp
    from crontabber.mixins import as_backfill_cron_app, using_postgres
    from crontabber.mixins import with_postgres_connection_as_argument


    @using_postgres
    @with_postgres_connection_as_argument
    class Parent(BaseCronApp):
        app_name = "parent"

        def run(self, connection, *more):
            connection.autocommit = True
            cursor = connection.cursor()
            cursor.execute("INSERT INTO did VALUES (%s)", (self.app_name,))
            self.work(cursor, *more)

        def work(self, cursor, *more):
            pass


    class Child(Parent):
        app_name = "child"
        depends_on = "parent"


    class Grandchild(Parent):
        app_name = "grandchild"
        depends_on = ("child", "parent")


    class Slow(Parent):
        app_name = "slow"
        queue = "slow"
        priority = 7

        def work(self, cursor):
            cursor.execute("SELECT pg_advisory_lock_shared({GATE})")


    class Locked(Slow):
        app_name = "locked"
        lock = "M"


    class Broken(Parent):
        app_name = "parent"

        def work(self, cursor):
            raise ValueError("no luck")


    class Lost(Parent):
        app_name = "lost"
        queue = None


    @as_backfill_cron_app
    class Backfill(Parent):
        app_name = "backfill"

        def work(self, cursor, date):
            cursor.execute("INSERT INTO did VALUES (%s)", (date.isoformat(),))
"""


@contextlib.contextmanager
def ignored(number):
    """Start processes that ignore a signal."""
    before = signal.signal(number, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(number, before)


FAULTY = """
    from configman import Namespace

    class Faulty(Parent):
        app_name = "faulty"
        required_config = Namespace()
        required_config.add_option("count", default="many", from_string_converter=int)

    class NoApp(Parent):
        app_name = 7
"""

CHAIN = "apps.Grandchild|1d\napps.Child|1d\napps.Parent|1d"


def test_a_chain_of_jobs_is_run_after_one_tick(cluster: Cluster) -> None:
    cluster.configure(APPS, CHAIN)
    tick = cluster.tick()
    assert (tick.returncode, tick.stdout, tick.stderr) == (0, "", "")
    assert cluster.queued() == ["crontabber:parent"]
    cluster.work()
    cluster.until_done("parent", "child", "grandchild")
    assert cluster.did() == ["parent", "child", "grandchild"]
    assert cluster.tick().returncode == 0
    assert cluster.queued() == []


def test_the_engine_may_stand_in_the_ini(cluster: Cluster) -> None:
    cluster.configure(APPS, "apps.Parent|1d", "engine=procrastinate")
    assert cluster.command("--admin.conf=crontabber.ini").returncode == 0
    assert cluster.queued() == ["crontabber:parent"]
    assert cluster.did() == []


def test_two_first_ticks_at_once_make_the_tables_and_queue_a_job_once(cluster: Cluster) -> None:
    """trap: two first ticks at once crashed making tables."""
    cluster.configure(APPS, "apps.Parent|1d")
    ticks = [cluster.command.popen(*TICK) for _ in range(4)]
    for tick in ticks:
        with tick:
            assert tick.communicate() == ("", "")
            assert tick.returncode == 0
    assert cluster.queued() == ["crontabber:parent"]


def test_what_another_has_queued_meanwhile_is_no_matter(cluster: Cluster) -> None:
    cluster.configure(APPS, "apps.Parent|1d")
    cluster.tick()
    due = [DueJob(name, f"apps.{name.title()}") for name in ("child", "parent", "grandchild")]

    async def put() -> None:
        connector = procrastinate.PsycopgConnector(kwargs=cluster.database._asdict())
        async with procrastinate.App(connector=connector).open_async() as app:
            await queue.put(app, due)

    asyncio.run(put())
    assert cluster.queued() == ["crontabber:parent", "crontabber:child", "crontabber:grandchild"]


def test_queue_and_priority_are_attributes_of_the_app(cluster: Cluster) -> None:
    cluster.configure(APPS, "apps.Slow|1d\napps.Parent|1d")
    cluster.tick()
    assert cluster.database.execute(
        "SELECT queue_name, priority FROM procrastinate_jobs ORDER BY id"
    ) == [("slow", 7), ("crontabber", 0)]
    cluster.work("--queues=slow", "--one-shot").wait()
    assert cluster.did() == ["slow"]


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"queue": "", "priority": 1}, "its queue '' is not a name"),
        ({"queue": "q" * 129}, "is not a name"),
        ({"priority": True}, "its priority True is not a number"),
        ({"priority": -(2**31)}, "is not a number"),
        ({"queue": "slow", "priority": -1}, None),
        ({}, None),
    ],
)
def test_what_a_queue_cannot_take_is_a_fault_of_the_class(
    attributes: dict[str, Any], expected: str | None
) -> None:
    found = engine.faults({"apps.App": type("App", (), attributes)})
    if expected is None:
        assert found == {}
    else:
        assert expected in str(found["apps.App"])


def test_a_tick_says_what_it_handed_over(cluster: Cluster) -> None:
    cluster.configure(APPS, "apps.Parent|1d\napps.Slow|1d")
    tick = cluster.tick("--logging.stderr_error_logging_level=20")
    said = [line.split(" - ")[-1] for line in tick.stderr.splitlines()]
    assert said == ["parent is handed to the workers", "slow is handed to the workers"]
    again = cluster.tick("--logging.stderr_error_logging_level=20")
    assert again.stderr == ""


def test_a_job_that_failed_is_not_called_a_success(cluster: Cluster) -> None:
    cluster.configure(APPS, "apps.Broken|1d")
    cluster.tick()
    cluster.work("--one-shot").wait()
    assert "parent failed: ValueError: no luck" in cluster.log()
    assert "Success" not in cluster.log()


def test_a_queue_that_is_none_is_told_and_the_rest_is_handed_over(cluster: Cluster) -> None:
    cluster.configure(APPS, "apps.Lost|1d\napps.Parent|1d")
    tick = cluster.tick()
    assert tick.returncode == 1
    assert "apps.Lost: its queue None is not a name" in tick.stderr
    assert cluster.queued() == ["crontabber:parent"]
    tested = cluster.tick("--configtest")
    assert tested.returncode == 1
    assert "apps.Lost: its queue None is not a name" in tested.stdout


def test_classes_whose_options_have_a_fault_do_not_hinder_those_beside_them(
    cluster: Cluster,
) -> None:
    cluster.configure(
        APPS + FAULTY,
        "apps.Parent|1d\napps.Faulty|1d\napps.NoApp|1d\napps.Child|1d",
    )
    cluster.command(*TICK)
    cluster.work()
    cluster.until_done("parent", "child")
    assert cluster.did() == ["parent", "child"]


def test_a_backfill_app_gets_all_open_slots_from_a_worker(cluster: Cluster) -> None:
    cluster.configure(APPS, "apps.Backfill|1h")
    cluster.tick()
    cluster.work("--one-shot").wait()
    cluster.back("backfill", "5 hours")
    cluster.tick()
    cluster.work("--one-shot").wait()
    dates = [what for what in cluster.did() if what != "backfill"]
    assert len(dates) == 6
    assert sorted(dates[1:]) == dates[1:]


def test_the_first_slot_of_a_job_is_that_of_the_tick_however_late_a_worker_comes(
    cluster: Cluster,
) -> None:
    cluster.configure(APPS, "apps.Backfill|1h")
    cluster.tick()
    [(slot,)] = cluster.database.execute("SELECT next_slot FROM crontabber")
    cluster.back("backfill", "2 hours")
    cluster.work("--one-shot").wait()
    [(first,)] = cluster.database.execute("SELECT min(success) FROM crontabber_log")
    assert (slot - first).total_seconds() == 2 * 3600


def test_a_job_that_fails_is_remembered_and_its_children_wait(cluster: Cluster) -> None:
    cluster.configure(APPS, "apps.Broken|1d\napps.Child|1d")
    cluster.tick()
    cluster.work("--one-shot").wait()
    assert cluster.did() == ["parent"]
    [(error,)] = cluster.database.execute("SELECT exc_value FROM crontabber_log")
    assert error == "no luck"
    assert cluster.queued() == cluster.queued("failed") == []


def test_a_job_that_is_running_is_not_queued_again(cluster: Cluster) -> None:
    cluster.configure(APPS, "apps.Slow|1m")
    with cluster.gate():
        cluster.tick()
        cluster.work()
        cluster.until_at_gate()
        tick = cluster.tick()
        assert (tick.returncode, tick.stderr) == (0, "")
        assert cluster.queued() == []
        beside = cluster.command("--admin.conf=crontabber.ini")
        assert beside.returncode == 3
        assert cluster.did() == ["slow"]
    cluster.until_done("slow")


@pytest.mark.parametrize(
    ("name", "whom"), [("slow", "worker"), ("slow", "process"), ("locked", "worker")]
)
def test_a_job_whose_worker_was_killed_is_recovered_by_the_next_tick(
    cluster: Cluster, name: str, whom: str
) -> None:
    """trap: SIGKILL left the job ongoing for 12 h."""
    cluster.configure(APPS, f"apps.{name.title()}|1d")
    with cluster.gate():
        cluster.tick()
        first = cluster.work()
        [(pid,)] = cluster.until_at_gate()
        assert first.children() == [pid]
        if whom == "worker":
            first.signal(signal.SIGKILL)
            first.wait()
        else:
            os.kill(pid, signal.SIGKILL)
        cluster.until_freed(name)
        cluster.tick()  # no time-out is waited for, although Procrastinate has not noticed
        cluster.work()
        cluster.until_at_gate()
    cluster.until_done(name)
    log = cluster.database.execute("SELECT exc_type, exc_value FROM crontabber_log ORDER BY id")
    assert [kind and "JobCrashed" in kind for kind, _ in log] == [True, None]
    assert f"process {pid} on" in log[0][1]
    assert cluster.did() == [name, name]


def test_a_worker_that_is_terminated_finishes_its_job(cluster: Cluster) -> None:
    """trap: SIGTERM left the job ongoing for 12 h."""
    cluster.configure(APPS, "apps.Slow|1d\napps.Parent|1d")
    with cluster.gate():
        cluster.tick()
        worker = cluster.work()
        [(pid,)] = cluster.until_at_gate()
        worker.signal(signal.SIGTERM)
        os.kill(pid, signal.SIGTERM)  # as a service manager does
        cluster.until_said("Stop requested")
    assert worker.wait() == 0
    assert cluster.database.execute("SELECT exc_type FROM crontabber_log") == [(None,)]
    assert cluster.did() == ["slow"]


def test_a_worker_that_may_not_wait_any_longer_ends_its_job_which_is_recorded(
    cluster: Cluster,
) -> None:
    cluster.configure(APPS, "apps.Slow|1d")
    with cluster.gate():
        cluster.tick()
        with ignored(signal.SIGHUP):  # as nohup does
            worker = cluster.work("--shutdown-graceful-timeout=0.1")
        cluster.until_at_gate()
        worker.signal(signal.SIGTERM)
        worker.wait()
        [(kind, value)] = cluster.database.execute("SELECT exc_type, exc_value FROM crontabber_log")
    assert "Stopped" in kind
    assert value == "stopped by SIGHUP"
    assert cluster.database.execute("SELECT ongoing FROM crontabber") == [(None,)]
    assert [cluster.queued(status) for status in ("doing", "aborted", "failed")] == [[], [], []]


def test_what_dead_workers_left_is_cleaned_up_by_a_tick(cluster: Cluster) -> None:
    cluster.configure(APPS, CHAIN)
    cluster.tick()
    cluster.database.execute("UPDATE procrastinate_jobs SET status = 'doing', worker_id = NULL")
    cluster.tick()
    assert (cluster.queued("doing"), cluster.queued()) == ([], ["crontabber:parent"])


def test_a_worker_ends_when_its_database_was_gone(tmp_path: Path) -> None:
    """If it went on, it would not hear of new jobs, and the others would take it for dead."""
    with own_server() as server, Cluster(Command(tmp_path), server.database) as cluster:
        cluster.configure(APPS, "apps.Parent|1d")
        cluster.tick()
        worker = cluster.work()
        cluster.until_done("parent")
        server.restart()
        assert worker.wait() > 0  # so that a service manager starts it again
        # Procrastinate may notice it before we do
        assert "stopping worker" in cluster.log() or "Database error" in cluster.log()


def test_nobody_pays_for_an_engine_that_is_not_used(cluster: Cluster) -> None:
    """trap: an idle tick pays for a library that it does not use"""
    cluster.configure(APPS, "apps.Parent|1d")
    script = (
        "import sys; from crontabber.cli import main; assert main(sys.argv[1:]) == 0;"
        "sys.exit(any('procrastinate' in name for name in sys.modules))"
    )

    def imports_it(*options: str) -> bool:
        done = subprocess.run(
            [sys.executable, "-c", script, *options],
            cwd=cluster.command.directory,
            env=cluster.command.environ(),
            check=False,
        )
        return bool(done.returncode)

    assert imports_it(*TICK)
    assert not imports_it("--admin.conf=crontabber.ini")
    assert not imports_it(*TICK)  # nothing is due any more


def test_an_unknown_engine_is_one_line(cluster: Cluster) -> None:
    cluster.configure(APPS, "apps.Parent|1d")
    done = cluster.command("--admin.conf=crontabber.ini", "--engine=procrastination")
    assert done.returncode == 1
    assert "there is no such engine: did you mean procrastinate?" in done.stderr
    assert done.stderr.count("\n") == 1


def test_an_engine_that_is_not_installed_is_one_line(cluster: Cluster) -> None:
    cluster.configure(APPS, "apps.Parent|1d")
    cluster.command.write("procrastinate.py", "raise ImportError('No module named procrastinate')")
    done = cluster.tick()
    assert done.returncode == 1
    assert done.stderr == (
        "crontabber: engine=procrastinate: No module named procrastinate; "
        "pip install 'crontabber[procrastinate]'\n"
    )


def test_a_worker_without_a_configuration_says_so(cluster: Cluster) -> None:
    worker = cluster.work("--one-shot", env={"CRONTABBER_CONF": ""})
    assert worker.wait() != 0
    assert "no configuration is named: write --admin.conf=crontabber.ini, or set" in cluster.log()


SESSIONS = """
    SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
        AND (query LIKE '%crontabber_look_again%' OR query LIKE '%pg_advisory_unlock(key)%')
"""


def test_a_process_keeps_its_session_and_no_claim_in_it(cluster: Cluster) -> None:
    cluster.configure(APPS, CHAIN)
    cluster.work()
    cluster.tick()
    cluster.until_done("parent")
    session = cluster.until(SESSIONS)
    cluster.until_done("parent", "child", "grandchild")
    cluster.until("SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM procrastinate_jobs)")
    assert cluster.until(SESSIONS) == session
    cluster.until("SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory')")


def test_a_process_whose_session_was_ended_has_another(cluster: Cluster) -> None:
    cluster.configure(APPS, "apps.Parent|1d")
    cluster.work()
    cluster.tick()
    cluster.until_done("parent")
    [(session,)] = cluster.until(SESSIONS)
    cluster.until("SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM procrastinate_jobs)")
    cluster.database.execute("SELECT pg_terminate_backend(%s)", (session,))
    cluster.database.execute("UPDATE crontabber SET next_run = now(), next_slot = now()")
    cluster.tick()
    cluster.until("SELECT 1 FROM did HAVING count(*) = 2")
    assert "error" not in cluster.log().lower()


def test_a_job_is_left_to_the_workers_that_have_it(cluster: Cluster) -> None:
    cluster.configure(APPS, "apps.Parent|1d\nother.App|1d")
    ini = (cluster.command.directory / "crontabber.ini").read_text()
    (cluster.command.directory / "few.ini").write_text(ini.replace("apps.Parent|1d\n", ""))
    (cluster.command.directory / "other.py").write_text(APP_OF_ANOTHER)
    cluster.work(env={"CRONTABBER_CONF": "few.ini"})
    cluster.tick("--job=other.App")
    cluster.tick()
    cluster.until("SELECT 1 FROM procrastinate_jobs WHERE (args ->> 'tries')::int > 1", hurry=True)
    assert cluster.log().count("parent is left to workers that have it") == 1
    cluster.work()
    cluster.until_done("parent", hurry=True)
    assert cluster.did() == ["parent"]


APP_OF_ANOTHER = """
from crontabber.base import BaseCronApp

class App(BaseCronApp):
    app_name = "other"

    def run(self):
        pass
"""


@pytest.mark.parametrize("ending", ["raise KeyboardInterrupt", "import os; os._exit(0)"])
def test_a_module_that_ends_the_process_costs_a_worker_no_process(
    cluster: Cluster, ending: str
) -> None:
    cluster.configure(APPS, "other.App|1d\napps.Parent|1d")
    other = cluster.command.directory / "other.py"
    other.write_text(APP_OF_ANOTHER)
    cluster.tick()
    other.write_text(ending)
    cluster.work("--concurrency=1")
    cluster.until_done("parent")
    words = ending.split("(", maxsplit=1)[0].rpartition(" ")[2]
    assert f"{words}" in cluster.log()
    assert "importing other" in cluster.log()
    assert "ended" not in cluster.log()
