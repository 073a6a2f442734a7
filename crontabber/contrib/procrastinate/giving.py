"""What a tick does to the queue: it hands over what is due, and tidies up."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import procrastinate
import psycopg
from procrastinate import exceptions, jobs

from ...errors import StoreError
from .handover import Handover
from .queue import TASK, clean_up, connector, job_of, make_tables, put


def give(factory: Any, due: Sequence[Handover]) -> None:
    """Queue what is *due* and not queued yet, and clean up what dead workers left.

    Raises `StoreError`.
    """
    with _explained(factory.redact):
        asyncio.run(_give(procrastinate.App(connector=connector(factory)), due))


async def _give(app: procrastinate.App, due: Sequence[Handover]) -> None:
    async with app.open_async():
        await make_tables(app)
        await clean_up(app)
        queued = await _queued(app, {each.queueing_lock: job_of(each) for each in due})
        await put(app, [each for each in due if each.queueing_lock not in queued])


async def _queued(app: procrastinate.App, due: Mapping[str, jobs.Job]) -> set[str | None]:
    """The queueing locks of what is queued already.

    What waits otherwise than a job that is *due* has to is taken back: the app has another
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
        reason = " ".join(str(cause).split()) or type(cause).__name__
        raise StoreError(f"Procrastinate's tables cannot be used: {redact(reason)}") from error
