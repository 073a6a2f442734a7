"""Every error of crontabber: they have one root, and say what to do.

An error that a user can cause carries a message of one line: what is wrong, where,
and what to do about it. ``cli`` prints that line and exits with ``exit_code``.
"""

import enum
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime
    from types import TracebackType

Redact = Callable[[str], str]
"""Takes the secrets out of a text."""


class ExitCode(enum.IntEnum):
    """The exit status of the command.

    ``--configtest`` exits with a count instead, ``--nagios`` with a Nagios status,
    and a tick that a signal ended with 128 plus the signal's number.
    """

    OK = 0
    """All went well; a job that failed does not change this."""
    ERROR = 1
    """Something in the configuration, the command line or the database is wrong."""
    RACE_LOST = 2
    """Another crontabber claimed a job between our look and our claim."""
    ONGOING = 3
    """A job was skipped because it, or another one with its lock, is running elsewhere."""


MOST_FAULTS = 125
"""The highest exit status that counts faults: signals have those above it."""


class CrontabberError(Exception):
    """Something went wrong in crontabber."""

    exit_code: int = ExitCode.ERROR

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or type(self).__doc__)


class ConfigError(CrontabberError):
    """The configuration cannot be used."""

    @property
    def faults(self) -> "tuple[ConfigError, ...]":
        """Each thing that is wrong, one by one."""
        return (self,)


class ConfigErrors(ConfigError):
    """Several things are wrong with the configuration.

    Its text has them all on one line; code that can print several lines prints its ``faults``.
    """

    def __init__(self, errors: Iterable[ConfigError]) -> None:
        self._faults = tuple(fault for error in errors for fault in error.faults)
        super().__init__("; ".join(map(str, self._faults)))

    @property
    def faults(self) -> tuple[ConfigError, ...]:
        """Each thing that is wrong, one by one."""
        return self._faults


class JobLineError(ConfigError):
    """A line of the jobs list cannot be used."""


class JobLineErrors(ConfigErrors, JobLineError):
    """Several things are wrong with a line of the jobs list, or with the section of its job."""


class CircularDependencyError(ConfigError):
    """Jobs depend on each other in a circle."""


class UnknownJobError(CrontabberError):
    """No job has this name."""


class EndsProcess(CrontabberError):
    """The code of a job would end the process outside a run."""


class JobDoneError(CrontabberError):
    """The job has succeeded since then."""


class JobOngoingError(CrontabberError):
    """The job is running elsewhere."""

    exit_code = ExitCode.ONGOING


class StoreError(CrontabberError):
    """The state could not be read or written."""


class TablesNotReady(StoreError):
    """The tables are missing or too old, and the caller does not want them to be created."""

    def __init__(self, text: str, now: "datetime", zone: str) -> None:
        super().__init__(text)
        self.now = now
        """The server's time."""
        self.zone = zone
        """Its time zone."""


class LogNotIndexed(StoreError):
    """The log is large and has no index, so reading it would take minutes."""


class DatabaseUnavailable(StoreError):
    """The database cannot be reached."""


class SessionShared(StoreError):
    """The session on the server is not ours alone, so no claim in it can be trusted."""


class ClaimLost(StoreError):
    """The claim on the job is no longer ours."""


class SlotClosed(StoreError):
    """The slot is recorded as done already."""


class LockHeld(CrontabberError):
    """A running job has the lock that this one needs."""

    exit_code: int = ExitCode.ONGOING


class CommandFailed(CrontabberError):
    """A job that is a command did not succeed."""


class JobCrashed(CrontabberError):
    """The process that ran the job ended without a record.

    Never raised: it is the type under which such a run is recorded.
    """


class JobTimeout(BaseException):
    """The run took longer than the ``timeout`` of its app.

    Not an ``Exception``, so that a job's ``except Exception`` does not swallow it.
    """


class Stopped(BaseException):
    """A signal asked the tick to end.

    Not an ``Exception``, so that a job's ``except Exception`` does not swallow it.
    """

    def __init__(self, signum: int, name: str) -> None:
        super().__init__(f"stopped by {name}")
        self.signum = signum


# An exception of a job's own class may raise anything whenever it is touched. These functions
# find its type, its text and where it was raised, and never raise.

_traceback_of = BaseException.__dict__["__traceback__"].__get__
_name_of = type.__dict__["__name__"].__get__


def text_of(error: BaseException) -> str:
    """``str(error)``, or a substitute if that raises."""
    try:
        return str.__str__(str(error))
    except BaseException as broken:  # noqa: BLE001  see above
        return f"(its text cannot be had: str() raised {name_of(broken)})"


def name_of(error: BaseException) -> str:
    """The name of the class of *error*."""
    return str.__str__(_name_of(type(error)))


def full_name_of(error: BaseException) -> str:
    """The same with its module, except for builtins."""
    path = type.__repr__(type(error))  # <class 'module.Name'>
    return path.partition("'")[2].rpartition("'")[0] or name_of(error)


def is_a(error: BaseException, kind: type | tuple[type, ...]) -> bool:
    """Whether *error* is of a class of ours or Python's, by its type and not by ``__class__``."""
    return issubclass(type(error), kind)


def traceback_of(error: BaseException) -> "TracebackType | None":
    """Where *error* was raised."""
    return _traceback_of(error)  # type: ignore[no-any-return]
