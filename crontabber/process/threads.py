"""Threads that jobs leave: who left which is told if the process has to stand for them."""

import threading
from weakref import WeakKeyDictionary

_MOMENT = 1.0
"""For how many seconds a thread may keep a process that wants to end, without a word."""
_left: "WeakKeyDictionary[threading.Thread, str]" = WeakKeyDictionary()
"""By whom; the process cannot end before they do."""


class NotingThreads:
    """A context in which code of jobs runs; the threads that it leaves are those of *who*."""

    def __init__(self, who: str) -> None:
        self._who = who

    def __enter__(self) -> None:
        self._before = {*threading.enumerate()}

    def __exit__(self, *exception: object) -> None:
        for thread in threading.enumerate():
            if not (thread.daemon or thread in self._before):
                _left.setdefault(thread, self._who)


def watch() -> None:
    """Have it logged who keeps this process, which is about to end, if that takes a while.

    A daemon does so: Python first ends threads that only wait for work, as those of executors.
    """
    if any(thread.is_alive() for thread in _left):
        threading.Thread(target=_tell, daemon=True).start()


def _tell() -> None:
    import logging

    threading.Event().wait(_MOMENT)
    threads: dict[str, list[str]] = {}
    for thread, who in [*_left.items()]:
        if thread.is_alive():
            threads.setdefault(who, []).append(repr(str(thread.name)))
    for who, names in threads.items():
        logging.getLogger("crontabber").critical(
            "%s left a thread running, %s: this process cannot end before it does; have the code "
            "join it, or make it a daemon",
            who,
            ", ".join(names),
            extra={"action": "end", "app_name": who},
        )
