"""How a worker tells the queue that jobs are done: behind their backs, while the next one runs."""

import asyncio
from typing import Any

from procrastinate import exceptions, jobs, manager

from .queue import TASK

_AGAIN = 1.0
"""Seconds after which it is told again, if the queue could not be reached."""
_LONGEST = 5.0
"""For how many seconds a worker that ends waits until all is told."""


class Acknowledging(manager.JobManager):
    """Takes done jobs from the queue while others run; one-off runs before, as no tick knows them.

    Of a job that is done crontabber's own tables know. If the worker is killed before the queue
    does, the next tick or worker forgets the row: see `queue.clean_up`.
    """

    def __init__(self, connector: Any) -> None:
        super().__init__(connector)
        self._telling: set[asyncio.Task[None]] = set()

    async def finish_job(self, job: jobs.Job, status: jobs.Status, delete_job: bool) -> None:
        """As Procrastinate's worker calls it."""
        if job.task_name != TASK:
            await super().finish_job(job, status, delete_job)
            return
        telling = asyncio.create_task(self._finish(job, status, delete_job))
        self._telling.add(telling)
        telling.add_done_callback(self._telling.discard)

    async def _finish(self, job: jobs.Job, status: jobs.Status, delete_job: bool) -> None:
        while True:
            try:
                await super().finish_job(job, status, delete_job)
            except exceptions.ConnectorException:  # else its lock would keep the job from ever
                await asyncio.sleep(_AGAIN)  # being fetched again while this worker lives
            else:
                return

    async def settle(self) -> None:
        """Wait until all is told, but not for long."""
        if self._telling:
            _, late = await asyncio.wait(self._telling, timeout=_LONGEST)
            for each in late:
                each.cancel()
