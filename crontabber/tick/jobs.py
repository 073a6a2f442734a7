"""From lines of the jobs list to jobs; a row that remembers a class saves its import."""

import functools
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from ..errors import CircularDependencyError, ConfigError, JobLineError, JobLineErrors
from ..schedule.grammar import JobLine, JobList
from ..schedule.model import JobSpec, JobState

if TYPE_CHECKING:
    from ..config.appspec import AppSpec


class ScheduleDefaults(NamedTuple):
    """What applies to all jobs; see the fields of `JobSpec`."""

    error_retry: timedelta
    max_ongoing_age: timedelta
    late: timedelta = timedelta(hours=1)


class Listing(NamedTuple):
    """Jobs, and what is wrong with the lines that cannot be used."""

    jobs: list[JobSpec]
    faults: list[ConfigError]


class JobCatalogue:
    """The jobs list, and the classes that it names; needs neither a zone nor a database.

    *load* gives the class of a line, by its class path or the name of its section. Each is loaded
    when it is first asked for. What is called a class path here may be such a name.
    """

    def __init__(self, job_list: JobList, load: Callable[[str], type]) -> None:
        self.lines = job_list.lines
        self.faults = job_list.faults
        """What is wrong with the text of the list."""
        self._load = load
        self._apps: dict[str, AppSpec] = {}

    @property
    def classes(self) -> dict[str, type]:
        """The classes that were imported so far, by class path."""
        return {class_path: app.cls for class_path, app in self._apps.items()}

    def class_of(self, class_path: str) -> type:
        """One shared object: each job is asked for its own, and there may be thousands."""
        return self._apps[class_path].cls

    @property
    def apps(self) -> "list[AppSpec]":
        """What the classes that were imported so far say."""
        return list(self._apps.values())

    def app(self, line: JobLine) -> "AppSpec":
        """What the class of *line* says of its job. Raises `JobLineError`."""
        from ..config.appspec import AppSpec

        if line.class_path not in self._apps:
            try:
                self._apps[line.class_path] = AppSpec.of(self._load(line.class_path))
            except JobLineErrors as error:
                faults = [JobLineError(str(fault)) for fault in error.faults]
                raise JobLineErrors(_about(line, fault) for fault in faults) from error
            except JobLineError as error:
                raise _about(line, error) from error
        return self._apps[line.class_path]

    def listed(self, class_path: str | None) -> JobLine | None:
        """The first line that names this class; None if there is none."""
        return self._listed.get(class_path)

    @functools.cached_property
    def _listed(self) -> dict[str | None, JobLine]:
        return {line.class_path: line for line in reversed(self.lines)}

    def import_all(self) -> list[ConfigError]:
        """Import all classes; what is wrong with lines, app_names and circles."""
        faults: list[ConfigError] = [*self.faults]
        names = Names()
        parents: dict[str, tuple[str, ...]] = {}
        for line in self.lines:
            try:
                app = self.app(line)
                names.take(app.app_name, line)
                parents[app.app_name] = app.depends_on
            except JobLineError as error:
                faults += error.faults
        from ..schedule.dag import order

        return [*faults, *order(parents)[1]]


class Names:
    """Which line has which app_name: the first one listed that takes it."""

    def __init__(self) -> None:
        self._lines: dict[str, JobLine] = {}

    def is_free(self, app_name: str, line: JobLine) -> bool:
        """Take *app_name* for *line*; False if another line has it."""
        return self._lines.setdefault(app_name, line) is line

    def take(self, app_name: str, line: JobLine) -> None:
        """Take *app_name* for *line*; a `JobLineError` if another line has it."""
        if not self.is_free(app_name, line):
            raise _about(line, JobLineError(_twice(app_name, self._lines[app_name], line)))


class Jobs:
    """The jobs of a catalogue, as rows and classes describe them.

    *zone* is that of the schedules, *states* what is remembered, by app_name.
    """

    def __init__(
        self,
        catalogue: JobCatalogue,
        defaults: ScheduleDefaults,
        zone: ZoneInfo,
        states: Mapping[str, JobState],
    ) -> None:
        self.catalogue = catalogue
        self.zone = zone
        self._defaults = defaults
        self.states = states
        self._names = Names()
        self._rows: defaultdict[str | None, list[JobState]] = defaultdict(list)
        for state in states.values():
            self._rows[state.class_path].append(state)

    def from_row(self, line: JobLine) -> JobSpec | None:
        """The job of *line* as its row says; None if only the class can tell."""
        rows = self._rows.get(line.class_path, ())
        row = rows[0] if len(rows) == 1 else None
        if (
            row is None
            or row.fault
            or row.backfill is None
            or not self._names.is_free(row.app_name, line)
        ):
            return None
        return self._job(line, row.app_name, row.depends_on, row.backfill)

    def told_lines(self) -> list[JobLine]:
        """The lines of jobs whose rows say that something was reported; mostly none."""
        told = {state.class_path for state in self.states.values() if state.told}
        return [line for line in self.catalogue.lines if line.class_path in told] if told else []

    def from_class(self, line: JobLine) -> JobSpec:
        """The job of *line* as its class says. Raises `JobLineError`."""
        app = self.catalogue.app(line)
        self._names.take(app.app_name, line)
        row = self.states.get(app.app_name)
        if row and row.fault:
            raise _about(line, JobLineError(_spoilt(row)))
        job = self._job(line, app.app_name, app.depends_on, app.backfill)
        return job._replace(
            lock=app.lock,
            retry=app.retry,
            timeout=app.timeout,
            late=app.late or job.late,
            missed=app.missed,
            too_late=app.too_late,
            start=_start(app.start, self.zone),
            spread=app.spread,
            queue=app.queue,
            priority=app.priority,
            parallel=app.parallel,
            keep_output=app.keep_output,
            is_command=app.is_command,
            tells=app.tells,
        )

    def all(self) -> Listing:
        """All jobs in the listed order, with as few imports as possible."""
        return self._listing(lambda line: self.from_row(line) or self.from_class(line))

    def imported(self) -> Listing:
        """All jobs in the listed order, as their classes say."""
        return self._listing(self.from_class)

    def without_imports(self, is_ours: Callable[[JobLine], bool]) -> Listing:
        """All jobs in the listed order, without importing their code.

        A job that has no row is called by its class path, unless *is_ours* says of its line that
        its class is one of crontabber's own.
        """
        return self._listing(lambda line: self.from_row(line) or self._unseen(line, is_ours))

    def _unseen(self, line: JobLine, is_ours: Callable[[JobLine], bool]) -> JobSpec:
        row = next(iter(self._rows.get(line.class_path, ())), None)
        if row and row.fault:
            raise _about(line, JobLineError(_spoilt(row)))
        if is_ours(line):
            return self.from_class(line)
        return self._job(line, row.app_name if row else line.class_path, (), backfill=False)

    def check_owner(self, job: JobSpec, row: JobState) -> None:
        """Raise `JobLineError` if *row* shows that an earlier line has the app_name of *job*.

        The rows of jobs that wait are not read, so their app_names are not taken.
        """
        first = self.catalogue.listed(row.class_path)
        if first is None or first.class_path == job.class_path:
            return
        lines = self.catalogue.lines
        second = self.catalogue.listed(job.class_path)
        if second is None or lines.index(second) < lines.index(first):
            return
        if self.catalogue.app(first).app_name == job.app_name:
            raise _about(second, JobLineError(_twice(job.app_name, first, second)))

    def _listing(self, make: Callable[[JobLine], JobSpec]) -> Listing:
        listing = Listing([], [*self.catalogue.faults])
        for line in self.catalogue.lines:
            try:
                listing.jobs.append(make(line))
            except ConfigError as error:
                listing.faults.append(error)
        return listing

    def _job(
        self, line: JobLine, app_name: str, depends_on: tuple[str, ...], backfill: bool
    ) -> JobSpec:
        return JobSpec(
            app_name=app_name,
            class_path=line.class_path,
            schedule=line.schedule,
            zone=self.zone,
            depends_on=depends_on,
            backfill=backfill,
            error_retry=self._defaults.error_retry,
            max_ongoing_age=self._defaults.max_ongoing_age,
            late=self._defaults.late,
        )


def in_order(
    jobs: Iterable[JobSpec], last: Sequence[str] = ()
) -> tuple[list[JobSpec], list[CircularDependencyError]]:
    """*jobs* in the order to run them, and the circles among them, whose jobs are left out."""
    from ..schedule.dag import order

    by_name = {job.app_name: job for job in jobs}
    names, circles = order({name: job.depends_on for name, job in by_name.items()}, last)
    return [by_name[name] for name in names], circles


def _start(text: str | None, zone: ZoneInfo) -> datetime | None:
    if text is None:
        return None
    from ..schedule.moments import parse_moment  # most jobs have no start

    return parse_moment(text, zone)


def _about(line: JobLine, error: JobLineError) -> JobLineError:
    return JobLineError(f"job line {str(line)!r}: {error}")


def _spoilt(row: JobState) -> str:
    return (
        f"its row in the table crontabber cannot be used ({row.fault}): correct it, or forget the "
        f"job with --reset-job={row.app_name}"
    )


def _twice(app_name: str, first: JobLine, second: JobLine) -> str:
    if first.class_path == second.class_path:
        what = "job" if first.is_named else "class"
        more = "" if first.is_named else "; a class makes one job, unless sections name it"
        return f"the {what} is listed already, as {str(first)!r}{more}"
    return f"its app_name {app_name!r} is that of {first.class_path}; give it another"
