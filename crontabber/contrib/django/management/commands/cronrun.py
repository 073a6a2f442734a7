"""``manage.py cronrun``: run the jobs that are due."""

import argparse
import signal
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import connections

from .....errors import ExitCode, JobLineError
from .....generic_app import Answer
from .....process.signals import Signals
from .....schedule.grammar import Frequency
from .....tick.results import RunOutcome, TickResult
from ...cron import DjangoCron
from ...loop import loop
from ..base import CronCommand, log_to_stderr

_EVERY = timedelta(minutes=5)
"""How often a loop runs them."""
_ELSEWHERE = (ExitCode.ONGOING, ExitCode.RACE_LOST)


class Command(CronCommand):
    """Runs the jobs of ``CRONTABBER_JOBS`` that are due."""

    help = "Runs the scheduled jobs that are due."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options: without any of them it is one tick, else one job or a loop."""
        parser.add_argument("--job", metavar="NAME", help="run only this job, if it is due")
        parser.add_argument(
            "--force", action="store_true", help="with --job: run it even if it is not due"
        )
        parser.add_argument(
            "--job-arg",
            action="append",
            default=[],
            dest="arguments",
            metavar="NAME[=VALUE]",
            type=_argument,
            help="with --job: give its command this option; a flag needs no value; may be repeated",
        )
        parser.add_argument(
            "--loop", action="store_true", help="go on until SIGTERM, with a run every so often"
        )
        parser.add_argument(
            "--every",
            metavar="FREQUENCY",
            type=_period,
            help="with --loop: how often, such as 1m or 1h (default: 5m)",
        )

    def answer(self, **options: Any) -> Answer:
        """Run what is asked for; exit as ``crontabber`` does, a loop after SIGTERM with 0.

        But a job that runs elsewhere is no error, and a failed job of ``--job`` is one.
        """
        job, force, arguments = options["job"], options["force"], options["arguments"]
        _refuse_contradictions(options)
        log_to_stderr(options["verbosity"])
        if options["loop"]:
            signum = loop(_tick, options["every"] or _EVERY)
            return Answer("", 0 if signum == signal.SIGTERM else 128 + signum)
        with DjangoCron(arguments) as cron:
            if job is None:
                return Answer("", _exit_code(cron.tick()))
            result = cron.run_job(job, force=force)
        failed = any(each.outcome is RunOutcome.FAILED for each in result.jobs)
        code = ExitCode.ERROR if failed else _exit_code(result)
        return Answer("".join(each.refusal for each in result.jobs), code)


def _exit_code(result: TickResult) -> ExitCode:
    return ExitCode.OK if result.exit_code in _ELSEWHERE else result.exit_code


def _refuse_contradictions(options: dict[str, Any]) -> None:
    if options["job"] is None and (options["force"] or options["arguments"]):
        raise CommandError("--force and --job-arg need --job=NAME: they are for one job")
    if options["job"] is not None and options["loop"]:
        raise CommandError("--loop runs all jobs, and --job only one: choose")
    if options["every"] is not None and not options["loop"]:
        raise CommandError("--every needs --loop: without it the jobs are run once")


def _tick(signals: Signals) -> ExitCode:
    try:
        with DjangoCron() as cron:
            cron.signals = signals
            return cron.tick().exit_code
    finally:
        connections.close_all()  # they are not needed until the next tick


def _argument(text: str) -> tuple[str, str | None]:
    name, equals, value = text.partition("=")
    if not name.strip("-"):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form NAME=VALUE, or NAME")
    return name, value if equals else None


def _period(text: str) -> timedelta:
    try:
        return Frequency.parse(text).period
    except JobLineError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
