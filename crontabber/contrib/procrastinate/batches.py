"""How a worker talks to the queue: one message acknowledges, queues and fetches."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Sequence
from datetime import datetime, timezone
from typing import Any

from procrastinate import exceptions, jobs, manager, sql, types

from ...process.clock import monotonic
from .due_job import DueJob
from .queue import MANY, TASK, job_of, tell_of

LARGEST = 16
"""The most jobs to fetch at once."""
SPAN = 0.1
"""For how many seconds of work to fetch jobs at once, by how long the last ones took."""
PATIENCE = 0.25
"""Seconds after which fetched jobs that have not begun go back to the queue."""
SOON, AT_ONCE = 0.2, 0.005
"""Seconds after which the queue learns, without a fetch, which jobs are done, and
which are due now."""

_LONG_AGO = datetime(1970, 1, 1, tzinfo=timezone.utc)
"""A time that is past by any clock."""
_AGAIN = 1.0
"""Seconds before the next try, if the queue could not be reached."""
_LONGEST = 5.0
"""For how many seconds a worker that ends waits until the queue knows all."""


class BatchingManager(manager.JobManager):
    """Fetches, acknowledges and hands over several jobs in one message, as one transaction.

    Jobs are fetched ahead as long as those before them are short; one that waits behind a
    longer job goes back to the queue, as it could run at once elsewhere. crontabber's own tables
    know when a job is done. If the worker is killed before the queue knows, the next
    tick or worker forgets the row: see `queue.clean_up`. One-off runs are acknowledged before the
    next job begins, as no tick knows them.
    """

    def __init__(self, connector: Any) -> None:
        super().__init__(connector)
        self._fetched: deque[jobs.Job] = deque()
        """The fetched jobs that have not begun."""
        self._batch, self._fetched_at = 0, 0.0
        """How many were fetched last, and when."""
        self._done: list[int] = []
        """The jobs that are done, but not yet for the queue."""
        self._due: dict[str | None, jobs.Job] = {}
        """The jobs to queue, by their queueing locks."""
        self._tasks: dict[str, asyncio.Task[None]] = {}

    # -- as Procrastinate's worker calls it --------------------------------------------------

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> jobs.Job | None:
        """The next job, if there is one."""
        if not self._fetched:
            try:
                rows = await self._exchange(queues, worker_id, self._next_size())
            except exceptions.UniqueViolation:  # another worker has fetched one with the same lock
                rows = []
            self._fetched.extend(jobs.Job.from_row(row) for row in rows)
            self._batch, self._fetched_at = len(rows), monotonic()
            if len(rows) > 1:
                self._start("give back", self._give_back_later)
        return self._fetched.popleft() if self._fetched else None

    async def finish_job(self, job: jobs.Job, status: jobs.Status, delete_job: bool) -> None:
        """Acknowledge a job; ours with the next fetch."""
        if job.task_name != TASK or not delete_job:
            await super().finish_job(job, status, delete_job)
            return
        self._is_done(job)

    def following(self) -> list[str]:
        """The app_names of the jobs that were fetched and have not begun, in turn."""
        return [str(job.task_kwargs["app_name"]) for job in self._fetched if job.task_name == TASK]

    def hand_over(self, due: Sequence[DueJob]) -> None:
        """Queue these along with the acknowledgement of their parent."""
        if due:
            self._due |= {each.queueing_lock: job_of(each) for each in due}
            self._start("hand over", self._hand_over_later)

    # -- the end of a worker -------------------------------------------------------------------

    async def settle(self) -> None:
        """Give back what has not begun, and acknowledge what is done; but do not wait long."""
        settling = asyncio.create_task(self._settle())
        _, late = await asyncio.wait([settling, *self._tasks.values()], timeout=_LONGEST)
        for each in late:
            each.cancel()

    async def _settle(self) -> None:
        await self._give_back()
        await self._tell()

    # -- in between ----------------------------------------------------------------------------

    def _start(self, name: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do this in the background, if it is not being done already."""
        if name not in self._tasks or self._tasks[name].done():
            self._tasks[name] = asyncio.create_task(work())

    def _next_size(self) -> int:
        """How many to fetch for `SPAN` at the pace of the last batch; at most twice as many."""
        if not self._batch:
            return 1
        pace = (monotonic() - self._fetched_at) / self._batch
        return max(1, min(int(SPAN / max(pace, SPAN / LARGEST)), 2 * self._batch))

    async def _give_back_later(self) -> None:
        while self._fetched:
            await asyncio.sleep(PATIENCE)
            if monotonic() - self._fetched_at >= PATIENCE:
                await self._give_back()

    async def _give_back(self) -> None:
        """Put fetched jobs that have not begun back into the queue."""
        waiting, self._batch = [*self._fetched], 0
        self._fetched.clear()
        for job in waiting:
            if not await self._has_given_back(job):
                self._fetched.append(job)

    async def _has_given_back(self, job: jobs.Job) -> bool:
        try:
            await self.retry_job(job, retry_at=job.scheduled_at or _LONG_AGO)
        except exceptions.UniqueViolation:  # it was queued again meanwhile
            if job.task_name != TASK:
                return False
            self._is_done(job)
        except exceptions.ConnectorException:
            return False
        return True

    def _is_done(self, job: jobs.Job) -> None:
        """Acknowledge with the next fetch, or soon."""
        assert job.id is not None, "it is from the table"
        self._done.append(job.id)
        self._start("tell", self._tell_later)

    async def _tell_later(self) -> None:
        while self._done:
            await asyncio.sleep(SOON)
            await self._tell()

    async def _hand_over_later(self) -> None:
        while self._due:
            await asyncio.sleep(AT_ONCE)
            await self._tell()

    async def _tell(self) -> None:
        """Tell the queue which jobs are done and due, until that succeeds."""
        while self._done or self._due:
            try:
                await self._exchange(None, 0, 0)
            except exceptions.ConnectorException:  # otherwise its lock would keep the job from ever
                await asyncio.sleep(_AGAIN)  # being fetched again while this worker lives

    async def _exchange(
        self, queues: Iterable[str] | None, worker_id: int, most: int
    ) -> list[dict[str, Any]]:
        """Tell the queue what is done and due, and fetch; the rows of the jobs."""
        (done, self._done), (due, self._due) = (self._done, []), (self._due, {})
        try:
            rows = await self._message(
                due, done=done, queues=queues, worker_id=worker_id, most=most
            )
        except BaseException:  # sent again, as that does no harm
            self._done, self._due = done + self._done, due | self._due
            raise
        tell_of(due.values())
        return rows

    async def _message(
        self, due: dict[str | None, jobs.Job], **parameters: Any
    ) -> list[dict[str, Any]]:
        """Send it; jobs that another has queued meanwhile are removed from *due*."""
        while True:
            try:
                return await self.connector.execute_query_all_async(
                    query=_EXCHANGE,
                    jobs=[_row(job) for job in due.values()],
                    **_ALWAYS,
                    **parameters,
                )
            except exceptions.UniqueViolation as violation:
                if due.pop(violation.queueing_lock, None) is None:
                    raise


_ALWAYS = {
    "status": jobs.Status.SUCCEEDED.value,
    "delete_job": True,
    "many": MANY,
    "task": TASK,
}
_TOLD = "FROM procrastinate_jobs WHERE id = ANY(%(done)s::bigint[]) AND status = 'doing'"
"""Rows that another worker has cleaned up meanwhile are no longer ours."""


_MODE = """
    SELECT
        pg_catalog.set_config('synchronous_commit', 'off', true),
        CASE WHEN reltuples / nullif(relpages, 0) * pg_catalog.pg_relation_size(oid)
            >= %(many)s * pg_catalog.current_setting('block_size')::float8
        THEN pg_catalog.set_config('plan_cache_mode', 'force_generic_plan', true) END
    FROM pg_catalog.pg_class
    WHERE oid = 'procrastinate_jobs'::pg_catalog.regclass
"""
"""Settings for one message. It does not wait for the disk, unless it fetches what no tick
knows of: if the server crashes and forgets it, jobs are queued again that were fetched or done, and
their claims show whether they are due; children are handed over by the next tick.

And Procrastinate's functions keep their plans while there are many jobs, as the planner counts
them: planning takes three times as long as the work. A plan that was made for many jobs suits any
number, but one for few does not; so with few, the connection's setting makes a new one each time.
"""


def _row(job: jobs.Job) -> types.JobToDefer:
    return types.JobToDefer(
        queue_name=job.queue,
        task_name=job.task_name,
        priority=job.priority,
        lock=job.lock,
        queueing_lock=job.queueing_lock,
        args=job.task_kwargs,
        scheduled_at=job.scheduled_at,
    )


def _of_procrastinate(statement: str, **changed: str) -> str:
    """A statement of Procrastinate's, with some parameters replaced."""
    text: str = sql.queries[statement].strip().rstrip(";")
    for name, instead in changed.items():
        text = text.replace(f"%({name})s", instead)
    return text


def _exchange() -> str:
    """Procrastinate's own statements, for several jobs at once, one after the other."""
    told = f"{_of_procrastinate('finish_job', job_id='id')} {_TOLD}"
    put = _of_procrastinate("defer_jobs")
    # without the turn in it the server would call the function once
    fetched = _of_procrastinate("fetch_job", worker_id="%(worker_id)s + 0 * turn")
    counts = "(SELECT count(*) FROM told) + (SELECT count(*) FROM put)"
    first = f"0 * ((SELECT count(mode.*) FROM mode) + {counts})"  # noqa: S608
    turns = f"pg_catalog.generate_series(1, %(most)s + {first}) AS turn"
    waits = "pg_catalog.set_config('synchronous_commit', 'on', true) = 'on'"
    is_ours = f"(job.task_name = %(task)s OR {waits})"
    job = f"LATERAL ({fetched}) AS job WHERE job.id IS NOT NULL AND {is_ours}"
    return (
        f"WITH mode AS MATERIALIZED ({_MODE}), "  # noqa: S608
        f"told AS MATERIALIZED ({told}), put AS MATERIALIZED ({put}) "
        f"SELECT job.* FROM {turns}, {job}"
    )


_EXCHANGE = _exchange()
