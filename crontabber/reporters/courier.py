"""Hands letters to a process that delivers them, so that no receiver holds up a job.

At its end, the tick waits for that process, within its budget, to learn what went wrong.
"""

import base64
import itertools
import json
import logging
import os
import select
import sys
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import CrontabberError, Redact
from ..process.clock import monotonic
from ..process.python import detached_command
from . import Reporter
from .budget import Budget
from .wording import message_line

_logger = logging.getLogger("crontabber")

_SCRIPT = Path(__file__).with_name("carrier.py")


class Failure(NamedTuple):
    """A letter that did not arrive, as far as is known."""

    to: str
    """The receiver, without secrets."""
    why: str


class Courier:
    """Delivers letters through the process, those with the same key one after the other.

    The process starts with the first letter. *budget* is how long a tick may wait.
    """

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._process: _Process | None = None
        self._numbers = itertools.count()
        self._open: dict[int, str] = {}
        """The receivers of letters that are not delivered yet, by number."""
        self._failures: list[Failure] = []

    def request(
        self,
        to: str,
        url: str,
        *,
        method: str = "GET",
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> None:
        """Deliver an HTTP request; *to* is its address for people, and its key."""
        more.setdefault("key", url)
        encoded = base64.b64encode(body).decode() if body else ""
        letter = {"url": url, "method": method, "body": encoded, "headers": headers or {}}
        self.send(to, "http", **letter, **more)

    def send(self, to: str, way: str, **letter: Any) -> None:
        """Deliver a letter in a *way* that `carrier` knows; returns at once."""
        number = next(self._numbers)
        self._open[number] = to
        try:
            with self._budget.spent():
                self._process = self._process or _Process()
            self._process.say({"id": number, "way": way, **letter})
        except (OSError, ValueError, CrontabberError) as error:
            self._failures.append(Failure(self._open.pop(number), f"no process: {error}"))

    def finish(self) -> list[Failure]:
        """Wait for the letters, as long as the tick may; return those that did not arrive."""
        process, self._process = self._process, None
        if process:
            with self._budget.spent():
                self._hear(process)
        left = f"no answer within {self._budget.patience:g} s, and it is not waited for any more"
        failures = [*self._failures, *(Failure(to, left) for to in self._open.values())]
        self._open, self._failures = {}, []
        return failures

    def _hear(self, process: "_Process") -> None:
        try:
            process.say({"way": "end"})
            for answer in process.answers(monotonic() + self._budget.left):
                to = self._open.pop(answer["id"])
                if answer["trouble"]:
                    self._failures.append(Failure(to, answer["trouble"]))
                if not self._open:
                    return
        except (OSError, ValueError, KeyError, CrontabberError) as error:
            why = f"the process that delivers is gone: {error}"
            self._failures += [Failure(to, why) for to in self._open.values()]
            self._open = {}
        finally:
            process.close()


class CourierReporter(Reporter):
    """Comes last: logs what a courier could not deliver, a line for each receiver."""

    def __init__(self, courier: Courier, budget: Budget, redact: Redact = str) -> None:
        self._courier = courier
        self._budget = budget
        self._redact = redact

    def finished(self) -> None:
        reasons: dict[str, list[str]] = {}
        for failure in self._courier.finish():
            reasons.setdefault(failure.to, []).append(failure.why)
        for to, whys in reasons.items():
            count = f"{len(whys)} times: " if whys[1:] else ""
            why = message_line(self._redact(whys[0]))
            extra = {"action": "tell", "app_name": ""}
            _logger.warning("%s did not arrive: %s%s", to, count, why, extra=extra)
        self._budget.renew()


class _Process:
    """The process that delivers."""

    def __init__(self) -> None:
        import subprocess

        command = detached_command(str(_SCRIPT), str(os.getpid()))
        with subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as process:
            assert process.stdin
            assert process.stdout
            self._in, self._out = os.dup(process.stdin.fileno()), os.dup(process.stdout.fileno())
        os.set_blocking(self._in, False)
        self._pipes = {each: _identity(each) for each in (self._in, self._out)}
        self._unsent = b""
        self.say({"way": "begin", "path": [str(Path(each).absolute()) for each in sys.path]})

    def say(self, letter: dict[str, Any]) -> None:
        """Hand a letter over; what the pipe does not take waits for `answers`."""
        self._check()
        self._unsent += json.dumps(letter).encode() + b"\n"
        self._write()

    def answers(self, until: float) -> Any:
        """Its answers, one by one, *until* that time of the monotonic clock."""
        rest = b""
        self._check()
        while (left := until - monotonic()) > 0:
            wanted = [self._in] if self._unsent else []
            readable, writable, _ = select.select([self._out], wanted, [], left)
            if writable:
                self._write()
            if readable:
                data = os.read(self._out, 65536)
                if not data:
                    raise CrontabberError("it ended without a word")
                *lines, rest = (rest + data).split(b"\n")
                yield from map(json.loads, lines)

    def close(self) -> None:
        """Let go of it; it ends by itself."""
        for pipe, identity in self._pipes.items():
            if _identity(pipe) == identity:
                os.close(pipe)

    def _write(self) -> None:
        try:
            while self._unsent:
                self._unsent = self._unsent[os.write(self._in, self._unsent) :]
        except BlockingIOError:
            pass

    def _check(self) -> None:
        """Check that a job has not closed our pipes: a file of its own may be in their place."""
        if any(_identity(pipe) != identity for pipe, identity in self._pipes.items()):
            raise CrontabberError("a job has closed what leads to it")


def _identity(descriptor: int) -> tuple[int, int] | None:
    try:
        found = os.fstat(descriptor)
    except OSError:
        return None
    return found.st_dev, found.st_ino
