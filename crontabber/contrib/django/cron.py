"""The jobs of a Django project: crontabber's own core, told by Django's settings."""

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from django.core.management import CommandError

from ...app import CronTabber
from ...errors import ConfigError, CrontabberError
from ...generic_app import Answer
from ...process.contained import Contained
from ...reporters import Reporter
from ...reporters.log import LogReporter
from ...schedule.grammar import JobLine
from ...schedule.model import JobSpec, JobState, Run
from ...secrecy.redactor import Redactor
from ...tick.jobs import Jobs
from ...tick.results import TickResult
from ...verbs import steer
from .command import Arguments, app_class, load, try_arguments
from .conf import DjangoSettings
from .jobs import Job
from .secrets import redactor

if TYPE_CHECKING:
    from ...tick.attempt import App, AppFactory


class SettingsJobs(Jobs):
    """The jobs of the settings, which need no row to be known."""

    def from_row(self, line: JobLine) -> JobSpec | None:
        """The job of *line*, if it has a row, as in the settings."""
        try:
            job = self.from_class(line)
        except ConfigError:
            return None
        return job if job.app_name in self.states else None


class CommandLog(LogReporter):
    """Writes the log, without what a command printed, which is there already."""

    def _wrote(self, job: JobSpec, run: Run) -> None:
        pass


class DjangoCron(CronTabber):
    """`CronTabber` with Django's settings in place of a file; also a context manager.

    The command of a job gets *arguments* after its own.
    """

    jobs_class = SettingsJobs

    def __init__(self, arguments: Arguments = ()) -> None:
        found = DjangoSettings()
        super().__init__(found)
        self._arguments = arguments
        self._jobs = found.by_path

    @property
    def verbose(self) -> bool:
        """Always true: Django's settings decide what is logged."""
        return True

    def redactor(self) -> Redactor:
        """Takes the secrets of the project's settings out of texts."""
        return super().redactor() | self._of_settings

    @functools.cached_property
    def _of_settings(self) -> Redactor:
        return redactor()

    def origin(self, job: JobSpec) -> tuple[str, str]:
        """The command that a job runs."""
        return "Command:", self.redact(str(self._jobs[job.class_path]))

    def prepare(
        self, classes: Mapping[str, type]
    ) -> tuple["AppFactory", Mapping[str, ConfigError]]:
        """How to make the apps of *classes*, by class path."""

        def make(job: JobSpec, state: JobState) -> "App":
            app: App = classes[job.class_path](state, self._arguments, self.redact)
            return app

        return make, {}

    def run_job(self, name: str, *, force: bool = False) -> TickResult:
        """Run one job, by its name, if it is due; with *force* even if it is not.

        Raises `CommandError` before anything is done, if its command refuses our arguments.
        """
        if self._arguments:
            class_path, _ = self.find(name)
            self._try_arguments(self._jobs[class_path])
        return super().run_job(name, force=force)

    def reset_jobs(self, names: Iterable[str]) -> Answer:
        """Forget the state of several jobs, or of ``all`` that are configured.

        Raises `UnknownJobError` before anything is done.
        """
        return self._each(names, steer.reset_job)

    def retry_jobs(self, names: Iterable[str]) -> Answer:
        """Have the next tick retry several jobs, or ``all`` that are configured.

        Raises `UnknownJobError` before anything is done.
        """
        return self._each(names, steer.retry)

    def _each(self, names: Iterable[str], verb: Callable[["DjangoCron", str], Answer]) -> Answer:
        lines, code = [], 0
        for app_name in steer.app_names(self, list(names)):
            try:
                lines.append(verb(self, app_name).text)
            except CrontabberError as error:
                lines.append(str(error))
                code = code or error.exit_code
        return Answer("\n".join(lines), code)

    def log(self) -> None:
        """Do nothing: Django has configured logging."""

    def _try_arguments(self, job: Job) -> None:
        try:
            with Contained():
                try_arguments(load(job.cmd), job, self._arguments)
        except CommandError as error:
            text = str(error).removeprefix("Error: ")
            raise CommandError(f"{job.name} is not run: {text}") from None
        except Exception:  # noqa: BLE001  the code of others
            return  # a fault of the command itself is recorded by the run

    def _load(self, class_path: str) -> type:
        return app_class(self._jobs[class_path])

    def _reporters(self) -> Iterator[Reporter]:
        from .sentry import ProjectSentry, is_active

        tell = self.settings.tell
        yield CommandLog(self.redact, lambda job: not tell.of_job(job.tells).every)
        if not self.settings.sentry_dsn and is_active():
            yield ProjectSentry(self.redact)
        yield from self._distant()
