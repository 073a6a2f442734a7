"""For the tests of your apps: run one without a database, or a month of them in a second.

`run_job` runs an app as crontabber would, once. `Simulation` is crontabber itself, with
its memory in this process and a clock that you move.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from .config.appspec import AppSpec
from .config.command import Command
from .config.commandline import CommandLine
from .config.settings import Settings
from .config.sources import Sources
from .errors import ConfigError, ExitCode
from .process.clock import utc_now
from .process.signals import Signals
from .reporters import Reporter, Reporters
from .reporters.wording import crash_line, exception_line, slot_text
from .schedule.calendar import floor_minute
from .schedule.grammar import Frequency, JobLine, JobList, Schedule
from .schedule.information import information_of
from .schedule.model import JobSpec, JobState, Outcome, Run
from .store.memory import MemoryStore
from .tick.attempt import App, AppFactory
from .tick.batch import Batch
from .tick.context import TickContext
from .tick.jobs import JobCatalogue, Jobs, ScheduleDefaults
from .tick.middleware import load
from .tick.results import TickResult
from .tick.select import select

__all__ = ["FakeClock", "MemoryStore", "Simulation", "run_job"]

AppT = TypeVar("AppT")


class FakeClock:
    """A clock that stands still until it is moved."""

    def __init__(self, start: datetime) -> None:
        """*start* is an aware datetime; a naive one raises ValueError."""
        self._now = _aware(start)

    def now(self) -> datetime:
        """What the clock says, in the time zone it was set in."""
        return self._now

    def set(self, moment: datetime) -> None:
        """Set the clock, forwards or backwards, to an aware datetime."""
        self._now = _aware(moment)

    def advance(self, step: timedelta) -> None:
        """Let this much time pass."""
        self._now += step


def run_job(
    app: type[AppT],
    date: datetime | None = None,
    *,
    options: Mapping[str, object] | None = None,
    settings: Mapping[str, object] | None = None,
) -> AppT:
    """Run an app once, as crontabber would, and return it.

    *date* is what a backfill app gets, an aware datetime; this minute if left out. No
    other app sees it. *options* are the app's own, by name, and *settings* are others by
    dotted name, such as ``resource.postgresql.dbname``; both are written as in
    ``crontabber.ini``, or as numbers and truth values. The app's ``timeout``, ``retry``
    and ``lock`` have no effect here, nor has any middleware.

    Raises what the app raises, `ConfigError` for an option that cannot be used, and
    TypeError or ValueError for an argument that means nothing.
    """
    _class_path(app)
    AppSpec.of(app)
    slot = floor_minute(utc_now()) if date is None else _aware(date)
    config = _config(app, _settings({app: options or {}}, settings or {}))
    made: Any = app(config, None)  # type: ignore[call-arg]  # as just checked
    for _ in made.main([slot]):
        pass
    return made  # type: ignore[no-any-return]


class Simulation:
    """Crontabber on a clock that you move.

    *jobs* gives each app class its schedule, as in the jobs list (``"5m"``,
    ``"1d|03:00"``); they are listed in that order. *zone* is the time zone of the
    schedules. A job can let time pass by ``clock.advance``.

    Raises ValueError for a zone, and `ConfigError` for a schedule or a setting, that
    cannot be used. A tick says in `troubles` what is wrong with an app.
    """

    def __init__(
        self,
        jobs: Mapping[type[Any], str],
        start: datetime,
        zone: str = "UTC",
        *,
        settings: Mapping[str, object] | None = None,
    ) -> None:
        self.clock = FakeClock(start)
        self.store = MemoryStore(self.clock, _zone(zone))
        self.reporter = Reporter()
        """Gets what happens; put your own here to listen. It may fail, like any reporter."""
        self.troubles: list[str] = []
        """What a person would have to fix: a line for each run that failed, and for each
        reason why a tick returned 1."""
        self._settings = _settings({}, settings or {})
        self._configs: dict[str, Any] = {}
        self._classes = {_class_path(cls): cls for cls in jobs}
        lines = (JobLine(path, Schedule.parse(jobs[cls])) for path, cls in self._classes.items())
        self._job_list = JobList(tuple(lines))

    @property
    def log(self) -> list[Run]:
        """Every run so far, in order."""
        return self.store.log

    @property
    def states(self) -> dict[str, JobState]:
        """The state of each job, by app_name."""
        return self.store.states

    @property
    def failures(self) -> list[Run]:
        """The runs that failed, in order; their ``error`` says why."""
        return [run for run in self.log if run.error]

    def slots(self, app_name: str) -> list[datetime]:
        """The slots that succeeded, in that order, in UTC."""
        runs = (run for run in self.log if run.app_name == app_name)
        return [run.slot for run in runs if run.outcome is Outcome.SUCCEEDED]

    def tick(self, at: datetime | None = None) -> ExitCode:
        """Start crontabber once, now or *at* this moment; return the exit status."""
        if at is not None:
            self.clock.set(at)
        snapshot = self.store.look(list(self._classes))
        settings = self._settings
        defaults = ScheduleDefaults(settings.error_retry, settings.max_ongoing_age)
        zone = settings.timezone or ZoneInfo(snapshot.zone)
        catalogue = JobCatalogue(self._job_list, self._classes.__getitem__)
        jobs = Jobs(catalogue, defaults, zone, snapshot.states)
        middleware, more = load(settings.middleware)
        reporter = Reporters(lambda: [_Troubles(self.troubles), self.reporter])
        signals = Signals()  # not installed: the test's own stay in force
        context = TickContext(self.store, self.clock, reporter, signals, middleware=middleware)
        context = context._replace(remind=settings.tell.remind)
        candidates, skipped, faults = select(snapshot, jobs, reporter)
        if not (candidates or faults or more or jobs.told_lines()):
            return TickResult(skipped).exit_code
        batch = Batch(context, snapshot, jobs, self._prepare)
        try:
            result = batch.run(candidates, [*faults, *more])
        finally:
            reporter.finished()
        return result._replace(jobs=[*skipped, *result.jobs]).exit_code

    def run(self, until: datetime, every: str = "5m") -> None:
        """Start crontabber *every* so often, from now on and *until* then, both included.

        A tick that takes longer than that delays those after it, as each waits its turn.
        """
        step, until = Frequency.parse(every).period, _aware(until)
        at = self.clock.now()
        while at <= until:
            self.tick(max(at, self.clock.now()))
            at += step

    def _prepare(self, classes: Mapping[str, type]) -> tuple[AppFactory, Mapping[str, ConfigError]]:
        faults: dict[str, ConfigError] = {}
        for class_path, cls in classes.items():
            try:
                if class_path not in self._configs:  # resolving is most of what a tick costs
                    self._configs[class_path] = _config(cls, self._settings)
            except ConfigError as error:
                faults[class_path] = error

        def make(job: JobSpec, state: JobState) -> App:
            config = self._configs[job.class_path]
            app: App = classes[job.class_path](config, information_of(state))
            return app

        return make, faults


class _Troubles(Reporter):
    """Keeps what a person has to fix."""

    def __init__(self, troubles: list[str]) -> None:
        self._troubles = troubles

    def trouble(self, message: str) -> None:
        self._troubles.append(message)

    def failed(self, job: JobSpec, run: Run, error: BaseException | None) -> None:
        why = crash_line(run, str) if error is None else exception_line(error, str)
        self._troubles.append(f"{job.app_name} failed for {slot_text(job, run)}: {why}")


def _config(cls: type, settings: Settings) -> Any:
    path = _class_path(cls)
    resolved = settings.app_configs({path: cls})
    for fault in resolved.faults.values():
        raise fault
    for warning in settings.check({path: cls}):
        raise ConfigError(warning)
    return resolved.configs[path]


def _settings(options: Mapping[type, Mapping[str, object]], more: Mapping[str, object]) -> Settings:
    texts = {name: _text(name, value) for name, value in more.items()}
    for cls, own in options.items():
        section = f"crontabber.class-{cls.__name__}"
        texts.update({f"{section}.{name}": _text(name, value) for name, value in own.items()})
    origins = dict.fromkeys(texts, "the test")
    return Settings(CommandLine(Command(), {}), Sources(texts, origins))


def _text(name: str, value: object) -> str:
    """*value* as it is written in a file; values with several forms there are refused."""
    if not isinstance(value, str | int | float):
        raise TypeError(
            f"option {name} is of type {type(value).__name__}: write it as a text, as in "
            "crontabber.ini"
        )
    return str(value)


def _class_path(app: object) -> str:
    if not isinstance(app, type):
        raise TypeError(f"{app!r} is not a class: give the class of the app itself")
    return f"{app.__module__}.{app.__qualname__}"


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"zone {name!r} is not a time zone such as Europe/Berlin") from None
    return name


def _aware(moment: datetime) -> datetime:
    if not isinstance(moment, datetime):
        raise TypeError(
            f"{moment!r} is not a moment: write datetime(2026, 11, 1, tzinfo=timezone.utc)"
        )
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no time zone: write datetime(…, tzinfo=timezone.utc)")
    return moment
