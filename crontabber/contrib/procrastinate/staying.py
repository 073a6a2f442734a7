"""crontabber in a process that does one run after the other: what can stay is kept."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

from ...app import CronTabber
from ...config.settings import Settings
from ...errors import StoreError
from ...process.signals import Signals
from ...process.state import ProcessState
from ...reporters import Reporter
from ...store import Snapshot
from ...tick.context import TickContext
from ...tick.results import TickResult

T = TypeVar("T")


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

    def prepare(self, classes: Mapping[str, type]) -> Any:
        """See `GenericApp.prepare`: to resolve options is a third of what a short job costs."""
        return self._once(tuple(classes), lambda: super(StayingTabber, self).prepare(classes))

    def middleware(self) -> Any:
        """See `GenericApp.middleware`."""
        return self._once("middleware", super().middleware)

    def _load(self, class_path: str) -> type:
        # what a module does to the process as it is imported stays, as in a tick
        self._process_state = ProcessState()
        return super()._load(class_path)

    def _once(self, key: object, make: Callable[[], T]) -> T:
        if key not in self._kept:
            self._kept[key] = make()
        kept: T = self._kept[key]
        return kept
