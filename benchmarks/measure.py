"""Measures whole processes in turns, so that a disturbance meets all of them alike."""

import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

ROUNDS = 7
"""The rounds; with fewer, figures of a noisy machine mean nothing."""

Work = Callable[[], float]
"""Does something once; how many seconds it took, of what is counted."""


class Figure(NamedTuple):
    """What was measured in several rounds: seconds, or another unit."""

    values: tuple[float, ...]

    @property
    def minimum(self) -> float:
        """The minimum: the cost when nothing disturbs it."""
        return min(self.values)

    @property
    def median(self) -> float:
        """The median: the usual cost."""
        return statistics.median(self.values)

    def beyond(self, other: "Figure", parts: int) -> "Figure":
        """What each of *parts* costs beyond the least of *other*."""
        return Figure(tuple((value - other.minimum) / parts for value in self.values))


def in_turns(works: Mapping[str, Work], rounds: int = ROUNDS) -> dict[str, Figure]:
    """Do each of *works* once in each round; the first round only warms up.

    Every second round goes backwards, so that none has always the same one before it.
    """
    values: dict[str, list[float]] = {name: [] for name in works}
    for number in range(rounds + 1):
        for name in sorted(works, key=list(works).index, reverse=number % 2 == 1):
            seconds = works[name]()
            if number:
                values[name].append(seconds)
    return {name: Figure(tuple(found)) for name, found in values.items()}


def process(command: Sequence[str], environ: Mapping[str, str], cwd: str) -> Work:
    """Run a command to its end, as a process, which has to succeed."""

    def work() -> float:
        began = time.perf_counter()
        done = subprocess.run(
            command,
            env=environ,
            cwd=cwd,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        seconds = time.perf_counter() - began
        if done.returncode:
            sys.exit(f"{' '.join(command)} ended with {done.returncode}: {done.stderr.decode()}")
        return seconds

    return work


def processor(command: Sequence[str], environ: Mapping[str, str], cwd: str) -> Work:
    """Run a command to its end; the processor time that it took, without the time it waited."""
    run = process(command, environ, cwd)

    def spent() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    def work() -> float:
        before = spent()
        run()
        return spent() - before

    return work


def memory(command: Sequence[str], environ: Mapping[str, str], cwd: str) -> Work:
    """Run a command to its end; the most memory that it had, in bytes.

    Linux counts towards a process what its parent had when it was forked, so a small one
    stands between.
    """
    small = (
        "import resource, subprocess, sys\n"
        "subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    line = [sys.executable, "-S", "-c", small, *command]
    unit = 1 if sys.platform == "darwin" else 1024

    def work() -> float:
        done = subprocess.run(line, env=environ, cwd=cwd, stdout=subprocess.PIPE, check=True)
        return float(done.stdout) * unit

    return work


def load() -> float:
    """The load: how many processes wanted to run lately; it is printed beside the figures."""
    return os.getloadavg()[0]
