"""PostgreSQL connections whose queries end when a signal's handler raises.

While libpq waits for an answer it waits in C, and Python's signal handlers do not
run: a job in a query that takes an hour would not notice SIGTERM for an hour. psycopg2 can
wait in Python instead ("green" mode), but then for everything in the process, and COPY
and large objects do not work then. Therefore only the wait during a statement is ours:
it is installed just before and removed just after.

It is installed for the whole process: while a job has threads, whose COPY would be refused
meanwhile, libpq waits as usual.

A wait that is cut short cancels the query on the server, and the connection is closed.
libpq waits for connecting, commit, rollback and COPY as usual: after an interrupted
commit nothing could tell whether it was made.
"""

import contextlib
import functools
import os
import select
import sys
from collections.abc import Callable
from typing import Any

import psycopg2
from psycopg2 import extensions

from . import waiting

_LOOK = 0.25
"""Seconds: a signal that comes just before ``select`` does is noticed after these."""

_CANCEL_OWN = 0.5
"""The same for a statement of crontabber's own: its connection is given up in any case."""
_CANCEL = 5.0
"""Seconds that a server, which may be gone, has to accept a cancellation."""


# Bound here, as a job may put something else in their place.
_cursor = extensions.cursor
_get_wait_callback, _set_wait_callback = extensions.get_wait_callback, extensions.set_wait_callback
_select = select.select


class InterruptibleConnection(extensions.connection):
    """A psycopg2 connection whose cursors, of any class, are interruptible."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._socket = _identity(self)

    def give_up_if_taken(self) -> None:
        """Close it if its descriptor leads elsewhere because a job closed all, as daemons do.

        A file that has the number by now is not touched.
        """
        if self.closed or _identity(self) == self._socket:
            return
        number = self.fileno()
        try:
            taken = os.dup(number)
        except OSError:
            self.close()  # it leads to nothing
            return
        with open(os.devnull, "rb+") as nowhere:  # noqa: PTH123  pathlib is not imported for it
            os.dup2(nowhere.fileno(), number, inheritable=False)
        self.close()
        os.dup2(taken, number, inheritable=False)
        os.close(taken)

    def cursor(
        self, name: Any = None, cursor_factory: Any = None, *args: Any, **options: Any
    ) -> Any:
        """Make a cursor, as psycopg2 does."""
        chosen: Any = cursor_factory or self.cursor_factory
        factory = chosen or _cursor
        if isinstance(factory, type):
            factory = _interruptible(factory, named=name is not None)
        return super().cursor(name, factory, *args, **options)


def _identity(connection: Any) -> tuple[int, int] | None:
    """What the connection's descriptor leads to; None if nothing."""
    try:
        found = os.fstat(connection.fileno())
    except OSError:
        return None
    return found.st_dev, found.st_ino


_STATEMENTS = ("execute", "executemany", "callproc")
_FETCHES = ("fetchone", "fetchmany", "fetchall", "scroll", "__next__")


@functools.cache
def _interruptible(factory: type, named: bool) -> type:
    """A subclass of *factory* whose methods that talk to the server are interruptible.

    The fetches of a cursor with a name are among them; the others only read memory.
    """
    methods = _STATEMENTS + _FETCHES if named else _STATEMENTS
    return type(
        factory.__name__,
        (factory,),
        {"__module__": factory.__module__}
        | {name: _waiting_in_python(getattr(factory, name)) for name in methods},
    )


def _waiting_in_python(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        self.connection.give_up_if_taken()
        if not _is_ours_to_wait():
            return method(self, *args, **kwargs)
        try:
            _set_wait_callback(_wait)
            return method(self, *args, **kwargs)
        finally:
            _set_wait_callback(None)

    return call


def _is_ours_to_wait() -> bool:
    """Whether signals can arrive here, and no library, such as gevent, has its own way to wait."""
    return _is_alone() and _get_wait_callback() in (None, _wait)


def _is_alone() -> bool:
    """Whether this is the main thread, and no other can be in a COPY, which would fail.

    Daemons do not count: they are those of libraries, such as Sentry's.
    """
    # where it is not imported, no thread was started; and an idle tick need not import it
    threading = sys.modules.get("threading")
    if threading is None:
        return True
    this, others = threading.current_thread(), threading.enumerate()
    return this is threading.main_thread() and (
        len(others) == 1 or not any(each is not this and not each.daemon for each in others)
    )


def _wait(connection: Any) -> None:
    """Wait for the server's answer; on an exception from a signal, cancel the query."""
    try:
        while (state := connection.poll()) != extensions.POLL_OK:
            if state == extensions.POLL_READ:
                _select([connection], [], [], _LOOK)
            else:
                _select([], [connection], [], _LOOK)
            waiting.look()
    except psycopg2.Error:
        raise  # there is no query any more
    except BaseException:
        _cancel(connection)
        raise


def _cancel(connection: Any) -> None:
    """Make the server stop the query; libpq opens a new connection for that, which may hang."""

    def cancel() -> None:
        with contextlib.suppress(psycopg2.Error):
            connection.cancel()

    import threading

    thread = threading.Thread(target=cancel, daemon=True)
    thread.start()
    thread.join(_CANCEL_OWN if waiting.is_limited() else _CANCEL)
