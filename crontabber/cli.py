"""The ``crontabber`` command: the only place that prints, and sets the exit status."""

import gc
import io
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, TextIO

from . import __version__
from .errors import MOST_FAULTS, ConfigError, CrontabberError, EndsProcess, ExitCode, Stopped

if TYPE_CHECKING:
    from .app import CronTabber
    from .config.command import Command
    from .config.commandline import CommandLine
    from .config.settings import Settings
    from .generic_app import Answer
    from .secrecy.redactor import Redactor

_UNKNOWN = 3
"""The status of a Nagios plugin that cannot tell; see `crontabber.schedule.findings.Status`."""


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the command line asks for, and return the exit status."""
    argv = sys.argv[1:] if argv is None else argv
    gc.disable()  # until jobs run: a start makes no garbage
    nagios = _is_nagios(argv)
    _open_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # cron's locale may know ASCII only
            stream.reconfigure(errors="backslashreplace")
    try:
        answer = _answer_nagios if nagios else _answer
        return _print(*answer(argv, os.environ), failed=_UNKNOWN if nagios else ExitCode.ERROR)
    except ConfigError as error:
        for fault in error.faults:
            _complain(str(fault))
        return error.exit_code
    except CrontabberError as error:
        _complain(str(error))
        return error.exit_code
    except Stopped as stopped:
        return 128 + stopped.signum
    except KeyboardInterrupt:
        return 130  # 128 and SIGINT
    finally:
        _prepare_end()


def _prepare_end() -> None:
    """Prepare for the end of the process, and log what delays it."""
    if threads := sys.modules.get("crontabber.process.threads"):  # without, no job's code was run
        threads.watch()
    for stream in filter(None, (sys.stdout, sys.stderr)):
        _let_go(stream)
    if not gc.isenabled():  # no job was run: the end of the process frees all that is left
        gc.freeze()  # a collection at the end would be a fifteenth of an idle tick


def _open_closed_streams() -> None:
    """Open closed descriptors on nowhere: otherwise our files and sockets get their numbers."""
    for number, (name, mode) in enumerate([("stdin", "r"), ("stdout", "w"), ("stderr", "w")]):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free: this one
            os.set_inheritable(number, True)  # or it would be closed again in the processes of jobs
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, mode, closefd=False))


def _print(text: str, code: int, *, failed: int) -> int:
    """Print *text*, and return the exit status: *failed* if it cannot be printed."""
    try:
        if text:
            print(text, file=_mended("stdout"), flush=True)
    except BrokenPipeError:  # the reader has read enough, as head does
        return ExitCode.OK
    except OSError as error:
        _complain(f"cannot write the output: {error.strerror}")
        return failed
    return code


def _complain(text: str) -> None:
    """Print what is wrong on one line, if that can be read."""
    from .views.text import fault_line  # only needed when something is wrong

    with suppress(OSError):
        print(f"crontabber: {fault_line(text)}", file=_mended("stderr"), flush=True)


def _mended(name: str) -> TextIO:
    """A stream of ours, repaired if an object that a job left has closed it."""
    streams = sys.modules.get("crontabber.process.streams")  # without, no job's code was run
    return streams.usable(name) if streams else getattr(sys, name)  # type: ignore[no-any-return]


def _let_go(stream: TextIO) -> None:
    """Discard what *stream* does not take: Python would try again, and exit with 120."""
    try:
        stream.flush()
    except (OSError, ValueError):  # a full disk, a closed pipe, or a job that closed it
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _is_nagios(argv: Sequence[str]) -> bool:
    """Whether Nagios asks, before the command line is parsed: nothing else begins like that."""
    names = {word.partition("=")[0] for word in argv}
    return any(
        re.match("-[fhl]*n", name) or ("--nagios".startswith(name) and name > "--")
        for name in names
    )


def _answer_nagios(argv: Sequence[str], environ: Mapping[str, str]) -> "tuple[str, int]":
    """Answer on one line, and in time, no matter what fails: only Nagios reads it."""
    from .config.commandline import CommandLine
    from .verbs.nagios import answer_in_time, cannot_tell

    try:
        line = CommandLine.parse(argv)
    except CrontabberError as error:
        return cannot_tell(str(error), form="json" if "--format=json" in argv else "")

    def work(set_limit: Callable[[float], None]) -> "tuple[str, int]":
        return _do(line, environ, lambda settings: set_limit(settings.nagios.timeout))

    if line.command.version:
        return __version__, ExitCode.OK
    return answer_in_time(work, _limit(line), line.command.format)


def _limit(line: "CommandLine") -> float:
    """For how many seconds `--nagios` may read the configuration, before it knows its limit."""
    from .config.converters import some_seconds
    from .config.options import NAGIOS_TIMEOUT

    try:
        return some_seconds(line.settings["crontabber.nagios_timeout"])
    except (KeyError, ValueError):  # reported when all settings are read
        return NAGIOS_TIMEOUT


def _answer(argv: Sequence[str], environ: Mapping[str, str]) -> "tuple[str, int]":
    from .config.commandline import CommandLine

    line = CommandLine.parse(argv)
    try:
        return _answer_at_once(line, environ) or _do(line, environ)
    except SystemExit as error:  # from code of others, such as a connection class
        from .process.contained import where_of
        from .process.foreign import ENDS

        raise EndsProcess(f"{ENDS}: it calls sys.exit{where_of(error)}") from error


def _answer_at_once(line: "CommandLine", environ: Mapping[str, str]) -> "tuple[str, int] | None":
    """What needs no configuration, or very little of it."""
    command = line.command
    if command.version:
        return __version__, ExitCode.OK
    if command.init and not command.help:
        from .verbs.init import init

        return init("." if command.init is True else command.init)
    if command.completion:
        from .config.completion import complete

        return complete(command.completion, line, environ), ExitCode.OK
    return _help(command.help) if command.help else None


def _help(topic: "bool | str") -> "tuple[str, int] | None":
    """The help that needs no configuration."""
    from .config import usage

    if topic is True:
        return usage.to_help(), ExitCode.OK
    return (usage.to_options_help(), ExitCode.OK) if topic == usage.OPTIONS else None


def _do(
    line: "CommandLine",
    environ: Mapping[str, str],
    loaded: "Callable[[Settings], None] | None" = None,
) -> "tuple[str, int]":
    """Do what the command line asks for; *loaded* is called when the settings are."""
    from .config.settings import Settings

    command = line.command
    try:
        settings = Settings.load(line, environ)
    except ConfigError as error:
        if command.configtest:  # such as lines that cannot be understood
            error.exit_code = min(len(error.faults), MOST_FAULTS)
        raise
    if loaded:
        loaded(settings)
    if settings.wants_admin and (not settings.jobs.lines or command.help == "settings"):
        # a person who asks how to begin should not have to wait for psycopg2
        return settings.run_admin({}), ExitCode.OK
    if not settings.wants_admin:
        settings.require_file() if command.has_verb else settings.require_jobs()

    from .app import CronTabber
    from .generic_app import Answer

    with CronTabber(settings, sys.stdout if sys.stdout.isatty() else None) as app:
        if settings.wants_admin:
            if command.help:
                app.find(str(command.help))  # or raise why that is no job
            return Answer(settings.run_admin(app.classes()))
        if not command.configtest:  # which does so itself
            classes = app.classes() if settings.needs_all_classes else {}
            found = settings.check(classes) if settings.needs_all_classes else ()
            _log(app, [*found, *settings.exposed(classes)])
        text, code = _obey(command, app)
        return _masked(text, command, app.redactor), code  # rows may be older than the mask


def _masked(text: str, command: "Command", redactor: "Callable[[], Redactor]") -> str:
    if not text:
        return text
    redact = redactor()  # once: to make it for each of ten thousand texts takes ten seconds
    if command.format == "json":
        from .views.envelope import masked

        return masked(text, redact)
    return redact(text)


def _log(app: "CronTabber", warnings: Sequence[str]) -> None:
    """Log what is odd about the settings; at DEBUG, log all of them."""
    if not (warnings or app.verbose):
        return
    import logging

    app.log()
    logger = logging.getLogger("crontabber")
    # cron mails all that is printed: only a person at a terminal gets a mere oddity
    level = logging.WARNING if sys.stderr.isatty() else logging.INFO
    for warning in warnings:
        logger.log(level, warning, extra={"action": "configure", "app_name": ""})
    if app.verbose:
        for text in app.settings.describe():
            logger.debug(text, extra={"action": "configure", "app_name": ""})


def _obey(command: "Command", app: "CronTabber") -> "Answer":
    """Do the one verb that *command* asks for; without one, run what is due."""
    from .generic_app import Answer

    if command.job and not (command.nagios or command.run_at or command.run_in):
        result = app.run_job(command.job, force=command.force)
        return Answer("".join(job.refusal for job in result.jobs), result.exit_code)
    if not command.has_verb:
        return Answer("", app.tick().exit_code)
    from .verbs.dispatch import answer

    return answer(command, app, sys.stdout)
