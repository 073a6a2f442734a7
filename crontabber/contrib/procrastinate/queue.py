"""Procrastinate's tables, in the database of the state: creates, fills and cleans them."""

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import procrastinate
import psycopg
import psycopg_pool
from procrastinate import exceptions, jobs
from psycopg.conninfo import make_conninfo

from ...errors import StoreError
from ...process import clock
from .due_job import DueJob

TASK = "crontabber"
"""Runs a job that is due."""
ONCE = "crontabber.once"
"""Runs an app once, beside its schedule."""
CLEAN_UP = "crontabber.clean_up"
"""Takes back what dead workers held."""

CLEANING = "* * * * *"
"""When a worker does that, as a cron expression."""
HEARTBEAT = 3.0
"""The interval of a worker's heartbeats, in seconds. No job can prevent them."""
STALLED = 15.0
"""After how many silent seconds it counts as dead."""
POLLING = 2.0
"""Seconds after which an idle worker looks for jobs whose time has come, unannounced."""
MANY = 100
"""From how many jobs queued at once the table is analysed again."""
LONGEST_WAIT = 30
"""The most seconds before a run that could not begin is tried again."""

_TRIES = "tries"
"""The argument of `TASK` that says how often that was so."""

_logger = logging.getLogger("crontabber")
# Every new app logs that it is made of two parts, which is no news.
logging.getLogger("procrastinate.blueprints").setLevel(logging.WARNING)


def connector(factory: Any) -> procrastinate.PsycopgConnector:
    """Connects like *factory*, a ``ConnectionFactory``, but with psycopg 3."""
    parameters = {**factory.parameters(), "fallback_application_name": "crontabber-queue"}
    conninfo = make_conninfo("", **parameters)
    return procrastinate.PsycopgConnector(
        conninfo=conninfo, min_size=1, max_size=4, pool_factory=pool
    )


def pool(**options: Any) -> psycopg_pool.AsyncConnectionPool:
    """Connections on which a statement is one message, not four."""
    return psycopg_pool.AsyncConnectionPool(**{**options, "configure": _configure, "check": _check})


async def _configure(connection: psycopg.AsyncConnection) -> None:
    """A plan that was made for an empty queue takes a thousand times as long for a full one."""
    await connection.set_autocommit(True)
    await connection.execute("SET plan_cache_mode = force_custom_plan")


async def _check(connection: psycopg.AsyncConnection) -> None:
    """Raise if a connection is known to be gone, without asking the server."""
    connection.pgconn.consume_input()


async def put(app: procrastinate.App, due: Sequence[DueJob]) -> None:
    """Queue what is *due*; jobs that another tick has queued meanwhile stay as they are."""
    waiting = {each.queueing_lock: job_of(each) for each in due}
    while waiting:
        try:
            await app.job_manager.batch_defer_jobs_async(list(waiting.values()))
        except exceptions.AlreadyEnqueued as error:
            violation = error.__cause__
            assert isinstance(violation, exceptions.UniqueViolation)
            del waiting[violation.queueing_lock or ""]
        else:
            break
    if len(waiting) >= MANY:  # otherwise fetches are planned as for an empty table, for a minute
        await app.connector.execute_query_async("ANALYZE procrastinate_jobs")
    tell_of(waiting.values())


def tell_of(queued: Iterable[jobs.Job]) -> None:
    """Log which jobs were queued."""
    for job in queued:
        app_name = job.task_kwargs["app_name"]
        about = {"action": "handed over", "app_name": app_name}
        _logger.info("%s is handed to the workers", app_name, extra=about)


def job_of(due: DueJob) -> jobs.Job:
    """A job that is due, as Procrastinate knows it."""
    return jobs.Job(
        id=None,
        task_name=TASK,
        queue=due.queue,
        priority=due.priority,
        lock=due.lock,
        queueing_lock=due.queueing_lock,
        task_kwargs={"app_name": due.app_name, "class_path": due.class_path},
    )


async def put_back(app: procrastinate.App, job: jobs.Job, now: datetime) -> None:
    """Queue a job that could not run at *now*, the server's time, for a little later.

    Not after whole seconds: a worker that lacks the app looks for jobs every two, and would be
    the first to find it each time.
    """
    tries = job.task_kwargs.get(_TRIES, 0)
    assert isinstance(tries, int), "it was put there by us"
    again = job.evolve(
        id=None,
        scheduled_at=now + wait(tries) + timedelta(seconds=random.uniform(0, POLLING)),  # noqa: S311
        task_kwargs={**job.task_kwargs, _TRIES: tries + 1},
    )
    with contextlib.suppress(exceptions.AlreadyEnqueued):  # by a tick, meanwhile
        await app.job_manager.defer_job_async(again)


def wait(tries: int) -> timedelta:
    """How long to wait after so many failed tries."""
    return timedelta(seconds=min(2 ** min(tries + 1, 10), LONGEST_WAIT))


async def make_tables(app: procrastinate.App) -> None:
    """Create Procrastinate's tables if there are none."""
    if await app.check_connection_async():
        return
    try:
        await app.schema_manager.apply_schema_async()
    except exceptions.ConnectorException:
        if not await app.check_connection_async():  # another process did so at this moment
            raise


async def clean_up(app: procrastinate.App) -> None:
    """Take back what dead workers held.

    A job's row is deleted, because a tick knows whether the job is due. A one-off run is
    queued again, because no tick knows it.
    """
    for task, take_back in ((TASK, _forget), (ONCE, _queue_again)):
        for job in await app.job_manager.get_stalled_jobs(
            task_name=task, seconds_since_heartbeat=STALLED
        ):
            assert job.id is not None, "it is from the table"
            with contextlib.suppress(exceptions.ConnectorException):  # another was quicker
                await take_back(app, job.id)


async def _forget(app: procrastinate.App, number: int) -> None:
    failed = jobs.Status.FAILED
    await app.job_manager.finish_job_by_id_async(number, failed, delete_job=True)


async def _queue_again(app: procrastinate.App, number: int) -> None:
    await app.job_manager.retry_job_by_id_async(number, retry_at=clock.utc_now())


def give(factory: Any, due: Sequence[DueJob]) -> None:
    """Queue what is *due* and not queued yet, and clean up after dead workers.

    Raises `StoreError`.
    """
    with _explained(factory.redact):
        asyncio.run(_give(procrastinate.App(connector=connector(factory)), due))


async def _give(app: procrastinate.App, due: Sequence[DueJob]) -> None:
    async with app.open_async():
        await make_tables(app)
        await clean_up(app)
        queued = await _queued(app, {each.queueing_lock: job_of(each) for each in due})
        await put(app, [each for each in due if each.queueing_lock not in queued])


async def _queued(app: procrastinate.App, due: Mapping[str, jobs.Job]) -> set[str | None]:
    """The queueing locks of what is already queued.

    An entry that differs from its *due* job is taken back: the app has another
    queue by now, which may have workers, or the run crashed whose lock it waits for.
    """
    queued = set()
    for job in await app.job_manager.list_jobs_async(task=TASK, status="todo"):
        wanted = due.get(job.queueing_lock or "")
        if wanted and _place(wanted) != _place(job):
            assert job.id is not None, "it is from the table"
            await app.job_manager.cancel_job_by_id_async(job.id, delete_job=True)
        else:
            queued.add(job.queueing_lock)
    return queued


def _place(job: jobs.Job) -> tuple[str, int, str | None]:
    return job.queue, job.priority, job.lock


@contextlib.contextmanager
def _explained(redact: Callable[[str], str]) -> Iterator[None]:
    """Turn what Procrastinate and its driver raise into a `StoreError` of one line."""
    try:
        yield
    except (exceptions.ProcrastinateException, psycopg.Error) as error:
        cause = error.__cause__ or error
        reason = " ".join(redact(str(cause)).split()) or type(cause).__name__
        raise StoreError(f"Procrastinate's tables cannot be used: {reason}") from error
