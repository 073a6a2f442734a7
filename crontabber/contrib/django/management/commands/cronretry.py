"""``manage.py cronretry``: have the next tick retry failed jobs."""

from typing import Any

from django.core.management.base import CommandParser

from .....generic_app import Answer
from ...cron import DjangoCron
from ..base import CronCommand, add_names, names


class Command(CronCommand):
    """Has the next tick retry failed jobs, also those that gave up on a date."""

    help = "Has the next cronrun try jobs again that failed, or that gave up on a date."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which jobs."""
        add_names(parser, "the jobs to try again")

    def answer(self, **options: Any) -> Answer:
        """A line for each job. One that is running is left alone: exit status 3."""
        with DjangoCron() as cron:
            return cron.retry_jobs(names(options["jobs"]))
