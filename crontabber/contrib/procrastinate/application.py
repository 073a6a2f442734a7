"""The Procrastinate app that workers run, and that defers runs."""

import asyncio
import contextlib
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import procrastinate
from procrastinate import signals
from procrastinate.tasks import ConfigureTaskOptions

from ...app import CronTabber
from ...config.messages import did_you_mean
from ...config.settings import Settings
from ...errors import ConfigError, StoreError
from . import queue
from .batches import BatchingManager
from .due_job import QUEUE, DueJob, lock_of, misplaced, place_of
from .loglines import keep_secrets
from .one_off import ARGUMENTS, RetryPolicy, RunDeferrer, RunFailed, RunHeld
from .process_pool import ProcessEnded, ProcessPool
from .queue import CLEAN_UP, ONCE, TASK

_OPTIONS = ConfigureTaskOptions.__required_keys__ | ConfigureTaskOptions.__optional_keys__

_logger = logging.getLogger("crontabber")


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
                "fetch_job_polling_interval": queue.POLLING,
                "update_heartbeat_interval": queue.HEARTBEAT,
                "stalled_worker_timeout": queue.STALLED,
            },
        )
        self.job_manager = self._batches = BatchingManager(self.connector)
        keep_secrets(tabber.redactor)
        self._tabber = tabber
        self._pool = ProcessPool(arguments)
        self._lacking: set[str] = set()
        """The jobs whose missing apps were reported already."""
        self.task(name=TASK, queue=QUEUE, pass_context=True)(self._run)
        self.task(name=ONCE, queue=QUEUE, retry=RetryPolicy())(self._run_once)
        clean_up = self.task(name=CLEAN_UP, queue=QUEUE, queueing_lock=CLEAN_UP)(self._clean_up)
        # Without any periodic task, Procrastinate 3.10 does not notice that a worker's listening
        # connection is gone, and would only ask for jobs every few seconds.
        self.periodic(cron=queue.CLEANING)(clean_up)

    # -- the tasks -------------------------------------------------------------------

    async def _run(
        self, context: procrastinate.JobContext, app_name: str, class_path: str, tries: int = 0
    ) -> None:
        """Run a job if it is due, and hand over those that waited for it.

        It never fails, and leaves nothing in the table, because the next tick looks at the job
        again in any case.
        """
        try:
            following = self._batches.following()
            answer = await self._pool.ask({"job": class_path, "following": following})
        except ProcessEnded as error:
            answer = {"error": str(error)}
        except asyncio.CancelledError:
            return  # the worker has to end: the job was ended, and recorded as failed
        if "error" in answer:
            about = {"action": "trouble", "app_name": app_name}
            _logger.error("%s: %s", app_name, answer["error"], extra=about)
        self._tell_of_lack(app_name, answer)
        if "held" in answer:
            await queue.put_back(self, context.job, datetime.fromisoformat(answer["held"]))
        self._batches.hand_over([DueJob(*each) for each in answer.get("due", ())])

    async def _run_once(self, crontabber_class: str, arguments: Mapping[str, Any]) -> None:
        """Run an app once. Raises `RunFailed` or `ProcessEnded`, and the row says failed.

        Raises `RunHeld` if it has to be tried again.
        """
        answer = await self._pool.ask({"once": crontabber_class, "arguments": arguments})
        self._tell_of_lack(crontabber_class, answer)
        if "held" in answer:
            raise RunHeld(datetime.fromisoformat(answer["held"]))
        if "error" in answer:
            raise RunFailed(answer["error"])

    def _tell_of_lack(self, name: str, answer: Mapping[str, Any]) -> None:
        """Report, once for each, a job that is left to workers that have its app."""
        if "lacks" in answer and name not in self._lacking:
            self._lacking.add(name)
            _logger.error(
                "%s is left to workers that have it: %s; name the queues of this one with --queues",
                name,
                answer["lacks"],
                extra={"action": "trouble", "app_name": name},
            )

    async def _clean_up(self, timestamp: int) -> None:
        """Clean up as a tick does: one-off runs may wait although no tick runs."""
        await queue.clean_up(self)

    # -- one-off runs ------------------------------------------------------------------

    def configure_run(self, job: str | type, **options: Any) -> RunDeferrer:
        """See `crontabber.contrib.procrastinate.configure`."""
        class_path, app = self._tabber.find(job)
        for unknown in options.keys() - _OPTIONS:
            raise ConfigError(
                f"configure has no option {unknown!r}{did_you_mean(unknown, _OPTIONS)}"
            )
        name, priority = place_of(app.cls)
        given = {key: value for key, value in options.items() if value is not None}
        given = {"queue": name, "priority": priority, **given}
        if wrong := misplaced(given["queue"], given["priority"]):
            raise ConfigError(f"{app.app_name}: {wrong}")
        if not given.keys() & {"schedule_at", "schedule_in"}:
            # Runs wait in order, but none waits behind one that is planned for later, or
            # behind one in a queue without workers.
            given.setdefault("lock", f"{lock_of(app.app_name)} once in {given['queue']}")
        arguments = given.pop("task_kwargs", {})
        task_kwargs = {"crontabber_class": class_path, ARGUMENTS: arguments}
        deferrer = self.tasks[ONCE].configure(**given, task_kwargs=task_kwargs)
        return RunDeferrer(deferrer, app)

    # -- a worker --------------------------------------------------------------------

    async def run_worker_async(self, **options: Any) -> None:
        """Run a worker, as Procrastinate does; its processes end with it.

        Raises `StoreError` if it ended without being asked to, so that a service
        manager starts it again.
        """
        await queue.make_tables(self)
        worker = "procrastinate.worker"
        keep_secrets(self._tabber.redactor, worker, f"{worker}.{options.get('name') or 'worker'}")
        logging.getLogger(worker).addFilter(_is_news)
        try:
            asked = await self._work(options)
        finally:
            await self._batches.settle()
            await self._pool.close()
        if not asked:
            raise StoreError("the database was lost: the worker ends, and has to be started again")

    async def _work(self, options: dict[str, Any]) -> bool:
        """Run a worker; return whether it ended on request."""
        ours = options.pop("install_signal_handlers", True)
        work = super().run_worker_async(**options, install_signal_handlers=False)
        working = asyncio.ensure_future(work)
        stopped = asyncio.Event()

        def stop() -> None:
            stopped.set()
            working.cancel()

        with signals.on_stop(stop) if ours else contextlib.nullcontext():
            try:
                await working
            except asyncio.CancelledError:
                if not stopped.is_set():
                    raise
        return stopped.is_set() or not options.get("wait", True)


def _is_news(record: logging.LogRecord) -> bool:
    """Whether it is an error of a task itself: a failed job is none."""
    task = getattr(record, "job", {}).get("task_name")
    return record.levelno >= logging.WARNING or task not in (TASK, ONCE, CLEAN_UP)
