"""The process that starts the private PostgreSQL, and stops it when no process uses it.

It is the module that `User` starts with the arguments ``DIRECTORY LINGER SETTINGS``. It has no
terminal and no parent, and lives as long as the server. It writes one line: that the server
is ready, or why it is not.
"""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil

from ..errors import CrontabberError, DatabaseUnavailable
from .installation import bin_directory, minimal_environment, server_identity
from .place import PORT, READY, SUPERUSER, Place

_POLL = 0.02
"""Seconds between two looks at a server that is starting."""


def main(directory: str, linger: str, settings: str) -> int:
    """Keep a server until no process uses it; return the exit status."""
    if os.fork():
        os._exit(0)  # the process that started us need not wait for us, or reap us
    os.umask(0o077)
    signal.signal(signal.SIGTERM, lambda signum, _: sys.exit(128 + signum))
    try:
        place = Place(directory)
        with place.locked("keeper"):
            _serve(place, max(float(linger), _POLL), json.loads(settings))
    except CrontabberError as error:
        _say(str(error))
        return 1
    return 0


def _serve(place: Place, linger: float, settings: Mapping[str, str]) -> None:
    """Start a server or take one over, keep it, and stop it."""
    try:
        server = find_server(place)  # one whose keeper was killed
        if server is None or not _becomes_ready(place, server):
            _clear_up_after_crash(place)
            server = _start(place, settings)
            if not _becomes_ready(place, server):
                fatal = place.read_log().rpartition("FATAL:")[2].split("\n")[0]
                raise DatabaseUnavailable(f"{fatal.strip() or 'it ended'} (see {place.log})")
    except OSError as error:
        raise place.unusable(error) from error
    _say(READY)
    try:
        _keep(place, server, linger)
    finally:
        _stop(place, server)


def _say(line: str) -> None:
    """Tell the process that waits for us, and close that line for good."""
    with contextlib.suppress(BrokenPipeError):  # that process may be gone
        os.write(1, f"{line}\n".encode())
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    os.close(nothing)


def find_server(place: Place) -> psutil.Process | None:
    """Return the server that runs on the cluster; None if there is none.

    It is found among the processes of the user that PostgreSQL runs as. The number in
    ``postmaster.pid`` could be that of any process, because SQL can change the file.
    """
    parents = {}
    for process in _processes():
        with contextlib.suppress(psutil.Error):
            if str(place.cluster) in process.cmdline():
                parents[process] = process.ppid()
    # its children have the same name until they have a title
    pids = {process.pid for process in parents}
    return next((process for process, parent in parents.items() if parent not in pids), None)


def _processes() -> Iterator[psutil.Process]:
    """Yield all processes of PostgreSQL of the user that ours runs as."""
    user = server_identity().get("user", os.geteuid())
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if set(process.uids()) == {user} and process.name() == "postgres":
                yield process


def _clear_up_after_crash(place: Place) -> None:
    """Remove what a crashed server left behind: its children, and ``postmaster.pid``.

    PostgreSQL does not start while a child of the last server lives, and a child ends only after
    its statement; nor while another process of its user has the number in ``postmaster.pid``.
    """
    for process in _processes():
        with contextlib.suppress(psutil.Error, OSError):
            if Path(process.cwd()).samefile(place.cluster):
                process.kill()  # SIGKILL ends a stopped one, too
                _wait(process)
    (place.cluster / "postmaster.pid").unlink(missing_ok=True)


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
    with os.fdopen(place.new_log(), "wb") as log:
        return psutil.Popen(
            [programs / "postgres", "-D", place.cluster, *arguments],
            stdout=log,
            stderr=log,
            **_process_state(place),
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
        **_process_state(place),
    )
    if done.returncode:
        raise DatabaseUnavailable(done.stderr.strip() or "initdb failed and did not say why")
    unfinished.rename(place.cluster)


def _process_state(place: Place) -> dict[str, Any]:
    """Return `subprocess.Popen`'s arguments for a program of PostgreSQL's."""
    return {
        "cwd": place.directory,
        "env": minimal_environment(),
        "stdin": subprocess.DEVNULL,
        **server_identity(),
    }


def _owned(directory: Path) -> Path:
    """Give a directory to the user that PostgreSQL runs as."""
    identity = server_identity()
    if identity:
        os.chown(directory, identity["user"], identity["group"], follow_symlinks=False)
    return directory


def _becomes_ready(place: Place, server: psutil.Process) -> bool:
    """Wait until the server answers or has ended; return whether it answers."""
    while place.socket_directory() is None:
        if _has_ended(server):
            return False
        with contextlib.suppress(psutil.TimeoutExpired):
            server.wait(_POLL)
    return True


def _keep(place: Place, server: psutil.Process, linger: float) -> None:
    """Return when the server has ended, or when no process used it between two looks.

    In the latter case no process can join until this one has ended, because the
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
        if isinstance(server, psutil.Popen):
            return False  # if it ends now, the next look reaps it
        with contextlib.suppress(psutil.NoSuchProcess):
            return bool(server.status() == psutil.STATUS_ZOMBIE)
    return True


def _stop(place: Place, server: psutil.Process) -> None:
    """Shut the server down (PostgreSQL's "fast" way) and wait for it."""
    if not _has_ended(server):
        server.send_signal(signal.SIGINT)
    _wait(server)
    place.remove_socket_directory()


def _wait(process: psutil.Process) -> None:
    """Wait until it has ended."""
    while not _has_ended(process):
        with contextlib.suppress(psutil.TimeoutExpired):
            process.wait(_POLL)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
