"""``manage.py check``: what is wrong with the settings, and what to do about each fault."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.core import checks
from django.core.management import CommandError, get_commands

from ...config.messages import did_you_mean, reason_of, said_by
from ...process.contained import Contained
from ...schedule.dag import order
from . import conf
from .command import LAST_SUCCESS, RUN_TIME, load, options, told_times, try_arguments
from .jobs import SETTING, Job
from .secrets import redactor

_OBJECT = "crontabber"


@checks.register("crontabber")
def check_settings(**_: Any) -> list[checks.CheckMessage]:
    """All faults of the settings whose names begin with ``CRONTABBER_``."""
    messages: list[checks.CheckMessage] = [
        _error(fault.message, fault.hint, "E001") for fault in conf.faults()
    ]
    messages += [_warning(fault.message, fault.hint, "W001") for fault in conf.strangers()]
    jobs = conf.jobs()
    for job in jobs:
        messages += _check_command(job)
    return [*messages, *_check_parents(jobs)]


def _check_command(job: Job) -> Iterator[checks.CheckMessage]:
    if job.cmd not in get_commands():
        guess = did_you_mean(job.cmd, get_commands()).removeprefix(": ")
        hint = guess or "is the app that has it in INSTALLED_APPS?"
        yield _error(f"the job {job.name!r} runs {job.cmd!r}, which is not a command", hint, "E002")
        return
    try:
        with Contained():
            command = load(job.cmd)
            known = options(command, job.cmd)
        missing = [name for name in told_times(job) if name not in known]
        for name in missing:
            yield _error(
                f"the job {job.name!r} has {_KEYS[name]!r}, and its command no option {name!r}",
                f'add one: parser.add_argument("--{name.replace("_", "-")}")',
                "E004",
            )
        if not missing:
            with Contained():
                try_arguments(command, job)
    except CommandError as error:
        hint = f"see manage.py {job.cmd} --help"
        text = redactor()(reason_of(error)).removeprefix("Error: ")
        yield _error(f"the arguments of the job {job.name!r} are refused: {text}", hint, "E005")
    except Exception as error:  # noqa: BLE001  the code of others
        text = redactor()(said_by(error))
        hint = "it cannot run like this"
        yield _error(f"the command of the job {job.name!r} cannot be made: {text}", hint, "E003")


_KEYS = {RUN_TIME: "backfill", LAST_SUCCESS: "last_success"}


def _check_parents(jobs: Iterable[Job]) -> Iterator[checks.CheckMessage]:
    depends_on = {job.name: job.depends_on for job in jobs}
    for circle in order(depends_on)[1]:
        yield _error(str(circle), "remove one of these depends_on", "E006")
    for name, parents in depends_on.items():
        for parent in parents:
            if parent not in depends_on:
                guess = did_you_mean(parent, depends_on).removeprefix(": ")
                yield _warning(
                    f"the job {name!r} depends on {parent!r}, which is not in {SETTING}",
                    guess or "that is right only if another configuration runs it",
                    "W002",
                )


def _error(message: str, hint: str, number: str) -> checks.CheckMessage:
    return checks.Error(message, hint=hint, obj=_OBJECT, id=f"crontabber.{number}")


def _warning(message: str, hint: str, number: str) -> checks.CheckMessage:
    return checks.Warning(message, hint=hint, obj=_OBJECT, id=f"crontabber.{number}")
