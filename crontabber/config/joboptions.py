"""The options in the section of a job, ``[job] [[NAME]]``: how to read each, and its purpose.

A new option of all jobs is a line of `JOB_OPTIONS`; `appspec` reads the same option from the
class of an app.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any, NamedTuple

from ..errors import JobLineError
from ..schedule.grammar import parse_duration
from .appspec import duration_from, lock_from, missed_from, start_from
from .converters import yes_or_no
from .messages import did_you_mean, nearest
from .telling import TELLS

_SIZE = re.compile(r"(\d{1,15})\s*(|b|kb|mb|gb)", re.IGNORECASE)
_SIZES = {"": 1, "b": 1, "kb": 1024, "mb": 1024**2, "gb": 1024**3}
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class JobOption(NamedTuple):
    """One option."""

    read: Callable[[str], Any]
    """Converts its text to what a class says, or a command needs; a ValueError or ConfigError says
    what is wrong with the text."""
    doc: str
    example: str
    attribute: str = ""
    """Its name as an attribute of a class; empty: the same."""
    is_list: bool = False
    """Whether its text may have commas."""
    is_path: bool = False
    """Whether it is a path, relative to the directory of the file."""


def _names(text: str) -> tuple[str, ...]:
    names = (name.strip() for name in text.replace(",", "\n").splitlines())
    return tuple(filter(None, names))


def _text(text: str) -> str:
    if not text.strip():
        raise ValueError("it is empty")
    if "\0" in text:
        raise ValueError("it has a NUL")
    return text.strip()


def _or_none(read: Callable[[str], Any]) -> Callable[[str], Any]:
    """The same; an empty text removes what the class says."""
    return lambda text: read(text.strip()) if text.strip() else None


def _length(text: str) -> timedelta | None:
    """A length of time; a number alone is in seconds, as in a class."""
    seconds = text.isascii() and text.isdecimal() and len(text) < 12
    return duration_from(float(text) if seconds else parse_duration(text), "it")


def _whole(text: str, least: int, most: int) -> int:
    number = int(text) if re.fullmatch(r"[+-]?\d{1,12}", text.strip(), re.ASCII) else most + 1
    if not least <= number <= most:
        raise ValueError(f"it is not a whole number from {least} to {most}")
    return number


def _size(text: str) -> int:
    match = _SIZE.fullmatch(text.strip())
    if not match:
        raise ValueError("it is not a number of bytes such as 16384, 16kB or 1MB")
    return int(match[1]) * _SIZES[match[2].lower()]


def _retry(text: str) -> Any:
    """A number of attempts, yes, no, or ``max_attempts=10, wait=30`` for a `RetryStrategy`."""
    if "=" in text:
        return _strategy(text)
    if text.isascii() and text.isdecimal() and int(text[:9]) > 0:
        return int(text[:9])
    try:
        return yes_or_no(text)
    except ValueError:
        raise ValueError(
            "it is not a number of attempts, yes or no, or options such as max_attempts=10, wait=30"
        ) from None


def _strategy(text: str) -> Any:
    from ..retry import RetryStrategy

    known = ("max_attempts", "wait", "linear_wait", "exponential_wait", "max_wait")
    options: dict[str, float] = {}
    for part in filter(None, re.split(r"[,\s]+", text)):
        name, _, value = part.partition("=")
        if name not in known:
            hint = did_you_mean(name, known) or f": there are {', '.join(known)}"
            raise ValueError(f"{name!r} is not an option of retry{hint}")
        if name == "max_attempts":
            options[name] = _whole(value, 1, 10**9)
        elif re.fullmatch(r"\d{1,9}(\.\d{1,9})?", value, re.ASCII):
            options[name] = float(value)
        elif name == "exponential_wait":
            raise ValueError(f"{name} is {value!r}, not a number")
        else:
            options[name] = parse_duration(value).total_seconds()
    return RetryStrategy(**options)  # type: ignore[arg-type]  # max_attempts is an int


def _codes(text: str) -> frozenset[int]:
    codes: set[int] = set()
    for part in filter(None, re.split(r"[,\s]+", text.strip())):
        first, dash, last = part.partition("-")
        try:
            begin = _whole(first, 0, 255)
            codes.update(range(begin, _whole(last, begin, 255) + 1) if dash else (begin,))
        except ValueError:
            raise ValueError(
                f"{part!r} is not an exit status: write numbers from 0 to 255, such as 0, 3, 64-78"
            ) from None
    if not codes:
        raise ValueError("it names no exit status, such as 0")
    return frozenset(codes)


def environment(text: str) -> dict[str, str]:
    """The variables of ``NAME=value`` lines; others may be blank or begin with ``#``."""
    variables = {}
    for line in map(str.lstrip, text.splitlines()):
        name, equals, value = line.partition("=")
        if not line or line.startswith("#"):
            continue
        if not (equals and _VARIABLE.fullmatch(name)):
            # the line stays out of the message: it may be a password
            raise ValueError("it has a line that is not NAME=value")
        variables[name] = value.rstrip()
    return variables


JOB_OPTIONS: Mapping[str, JobOption] = {
    "depends_on": JobOption(
        _names, "the jobs that must have succeeded first", "fetch", is_list=True
    ),
    "backfill": JobOption(
        yes_or_no, "whether it gets every date that it missed", "yes", "is_backfill"
    ),
    "lock": JobOption(
        _or_none(partial(lock_from, what="it")),
        "of all jobs with this lock only one runs at a time, on all hosts",
        "warehouse",
    ),
    "retry": JobOption(
        _or_none(_retry),
        "how often a failed run is retried: a number of attempts, yes, no, or options",
        "max_attempts=10, wait=30",
        is_list=True,
    ),
    "timeout": JobOption(_or_none(_length), "how long a run may take", "2h"),
    "late": JobOption(_or_none(_length), "how late it may be before --nagios reports it", "1h30m"),
    "missed": JobOption(
        _or_none(partial(missed_from, what="it")),
        "which missed slots run: all, latest or none",
        "latest",
    ),
    "too_late": JobOption(_or_none(_length), "slots older than this are passed over", "6h"),
    "start": JobOption(
        _or_none(partial(start_from, what="it")),
        "the first date of a backfill app that never ran",
        "2026-11-21",
    ),
    "spread": JobOption(_or_none(_length), "the longest delay after its slot", "10m"),
    "queue": JobOption(_text, "the queue of the workers that run it", "slow"),
    "priority": JobOption(
        partial(_whole, least=-(2**31) + 1, most=2**31 - 1),
        "which due jobs workers take first: those with the highest",
        "1",
    ),
    "parallel": JobOption(
        partial(_whole, least=1, most=10**6),
        "without effect: dates are run one after the other",
        "1",
    ),
    "keep_output": JobOption(
        _size, "how many bytes to keep of what a run writes; 16kB for commands, otherwise 0", "16kB"
    ),
    "tell": JobOption(TELLS["tell"], "which failures are errors in the log", "every"),
    "on": JobOption(TELLS["on"], "which events messages report", "failed, recovered", is_list=True),
    "notify": JobOption(
        TELLS["notify"],
        "URLs of Apprise to send messages to, in place of those of [notify]; no: none",
        "ntfy://reports",
        is_list=True,
    ),
    "ping": JobOption(
        TELLS["ping"], "the URL that its runs ping; empty: none", "https://hc-ping.com/UUID"
    ),
    "ping_style": JobOption(TELLS["ping_style"], "which service's form its pings have", "cronitor"),
    "ping_start": JobOption(TELLS["ping_start"], "whether runs ping when they begin, too", "yes"),
}
"""The options of the section of any job."""

COMMAND_OPTIONS: Mapping[str, JobOption] = {
    "command": JobOption(_text, "the command that it runs", "/usr/local/bin/fetch"),
    "directory": JobOption(_text, "its working directory", "/var/lib/fetch", is_path=True),
    "environment": JobOption(environment, "variables, one NAME=value a line", "LANG=C.UTF-8"),
    "environment_file": JobOption(
        _text, "a file of such lines, read when it runs", "fetch.env", is_path=True
    ),
    "nice": JobOption(partial(_whole, least=-20, most=19), "its niceness, -20 to 19", "10"),
    "success_codes": JobOption(_codes, "the exit statuses of success", "0, 3", is_list=True),
    "shell": JobOption(_text, "the shell that runs it, with -c", "/bin/sh"),
}
"""Further options of the section of a command."""


def no_option(
    name: str, where: str, known: Iterable[str] = (), *, what_else: str = ""
) -> JobLineError:
    """The error that *name*, set in the section of a job, is not among the *known* options.

    For people: *where* it is set, and *what_else* to say if it resembles none of them.
    """
    what = f"unknown option {name} (from {where})"
    option = name.rpartition(".")[2]
    if guess := nearest(option, {*JOB_OPTIONS, *known}):
        return JobLineError(f"{what}: did you mean {guess}?")
    if option in COMMAND_OPTIONS:
        what_else = ": it is one of commands, and this job runs a class"
    return JobLineError(what + what_else)
