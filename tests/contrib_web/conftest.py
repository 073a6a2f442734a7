"""The pages as they are served: a real process on a real database."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support import Command, Database, fresh_database

INI = """
[[hello]]
command=echo "<b>hello</b>"
[[broken]]
command=echo "<script>alert(1)</script>" >&2; exit 3
[[after]]
command=true
depends_on=broken
"""


class Site:
    """A directory with jobs that ran once, and how to serve it."""

    def __init__(self, command: Command) -> None:
        self.command = command

    @contextmanager
    def serve(self, *arguments: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
        """The address of a server, and its process; it is ended as a service is."""
        process = self.command.popen(
            "--admin.conf=crontabber.ini", "--serve=127.0.0.1:0", *arguments
        )
        with process:
            try:
                assert process.stdout
                line = process.stdout.readline().strip()
                assert line.startswith("http://127.0.0.1:"), process.stderr and line
                yield line, process
            finally:
                process.send_signal(signal.SIGTERM)


@pytest.fixture(scope="session")
def site(postgres_server: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with fresh_database(postgres_server) as database:
        command = Command(tmp_path_factory.mktemp("site"))
        jobs = "hello|1h\nbroken|1h\nafter|1h\nm.Unseen|1h"
        command.write("m.py", "raise SystemExit('the code of jobs was imported')")
        path = command.configure(database, jobs)
        path.write_text(f"{path.read_text()}\n[job]\n{INI}")
        command("--admin.conf=crontabber.ini")
        yield Site(command)


@pytest.fixture(scope="session")
def address(site: Site) -> Iterator[str]:
    with site.serve() as (address, _):
        yield address
