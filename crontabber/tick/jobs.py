"""From the lines of the jobs list to jobs: what is remembered of a class saves its import."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from ..errors import ConfigError, JobLineError
from ..schedule.grammar import JobLine
from ..schedule.model import JobSpec, JobState


class ScheduleDefaults(NamedTuple):
    """What holds for all jobs alike; see the fields of `JobSpec`."""

    zone: ZoneInfo
    error_retry: timedelta
    max_ongoing_age: timedelta


class JobCatalogue:
    """The jobs of a configuration, as far as they can be used; the rest are its faults.

    Job lines and app_names are each good for one job: the first one listed wins. *load*
    imports a class by its path.
    """

    def __init__(
        self,
        lines: Sequence[JobLine],
        states: Mapping[str, JobState],
        terms: ScheduleDefaults,
        load: Callable[[str], type],
    ) -> None:
        self.lines = lines
        self.zone = terms.zone
        self.faults: list[ConfigError] = []
        """What is wrong with lines, in the order in which it was found."""
        self.classes: dict[str, type] = {}
        """The classes that were imported, by class path."""
        self._terms = terms
        self._load = load
        self._lines_by_name: dict[str, JobLine] = {}
        self._rows: defaultdict[str | None, list[JobState]] = defaultdict(list)
        for state in states.values():
            self._rows[state.class_path].append(state)

    def from_row(self, line: JobLine) -> JobSpec | None:
        """The job of *line* by what is remembered of it; None if its class has to be asked."""
        rows = self._rows.get(line.class_path, ())
        row = rows[0] if len(rows) == 1 else None
        if row is None or row.backfill is None:
            return None
        if self._lines_by_name.setdefault(row.app_name, line) is not line:
            return None
        return self._job(line, row.app_name, row.depends_on, row.backfill)

    def from_class(self, line: JobLine) -> JobSpec | None:
        """The job of *line* by what its class says; None if it has a fault."""
        try:
            return self._import(line)
        except ConfigError as error:
            self.faults.append(error)
            return None

    def all(self) -> list[JobSpec]:
        """All jobs in the listed order, with as few imports as can be."""
        jobs = (self.from_row(line) or self.from_class(line) for line in self.lines)
        return [job for job in jobs if job]

    def checked(self) -> list[JobSpec]:
        """All jobs in the listed order, by what their classes say; circles are faults."""
        jobs = [job for job in map(self.from_class, self.lines) if job]
        self.ordered(jobs)
        return jobs

    def ordered(self, jobs: Iterable[JobSpec], last: Sequence[str] = ()) -> list[JobSpec]:
        """*jobs* in the order to run them; circles are faults, and left out."""
        from ..schedule.dag import order

        by_name = {job.app_name: job for job in jobs}
        names, circles = order({name: job.depends_on for name, job in by_name.items()}, last)
        self.faults += circles
        return [by_name[name] for name in names]

    def _import(self, line: JobLine) -> JobSpec:
        from ..config.limits import lock_of, retry_of, timeout_of
        from ..config.loader import check_app, depends_on_of

        try:
            cls = self._load(line.class_path)
            check_app(cls)
            app_name: str = cls.app_name  # type: ignore[attr-defined]  # as just checked
            first = self._lines_by_name.setdefault(app_name, line)
            if first is not line:
                raise JobLineError(_twice(app_name, first, line))
        except JobLineError as error:
            raise JobLineError(f"job line {str(line)!r}: {error}") from error
        self.classes[line.class_path] = cls
        job = self._job(line, app_name, depends_on_of(cls), bool(getattr(cls, "is_backfill", 0)))
        return job._replace(lock=lock_of(cls), retry=retry_of(cls), timeout=timeout_of(cls))

    def _job(
        self, line: JobLine, app_name: str, depends_on: tuple[str, ...], backfill: bool
    ) -> JobSpec:
        return JobSpec(
            app_name=app_name,
            class_path=line.class_path,
            schedule=line.schedule,
            zone=self._terms.zone,
            depends_on=depends_on,
            backfill=backfill,
            error_retry=self._terms.error_retry,
            max_ongoing_age=self._terms.max_ongoing_age,
        )


def _twice(app_name: str, first: JobLine, second: JobLine) -> str:
    if first.class_path == second.class_path:
        return f"the class is listed already, as {str(first)!r}; a class makes one job"
    return f"its app_name {app_name!r} is that of {first.class_path}; give it another"
