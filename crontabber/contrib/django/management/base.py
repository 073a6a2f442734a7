"""What crontabber's commands have in common."""

import logging
from collections.abc import Iterable, Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ....errors import CrontabberError, Stopped
from ....generic_app import Answer
from ....process.threads import watch
from ....tick.lookup import EVERYTHING
from ..words import in_django

_LEVELS = {0: logging.WARNING, 1: logging.INFO}


class CronCommand(BaseCommand):
    """A command whose errors are one line, and whose exit status is crontabber's.

    It makes no system checks first: one bad job must not stop the others.
    """

    requires_system_checks: Iterable[str] = ()
    quotes = False
    """Whether its answers quote the errors of jobs."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what is asked, print the answer, and exit with its status unless that is 0."""
        try:
            answer = self.answer(**options)
        except CrontabberError as error:
            raise CommandError(in_django(str(error)), returncode=error.exit_code) from error
        except Stopped as stopped:
            raise SystemExit(128 + stopped.signum) from None
        finally:
            watch()
        if answer.text:
            self.stdout.write(in_django(answer.text, quotes=self.quotes))
        if answer.code:
            raise SystemExit(int(answer.code))

    def answer(self, **options: Any) -> Answer:
        """Do the command's work; the text to print, and the exit status."""
        raise NotImplementedError


def add_names(parser: CommandParser, what: str, *, needed: bool = True) -> None:
    """Let a command take names of jobs; none may mean all, if that is allowed."""
    meant = "all means all of them" if needed else "all of them if none is named"
    nargs = "+" if needed else "*"
    text = f"{what}, with blanks or commas between them; {meant}"
    parser.add_argument("jobs", nargs=nargs, metavar="JOB", help=text)


def names(given: Sequence[str]) -> list[str]:
    """The names that `add_names` read; ``all`` if there are none."""
    found = [name.strip() for text in given for name in text.split(",") if name.strip()]
    if given and not found:  # an empty variable must not mean all
        raise CommandError("no job is named: name one, or all")
    return found or [EVERYTHING]


def log_to_stderr(verbosity: int) -> None:
    """Send the log to stderr, if the project's ``LOGGING`` has no handler for it."""
    logger = logging.getLogger("crontabber")
    if logger.hasHandlers():
        return
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("{asctime} {levelname} - {message}", style="{"))
    logger.addHandler(handler)
    logger.setLevel(_LEVELS.get(verbosity, logging.DEBUG))
