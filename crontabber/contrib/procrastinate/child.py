"""A process of a worker: serves its requests, line by line, until the worker is gone."""

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
from select import select
from typing import Any, TextIO

from ...config.loader import NoSuchModule
from ...config.settings import Settings
from ...errors import (
    ConfigError,
    CrontabberError,
    JobLineError,
    LockHeld,
    Stopped,
    UnknownJobError,
)
from ...process.signals import Signals
from ...reporters import Reporter
from ...schedule.model import JobSpec, SkipReason
from ...store import Snapshot
from ...tick.lookup import find_job
from ...tick.results import RunOutcome
from .due_job import DueJob
from .engine import find_due
from .run_once import run_once
from .settings import load
from .staying import StayingTabber

_PR_SET_PDEATHSIG = 1
_MOMENT = 0.005
"""For how many seconds a finished run keeps its claim, to release it with the next one."""


def main(arguments: Sequence[str]) -> int:
    """Serve the worker that started us; *arguments* are the command's. Return the exit status."""
    _end_with(os.getppid())
    # A service manager signals all processes of a service: here only the worker decides.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # its way to do so, also under nohup
    requests, answers = _take_pipes()
    with Signals() as signals:
        try:
            work = Work(load(arguments), signals)
        except CrontabberError as error:
            sys.stderr.write(f"crontabber: {error}\n")
            return error.exit_code
        with suppress(BrokenPipeError):
            for line in requests:
                if signals.pending:
                    break  # the signal came while there was nothing to end
                answers.write(json.dumps(_answer(work, json.loads(line))) + "\n")
                answers.flush()
                if not select([requests], [], [], _MOMENT)[0]:
                    work.give_back()
        work.end()
    return 0


def _answer(work: "Work", request: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return _done(work, request)
    except (CrontabberError, Stopped) as error:
        return {"error": work.let_go(error)}


def _done(work: "Work", request: Mapping[str, Any]) -> dict[str, Any]:
    """Do a request; return the time on the server if another process does the same."""
    try:
        if "once" in request:
            work.run_once(request["once"], request["arguments"])
            return {}
        return {"due": work.run(request["job"], request["following"])}
    except LockHeld:
        return {"held": work.now().isoformat()}
    except UnknownJobError as error:
        return {"lacks": str(error), "held": work.now().isoformat()}
    except JobLineError as error:
        if not isinstance(error.__cause__, NoSuchModule):
            raise
        return {"lacks": str(error), "held": work.now().isoformat()}


def _end_with(worker: int) -> None:
    """A worker that is killed takes its jobs with it, as a killed tick does.

    If the system cannot do that, a job continues to its end, guarded by its claim.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != worker:  # it was quicker
        os._exit(1)


def _take_pipes() -> tuple[TextIO, TextIO]:
    """The pipes to the worker. What jobs print goes to stderr, and their stdin is empty."""
    requests = os.fdopen(os.dup(0), encoding="utf-8")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.close(nothing)
    return requests, answers


class Work:
    """Serves requests by *settings*, over one session; no claim much outlives its run."""

    def __init__(self, settings: Settings, signals: Signals) -> None:
        self._tabber = StayingTabber(settings, signals)
        self._claims = False
        """Whether the next look has to release the claim of the last run."""

    def run(self, class_path: str, following: Sequence[str]) -> list[DueJob]:
        """Run the job of a class, if it is due; return the jobs that waited for it and are due now.

            *following* are the app_names of jobs that are likely to come next.
        Raises `LockHeld` if it is due, and another run of it or of a job with its lock is in
        progress; `CrontabberError` if its outcome cannot be recorded; `Stopped`
        by a signal.
        """
        [*results] = self._tabber.run_due(class_path, following).jobs
        succeeded = [r.app_name for r in results if r.outcome is RunOutcome.SUCCEEDED]
        children = [child for name in succeeded for child in self._children.get(name, ())]
        held = (SkipReason.LOCKED, SkipReason.ONGOING)
        if any(result.skip and result.skip.reason in held for result in results):
            raise LockHeld
        self._claims = not children
        if not children:
            if self._tabber.find(class_path)[1].lock:
                self.give_back()  # other jobs wait for it
            return []
        names = {name for child in children for name in (child.app_name, *child.depends_on)}
        snapshot = self._tabber.look_at(names)
        return self._due(children, snapshot)

    def run_once(self, class_path: str, arguments: Mapping[str, Any]) -> None:
        """See `crontabber.contrib.procrastinate.once.run_once`."""
        try:
            run_once(self._tabber, class_path, arguments)
        finally:
            self._tabber.let_go()  # with the session, its claim ends

    def give_back(self) -> None:
        """Release the claim of the last run, if another look has not done so."""
        if not self._claims:
            return
        try:
            self.now()
        except (CrontabberError, Stopped):
            self._tabber.let_go()

    def now(self) -> datetime:
        """The time on the server."""
        self._claims = False
        return self._tabber.look_at(()).now

    def let_go(self, error: BaseException) -> str:
        """End the session after an error; return its text without secrets."""
        self._claims = False
        text = self._tabber.redact(str(error))
        self._tabber.let_go()
        return text

    def end(self) -> None:
        """End the session."""
        self._tabber.let_go()

    def _due(self, children: Sequence[JobSpec], snapshot: Snapshot) -> list[DueJob]:
        """The jobs that are due and free to run."""
        jobs = self._tabber.jobs(snapshot)
        found = []
        for child in children:
            with suppress(ConfigError):  # ticks report it
                found.append(find_job(child.class_path, jobs))
        context = self._tabber.context(snapshot, Reporter(), self._tabber.signals)
        return find_due(context, found, snapshot, jobs, behind=True)[1]

    @functools.cached_property
    def _children(self) -> Mapping[str, list[JobSpec]]:
        """The jobs that depend on a job, by its app_name; computed at the first success."""
        children: defaultdict[str, list[JobSpec]] = defaultdict(list)
        tabber = self._tabber
        for job in tabber.jobs(tabber.look()).all().jobs:
            for parent in job.depends_on:
                children[parent].append(job)
        return children


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
