"""An application that changes what is remembered of jobs, and imports no code of theirs."""

from ...config.settings import Settings
from ...errors import JobLineError
from ...generic_app import GenericApp
from ...schedule.grammar import JobLine
from ...schedule.model import JobSpec
from ...store.onlyreading import LimitedStore
from ...tick.jobs import Jobs


class JobsOfRows(Jobs):
    """The jobs as their rows say they are; without a row, as the configuration does."""

    def from_class(self, line: JobLine) -> JobSpec:
        """The job of *line*. Raises `JobLineError` if only its class could tell."""
        return self.from_row(line) or super().from_class(line)


class ActingApp(GenericApp):
    """What the pages do with jobs: all that needs none of their code. The next tick does the rest.

    A process that strangers talk to must not run what jobs do, nor know their passwords.
    """

    jobs_class = JobsOfRows

    @classmethod
    def of(cls, settings: Settings, person: str) -> "ActingApp":
        """For what *person* does."""
        app = cls(settings)
        app.store = LimitedStore(app.database, settings.tables_owner)
        app.person = person
        return app

    def give_up(self) -> None:
        """From another thread: have what waits for a silent server end."""
        if isinstance(self.store, LimitedStore):
            self.store.interrupt()

    def _load(self, class_path: str) -> type:
        if self.settings.sections.runs(class_path)[0] != "command":
            raise JobLineError(
                "it has not run yet, and these pages import no code of jobs to learn more of it: "
                "wait for its first run, or use the command line"
            )
        return super()._load(class_path)
