"""An application that changes the rows of jobs, and imports none of their code."""

from ...config.settings import Settings
from ...errors import JobLineError
from ...generic_app import GenericApp
from ...schedule.grammar import JobLine
from ...schedule.model import JobSpec
from ...store.onlyreading import LimitedStore
from ...tick.jobs import Jobs


class JobsOfRows(Jobs):
    """The jobs as their rows describe them; without a row, as the configuration does."""

    def from_class(self, line: JobLine) -> JobSpec:
        """The job of *line*. Raises `JobLineError` if only its class could describe it."""
        return self.from_row(line) or super().from_class(line)


class ActingApp(GenericApp):
    """The changes of the pages, which need no code of jobs. The next tick does the rest.

    A process that strangers talk to must not run jobs, or know their passwords.
    """

    jobs_class = JobsOfRows

    @classmethod
    def of(cls, settings: Settings, person: str) -> "ActingApp":
        """The application for the acts of *person*."""
        app = cls(settings)
        app.store = LimitedStore(app.database, settings.tables_owner)
        app.person = person
        return app

    def give_up(self) -> None:
        """From another thread: end a statement that waits for a silent server."""
        if isinstance(self.store, LimitedStore):
            self.store.interrupt()

    def _load(self, class_path: str) -> type:
        if self.settings.sections.runs(class_path)[0] != "command":
            raise JobLineError(
                "it has not run yet, and these pages import no code of jobs to learn more of it: "
                "wait for its first run, or use the command line"
            )
        return super()._load(class_path)
