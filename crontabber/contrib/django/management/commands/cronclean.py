"""``manage.py cronclean``: remove old runs from the log. It can be listed as a job itself."""

import argparse
from contextlib import closing
from typing import Any

from django.core.management.base import CommandParser

from .....clean import (
    ERRORS,
    OUTPUT,
    SUCCESSES,
    clean_log,
    count_old,
    count_old_output,
    trim_output,
)
from .....config.converters import days
from .....generic_app import Answer
from ...cron import DjangoCron
from ..base import CronCommand


class Command(CronCommand):
    """Removes what is old from the log."""

    help = "Removes old runs from the log of the scheduled jobs."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options that say how long runs are kept."""
        for option, default, what in (
            ("--keep-successes", SUCCESSES, "that succeeded"),
            ("--keep-errors", ERRORS, "that failed"),
        ):
            parser.add_argument(
                option,
                default=default,
                metavar="DAYS",
                type=_days,
                help=f"for how many days runs {what} are kept (default: {default:g})",
            )
        parser.add_argument(
            "--keep-output",
            default=OUTPUT,
            metavar="DAYS",
            type=_days,
            help=f"for how many days the output of runs is kept (default: {OUTPUT:g})",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="only say how many would be removed"
        )

    def answer(self, **options: Any) -> Answer:
        """Remove old runs, or only count them; the text says how many."""
        with DjangoCron() as cron:
            cron.look()  # this creates the tables, if there are none
            with closing(cron.database.connect()) as connection:
                days_kept, output = _kept(options), options["keep_output"]
                if options["dry_run"]:
                    number = count_old_output(connection, output)
                    text = f"to be removed from the log: {count_old(connection, *days_kept).text}"
                else:
                    number = trim_output(connection, output)
                    text = str(clean_log(connection, *days_kept))
                return Answer(f"{text}, the output of {number} runs")


def _kept(options: dict[str, Any]) -> tuple[float, float]:
    return options["keep_successes"], options["keep_errors"]


def _days(text: str) -> float:
    try:
        return days(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: {error}") from None
