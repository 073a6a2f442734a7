"""The setting ``CRONTABBER_JOBS``: a list of dicts in, jobs and faults out."""

import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ...config.appspec import (
    check_name,
    duration_from,
    lock_from,
    missed_from,
    number_from,
    retry_from,
    start_from,
)
from ...config.messages import did_you_mean
from ...config.secrets import keys_in_urls
from ...config.telling import tell_from
from ...errors import JobLineError
from ...schedule.grammar import Frequency, JobLine, Schedule
from ...schedule.model import Tells
from ...secrecy import MASK, sounds_secret
from ...tick.lookup import EVERYTHING

SETTING = "CRONTABBER_JOBS"

_PATH = "django:"
"""The beginning of the class paths of these jobs: a key in the tables, not a class."""

AS_AN_APP = (
    *("depends_on", "lock", "retry", "timeout", "late", "spread", "missed", "too_late", "start"),
    *("keep_output", *Tells._fields),
)
"""What a job has in common with an app."""

_EXAMPLE = 'write it like {"cmd": "clearsessions", "frequency": "1d", "time": "03:00"}'


class SettingError(JobLineError):
    """A setting cannot be used; *hint* says what to do about it."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(f"{message}: {hint}")
        self.message = message
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Job:
    """A management command that runs by a schedule."""

    name: str
    """Its identity, crontabber's app_name; the name of the command, unless another is given."""
    cmd: str
    schedule: Schedule
    cmd_args: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()
    backfill: bool = False
    """Whether the command gets each slot that was missed, as ``run_time``."""
    last_success: bool = False
    """Whether the command gets the time of its last success, as ``last_success``."""
    lock: Any = None
    """This, and the fields below, are as in `crontabber.base.BaseCronApp`."""
    retry: Any = None
    timeout: Any = None
    late: Any = None
    spread: Any = None
    missed: Any = None
    too_late: Any = None
    start: Any = None
    keep_output: Any = None
    tell: Any = None
    on: Any = None
    notify: Any = None
    ping: Any = None
    ping_style: Any = None
    ping_start: Any = None

    @property
    def line(self) -> JobLine:
        """The job as the core lists it."""
        return JobLine(_PATH + self.name, self.schedule)

    @property
    def secrets(self) -> frozenset[str]:
        """The arguments, and the parts of URLs, that must not be shown."""
        pairs = zip(self.cmd_args, self._shown(), strict=True)
        found = {
            given.removeprefix(shown[: -len(MASK)]) for given, shown in pairs if given != shown
        }
        for urls in (self.ping, self.notify):
            found.update(keys_in_urls(joined(urls or "")))
        return frozenset(found)

    def __str__(self) -> str:
        return " ".join((self.cmd, *self._shown()))

    def _shown(self) -> Iterator[str]:
        """The arguments, with a mask for those of options whose names sound secret."""
        is_secret = False
        for argument in self.cmd_args:
            name, has_value, _ = argument.partition("=")
            is_named = argument.startswith("-") and sounds_secret(name)
            if is_named and has_value:
                yield f"{name}={MASK}"
            else:
                yield MASK if is_secret and not argument.startswith("-") else argument
            is_secret = is_named and not has_value


@dataclass(frozen=True, slots=True)
class Jobs:
    """The jobs that can be used, by class path, and what is wrong with the others."""

    by_path: Mapping[str, Job]
    faults: tuple[SettingError, ...] = ()

    @property
    def lines(self) -> tuple[JobLine, ...]:
        """The jobs in their order, as the core lists them."""
        return tuple(job.line for job in self.by_path.values())

    @classmethod
    def read(cls, setting: Any) -> "Jobs":
        """Read the whole setting; a job that cannot be used does not affect the others."""
        if not isinstance(setting, list | tuple):
            kind = type(setting).__name__
            fault = SettingError(
                f"{SETTING} is a {kind}, and not a list", "make it a list of dicts"
            )
            return cls({}, (fault,))
        jobs: dict[str, Job] = {}
        faults: list[SettingError] = []
        for number, entry in enumerate(setting):
            try:
                job = read_job(entry, f"{SETTING}[{number}]")
                if job.line.class_path in jobs:
                    raise _twice(job, f"{SETTING}[{number}]")
                jobs[job.line.class_path] = job
            except SettingError as fault:
                faults.append(fault)
        return cls(jobs, tuple(faults))


def read_job(entry: Any, where: str) -> Job:
    """Read one dict. Raises a `SettingError` that names *where* it is."""
    if not isinstance(entry, Mapping):
        raise SettingError(f"{where} is a {type(entry).__name__}, and not a dict", _EXAMPLE)
    if not isinstance(entry.get("cmd"), str) or not entry["cmd"].strip():
        raise SettingError(f"{where} has no command", _EXAMPLE)
    where = f"{where} ({entry['cmd']})"
    unknown = [key for key in entry if key not in _READERS]
    if unknown:
        guess = did_you_mean(str(unknown[0]), _READERS).removeprefix(": ")
        raise SettingError(
            f"{where} has an unknown key {unknown[0]!r}",
            guess or f"a job has {', '.join(_READERS)}",
        )
    values = {key: _READERS[key](value, f"{key} of {where}") for key, value in entry.items()}
    frequency, time = values.pop("frequency", "1d"), values.pop("time", None)
    with _refused(f"the schedule of {where}"):
        if {"|", ":"} & set(frequency):
            Frequency.parse(frequency)  # refuses it: a time needs no frequency
        values["schedule"] = Schedule.parse(f"{frequency}|{time}" if time else frequency)
    values.setdefault("name", values["cmd"])
    if values["name"] == EVERYTHING:
        raise SettingError(f"{where} is called {EVERYTHING!r}", "give it another name")
    with _refused(where):
        for name in (values["name"], *values.get("depends_on", ())):
            check_name(name, "a name in it")
    return Job(**values)


@contextmanager
def _refused(what: str) -> Iterator[None]:
    """Turn the core's error about *what* into a `SettingError`."""
    try:
        yield
    except JobLineError as error:
        raise SettingError(f"{what} cannot be used", str(error)) from None


def joined(value: Any) -> str:
    """A list as in an ini file, with commas; a text as it is."""
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _text(value: Any, what: str) -> str:
    if isinstance(value, str) and value.strip():
        return value
    raise SettingError(f"{what} is {value!r}", "make it a text")


def _command(value: Any, what: str) -> str:
    if value == "cronrun":
        hint = "leave it out, and have cron start it"
        raise SettingError(f"{what} runs the jobs, and cannot be one of them", hint)
    return _text(value, what)


def _optional_text(value: Any, what: str) -> str | None:
    return None if value is None else _text(value, what)


def _yes_or_no(value: Any, what: str) -> bool:
    if isinstance(value, bool):
        return value
    raise SettingError(f"{what} is {value!r}", "make it True or False")


def _arguments(value: Any, what: str) -> tuple[str, ...]:
    if isinstance(value, list | tuple):
        return tuple(map(str, value))
    kind = type(value).__name__  # the value itself may hold a password
    raise SettingError(f"{what} is a {kind}", 'make it a list, such as ["--days=3", "archive"]')


def _names(value: Any, what: str) -> tuple[str, ...]:
    names = (value,) if isinstance(value, str) else value
    if isinstance(names, list | tuple) and all(isinstance(n, str) and n for n in names):
        return tuple(dict.fromkeys(names))
    raise SettingError(f"{what} is {value!r}", "make it the name of a job, or a list of names")


def _limit(check: Callable[[Any, str], object]) -> Callable[[Any, str], Any]:
    """A reader for an attribute of apps: *check* refuses a bad value, a good one is kept."""

    def read(value: Any, what: str) -> Any:
        with _refused(what):
            check(value, "it")
        return value

    return read


def _telling(name: str, value: Any, what: str) -> Any:
    try:
        tell_from(name, value, what)
    except JobLineError as error:
        message, _, hint = str(error).partition(": ")
        raise SettingError(message, hint) from None
    return value


_READERS: Mapping[str, Callable[[Any, str], Any]] = {
    "cmd": _command,
    "name": _text,
    "cmd_args": _arguments,
    "frequency": _text,
    "time": _optional_text,
    "backfill": _yes_or_no,
    "last_success": _yes_or_no,
    "depends_on": _names,
    "lock": _limit(lock_from),
    "retry": _limit(retry_from),
    "timeout": _limit(duration_from),
    "late": _limit(duration_from),
    "spread": _limit(duration_from),
    "missed": _limit(missed_from),
    "too_late": _limit(duration_from),
    "start": _limit(start_from),
    "keep_output": _limit(lambda value, what: number_from(value, what, 0)),
    **{name: functools.partial(_telling, name) for name in Tells._fields},
}


def _twice(job: Job, where: str) -> SettingError:
    return SettingError(
        f"{where} ({job.cmd}) is the second job called {job.name!r}",
        'give it a name of its own, such as {"name": "…"}',
    )
