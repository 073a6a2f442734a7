"""A process of a worker: does what it is asked for, line by line, until the worker is gone."""

import ctypes
import functools
import json
import os
import signal
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, TextIO

from ...app import CronTabber
from ...config.settings import Settings
from ...errors import ConfigError, CrontabberError, LockHeld, Stopped
from ...process.signals import Signals
from ...reporters import Reporter
from ...schedule.model import SkipReason
from ...tick.lookup import find_job
from ...tick.results import RunOutcome
from .due_job import DueJob
from .engine import find_due
from .run_once import run_once
from .settings import load

_PR_SET_PDEATHSIG = 1


def main(arguments: Sequence[str]) -> int:
    """Serve the worker that started us; *arguments* are the command's. The exit status."""
    _end_with(os.getppid())
    # A service manager signals all processes of a service: here only the worker decides.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # by which it does so, also under nohup
    requests, answers = _take_pipes()
    try:
        work = Work(load(arguments))
    except CrontabberError as error:
        sys.stderr.write(f"crontabber: {error}\n")
        return error.exit_code
    with suppress(BrokenPipeError):
        for line in requests:
            answers.write(json.dumps(_answer(work, json.loads(line))) + "\n")
            answers.flush()
    return 0


def _answer(work: "Work", request: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return _done(work, request)
    except (CrontabberError, Stopped) as error:
        return {"error": str(error)}


def _done(work: "Work", request: Mapping[str, Any]) -> dict[str, Any]:
    """Do what is asked for; the time on the server, if another process does just that."""
    try:
        if "once" in request:
            work.run_once(request["once"], request["arguments"])
            return {}
        return {"due": work.run(request["job"])}
    except LockHeld:
        return {"held": work.now().isoformat()}


def _end_with(worker: int) -> None:
    """A worker that is killed takes its jobs with it, as a killed tick does.

    Where the system has no such thing, a job goes on to its end: its claim guards it.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != worker:  # it was quicker
        os._exit(1)


def _take_pipes() -> tuple[TextIO, TextIO]:
    """The pipes to the worker. What jobs print goes to stderr, and they have nothing to read."""
    requests = os.fdopen(os.dup(0), encoding="utf-8")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.close(nothing)
    return requests, answers


class Work:
    """Does it by *settings*, over new connections each time, which take the claims with them."""

    def __init__(self, settings: Settings) -> None:
        self._tabber = _Tabber(settings)

    def run(self, class_path: str) -> list[DueJob]:
        """Run the job of a class, if it is due; those that waited for it, and are due now.

        Raises `LockHeld` if it is due, and another run of it or of a job with its lock is in
        progress; `CrontabberError` if its outcome cannot be recorded; `Stopped`
        by a signal.
        """
        with self._tabber as tabber:
            [*results] = tabber.run_due(class_path).jobs
        held = (SkipReason.LOCKED, SkipReason.ONGOING)
        if any(result.skip and result.skip.reason in held for result in results):
            raise LockHeld
        succeeded = [r.app_name for r in results if r.outcome is RunOutcome.SUCCEEDED]
        children = set().union(*(self._children.get(name, set()) for name in succeeded))
        return self._due(children) if children else []

    def run_once(self, class_path: str, arguments: Mapping[str, Any]) -> None:
        """See `crontabber.contrib.procrastinate.once.run_once`."""
        with self._tabber as tabber:
            run_once(tabber, class_path, arguments)

    def now(self) -> datetime:
        """The time on the server."""
        with self._tabber as tabber:
            return tabber.store.look([]).now

    def _due(self, class_paths: set[str]) -> list[DueJob]:
        """Those of the jobs of these classes that are due, and free to run."""
        with self._tabber as tabber:
            snapshot = tabber.store.look(list(class_paths))
            jobs = tabber.jobs(snapshot)
            found = []
            for class_path in class_paths:
                with suppress(ConfigError):  # ticks tell of it
                    found.append(find_job(class_path, jobs))
            context = tabber.context(snapshot, Reporter(), Signals())
            return find_due(context, found, snapshot, jobs, behind=True)[1]

    @functools.cached_property
    def _children(self) -> Mapping[str, set[str]]:
        """The classes of the jobs that depend on a job, by its app_name."""
        children: defaultdict[str, set[str]] = defaultdict(set)
        with self._tabber as tabber:
            for job in tabber.jobs(tabber.look()).all().jobs:
                for parent in job.depends_on:
                    children[parent].add(job.class_path)
        return children


class _Tabber(CronTabber):
    """Resolves the options of a class once: that is a third of what a short job costs."""

    lives_on = True

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._prepared: dict[tuple[str, ...], Any] = {}

    def prepare(self, classes: Mapping[str, type]) -> Any:
        """See `GenericApp.prepare`."""
        key = tuple(classes)
        if key not in self._prepared:
            self._prepared[key] = super().prepare(classes)
        return self._prepared[key]


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
