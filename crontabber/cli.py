"""The ``crontabber`` command: the only place that prints, and says how the process exits."""

import io
import logging
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress

from . import __version__
from .app import CronTabber
from .config.commandline import Command, CommandLine
from .config.settings import Settings
from .errors import CrontabberError, ExitCode, Stopped
from .generic_app import Answer
from .logs import configure
from .reporters.terminal import TerminalReporter

_logger = logging.getLogger("crontabber")


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the command line asks for, and return the exit status."""
    argv = sys.argv[1:] if argv is None else argv
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # cron's locale may know ASCII only
            stream.reconfigure(errors="backslashreplace")
    try:
        answer = _answer(argv, os.environ)
        if answer.text:
            print(answer.text, flush=True)
    except CrontabberError as error:
        print(f"crontabber: {error}", file=sys.stderr)
        return error.exit_code
    except Stopped as stopped:
        return 128 + stopped.signum
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except BrokenPipeError:  # whoever reads us has read enough, as head does
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.OK
    return answer.code


def _answer(argv: Sequence[str], environ: Mapping[str, str]) -> Answer:
    line = CommandLine.parse(argv)
    if line.command.version:
        return Answer(__version__)
    if not line.command.nagios:
        return _do(line, environ)
    try:
        return _do(line, environ)
    except CrontabberError as error:
        from .views.nagios import unknown

        return Answer(*unknown(str(error)))


def _do(line: CommandLine, environ: Mapping[str, str]) -> Answer:
    settings = Settings.load(line, environ)
    configure(settings.logging)
    with CronTabber(settings) as app:
        if sys.stdout.isatty():
            app.reporters.append(TerminalReporter(sys.stdout, app.redact))
        if settings.wants_admin:
            return Answer(settings.run_admin(app.classes()))
        warnings = (
            settings.check(app.classes()) if settings.needs_all_classes else settings.warnings
        )
        _log(settings, warnings)
        return _obey(line.command, app)


def _log(settings: Settings, warnings: Sequence[str]) -> None:
    # cron mails whatever is printed: of a mere oddity only a person at a terminal is told
    level = logging.WARNING if sys.stderr.isatty() else logging.INFO
    for warning in warnings:
        _logger.log(level, warning, extra={"action": "configure"})
    if _logger.isEnabledFor(logging.DEBUG):
        for text in settings.describe():
            _logger.debug(text, extra={"action": "configure"})


def _obey(command: Command, app: CronTabber) -> Answer:  # noqa: PLR0911  one for each verb
    if command.configtest:
        return app.configtest()
    if command.sentrytest:
        return Answer(app.sentrytest())
    if command.nagios:
        return app.nagios()
    if command.list_jobs:
        return Answer(app.list_jobs(sys.stdout))
    if command.audit_ghosts:
        return Answer(app.audit_ghosts())
    if command.reset_job:
        return Answer(app.reset_job(command.reset_job))
    if command.job:
        return app.run_job(command.job, force=command.force)
    return Answer("", app.tick())
