"""Whether a pooler gives the server's session that we are in to other clients too."""

import contextlib
from collections.abc import Callable

import psycopg2
from psycopg2.extensions import connection as Connection

_TIMES = 10
"""How often each side asks: a pooler may give each transaction any of its sessions."""
_PATIENCE = 2.0
"""Seconds in which a pooler that has a free session provides it."""


def is_shared(
    ask: Callable[[], int],
    connect: Callable[[], Connection],
    ask_other: Callable[[Connection], int],
) -> bool:
    """Whether other clients get the session that serves our transactions, too.

    *ask* and *ask_other* ask, in a transaction of their own, which process serves us, or
    a connection that *connect* made.

    A pooler answers with a key of its own when a client connects, so its presence is known;
    its mode is not. In transaction mode it gives our idle session to the next client that has
    something to ask, or gives us another one the next time. So a second connection asks, and
    then we do. If the second one has to wait, our session is kept for us.
    """
    others = _pids_of_another(connect, ask_other)
    own = {ask() for _ in range(_TIMES)}
    return len(own) > 1 or not own.isdisjoint(others)


def _pids_of_another(
    connect: Callable[[], Connection], ask: Callable[[Connection], int]
) -> set[int]:
    """The processes that serve a second connection, as far as they answer in time."""
    import threading

    pids: set[int] = set()

    def look() -> None:
        with contextlib.suppress(psycopg2.Error), contextlib.closing(connect()) as connection:
            connection.autocommit = True
            for _ in range(_TIMES):
                pids.add(ask(connection))

    # in a thread, as a pooler in session mode lets it wait without a limit
    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    thread.join(_PATIENCE)
    return set(pids)
