"""``manage.py cronmarksuccess``: mark jobs as successful."""

from typing import Any

from django.core.management.base import CommandParser

from .....generic_app import Answer
from .....verbs.steer import mark_success
from ...cron import DjangoCron
from ..base import CronCommand, add_names, names


class Command(CronCommand):
    """Marks jobs as successful, also if their last run failed or they never ran."""

    help = (
        "Marks jobs as successful: their errors are cleared, and they wait for their next "
        "slot. A backfill job is not given the dates up to then any more."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Which jobs, and when."""
        add_names(parser, "the jobs to mark", needed=False)
        parser.add_argument(
            "--at",
            default="",
            metavar="TIME",
            help="when they count as having succeeded, such as 2026-11-21T03:00 (default: now)",
        )

    def answer(self, **options: Any) -> Answer:
        """A line for each job. One that is running is left alone: exit status 3; one that has
        succeeded since too: exit status 1.
        """
        with DjangoCron() as cron:
            return mark_success(cron, names(options["jobs"]), options["at"])
