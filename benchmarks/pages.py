"""How quick the live pages are, with a thousand jobs and a million rows in the log.

``python -m benchmarks.pages``: the server of ``--serve`` is a process of its own.
"""

import argparse
import contextlib
import http.client
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from .arena import Installation, environ, server
from .measure import load

KEPT = 2.0
"""For how many seconds the server gives the same page again."""


def main() -> None:
    """Measure, and print."""
    options = _options()
    directory = tempfile.gettempdir()
    with server(Path(directory)) as on:
        site = Installation(on, "pages", options.jobs)
        site.fill_log(options.log)
        site.database.execute(
            "UPDATE crontabber_log SET log_time = log_time + (now() - newest)"
            " FROM (SELECT max(log_time) AS newest FROM crontabber_log) AS log"
            " WHERE log_time > newest - interval '1 day'"
        )
        _say(f"{options.jobs} jobs, {options.log} rows in the log, load {load():.1f}")
        quiet = _median(_ticks(site, options.rounds))
        with _serving(site) as (process, port):
            for path in ("/", "/timeline", "/job?name=app-7", "/graph", "/backfills"):
                before = _processor(process.pid)
                found = _looks(port, path, options.rounds)
                each = (_processor(process.pid) - before) / (options.rounds + 1)
                _say(f"{path:16} {_words(found)}, each a new look; {each:.0f} ms of processor time")
            wall = [_get(port, "/") for _ in range(100)]
            _say(f"{'/':16} {_words(wall)}, one after the other")
            _say(f"memory of the server: {_memory(process.pid) // 1024} MB")
            beside = _median(_ticks(site, options.rounds, port))
            _say(f"an idle tick: {quiet:.0f} ms alone, {beside:.0f} ms while pages are read")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--log", type=int, default=1_000_000, help="rows in the log")
    parser.add_argument("--rounds", type=int, default=9, help="how often each is measured")
    return parser.parse_args()


@contextlib.contextmanager
def _serving(site: Installation) -> Iterator["tuple[subprocess.Popen[str], int]"]:
    command = [*site.tick, "--serve=127.0.0.1:0"]
    with subprocess.Popen(
        command, cwd=site.directory, env=environ(), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        port = int(process.stdout.readline().rstrip("/\n").rpartition(":")[2])
        try:
            yield process, port
        finally:
            process.terminate()


def _looks(port: int, path: str, rounds: int) -> list[float]:
    found = []
    _get(port, path)
    for _ in range(rounds):
        time.sleep(KEPT)
        found.append(_get(port, path))
    return found


def _ticks(site: Installation, rounds: int, port: int = 0) -> Iterator[float]:
    tick = site.run(site.tick)
    for _ in range(rounds):
        if port:
            _get(port, "/")
        yield tick() * 1000


def _get(port: int, path: str) -> float:
    """Milliseconds until all of a page is there."""
    began = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    if answer.status != http.HTTPStatus.OK:
        raise RuntimeError(f"{path}: {answer.status}")
    return (time.perf_counter() - began) * 1000


def _processor(pid: int) -> float:
    """Milliseconds of processor time that a process has taken."""
    times = psutil.Process(pid).cpu_times()
    return (times.user + times.system) * 1000


def _memory(pid: int) -> int:
    """The memory that a process has at the moment, in KiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


def _median(found: Iterator[float]) -> float:
    return statistics.median(found)


def _words(found: list[float]) -> str:
    return f"{statistics.median(found):6.1f} ms median, {max(found):6.1f} ms at most"


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
