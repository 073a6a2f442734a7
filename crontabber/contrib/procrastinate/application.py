"""The app that Procrastinate's workers run, and that runs can be deferred by."""

import logging
from collections.abc import Sequence
from typing import Any

import procrastinate
from procrastinate.jobs import JobDeferrer

from ...app import CronTabber
from ...config.settings import Settings
from ...errors import CrontabberError
from . import queue
from .crew import Crew, ProcessEnded
from .engine import QUEUE, Handover, lock_of, place_of
from .queue import CLEAN_UP, ONCE, TASK

_logger = logging.getLogger("crontabber")


class RunFailed(CrontabberError):
    """A one-off run failed; the log says more."""


class Application(procrastinate.App):
    """Runs handed over jobs, each in a process of its own that waits for the next one.

    *arguments* of the command lead these processes to the same *settings*.
    """

    def __init__(self, settings: Settings, arguments: Sequence[str]) -> None:
        tabber = CronTabber(settings)
        super().__init__(
            connector=queue.connector(tabber.database),
            worker_defaults={
                "delete_jobs": "successful",
                "update_heartbeat_interval": queue.HEARTBEAT,
                "stalled_worker_timeout": queue.STALLED,
            },
        )
        self._tabber = tabber
        self._crew = Crew(arguments)
        self.task(name=TASK, queue=QUEUE)(self._run)
        self.task(name=ONCE, queue=QUEUE)(self._run_once)
        clean_up = self.task(name=CLEAN_UP, queue=QUEUE, queueing_lock=CLEAN_UP)(self._clean_up)
        # With no periodic task at all, Procrastinate 3.10 does not notice that the connection
        # is gone by which a worker listens, and it would only ask for jobs every few seconds.
        self.periodic(cron=queue.CLEANING)(clean_up)

    # -- the tasks -------------------------------------------------------------------

    async def _run(self, app_name: str, class_path: str) -> None:
        """Run a job if it is due, and hand over those that waited for it.

        Whatever comes of it, the next tick looks at the job again: so this does not fail.
        """
        try:
            answer = await self._crew.ask({"job": class_path})
        except ProcessEnded as error:
            answer = {"error": str(error)}
        if "error" in answer:
            about = {"action": "trouble", "app_name": app_name}
            _logger.error("%s: %s", app_name, answer["error"], extra=about)
        await queue.put(self, [Handover(*each) for each in answer.get("due", ())])

    async def _run_once(self, crontabber_class: str, **arguments: Any) -> None:
        """Run an app once. Raises `RunFailed` or `ProcessEnded`, and the row says failed."""
        answer = await self._crew.ask({"once": crontabber_class, "arguments": arguments})
        if "error" in answer:
            raise RunFailed(answer["error"])

    async def _clean_up(self, timestamp: int) -> None:
        """Do what a tick does too: for one-off runs, which no tick may be waiting for."""
        await queue.clean_up(self)

    # -- one-off runs ------------------------------------------------------------------

    def configure_run(self, job: str | type, **options: Any) -> JobDeferrer:
        """See `crontabber.contrib.procrastinate.configure`."""
        spec, cls = self._tabber.find(job)
        name, priority = place_of(cls)
        options = {
            "queue": name,
            "priority": priority,
            "lock": lock_of(spec.app_name),
            **options,
            "task_kwargs": {**options.get("task_kwargs", {}), "crontabber_class": spec.class_path},
        }
        return self.tasks[ONCE].configure(**options)

    # -- a worker --------------------------------------------------------------------

    async def run_worker_async(self, **options: Any) -> None:
        """Run a worker, as Procrastinate does; its processes end with it."""
        await queue.make_tables(self)
        try:
            await super().run_worker_async(**options)
        finally:
            await self._crew.close()
