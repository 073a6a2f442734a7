"""What crontabber does, shown in a few seconds by the jobs beside this file.

It works here, as a person would. Nothing is waited for: where time has to pass, what is
remembered of a job is moved into the past instead.
"""

# A script on its own, which speaks, and runs what it shows.
# ruff: noqa: INP001, T201

import contextlib
import os
import pty
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2

from crontabber import embedded
from crontabber.errors import CrontabberError

HERE = Path(__file__).resolve().parent
COMMAND = ("crontabber", "--admin.conf=crontabber.ini")
OUTAGE = HERE / "outage"


def main() -> None:
    """The demonstration."""
    with embedded.server(HERE / "crontabber-postgresql") as server, outage():
        tell("Are the jobs that crontabber.ini lists all right?")
        crontabber("--configtest")
        tell("A tick, as cron starts one every few minutes. The service that the job 'backfill'")
        tell("needs is down.")
        shell("touch outage")
        if not crontabber():
            tell("Nothing was due: the jobs have run not long ago.")
            crontabber("--nagios")
        elif failed(server):
            recover(server)
        tell("What is remembered of each job:")
        crontabber("--list-jobs")
        tell("Another tick: nothing is due.")
        crontabber()
    try_next()


def recover(server: Any) -> None:
    """Show Nagios's three answers: critical, warning, and all is well."""
    tell("What a monitoring system sees: a job that failed is critical.")
    crontabber("--nagios")
    tell("Five minutes later ('flaky' is made to have run five minutes earlier) it is tried again.")
    move(server, "flaky", "5 minutes")
    crontabber()
    tell("A backfill job that failed once is but a warning: no date is lost.")
    crontabber("--nagios")
    if failed(server, "AND app_name = 'backfill' AND last_success IS NULL"):
        tell("Four hours later (again, by moving the past) the service is back.")
        move(server, "backfill", "4 hours")
    else:
        tell("Five minutes later the service is back.")
        move(server, "backfill", "5 minutes")
    shell("rm outage")
    tell("Now 'backfill' gets each date that it missed, the oldest first.")
    crontabber()
    shell("tail -n 5 backfill.log")
    crontabber("--nagios")


@contextlib.contextmanager
def outage() -> Iterator[None]:
    """Bring the service back, however this ends."""
    try:
        yield
    finally:
        OUTAGE.unlink(missing_ok=True)


def tell(text: str) -> None:
    """Explain what comes next."""
    print(f"\033[2m# {text}\033[0m" if sys.stdout.isatty() else f"# {text}")


def shell(line: str, directory: Path = HERE) -> None:
    """Show a command and run it."""
    print(f"$ {line}", flush=True)
    subprocess.run(line.split(), cwd=directory, check=True)


def crontabber(*options: str, directory: Path = HERE) -> bool:
    """Show a crontabber command and run it, as on a terminal; whether it printed anything."""
    print("$", *COMMAND, *options, flush=True)
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *options],
        cwd=directory,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    said = False
    with contextlib.suppress(OSError):  # Linux reports the end of a terminal by this error
        while output := os.read(ours, 65536):
            said = True
            sys.stdout.buffer.write(output.replace(b"\r\n", b"\n"))
            sys.stdout.buffer.flush()
    os.close(ours)
    if status := process.wait():
        print(f"(exit status {status})")
    print()
    return said


def environment() -> dict[str, str]:
    """That of the command: it finds crontabber, the jobs, and no terminal if we have none."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    python_path = os.pathsep.join(filter(None, [str(HERE), os.environ.get("PYTHONPATH")]))
    columns = str(shutil.get_terminal_size().columns)
    variables = {**os.environ, "PATH": path, "PYTHONPATH": python_path, "COLUMNS": columns}
    return variables if sys.stdout.isatty() else {**variables, "TERM": "dumb"}


def failed(server: Any, more: str = "") -> bool:
    """Whether the last run of a job failed."""
    return bool(query(server, f"SELECT 1 FROM crontabber WHERE last_error IS NOT NULL {more}"))  # noqa: S608


def move(server: Any, app_name: str, how_far: str) -> None:
    """Make it as if all that happened to a job had happened earlier."""
    columns = "next_run next_slot first_run last_run own_last_run last_success".split()
    assignments = ", ".join(f"{name} = {name} - %(how_far)s::interval" for name in columns)
    query(
        server,
        f"UPDATE crontabber SET {assignments} WHERE app_name = %(app_name)s RETURNING 1",  # noqa: S608
        {"how_far": how_far, "app_name": app_name},
    )


def query(server: Any, statement: str, parameters: Any = None) -> list[Any]:
    """The rows of a statement."""
    connection = psycopg2.connect(**{**server, "dbname": "crontabber"})
    with contextlib.closing(connection), connection, connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())


def try_next() -> None:
    """Name a few commands that can be pasted."""
    here = os.path.relpath(HERE)
    print("Try next:")
    print(f"  {here}/crontabber_wrapper.sh --job=plain --force")
    print(f"  {here}/crontabber_wrapper.sh --help")
    print(f"  rm -r {here}/crontabber-postgresql {here}/*.log  # start over, with: make demo")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
    except CrontabberError as error:  # such as of a directory that another user could change
        sys.exit(f"{error}")
