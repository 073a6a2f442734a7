"""``manage.py cronreset``: forget the state of jobs."""

from typing import Any

from django.core.management.base import CommandParser

from .....generic_app import Answer
from ...cron import DjangoCron
from ..base import CronCommand, add_names, names


class Command(CronCommand):
    """Forgets the state of jobs; their log stays."""

    help = "Forgets the state of jobs, so that they run as if for the first time."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which jobs."""
        add_names(parser, "the jobs to reset")

    def answer(self, **options: Any) -> Answer:
        """A line for each job. One that is running is left alone: exit status 3."""
        with DjangoCron() as cron:
            return cron.reset_jobs(names(options["jobs"]))
