"""A process of a worker: does what it is asked for, line by line, until nobody can ask any more."""

import ctypes
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, TextIO

from ...errors import CrontabberError, LockHeld, Stopped
from .settings import load
from .work import Work

_PR_SET_PDEATHSIG = 1


def main(arguments: Sequence[str]) -> int:
    """Serve the worker that started us; *arguments* are the command's. The exit status."""
    _end_with(os.getppid())
    # A service manager signals all processes of a service: here only the worker decides.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # by which it does so, also under nohup
    requests, answers = _take_pipes()
    try:
        work = Work(load(arguments))
    except CrontabberError as error:
        sys.stderr.write(f"crontabber: {error}\n")
        return error.exit_code
    with suppress(BrokenPipeError):
        for line in requests:
            answers.write(json.dumps(_answer(work, json.loads(line))) + "\n")
            answers.flush()
    return 0


def _answer(work: Work, request: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return _done(work, request)
    except (CrontabberError, Stopped) as error:
        return {"error": str(error)}


def _done(work: Work, request: Mapping[str, Any]) -> dict[str, Any]:
    """Do what is asked for; the time on the server, if somebody else does just that."""
    try:
        if "once" in request:
            work.run_once(request["once"], request["arguments"])
            return {}
        return {"due": work.run(request["job"])}
    except LockHeld:
        return {"held": work.now().isoformat()}


def _end_with(worker: int) -> None:
    """A worker that is killed takes its jobs with it, as a killed tick does.

    Where the system has no such thing, a job goes on to its end: its claim guards it.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != worker:  # it was quicker
        os._exit(1)


def _take_pipes() -> tuple[TextIO, TextIO]:
    """The pipes to the worker. What jobs print goes to stderr, and they have nothing to read."""
    requests = os.fdopen(os.dup(0), encoding="utf-8")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.close(nothing)
    return requests, answers


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
