"""Procrastinate's tables, in the database of the state: made, filled, and cleaned up."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import procrastinate
import psycopg
from procrastinate import exceptions, jobs
from psycopg.conninfo import make_conninfo

from ... import clock
from ...errors import StoreError
from .engine import Handover

TASK = "crontabber"
"""Runs a job that is due."""
ONCE = "crontabber.once"
"""Runs an app once, whatever its schedule."""
CLEAN_UP = "crontabber.clean_up"
"""Takes back what dead workers held."""

CLEANING = "* * * * *"
"""When a worker does that, as cron writes it."""
HEARTBEAT = 3.0
"""How often a worker says that it lives, in seconds. No job can keep it from doing so."""
STALLED = 15.0
"""After so many seconds of silence it is dead."""


def connector(factory: Any) -> procrastinate.PsycopgConnector:
    """Connects to where *factory* does, a ``ConnectionFactory``; but by psycopg 3."""
    parameters = {**factory.parameters(), "fallback_application_name": "crontabber-queue"}
    conninfo = make_conninfo("", **parameters)
    return procrastinate.PsycopgConnector(conninfo=conninfo, min_size=1, max_size=4)


def give(factory: Any, due: Sequence[Handover]) -> None:
    """Queue what is *due* and not queued yet, and clean up what dead workers left.

    Raises `StoreError`.
    """
    with explained(factory.redact):
        asyncio.run(_give(procrastinate.App(connector=connector(factory)), due))


async def _give(app: procrastinate.App, due: Sequence[Handover]) -> None:
    async with app.open_async():
        await make_tables(app)
        await clean_up(app)
        queued = await app.job_manager.list_jobs_async(task=TASK, status="todo")
        locks = {job.queueing_lock for job in queued}
        await put(app, [each for each in due if each.queueing_lock not in locks])


async def put(app: procrastinate.App, due: Sequence[Handover]) -> None:
    """Queue what is *due*; what somebody else has queued meanwhile is no matter."""
    waiting = {each.queueing_lock: _job(each) for each in due}
    while waiting:
        try:
            await app.job_manager.batch_defer_jobs_async(list(waiting.values()))
        except exceptions.AlreadyEnqueued as error:
            violation = error.__cause__
            assert isinstance(violation, exceptions.UniqueViolation)
            del waiting[violation.queueing_lock or ""]
        else:
            return


def _job(due: Handover) -> jobs.Job:
    return jobs.Job(
        id=None,
        task_name=TASK,
        queue=due.queue,
        priority=due.priority,
        lock=due.lock,
        queueing_lock=due.queueing_lock,
        task_kwargs={"app_name": due.app_name, "class_path": due.class_path},
    )


async def make_tables(app: procrastinate.App) -> None:
    """Make Procrastinate's tables if there are none."""
    if await app.check_connection_async():
        return
    try:
        await app.schema_manager.apply_schema_async()
    except exceptions.ConnectorException:
        if not await app.check_connection_async():  # somebody else did so at this moment
            raise


async def clean_up(app: procrastinate.App) -> None:
    """Take back what workers held that are dead.

    A job's row is forgotten: whether the job is due, a tick knows. A one-off run is
    queued again, as nobody else knows of it.
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


@contextlib.contextmanager
def explained(redact: Callable[[str], str]) -> Iterator[None]:
    """Turn what Procrastinate and its driver raise into a `StoreError` of one line."""
    try:
        yield
    except (exceptions.ProcrastinateException, psycopg.Error) as error:
        cause = error.__cause__ or error
        reason = " ".join(str(cause).split()) or type(cause).__name__
        raise StoreError(f"Procrastinate's tables cannot be used: {redact(reason)}") from error
