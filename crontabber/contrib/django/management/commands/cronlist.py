"""``manage.py cronlist``: the schedule and the state of all jobs."""

from collections.abc import Callable
from typing import Any

from django.core.management.base import CommandParser

from .....config.options import NAGIOS_TIMEOUT
from .....generic_app import Answer
from .....verbs.look import list_jobs
from .....verbs.nagios import answer_in_time, nagios
from ...cron import DjangoCron
from ..base import CronCommand


class Command(CronCommand):
    """Lists the jobs, or says in one line for Nagios whether they are well."""

    help = "Lists the scheduled jobs, and what is remembered of them."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add ``--nagios``."""
        parser.add_argument(
            "--nagios", action="store_true", help="report the health of all jobs to Nagios instead"
        )

    def answer(self, **options: Any) -> Answer:
        """The list, or the line and its status."""
        if options["nagios"]:
            return Answer(*answer_in_time(_health, NAGIOS_TIMEOUT))
        with DjangoCron() as cron:
            return list_jobs(cron, self.stdout)


def _health(_set_limit: Callable[[float], None]) -> Answer:
    with DjangoCron() as cron:
        return nagios(cron)
