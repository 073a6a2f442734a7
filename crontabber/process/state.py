"""The process around a job: what the job did to it is undone.

`THINGS` is the list of what is put back, and says why. What is not in it stays: threads,
child processes, open files, memory, `atexit` functions, random numbers' seeds, modules and
what was patched in them, and what C code keeps for itself.
"""

import contextlib
import logging
import os
from typing import Any

from ..errors import text_of
from .importing import Finders, ImportPath, Modules
from .interpreter import (
    Clock,
    Collector,
    Connecting,
    Decimals,
    Environment,
    Filters,
    LevelNames,
    Locale,
    Loggers,
    Tracing,
    Waiting,
    Watchdog,
    Zone,
)
from .kernel import Directory, Identity, Limits, Mask, Priority, SignalState
from .streams import Streams
from .things import Attribute, Contents, Entries, Names, Thing, Value


def _none(module: object) -> None:
    """The value of an attribute that is not set."""


THINGS: tuple[Thing, ...] = (
    # first what the others need
    Names("builtins", "all Python code would get the job's"),
    SignalState(
        "signals", "the job's signals and timers would go off, or SIGTERM would do nothing"
    ),
    Identity("user and groups", "rights would be missing"),
    Streams("stdin, stdout and stderr", "print would raise, or write to a socket"),
    # what the system keeps for the process
    Environment("os.environ", "databases, proxies, paths and passwords would be the job's"),
    Zone("the time zone", "dates would be in the wrong zone"),
    Directory("the working directory", "relative paths would lead elsewhere"),
    Mask("the umask", "new files would be open to all, or to none"),
    Limits("resource limits", "memory, files or time would run out"),
    Priority("priority and CPU affinity", "it would be slow"),
    # Python
    ImportPath("sys.path", "modules would be missing, or be others of the same name"),
    Modules("sys.modules", "imports would fail, in crontabber too"),
    Finders("sys", "meta_path", "nothing could be imported"),
    Finders("sys", "path_hooks", "nothing could be imported"),
    Contents("sys", "argv", "code that reads the command line would read the wrong one"),
    Names("signal", "SIGTERM and time limits would do nothing"),
    Names("sys", "the job's hooks would be called"),
    Attribute("sys", "tracebacklimit", "the tables would get no tracebacks"),
    Attribute("threading", "excepthook", "the job's hook would be called"),
    Value("sys", "gettrace", "settrace", "each line would be traced"),
    Value("sys", "getprofile", "setprofile", "each call would be profiled"),
    Value("threading", "gettrace", "settrace", "each line of new threads would be traced"),
    Value("threading", "getprofile", "setprofile", "each call in new threads would be profiled"),
    Value("sys", "getrecursionlimit", "setrecursionlimit", "recursion would end early, or crash"),
    Value("sys", "get_int_max_str_digits", "set_int_max_str_digits", "long numbers would raise"),
    Value("sys", "getswitchinterval", "setswitchinterval", "threads would starve each other"),
    Value("threading", "stack_size", "stack_size", "threads would not start, or crash"),
    Value("csv", "field_size_limit", "field_size_limit", "long fields would raise", fresh=131072),
    Clock("time", "schedules, durations and waits would be wrong"),
    Names("datetime", "dates would be wrong"),
    Decimals("the decimal context", "amounts would be rounded differently"),
    Locale("the locale", "numbers, dates and sort order would differ"),
    Filters("warnings", "filters", "warnings would become errors, or be hidden"),
    Names("warnings", "the job's code would show the warnings"),
    Collector("the garbage collector", "garbage would pile up, or cost time"),
    Value("gc", "get_debug", "set_debug", "garbage would be kept, and listed on stderr"),
    Contents("gc", "callbacks", "the job's callbacks would run"),
    Tracing("tracemalloc", "each allocation would cost time and memory"),
    Watchdog("faulthandler", "its timer would end the process"),
    # the log
    Names(
        "logging", "records would be of the job's class, and faults of handlers hidden or raised"
    ),
    Loggers("loggers and handlers", "failures would not be logged"),
    LevelNames("the names of log levels", "levels in the log would be wrong"),
    Attribute("logging", "Formatter.converter", "times in the log would be in the wrong zone"),
    # libraries, if they are there
    Entries(
        "psycopg2.extensions",
        "string_types",
        "values from the database would be converted differently",
    ),
    Entries(
        "psycopg2.extensions", "adapters", "values to the database would be converted differently"
    ),
    Waiting(
        "psycopg2.extensions", "set_wait_callback", "queries would wait through the job's function"
    ),
    Value("socket", "getdefaulttimeout", "setdefaulttimeout", "connections would time out"),
    Connecting("socket", "socket", "connections would be made the job's way"),
    Connecting("socket", "create_connection", "connections would be made the job's way"),
    Connecting("socket", "getaddrinfo", "connections would lead elsewhere"),
    Attribute(
        "ssl",
        "_create_default_https_context",
        "https would trust every server",
        fresh=lambda ssl: ssl.create_default_context,
    ),
    Attribute(
        "urllib.request",
        "_opener",
        "requests would use the job's proxies and passwords",
        fresh=_none,
    ),
    Attribute("tempfile", "tempdir", "temporary files would go to the job's TMPDIR", fresh=_none),
    Attribute(
        "asyncio.events",
        "_event_loop_policy",
        "there would be no new event loop",
        fresh=_none,
    ),
    Value(
        "asyncio.events",
        "_get_running_loop",
        "_set_running_loop",
        "no event loop could run",
    ),
    Attribute(
        "multiprocessing.context",
        "_default_context._actual_context",
        "the start method of processes would be fixed",
        fresh=_none,
    ),
)
"""What is put back after each run, in this order."""


class ProcessState:
    """The process as it was when this was last told to remember it.

    It is also a context, which remembers, and restores at its end. Used for one job after the
    other it costs half: what no job changed is compared, and not read again.
    """

    def __init__(self) -> None:
        self._was: dict[Thing, Any] = {}
        self._changed: list[Thing] = [*THINGS]
        self._watched: list[Thing] = []
        self._pid = 0

    def remember(self) -> None:
        """Remember the process as it is now.

        If it did before, only what had to be put back since, and what came into being: nothing
        but jobs, each followed by `restore`, may have changed the rest.
        """
        self._pid = os.getpid()
        stale = [thing for thing in self._watched if not thing.is_current(self._was[thing])]
        if not (self._changed or stale):
            return
        stale += self._changed
        self._changed = []
        for thing in stale:
            try:
                self._was[thing] = thing.read()
            except Exception:  # noqa: BLE001  what cannot be read is left as it will be
                self._was.pop(thing, None)
                self._changed.append(thing)
        self._watched = [thing for thing, was in self._was.items() if thing.is_watched(was)]

    def restore(self) -> None:
        """Put back what was changed, and write what was printed. Never raises.

        What cannot be put back is told by the log.
        """
        if os.getpid() != self._pid:
            os._exit(1)  # a child that the job forked, and that came back from run()
        failed = []
        for thing, was in self._was.items():
            try:
                if thing.put_back(was):
                    self._changed.append(thing)
            except BaseException:  # noqa: BLE001  a job's object may raise anything
                failed.append(thing)
        for thing in failed:
            if fault := _fault(thing, self._was[thing]):  # it may have needed what came after it
                _tell(thing, fault)
        self._changed += failed

    def __enter__(self) -> "ProcessState":
        self.remember()
        return self

    def __exit__(self, *exception: object) -> None:
        self.restore()


def _fault(thing: Thing, was: Any) -> BaseException | None:
    """Put a thing back; why that cannot be done, if it cannot."""
    try:
        thing.put_back(was)
    except BaseException as error:  # noqa: BLE001  a job's object may raise anything
        return error
    return None


def _tell(thing: Thing, fault: BaseException) -> None:
    with contextlib.suppress(BaseException):
        logging.getLogger("crontabber").warning(
            "after a job %s cannot be put back: %s",
            thing.name,
            text_of(fault),
            extra={"action": "restore", "app_name": ""},
        )
