"""crontabber in a process that does one run after the other, and keeps what it can."""

import sys
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from datetime import timedelta
from itertools import islice
from typing import Any, TypeVar

from ...app import CronTabber
from ...config.appspec import AppSpec
from ...config.settings import Settings
from ...errors import ConfigError, StoreError
from ...process.clock import ServerClock
from ...process.signals import Signals
from ...process.state import ProcessState
from ...reporters import Reporter
from ...schedule.decide import decide
from ...schedule.grammar import JobLine
from ...schedule.model import JobSpec, JobState, RunNow
from ...store import Snapshot
from ...tick.attempt import App, AppFactory
from ...tick.context import TickContext
from ...tick.results import TickResult

T = TypeVar("T")

_MOMENT = timedelta(seconds=1)
_AT_ONCE = 50
"""The most classes of a module whose options are resolved when one is needed."""


class _RowsAhead:
    """The rows of jobs that are about to run, read by one look."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._clock = ServerClock(snapshot.now)
        self._rows = dict(snapshot.states)

    def take(self, app: AppSpec) -> Snapshot | None:
        """The rows of a job, which is about to change its own, and of its parents.

        None if they were not all read, or read longer than a `_MOMENT` ago.
        """
        now, names = self._clock.now(), {app.app_name, *app.depends_on}
        found = {name: self._rows[name] for name in names if name in self._rows}
        self._rows.pop(app.app_name, None)
        if len(found) < len(names) or now - self._snapshot.now > _MOMENT:
            return None
        return self._snapshot._replace(now=now, states=found)


class StayingTabber(CronTabber):
    """Keeps its session, options, classes, middleware and the state of the process.

    What a job does to the process is undone after its run, as in a tick: a worker's process is
    to its jobs what a long tick is. `look_at` releases the claim of the last run.
    """

    lives_on = True
    signals: Signals

    def __init__(self, settings: Settings, signals: Signals) -> None:
        super().__init__(settings)
        self.signals = signals
        self._stays = False
        """Whether there is a session from before in which jobs can run."""
        self._kept: dict[object, Any] = {}
        self._factories: dict[str, AppFactory] = {}
        self._process_state = ProcessState()
        self._ahead: _RowsAhead | None = None

    def look_at(self, app_names: Collection[str]) -> Snapshot:
        """Read the rows of these jobs, and release all claims. Raises `StoreError`."""
        if self._stays:
            try:
                return self.store.look_again(app_names)
            except StoreError:  # the session was lost while nothing ran
                self.let_go()
        self._writable(self.store.look([]))
        self._stays = True
        return self.store.look_again(app_names)

    def let_go(self) -> None:
        """End the session, and with it all claims; the next look opens a new one."""
        self._stays = False
        self._ahead = None
        self._process_state = ProcessState()
        self.store.close()
        self.database.close()

    def run_due(self, class_path: str, following: Collection[str] = ()) -> TickResult:
        """See `CronTabber.run_due`; reads only the rows of the job and of its parents,

        Along with them are those of the jobs *following*, by app_name, which are then run by what
        was read, as a tick runs its jobs by one look: what counts is what a claim reads.
        """
        listed, app = self.find(class_path)
        line = self.catalogue.listed(listed)
        assert line, "it was found there"
        snapshot = self._ahead.take(app) if self._ahead else None
        if snapshot is None or not self._is_due(line, app, snapshot):
            snapshot = self.look_at({app.app_name, *app.depends_on, *following})
            self._ahead = _RowsAhead(snapshot)
            self._ahead.take(app)
        jobs = self.jobs(snapshot)
        with self._telling():
            return self._run([jobs.from_class(line)], snapshot, jobs)

    def _is_due(self, line: JobLine, app: AppSpec, snapshot: Snapshot) -> bool:
        states, job = snapshot.states, self.jobs(snapshot).from_class(line)
        return isinstance(decide(job, states[app.app_name], states, snapshot.now), RunNow)

    def context(self, snapshot: Snapshot, reporter: Reporter, signals: Signals) -> TickContext:
        """See `CronTabber.context`."""
        context = super().context(snapshot, reporter, signals)
        return context._replace(process_state=self._process_state)

    def prepare(self, classes: Mapping[str, type]) -> tuple[AppFactory, Mapping[str, ConfigError]]:
        """See `GenericApp.prepare`: resolving options takes longer than a short job.

        Those of a module's classes are resolved together, which hardly takes longer than one.
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
        """Some of the listed classes in the same modules that are not prepared yet."""
        modules = {_module_of(path) for path in class_paths} & sys.modules.keys()
        lines = (
            line
            for line in self.catalogue.lines
            if _module_of(line.class_path) in modules and line.class_path not in self._factories
        )
        found = {}
        for line in islice(lines, _AT_ONCE):
            with suppress(ConfigError):  # reported when its turn comes
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
                # what a module does to the process when it is imported stays, as in a tick
                self._process_state = ProcessState()

    def _once(self, key: object, make: Callable[[], T]) -> T:
        if key not in self._kept:
            self._kept[key] = make()
        kept: T = self._kept[key]
        return kept


def _module_of(class_path: str) -> str:
    return class_path.rpartition(".")[0]
