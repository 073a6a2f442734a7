"""The process that starts the private PostgreSQL, and stops it when nobody uses it.

It is started as ``python -m crontabber.embedded.keeper DIRECTORY LINGER SETTINGS``, belongs
to no terminal and to no parent, and lives as long as the server. It writes one line: that
the server is ready, or why it is not.
"""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

from ..errors import CrontabberError, DatabaseUnavailable
from .installation import bin_directory, server_identity
from .place import PORT, READY, SUPERUSER, Place

_POLL = 0.02
"""Seconds between two looks at a server that is starting."""


def main(directory: str, linger: str, settings: str) -> int:
    """Keep a server until nobody uses it; the exit status."""
    if os.fork():
        os._exit(0)  # whoever started us need not wait for us, nor ever reap us
    os.umask(0o077)
    signal.signal(signal.SIGTERM, lambda signum, _: sys.exit(128 + signum))
    place = Place(directory)
    with place.locked("keeper"):
        try:
            server = _orphan(place) or _start(place, json.loads(settings))
            _wait_until_ready(place, server)
        except CrontabberError as error:
            _say(str(error))
            return 1
        _say(READY)
        try:
            _keep(place, server, max(float(linger), _POLL))
        finally:
            _stop(place, server)
    return 0


def _say(line: str) -> None:
    """Tell the one who waits for us, and close that line for good."""
    with contextlib.suppress(BrokenPipeError):  # who asked may be gone
        os.write(1, f"{line}\n".encode())
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    os.close(nothing)


def _orphan(place: Place) -> psutil.Process | None:
    """A server that runs here although its keeper was killed: we take it over.

    A ``postmaster.pid`` that a crash left behind is removed: PostgreSQL would not start
    if its number belonged to another process of ours by now.
    """
    lines = place.postmaster()
    if not lines:
        return None
    with contextlib.suppress(psutil.Error, ValueError):
        process = psutil.Process(int(lines[0]))
        if str(place.cluster) in process.cmdline():
            return process
    (place.cluster / "postmaster.pid").unlink()
    return None


def _start(place: Place, settings: Mapping[str, str]) -> psutil.Process:
    """Start the server, in a new cluster if there is none."""
    programs = bin_directory(place.major())
    if not place.cluster.exists():
        _make_cluster(place, programs, durable=settings.get("fsync") != "off")
    sockets = str(_owned(place.new_socket_directory())).replace('"', '""')
    parameters = {
        **settings,
        "listen_addresses": "",
        "port": str(PORT),
        "unix_socket_directories": f'"{sockets}"',
    }
    arguments = [word for name, value in parameters.items() for word in ("-c", f"{name}={value}")]
    with place.log.open("wb") as log:
        return psutil.Popen(
            [programs / "postgres", "-D", place.cluster, *arguments],
            stdout=log,
            stderr=log,
            **_surroundings(place),
        )


def _make_cluster(place: Place, programs: Path, *, durable: bool) -> None:
    """Run ``initdb`` beside the cluster's place and move the result: all of it, or nothing."""
    unfinished = place.directory / "cluster.new"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    options = ["--auth=trust", "--encoding=UTF8", "--no-locale", f"--username={SUPERUSER}"]
    done = subprocess.run(
        [programs / "initdb", *options, *([] if durable else ["--no-sync"]), _owned(unfinished)],
        capture_output=True,
        text=True,
        check=False,
        **_surroundings(place),
    )
    if done.returncode:
        raise DatabaseUnavailable(done.stderr.strip() or "initdb failed without a word")
    unfinished.rename(place.cluster)


def _surroundings(place: Place) -> dict[str, Any]:
    """`subprocess.Popen`'s arguments: where PostgreSQL's programs run, and as whom.

    They read some of the variables that are meant for clients, such as ``PGPORT``.
    """
    environment = {name: value for name, value in os.environ.items() if name[:2] != "PG"}
    return {
        "cwd": place.directory,
        "env": environment,
        "stdin": subprocess.DEVNULL,
        **server_identity(),
    }


def _owned(directory: Path) -> Path:
    """Hand a directory over to the user that PostgreSQL runs as."""
    identity = server_identity()
    if identity:
        os.chown(directory, identity["user"], identity["group"])
    return directory


def _wait_until_ready(place: Place, server: psutil.Process) -> None:
    """Wait until the server answers; a `DatabaseUnavailable` says why it ended instead."""
    while place.socket_directory() is None:
        with contextlib.suppress(psutil.TimeoutExpired):
            server.wait(_POLL)
            fatal = place.log.read_text(errors="replace").rpartition("FATAL:")[2].split("\n")[0]
            raise DatabaseUnavailable(f"{fatal.strip() or 'it ended'} (see {place.log})")


def _keep(place: Place, server: psutil.Process, linger: float) -> None:
    """Return when the server has ended, or when nobody used it between two looks.

    In the latter case nobody can join any more until this process has ended, because the
    descriptor stays open and keeps the lock.
    """
    users = place.open_lock("users")
    seen = None
    while not _has_ended(server):
        with contextlib.suppress(psutil.TimeoutExpired):
            server.wait(linger)
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        last_joined = os.fstat(users).st_mtime_ns
        if last_joined == seen:
            return
        seen = last_joined
        fcntl.flock(users, fcntl.LOCK_UN)


def _has_ended(server: psutil.Process) -> bool:
    """Whether it has ended; a child of ours is reaped, one taken over may stay a zombie."""
    try:
        server.wait(0)
    except psutil.TimeoutExpired:
        with contextlib.suppress(psutil.NoSuchProcess):
            return bool(server.status() == psutil.STATUS_ZOMBIE)
    return True


def _stop(place: Place, server: psutil.Process) -> None:
    """Shut the server down (PostgreSQL's "fast" way) and wait for it."""
    sockets = place.postmaster()[4:5]
    if not _has_ended(server):
        server.send_signal(signal.SIGINT)
    while not _has_ended(server):
        with contextlib.suppress(psutil.TimeoutExpired):
            server.wait(_POLL)
    for directory in sockets:
        with contextlib.suppress(OSError):
            Path(directory).rmdir()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
