"""Jobs that are shell commands: the app that a tick runs for one of them."""

import os
import shutil
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import CommandFailed
from ..schedule.backfill import asked_of
from ..schedule.retry import attempts_at
from .commands import Launch, follow
from .environment import inherited, read_environment_file
from .tail import BEFORE, Tail, text_of

_LAST_LINES = 10
_LONGEST = 2000
"""How much of stderr a failure shows: so many lines, and so many characters."""

_GO = "go\n"
_WHEN_GUARDED = ("/bin/sh", "-c", 'read -r go && exec "$@" </dev/null', "crontabber")
"""Begins a command only when told to: if we are killed before it is guarded, it never begins."""


class CommandOptions(NamedTuple):
    """What the configuration says of a job that is a command."""

    command: str
    directory: str = ""
    """Its working directory; empty: where crontabber was started."""
    environment: Mapping[str, str] = {}
    environment_file: str = ""
    """A file of ``NAME=value`` lines, which is read before each run."""
    nice: int | None = None
    """Its niceness, added to that of crontabber."""
    success_codes: frozenset[int] = frozenset({0})
    """The exit statuses that mean success."""
    shell: str = "/bin/sh"
    """The program that runs the command, with ``-c``."""
    keep_output: int = 16384
    """How many of the last bytes of its output are kept."""


def command_app(app_name: str, options: CommandOptions, *, backfill: bool) -> type:
    """The class of a job that is a command: a tick runs it like any app."""
    return type(
        "Command",
        (CommandApp,),
        {
            "__module__": __name__,
            "__doc__": options.command,
            "app_name": app_name,
            "options": options,
            "is_backfill": backfill,
            "keep_output": options.keep_output,
        },
    )


class CommandApp:
    """Runs a command once for each slot. Its classes are made by `command_app`."""

    app_name: str
    options: CommandOptions
    is_command = True
    is_backfill: bool = False
    keep_output: int = 0
    before_commit: Callable[[Any], None] | None = None
    """What other apps call before they commit; a command commits nothing of ours."""

    def __init__(self, config: Any, job_information: Any = None) -> None:
        options = self.options
        own = read_environment_file(self._path()) if options.environment_file else {}
        self.own_environment = {**own, **options.environment}
        """What the configuration puts into the environment of the command."""
        self._past = job_information
        self._last_success = job_information.last_success if job_information else None
        self._output = Tail(self.keep_output and self.keep_output + BEFORE)
        self._errors = Tail(4 * _LONGEST)

    @property
    def output(self) -> bytes:
        """The last that the command wrote, `BEFORE` bytes more than are kept."""
        return self._output.last()

    def main(self, slots: Iterable[datetime]) -> Iterator[datetime]:
        """Run the command for each of *slots*, and yield each slot when it is done."""
        for slot in slots:
            self._output.clear()
            self._errors.clear()
            self._run(slot)
            yield slot
            self._past, self._last_success = None, max(slot, self._last_success or slot)

    def _path(self) -> Path:
        """Where the file with the environment is: relative to where the command works."""
        return Path(self.options.directory, self.options.environment_file).expanduser()

    def _run(self, slot: datetime) -> None:
        """Run the command; raises `CommandFailed`."""
        options = self.options
        if options.directory and not Path(options.directory).is_dir():
            raise CommandFailed(f"there is no directory {options.directory} to run it in")
        if shutil.which(options.shell) is None:
            raise CommandFailed(f"there is no shell {options.shell} to run it")
        launch = Launch(
            [*_WHEN_GUARDED, options.shell, "-c", options.command],
            options.directory or None,
            {**inherited(os.environ), **self.own_environment, **self._facts(slot)},
            options.nice or 0,
        )
        try:
            code = follow(launch, self._output.add, self._hear_error, input=_GO)
        except OSError as error:
            raise CommandFailed(f"it cannot be started: {error}") from error
        if code not in options.success_codes:
            raise CommandFailed(f"{_status(code)}{self._last_lines()}")

    def _hear_error(self, piece: bytes) -> None:
        self._output.add(piece)
        self._errors.add(piece)

    def _facts(self, slot: datetime) -> dict[str, str]:
        """The variables that tell the command about its run."""
        last = self._last_success
        return {
            "CRONTABBER_JOB": self.app_name,
            "CRONTABBER_DATE": slot.isoformat(),
            "CRONTABBER_DAY": f"{slot:%Y-%m-%d}",
            "CRONTABBER_LAST_SUCCESS": last.astimezone(slot.tzinfo).isoformat() if last else "",
            "CRONTABBER_ATTEMPT": str(self._attempt(slot)),
        }

    def _attempt(self, slot: datetime) -> int:
        """How many runs of the slot there were, with this one."""
        if self._past is None:
            return 1
        asked = asked_of(self._past)
        return asked.attempts + 1 if asked else attempts_at(self._past, slot, slot)

    def _last_lines(self) -> str:
        lines = text_of(self._errors.last()).rstrip().splitlines()[-_LAST_LINES:]
        text = "\n".join(lines)
        if len(text) > _LONGEST:  # half a word may be half a secret, which would not be found
            text = "… " + " ".join(text[-_LONGEST:].split(maxsplit=1)[1:])
        return f": {text}" if text else ""


def _status(code: int) -> str:
    if code < 0:
        return f"ended by {_name(-code)}"
    if 128 < code < 160:
        return f"exit status {code} (128 and {_name(code - 128)})"
    return f"exit status {code}"


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
