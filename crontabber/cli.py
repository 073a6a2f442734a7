"""The ``crontabber`` command: the only place that prints, and says how the process exits."""

import gc
import io
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from . import __version__
from .errors import CrontabberError, ExitCode, Stopped

if TYPE_CHECKING:
    from .app import CronTabber
    from .config.commandline import Command, CommandLine
    from .generic_app import Answer


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the command line asks for, and return the exit status."""
    argv = sys.argv[1:] if argv is None else argv
    gc.disable()  # until there are jobs: a start makes nothing that is garbage soon
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # cron's locale may know ASCII only
            stream.reconfigure(errors="backslashreplace")
    try:
        text, code = _answer(argv, os.environ)
        if text:
            print(text, flush=True)
    except CrontabberError as error:
        print(f"crontabber: {error}", file=sys.stderr)
        return error.exit_code
    except Stopped as stopped:
        return 128 + stopped.signum
    except KeyboardInterrupt:
        return 130  # 128 and SIGINT
    except BrokenPipeError:  # whoever reads us has read enough, as head does
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.OK
    finally:
        if not gc.isenabled():  # no code of jobs was loaded, so nothing is left to be cleaned up
            gc.freeze()  # to be looked through at the end would be a fifteenth of an idle tick
    return code


def _answer(argv: Sequence[str], environ: Mapping[str, str]) -> "tuple[str, int]":
    nagios = not {"--nagios", "-n"}.isdisjoint(argv)  # as far as one can tell before it is read
    from .config.commandline import CommandLine

    try:
        line = CommandLine.parse(argv)
        nagios = line.command.nagios
        return (__version__, ExitCode.OK) if line.command.version else _do(line, environ)
    except CrontabberError as error:
        if not nagios:
            raise
        from .views.nagios import unknown

        return unknown(str(error))


def _do(line: "CommandLine", environ: Mapping[str, str]) -> "Answer":
    from .app import CronTabber
    from .config.settings import Settings
    from .generic_app import Answer

    settings = Settings.load(line, environ)
    with CronTabber(settings, sys.stdout if sys.stdout.isatty() else None) as app:
        if settings.wants_admin:
            return Answer(settings.run_admin(app.classes()))
        warnings = (
            settings.check(app.classes()) if settings.needs_all_classes else settings.warnings
        )
        _log(app, warnings)
        return _obey(line.command, app)


def _log(app: "CronTabber", warnings: Sequence[str]) -> None:
    """Log what is odd about the settings, and at DEBUG all of them."""
    if not (warnings or app.verbose):
        return
    import logging

    app.log()
    logger = logging.getLogger("crontabber")
    # cron mails whatever is printed: of a mere oddity only a person at a terminal is told
    level = logging.WARNING if sys.stderr.isatty() else logging.INFO
    for warning in warnings:
        logger.log(level, warning, extra={"action": "configure", "app_name": ""})
    if app.verbose:
        for text in app.settings.describe():
            logger.debug(text, extra={"action": "configure", "app_name": ""})


def _obey(command: "Command", app: "CronTabber") -> "Answer":  # noqa: PLR0911  one for each verb
    from .generic_app import Answer

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
    if command.mark_success:
        return app.mark_success(command.mark_success.split(","), command.at)
    if command.retry:
        return Answer(app.retry(command.retry))
    if command.job:
        return _obey_job(command, app)
    return Answer("", app.tick())


def _obey_job(command: "Command", app: "CronTabber") -> "Answer":
    if command.run_at or command.run_in:
        return app.run_at(command.job, command.run_at, command.run_in)
    return app.run_job(command.job, force=command.force)
