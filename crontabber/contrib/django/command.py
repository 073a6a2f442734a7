"""A management command as an app of the core, and the command line that it gets."""

import contextlib
import io
from argparse import Action, BooleanOptionalAction
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, ClassVar

from django.core.management import CommandError, call_command, get_commands, load_command_class
from django.core.management.base import BaseCommand

from ...config.converters import yes_or_no
from ...config.messages import did_you_mean
from ...errors import Redact
from ...process.tail import BEFORE, Tail
from ...schedule.model import JobState
from .jobs import AS_AN_APP, Job
from .output import logged_output
from .state import kept_state

TIME = "%Y-%m-%dT%H:%M"
"""How a time is written on a command line: the local time in the zone of the schedules."""
RUN_TIME, LAST_SUCCESS = "run_time", "last_success"
_SOME_TIME = "2026-11-21T03:00"
"""Any time, to see whether the command accepts one."""

Arguments = Sequence[tuple[str, str | None]]
"""Names and values of a command's options; a flag may have none."""


class CommandApp:
    """Runs one management command; `app_class` makes a class of it for each job."""

    app_name: ClassVar[str]
    keep_output: ClassVar[int | None]
    is_command: ClassVar[bool] = True
    """What it prints is in ``output``, not on our stdout."""
    job: ClassVar[Job]

    before_commit: Callable[[Any], None] | None = None
    """Not called: a command is never a single transaction of ours."""

    def __init__(self, state: JobState, more: Arguments = (), redact: Redact = str) -> None:
        self._last_success = state.last_success
        self._more = more
        self._redact = redact
        self._output = Tail(self.keep_output + BEFORE) if self.keep_output else None

    @property
    def output(self) -> bytes:
        """The end of what it printed for this slot, if it is kept."""
        return self._output.last() if self._output else b""

    def main(self, slots: Iterable[datetime]) -> Iterator[datetime]:
        """Run the command for each slot, and yield the slot when it is done."""
        for slot in slots:
            self._run(slot)
            yield slot
            self._last_success = slot

    def _run(self, slot: datetime) -> None:
        if self._output:
            self._output.clear()
        logged = logged_output(self.app_name, self._redact, self._output)
        with kept_state(), logged as (stdout, stderr):
            command = load(self.job.cmd)
            arguments = command_line(command, self.job, [*self._times(slot), *self._more])
            call_command(command, *arguments, stdout=stdout, stderr=stderr)

    def _times(self, slot: datetime) -> Iterator[tuple[str, str]]:
        if self.job.backfill:
            yield RUN_TIME, slot.strftime(TIME)
        if self.job.last_success:
            last = self._last_success
            yield LAST_SUCCESS, last.astimezone(slot.tzinfo).strftime(TIME) if last else ""


def app_class(job: Job) -> type[CommandApp]:
    """The app of *job*."""
    said = {name: getattr(job, name) for name in AS_AN_APP}
    more = {"app_name": job.name, "is_backfill": job.backfill, "job": job}
    return type("CommandApp", (CommandApp,), {**said, **more})


def load(cmd: str) -> BaseCommand:
    """The command of this name. Raises `CommandError`, or what its import raises."""
    app = get_commands().get(cmd)
    if app is None:
        raise CommandError(f"there is no command {cmd!r}")
    return app if isinstance(app, BaseCommand) else load_command_class(app, cmd)


def command_line(command: BaseCommand, job: Job, more: Arguments) -> list[str]:
    """The arguments of a command as one would type them: ``cmd_args``, and *more* by name.

    Raises `CommandError` if the command has no such option.
    """
    known = options(command, job.cmd)
    return [*job.cmd_args, *(word for name, text in more for word in _words(name, text, known))]


def told_times(job: Job) -> list[str]:
    """The options of a job's command that get a time."""
    wanted = {RUN_TIME: job.backfill, LAST_SUCCESS: job.last_success}
    return [name for name, is_wanted in wanted.items() if is_wanted]


def try_arguments(command: BaseCommand, job: Job, more: Arguments = ()) -> None:
    """Have a command parse the arguments that it will get, and do nothing else.

    Raises `CommandError` if it refuses them, or if it would print something and exit.
    """
    times = [(name, _SOME_TIME) for name in told_times(job)]
    words = command_line(command, job, [*times, *more])
    nowhere = io.StringIO()
    try:
        with contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
            command.create_parser("manage.py", job.cmd).parse_args(words)
    except SystemExit:
        text = "with them it says something and exits: leave out --help and --version"
        raise CommandError(text) from None


def options(command: BaseCommand, cmd: str) -> dict[str, Action]:
    """argparse's actions of a command, by the names under which its ``handle`` gets them."""
    parser = command.create_parser("manage.py", cmd)
    return {action.dest: action for action in parser._actions}  # noqa: SLF001  as Django does


def _words(name: str, text: str | None, known: dict[str, Action]) -> list[str]:
    action, flag = _option(name, known)
    if action.option_strings and action.nargs == 0:
        return _flag_words(action, flag, name, text)
    if text is None and action.nargs != "?":
        raise CommandError(f"{name} needs a value: write {name}=VALUE")
    if not action.option_strings:
        return [] if text is None else [text]
    option = flag or action.option_strings[-1]
    return [option if text is None else f"{option}={text}"]


def _option(name: str, known: dict[str, Action]) -> tuple[Action, str | None]:
    """The option that *name* means, by its name in ``handle`` or by a flag, and that flag."""
    plain = name.lstrip("-")
    if found := known.get(plain.replace("-", "_")):
        return found, None
    for action in known.values():
        for flag in action.option_strings:
            if flag == f"--{plain.replace('_', '-')}":
                return action, flag
    hint = did_you_mean(name, known) or f"; it has {', '.join(sorted(known))}"
    raise CommandError(f"the command has no option {name!r}{hint}")


def _flag_words(action: Action, flag: str | None, name: str, text: str | None) -> list[str]:
    try:
        wanted = text is None or yes_or_no(text)
    except ValueError as error:
        raise CommandError(f"{name}={text} cannot be given: {error}") from None
    if flag is None:
        return _flag(action, wanted)
    return [flag] if wanted else []


def _flag(action: Action, wanted: bool) -> list[str]:
    """The option that means *wanted*, if one is needed."""
    flags = action.option_strings
    if isinstance(action, BooleanOptionalAction):  # which has --fast and --no-fast
        flags = [flag for flag in flags if flag.startswith("--no-") != wanted]
    elif wanted == (action.const is False):  # as --no-input is for interactive
        return []
    return list(flags[-1:])
