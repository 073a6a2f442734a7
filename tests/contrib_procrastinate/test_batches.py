"""How a worker fetches, acknowledges and hands over: in few messages, on a real PostgreSQL."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import procrastinate
import pytest
from procrastinate import jobs

from crontabber.contrib.procrastinate import batches, queue
from crontabber.contrib.procrastinate.batches import BatchingManager
from crontabber.contrib.procrastinate.due_job import DueJob
from tests.support import Database

STATUSES = "SELECT args ->> 'app_name', status FROM procrastinate_jobs ORDER BY id"


@pytest.fixture(autouse=True)
def _slow_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have all jobs count as short, however long a message takes here."""
    monkeypatch.setattr(batches, "SPAN", 60.0)


class Messages(procrastinate.PsycopgConnector):
    """Counts those that fetch, acknowledge or hand over."""

    count = 0

    async def execute_query_all_async(self, query: Any, **arguments: Any) -> list[dict[str, Any]]:
        """As the connector does it."""
        self.count += 1
        found: list[dict[str, Any]] = await super().execute_query_all_async(query, **arguments)
        return found


class Worker:
    """What a worker of Procrastinate does with its manager."""

    def __init__(self, app: procrastinate.App, connector: Messages) -> None:
        self.app = app
        self.connector = connector
        self.manager = BatchingManager(connector)
        self.number = 0

    async def register(self) -> None:
        self.number = await self.manager.register_worker()
        self.connector.count = 0

    async def fetch(self) -> jobs.Job | None:
        return await self.manager.fetch_job(None, self.number)

    async def finish(self, job: jobs.Job) -> None:
        await self.manager.finish_job(job, jobs.Status.SUCCEEDED, delete_job=True)

    async def run_all(self) -> list[Any]:
        """Run jobs that are over at once, until there are none; their names."""
        names = []
        while job := await self.fetch():
            names.append(job.task_kwargs["app_name"])
            await self.finish(job)
        return names


def work(database: Database, do: Callable[[Worker], Awaitable[None]]) -> None:
    """Have a worker do something."""

    async def run() -> None:
        connector = Messages(kwargs=database._asdict(), pool_factory=queue.pool)
        async with procrastinate.App(connector=connector).open_async() as app:
            await queue.make_tables(app)
            worker = Worker(app, connector)
            await worker.register()
            await do(worker)
            await worker.manager.settle()

    asyncio.run(run())


def due(*names: str) -> list[DueJob]:
    return [DueJob(name, f"apps.{name}") for name in names]


MANY = [f"job-{number}" for number in range(40)]


def test_short_jobs_are_fetched_and_acknowledged_in_few_messages(database: Database) -> None:
    async def do(worker: Worker) -> None:
        await queue.put(worker.app, due(*MANY))
        worker.connector.count = 0
        assert await worker.run_all() == MANY
        assert worker.connector.count < len(MANY) / 2

    work(database, do)
    assert database.execute(STATUSES) == []


MODES = """
    CREATE TABLE mode (mode text, waits text);
    CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO mode VALUES
            (current_setting('plan_cache_mode'), current_setting('synchronous_commit'));
        RETURN NEW;
    END $$;
    CREATE CONSTRAINT TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON procrastinate_jobs
        DEFERRABLE INITIALLY DEFERRED  -- what holds when it is committed
        FOR EACH ROW EXECUTE PROCEDURE note();
"""


@pytest.mark.parametrize(
    ("count", "mode"), [(4, "force_custom_plan"), (queue.MANY, "force_generic_plan")]
)
def test_plans_are_kept_only_if_they_were_made_for_many_jobs(
    database: Database, count: int, mode: str
) -> None:
    async def do(worker: Worker) -> None:
        for _ in range(9):
            assert not await worker.fetch()  # so plans were made for no jobs
        database.execute(MODES)
        await queue.put(worker.app, due(*(f"job-{number}" for number in range(count))))
        database.execute("TRUNCATE mode")
        await worker.run_all()
        assert database.execute("SELECT DISTINCT mode FROM mode") == [(mode,)]
        database.execute("TRUNCATE mode")
        database.execute("VACUUM procrastinate_jobs")
        await queue.put(worker.app, due("another"))
        assert await worker.fetch()
        assert database.execute("SELECT DISTINCT mode FROM mode") == [("force_custom_plan",)]

    work(database, do)


def test_the_disk_is_waited_for_only_where_no_tick_would_make_up_for_it(database: Database) -> None:
    async def do(worker: Worker) -> None:
        database.execute(MODES)
        [once] = [queue.job_of(each).evolve(task_name=queue.ONCE) for each in due("once")]
        await worker.manager.defer_job_async(once)
        job = await worker.fetch()
        assert job
        await worker.finish(job)
        assert database.execute("SELECT waits FROM mode") == [("on",)] * 3
        await queue.put(worker.app, due("a"))
        await worker.run_all()
        assert database.execute("SELECT waits FROM mode OFFSET 3") == [("on",), ("off",), ("off",)]

    work(database, do)


def test_what_waits_behind_a_long_job_is_given_back(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "PATIENCE", 0.01)

    async def do(worker: Worker) -> None:
        await queue.put(worker.app, due("a", "b", "c", "d"))
        first = await worker.fetch()
        assert first
        await worker.finish(first)
        assert await worker.fetch()  # and one more, which waits
        while ("c", "doing") in database.execute(STATUSES):
            await asyncio.sleep(0.01)
        assert database.execute(STATUSES) == [("b", "doing"), ("c", "todo"), ("d", "todo")]

    work(database, do)


async def two_of_three(worker: Worker) -> None:
    """Queue three jobs, and run two, so that the third is fetched with the second."""
    await queue.put(worker.app, due("a", "b", "c"))
    for following in ([], ["c"]):
        job = await worker.fetch()
        assert job
        assert worker.manager.following() == following
        await worker.finish(job)


def test_a_worker_that_ends_gives_back_what_has_not_begun(database: Database) -> None:
    async def do(worker: Worker) -> None:
        await two_of_three(worker)

    work(database, do)
    assert database.execute(STATUSES) == [("c", "todo")]


def test_what_a_tick_has_queued_again_is_not_given_back_too(database: Database) -> None:
    async def do(worker: Worker) -> None:
        await two_of_three(worker)
        await queue.put(worker.app, due("c"))

    work(database, do)
    assert database.execute(STATUSES) == [("c", "todo")]


def test_children_are_handed_over_with_the_acknowledgement_of_their_parent(
    database: Database,
) -> None:
    async def do(worker: Worker) -> None:
        await queue.put(worker.app, due("parent", "queued"))
        parent = await worker.fetch()
        assert parent
        worker.connector.count = 0
        worker.manager.hand_over(due("child", "queued"))
        await worker.finish(parent)
        assert await worker.fetch()
        assert database.execute(STATUSES) == [("queued", "doing"), ("child", "doing")]
        assert worker.connector.count == 2  # what a tick has queued meanwhile is left out

    work(database, do)


def test_the_queue_is_told_soon_if_nothing_is_fetched(database: Database) -> None:
    async def do(worker: Worker) -> None:
        await queue.put(worker.app, due("parent"))
        parent = await worker.fetch()
        assert parent
        worker.manager.hand_over(due("child"))
        await worker.finish(parent)
        while database.execute(STATUSES) != [("child", "todo")]:
            await asyncio.sleep(0.01)

    work(database, do)


def test_a_row_that_another_worker_cleaned_up_is_no_matter(database: Database) -> None:
    async def do(worker: Worker) -> None:
        await queue.put(worker.app, due("a", "b"))
        job = await worker.fetch()
        assert job
        database.execute("DELETE FROM procrastinate_jobs WHERE args ->> 'app_name' = 'a'")
        await worker.finish(job)
        assert await worker.run_all() == ["b"]

    work(database, do)
    assert database.execute(STATUSES) == []


@pytest.mark.parametrize("task", [queue.ONCE, queue.CLEAN_UP])
def test_what_no_tick_knows_of_is_acknowledged_at_once(database: Database, task: str) -> None:
    async def do(worker: Worker) -> None:
        [once] = [queue.job_of(each).evolve(task_name=task) for each in due("once")]
        await worker.manager.defer_job_async(once)
        job = await worker.fetch()
        assert job
        await worker.finish(job)
        assert database.execute(STATUSES) == []

    work(database, do)
