"""crontabber in a process that does one run after the other: what can stay is kept."""

import sys
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from itertools import islice
from typing import Any, TypeVar

from ...app import CronTabber
from ...config.settings import Settings
from ...errors import ConfigError, StoreError
from ...process.signals import Signals
from ...process.state import ProcessState
from ...reporters import Reporter
from ...schedule.model import JobSpec, JobState
from ...store import Snapshot
from ...tick.attempt import App, AppFactory
from ...tick.context import TickContext
from ...tick.results import TickResult

T = TypeVar("T")

_AT_ONCE = 50
"""At most so many classes of a module have their options resolved when one is needed."""


class StayingTabber(CronTabber):
    """Keeps its session, the options and classes, the middleware, and the process as it was.

    What a job does to the process is put back after its run, as in a tick: a worker's process is
    to its jobs what a long tick is. Claims are given back after each run, by `look_at`.
    """

    lives_on = True
    signals: Signals

    def __init__(self, settings: Settings, signals: Signals) -> None:
        super().__init__(settings)
        self.signals = signals
        self._stays = False
        """Whether there is a session from before, in which jobs can be run."""
        self._kept: dict[object, Any] = {}
        self._factories: dict[str, AppFactory] = {}
        self._process_state = ProcessState()

    def look_at(self, app_names: Collection[str]) -> Snapshot:
        """Read the rows of these jobs, and give back all claims. Raises `StoreError`."""
        if self._stays:
            try:
                return self.store.look_again(app_names)
            except StoreError:  # the session was lost while nothing ran
                self.let_go()
        self._writable(self.store.look([]))
        self._stays = True
        return self.store.look_again(app_names)

    def let_go(self) -> None:
        """End the session, and with it all claims; the next look has a new one."""
        self._stays = False
        self._process_state = ProcessState()
        self.store.close()
        self.database.close()

    def run_due(self, class_path: str) -> TickResult:
        """See `CronTabber.run_due`; of the rows only its own and those of its parents are read."""
        listed, app = self.find(class_path)
        snapshot = self.look_at([app.app_name, *app.depends_on])
        jobs = self.jobs(snapshot)
        line = self.catalogue.listed(listed)
        assert line, "it was found there"
        with self._telling():
            return self._run([jobs.from_class(line)], snapshot, jobs)

    def context(self, snapshot: Snapshot, reporter: Reporter, signals: Signals) -> TickContext:
        """See `CronTabber.context`."""
        context = super().context(snapshot, reporter, signals)
        return context._replace(process_state=self._process_state)

    def prepare(self, classes: Mapping[str, type]) -> tuple[AppFactory, Mapping[str, ConfigError]]:
        """See `GenericApp.prepare`: to resolve options takes longer than a short job.

        Those of a module's classes are resolved together, as that hardly takes longer than one.
        """
        faults: Mapping[str, ConfigError] = {}
        if new := classes.keys() - self._factories.keys():
            together = {**self._beside(new), **classes}
            make, faults = super().prepare(together)
            self._factories |= dict.fromkeys(together.keys() - faults.keys(), make)
        return self._make, {path: faults[path] for path in classes if path in faults}

    def _make(self, job: JobSpec, state: JobState) -> App:
        return self._factories[job.class_path](job, state)

    def _beside(self, class_paths: Collection[str]) -> dict[str, type]:
        """Some of the listed classes that stand in the same modules, and are not prepared yet."""
        modules = {_module_of(path) for path in class_paths} & sys.modules.keys()
        lines = (
            line
            for line in self.catalogue.lines
            if _module_of(line.class_path) in modules and line.class_path not in self._factories
        )
        found = {}
        for line in islice(lines, _AT_ONCE):
            with suppress(ConfigError):  # which is told when its turn comes
                found[line.class_path] = self.catalogue.app(line).cls
        return found

    def middleware(self) -> Any:
        """See `GenericApp.middleware`."""
        return self._once("middleware", super().middleware)

    def _load(self, class_path: str) -> type:
        before = len(sys.modules)
        try:
            return super()._load(class_path)
        finally:
            if len(sys.modules) != before:
                # what a module does to the process as it is imported stays, as in a tick
                self._process_state = ProcessState()

    def _once(self, key: object, make: Callable[[], T]) -> T:
        if key not in self._kept:
            self._kept[key] = make()
        kept: T = self._kept[key]
        return kept


def _module_of(class_path: str) -> str:
    return class_path.rpartition(".")[0]
