"""``manage.py cronlist``: the schedule and the state of all jobs, and the other views of them."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.core.management.base import CommandParser

from .....config.command import Command as Wish
from .....config.command import field_of
from .....config.commandline import CommandLine
from .....config.commandoption import CommandOption
from .....config.commands import modifiers, verbs
from .....config.options import NAGIOS_TIMEOUT
from .....generic_app import Answer
from .....verbs.dispatch import answer
from .....verbs.nagios import answer_in_time, nagios
from ...cron import DjangoCron
from ..base import CronCommand

_LIST = "list-jobs"
"""The default view."""
_SHOWS = {option.name: option for option in verbs("look")}
_OPTIONS: Mapping[str, CommandOption] = {
    **{name: option for name, option in _SHOWS.items() if name != _LIST},
    **{option.name: option for name in _SHOWS for option in modifiers(name)},
}


class Command(CronCommand):
    """Lists the jobs, or shows one of the other views of the command line."""

    quotes = True
    help = (
        "Lists the scheduled jobs, and what is remembered of them; or shows how they are, why one "
        "does not run, what has run, and what is to come."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add ``--nagios``, and the options of the command line to look at jobs."""
        parser.add_argument(
            "--nagios", action="store_true", help="report the health of all jobs to Nagios instead"
        )
        for option in _OPTIONS.values():
            _add(parser, option)

    def answer(self, **options: Any) -> Answer:
        """The list, or the view that is asked for; for Nagios the line and its status."""
        words = [*_words(options)]
        if not any(options.get(field_of(name)) for name in ("nagios", *_SHOWS)):
            words.append(f"--{_LIST}")
        wish = CommandLine.parse(words).command
        if wish.nagios:
            return Answer(*answer_in_time(lambda _: _health(wish), NAGIOS_TIMEOUT))
        with DjangoCron() as cron:
            return answer(wish, cron, self.stdout)


def _add(parser: CommandParser, option: CommandOption) -> None:
    more: dict[str, Any] = {"action": "store_true"}
    if option.value:
        more = {"metavar": option.placeholder}
    if option.is_optional:
        more |= {"nargs": "?", "const": True}
    parser.add_argument(f"--{option.name}", dest=field_of(option.name), help=option.doc, **more)


def _words(options: Mapping[str, Any]) -> Iterator[str]:
    """The given options, as the core's command line."""
    for name in ("nagios", *_OPTIONS):
        given = options.get(field_of(name))
        if given is not None and given is not False:
            yield f"--{name}" if given is True else f"--{name}={given}"


def _health(wish: Wish) -> Answer:
    with DjangoCron() as cron:
        return nagios(cron, wish.job, wish.format)
