"""``manage.py cronpause``: keep jobs from running for a while."""

from typing import Any

from django.core.management.base import CommandParser

from .....generic_app import Answer
from .....verbs.pause import pause
from ...cron import DjangoCron
from ..base import CronCommand, add_names, names


class Command(CronCommand):
    """Pauses jobs, for a day if nothing else is said."""

    help = (
        "Pauses jobs, for a day by default. A run in progress continues. After the "
        "pause a backfill job catches up, any other runs next by its schedule."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Which jobs, for how long, and why."""
        add_names(parser, "the jobs to pause")
        parser.add_argument(
            "--for",
            default="",
            dest="wait",
            metavar="LENGTH",
            help="for how long, such as 2h; or ever: until cronresume",
        )
        parser.add_argument(
            "--until", default="", metavar="TIME", help="until when, such as 2026-11-21T03:00"
        )
        parser.add_argument(
            "--why", default="", metavar="TEXT", help="the reason, for others to read"
        )

    def answer(self, **options: Any) -> Answer:
        """A line for each job."""
        with DjangoCron() as cron:
            jobs = ",".join(names(options["jobs"]))
            return pause(cron, jobs, options["wait"], options["until"], options["why"])
