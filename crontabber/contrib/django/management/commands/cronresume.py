"""``manage.py cronresume``: end the pause of jobs."""

from typing import Any

from django.core.management.base import CommandParser

from .....generic_app import Answer
from .....verbs.pause import resume
from ...cron import DjangoCron
from ..base import CronCommand, add_names, names


class Command(CronCommand):
    """Ends the pause of jobs."""

    help = "Ends the pause of jobs: a backfill job catches up, any other runs next by its schedule."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which jobs."""
        add_names(parser, "the jobs to go on with")

    def answer(self, **options: Any) -> Answer:
        """A line for each job that was paused, or was named and was not."""
        with DjangoCron() as cron:
            return resume(cron, ",".join(names(options["jobs"])))
