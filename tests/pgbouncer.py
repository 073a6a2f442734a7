"""A real PgBouncer before a server, where it is installed."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2

from crontabber.embedded.installation import server_identity
from tests.support import TIMEOUT, Database, server_directory

PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
"""Where it is; None where it is not installed."""

_PORT = 6432
_INI = """\
[databases]
* = {where}
[pgbouncer]
listen_addr =
listen_port = {port}
unix_socket_dir = {directory}
auth_type = any
pool_mode = {mode}
default_pool_size = {size}
max_client_conn = 500
logfile = {directory}/log
"""


@contextmanager
def pgbouncer(server: Database, mode: str, size: int = 20) -> Iterator[Database]:
    """The database as clients of a PgBouncer find it; *mode* is its ``pool_mode``."""
    assert PROGRAM, "PgBouncer is not installed"
    with server_directory() as directory:
        settings = directory / "pgbouncer.ini"
        names = ("host", "port", "user", "password")
        parts = {name: value for name in names if (value := getattr(server, name))}
        where = " ".join(f"{name}='{value}'" for name, value in parts.items())
        settings.write_text(
            _INI.format(where=where, directory=directory, mode=mode, size=size, port=_PORT)
        )
        if identity := server_identity():
            shutil.chown(directory, identity["user"])
        process = subprocess.Popen(
            [PROGRAM, "--quiet", settings], stdin=subprocess.DEVNULL, **identity
        )
        try:
            pooled = server._replace(host=str(directory), port=_PORT, password="")
            _wait_until_ready(pooled, process, directory / "log")
            yield pooled
        finally:
            process.terminate()
            process.wait(TIMEOUT)


def _wait_until_ready(pooled: Database, process: "subprocess.Popen[bytes]", log: Path) -> None:
    give_up = time.monotonic() + TIMEOUT
    while True:
        try:
            pooled.execute("SELECT 1")
        except psycopg2.OperationalError:
            alive = process.poll() is None and time.monotonic() < give_up
            assert alive, log.read_text()[-500:]
            time.sleep(0.02)
        else:
            return
