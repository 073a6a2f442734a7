"""Ticks as processes: the real command, or forks of a parent that has imported it already.

A fork is a process of its own and dies like one; it only saves the quarter of a second
that Python takes to start and import. Each waits at a gate until all that are to start
together are there.
"""

import gc
import importlib
import json
import os
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from tests import warm
from tests.support import TIMEOUT, Command
from tests.torture.sabotage import SITECUSTOMIZE, apply

CONF = "--admin.conf=crontabber.ini"
ARGUMENTS = "TORTURE_ARGUMENTS"
"""The environment's variable with more of the command line: of what people ask between ticks."""


class Tick(Protocol):
    """A process that runs a tick."""

    pid: int

    def signal(self, number: int) -> None:
        """Send it a signal, wherever it is."""
        ...

    def wait(self) -> int:
        """Wait for its end; the exit status, negative for a signal."""
        ...


class Starter(Protocol):
    """Starts ticks."""

    def start(self, count: int, env: Mapping[str, str]) -> Sequence[Tick]:
        """Make so many processes; with a gate they wait there until `go`."""
        ...

    def go(self) -> None:
        """Open the gate."""
        ...


class CommandStarter:
    """Starts ``python -m crontabber``, without a gate."""

    def __init__(self, command: Command) -> None:
        self._command = command
        command.write("sitecustomize.py", SITECUSTOMIZE)

    def start(self, count: int, env: Mapping[str, str]) -> Sequence[Tick]:
        return [_Started(self._command, env) for _ in range(count)]

    def go(self) -> None:
        pass


class _Started:
    def __init__(self, command: Command, env: Mapping[str, str]) -> None:
        with (command.directory / "output").open("a") as output:
            arguments = (CONF, *shlex.split(env.get(ARGUMENTS, "")))
            self._process = command.popen(*arguments, env=env, stdout=output, stderr=output)
        self.pid = self._process.pid

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def wait(self) -> int:
        return self._process.wait(TIMEOUT)


class ForkServer:
    """Starts forks of a warm parent; use it as a context manager."""

    def __init__(self, command: Command) -> None:
        self._parent = subprocess.Popen(
            [sys.executable, "-m", __name__],
            cwd=command.directory,
            env=command.environ(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    def __enter__(self) -> "ForkServer":
        return self

    def __exit__(self, *exception: object) -> None:
        self._parent.communicate(timeout=TIMEOUT)

    def ask(self, **request: object) -> Any:
        """Have the parent do something."""
        assert self._parent.stdin
        assert self._parent.stdout
        self._parent.stdin.write(json.dumps(request) + "\n")
        return json.loads(self._parent.stdout.readline())

    def start(self, count: int, env: Mapping[str, str]) -> Sequence[Tick]:
        return [_Forked(self, pid) for pid in self.ask(start=count, env=dict(env))]

    def go(self) -> None:
        self.ask(go=True)


class _Forked:
    def __init__(self, server: ForkServer, pid: int) -> None:
        self._server = server
        self.pid = pid

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)  # until it is waited for, the pid is its own

    def wait(self) -> int:
        alarm = threading.Timer(TIMEOUT, self.signal, [signal.SIGKILL])
        alarm.start()
        try:
            return int(self._server.ask(wait=self.pid))
        finally:
            alarm.cancel()


def _serve() -> None:
    """The parent: reads requests from stdin, and answers each by a line."""
    for module in (*warm.PRELOADED["crontabber"], "tests.torture.jobs"):
        importlib.import_module(module)
    gc.collect()
    gc.freeze()
    gate = -1
    for line in sys.stdin:
        request = json.loads(line)
        answer: object = None
        if "start" in request:
            closed, gate = os.pipe()
            answer = [_fork(closed, gate, request["env"]) for _ in range(request["start"])]
            os.close(closed)
        elif "go" in request:
            os.close(gate)
        else:
            answer = os.waitstatus_to_exitcode(os.waitpid(request["wait"], 0)[1])
        print(json.dumps(answer), flush=True)  # noqa: T201  that is how it answers


def _fork(closed: int, gate: int, env: Mapping[str, str]) -> int:
    pid = os.fork()
    if pid == 0:
        os.close(gate)
        os.read(closed, 1)
        os.close(closed)
        warm.leave(_tick(env))
    return pid


def _tick(env: Mapping[str, str]) -> int:
    """What the process of the command would do from here."""
    from crontabber.cli import main

    nothing = os.open(os.devnull, os.O_RDONLY)
    output = os.open("output", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for old, new in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(old, new)
    os.environ.update(env)
    sys.argv = ["crontabber", CONF, *shlex.split(env.get(ARGUMENTS, ""))]
    with apply(env):
        return main()


if __name__ == "__main__":
    _serve()
