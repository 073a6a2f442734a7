"""The processes in which a worker runs jobs: each one at a time, and kept for the next.

A process of its own is where a job has the main thread to itself, as in a tick: signals
and time limits reach it, what it does to the process affects no other job, and none can
keep the worker from saying that it lives.
"""

import asyncio
import json
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping, Sequence
from typing import Any

from ...errors import CrontabberError
from ...process.python import module_command

_LONGEST_ANSWER = 1 << 26
"""In bytes: an answer names every job to hand over next."""


class ProcessEnded(CrontabberError):
    """The process that ran a job ended without an answer."""


class ProcessPool:
    """As many processes as there were ever jobs at once; *arguments* are the command's."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self._command = module_command(f"{__package__}.child", *arguments)
        self._idle: list[Process] = []

    async def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Send a request to a process; return its answer. Raises `ProcessEnded`.

        If this is cancelled, the job is ended and recorded as failed before it returns.
        """
        process = self._alive() or await self._start()
        asking = asyncio.ensure_future(_ask(process, request))
        try:
            answer = await asyncio.shield(asking)
        except asyncio.CancelledError:
            if process.returncode is None:
                process.send_signal(signal.SIGHUP)
            await asyncio.wait([asking])
            await _end(process)
            raise
        self._idle.append(process)
        return answer

    def _alive(self) -> Process | None:
        """An idle process; those that ended meanwhile are forgotten."""
        while self._idle:
            process = self._idle.pop()
            if process.returncode is None:
                return process
        return None

    async def close(self) -> None:
        """End the processes."""
        while self._idle:
            await _end(self._idle.pop())

    async def _start(self) -> Process:
        return await asyncio.create_subprocess_exec(
            *self._command,
            stdin=PIPE,
            stdout=PIPE,
            limit=_LONGEST_ANSWER,
            start_new_session=True,  # Ctrl-C is for the worker: it waits for the job
        )


async def _ask(process: Process, request: Mapping[str, Any]) -> dict[str, Any]:
    assert process.stdin, "it was started with pipes"
    assert process.stdout
    try:
        process.stdin.write(json.dumps(request).encode() + b"\n")
        await process.stdin.drain()
        line = await process.stdout.readline()
    except ConnectionError:
        line = b""
    if not line:
        status = await process.wait()
        how = f"by signal {-status}" if status < 0 else f"with status {status}"
        raise ProcessEnded(f"the process {process.pid} that ran the job ended {how}")
    answer: dict[str, Any] = json.loads(line)
    return answer


async def _end(process: Process) -> None:
    """Close the pipe to the process, which ends it, and wait."""
    assert process.stdin
    process.stdin.close()
    await process.wait()
