"""What the process of a worker does: run a job that is due, or an app once."""

import functools
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ...app import CronTabber
from ...config.settings import Settings
from ...errors import LockHeld
from ...process.clock import ServerClock
from ...process.signals import Signals
from ...reporters import Reporter
from ...schedule.model import JobSpec, Run, Skip, SkipReason
from .engine import Finder
from .handover import Handover
from .once import run_once


class Work:
    """Does it by *settings*, over new connections each time, which take the claims with them."""

    def __init__(self, settings: Settings) -> None:
        self._tabber = _Tabber(settings)

    def run(self, class_path: str) -> list[Handover]:
        """Run the job of a class, if it is due; those that waited for it, and are due now.

        Raises `LockHeld` if it is due, and another run of it or of a job with its lock is in
        progress; `CrontabberError` if what came of it cannot be told or recorded; `Stopped`
        by a signal.
        """
        heard = _Heard()
        with self._tabber as tabber:
            tabber.run_due(class_path, heard)
        if heard.held:
            raise LockHeld
        children = self._children.get(heard.succeeded_job) if heard.succeeded_job else None
        return self._due(children) if children else []

    def run_once(self, class_path: str, arguments: Mapping[str, Any]) -> None:
        """See `crontabber.contrib.procrastinate.once.run_once`."""
        with self._tabber as tabber:
            run_once(tabber, class_path, arguments)

    def now(self) -> datetime:
        """The time on the server."""
        with self._tabber as tabber:
            return tabber.store.look([]).now

    def _due(self, class_paths: set[str]) -> list[Handover]:
        """Those of the jobs of these classes that are due, and free to run."""
        with self._tabber as tabber:
            look = tabber.store.look(list(class_paths))
            catalogue = tabber.catalogue(look.zone, look.states)
            lines = (line for line in catalogue.lines if line.class_path in class_paths)
            jobs = [job for line in lines if (job := catalogue.from_class(line))]
            catalogue.faults.clear()  # ticks tell of them
            finder = Finder(tabber.store, ServerClock(look.now), Reporter(), Signals())
            return finder.find(jobs, look, catalogue, behind=True)[1]

    @functools.cached_property
    def _children(self) -> Mapping[str, set[str]]:
        """The classes of the jobs that depend on a job, by its app_name."""
        children: defaultdict[str, set[str]] = defaultdict(set)
        with self._tabber as tabber:
            look = tabber.look()
            for job in tabber.catalogue(look.zone, look.states).all():
                for parent in job.depends_on:
                    children[parent].add(job.class_path)
        return children


class _Tabber(CronTabber):
    """Resolves the options of a class once: that is a third of what a short job costs."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._prepared: dict[tuple[str, ...], Any] = {}

    def prepare(self, classes: Mapping[str, type]) -> Any:
        """See `GenericApp.prepare`."""
        key = tuple(classes)
        if key not in self._prepared:
            self._prepared[key] = super().prepare(classes)
        return self._prepared[key]


class _Heard(Reporter):
    """Remembers whether a job succeeded in all that it ran for, or was kept from running."""

    def __init__(self) -> None:
        self.succeeded_job: str | None = None
        self.held = False

    def skipped(self, job: JobSpec, skip: Skip) -> None:
        self.held = skip.reason in (SkipReason.LOCKED, SkipReason.ONGOING)

    def succeeded(self, job: JobSpec, run: Run) -> None:
        self.succeeded_job = job.app_name

    def failed(self, job: JobSpec, run: Run, error: BaseException | None) -> None:
        self.succeeded_job = None
