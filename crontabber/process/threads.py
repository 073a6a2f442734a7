"""Threads and children that jobs leave: if the process has to wait for them, the log says so."""

import sys
import threading
from contextlib import suppress
from typing import Any
from weakref import WeakKeyDictionary

_threads = threading.enumerate  # bound here: a job may replace it for itself
_MOMENT = 1.0
"""For how many seconds one may keep a process that wants to end before that is logged."""
_left: "WeakKeyDictionary[Any, str]" = WeakKeyDictionary()
"""The threads, and the processes of multiprocessing, that Python waits for, and whose they are."""


class NotingThreads:
    """A context in which a job's code runs; what it leaves running belongs to *who*."""

    def __init__(self, who: str) -> None:
        self._who = who

    def __enter__(self) -> None:
        self._before = {*_running()}

    def __exit__(self, *exception: object) -> None:
        try:
            for each in _running():
                if each not in self._before and not each.daemon:
                    _left.setdefault(each, self._who)
        except Exception:  # noqa: BLE001, S110  of an object that a job made
            pass


def watch() -> None:
    """Log who keeps this process, which is about to end, if that takes a while.

    A daemon does so: Python first ends threads that only wait for work, as those of executors.
    """
    if _left and _kept():
        threading.Thread(target=_tell, daemon=True).start()


def _running() -> list[Any]:
    found: list[Any] = _threads()
    if "multiprocessing.process" in sys.modules:
        with suppress(Exception):  # a job may have spoilt it
            found += sys.modules["multiprocessing.process"].active_children()
    return found


def _kept() -> dict[str, list[str]]:
    """What keeps the process, by the job that left it."""
    found: dict[str, list[str]] = {}
    for each in _running():
        if who := _left.get(each):
            kind = "thread" if isinstance(each, threading.Thread) else "process"
            found.setdefault(who, []).append(f"{kind} {str(each.name)!r}")
    return found


def _tell() -> None:
    import logging

    threading.Event().wait(_MOMENT)
    for who, what in _kept().items():
        logging.getLogger("crontabber").critical(
            "%s left running: %s; this process cannot end before that does: have the code join it, "
            "or make it a daemon",
            who,
            ", ".join(what),
            extra={"action": "end", "app_name": who},
        )
