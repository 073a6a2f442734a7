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
        if is_new(server):
            tell("A tick, as cron starts one every few minutes. The service that the job")
            tell("'backfill' needs is down.")
            shell("touch outage")
            crontabber()
            recover(server)
            tell("Another tick:")
            crontabber()
        fail_again(server)
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
    tell("Four hours later (again, by moving the past) the service is back.")
    move(server, "backfill", "4 hours")
    shell("rm outage")
    tell("Now 'backfill' gets each date that it missed, the oldest first; then 'dependent', which")
    tell("has waited for it, runs.")
    crontabber()
    shell("tail -n 5 backfill.log")
    crontabber("--nagios")


def fail_again(server: Any) -> None:
    """Show how one sees what is wrong, why, and what is missing."""
    tell("Two days later the service is down again.")
    shell("touch outage")
    for app_name in ("backfill", "dependent"):
        move(server, app_name, "2 days")
    crontabber()
    tell("How is each job? The worst comes first.")
    crontabber("--status")
    tell("Why does 'dependent' not run?")
    crontabber("--explain=dependent")
    tell("Which dates has 'backfill' done, and which are missing?")
    crontabber("--dates=backfill")


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


def crontabber(*options: str, directory: Path = HERE) -> None:
    """Show a crontabber command and run it, as on a terminal."""
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
    with contextlib.suppress(OSError):  # Linux reports the end of a terminal by this error
        while output := os.read(ours, 65536):
            sys.stdout.buffer.write(output.replace(b"\r\n", b"\n"))
            sys.stdout.buffer.flush()
    os.close(ours)
    if status := process.wait():
        print(f"(exit status {status})")
    print()


def environment() -> dict[str, str]:
    """That of the command: it finds crontabber, the jobs, and no terminal if we have none."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    python_path = os.pathsep.join(filter(None, [str(HERE), os.environ.get("PYTHONPATH")]))
    columns = str(shutil.get_terminal_size().columns)
    variables = {**os.environ, "PATH": path, "PYTHONPATH": python_path, "COLUMNS": columns}
    return variables if sys.stdout.isatty() else {**variables, "TERM": "dumb"}


def is_new(server: Any) -> bool:
    """Whether no tick has run here yet."""
    return query(server, "SELECT to_regclass('crontabber') IS NULL") == [(True,)]


def move(server: Any, app_name: str, how_far: str) -> None:
    """Make it as if all that happened to a job had happened earlier."""
    tables = {
        "crontabber": "next_run next_slot first_slot first_run last_run own_last_run last_success",
        "crontabber_log": "log_time slot success",
    }
    for table, columns in tables.items():
        names = columns.split()
        assignments = ", ".join(f"{name} = {name} - %(how_far)s::interval" for name in names)
        query(
            server,
            f"UPDATE {table} SET {assignments} WHERE app_name = %(app_name)s RETURNING 1",  # noqa: S608
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
    wrapper = f"{here}/crontabber_wrapper.sh"
    print("The service is back. Try next:")
    print(f"  {wrapper} --retry=backfill && {wrapper}  # try it again, by the next tick")
    print(f"  {wrapper} --preview --count=5  # what runs next, and when")
    print(f"  rm -r {here}/crontabber-postgresql {here}/*.log  # start over, with: make demo")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
    except CrontabberError as error:  # such as of a directory that another user could change
        sys.exit(f"{error}")
