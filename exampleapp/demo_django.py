"""What crontabber does in a Django project, shown in a few seconds by the one beside this file.

Nothing is waited for: where time has to pass, what is remembered of the jobs is moved into
the past instead.
"""

# A script on its own, which speaks, and runs what it shows.
# ruff: noqa: INP001, T201

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg2

from crontabber import embedded
from crontabber.errors import CrontabberError

SITE = Path(__file__).resolve().parent / "django"
OUTAGE = SITE / "outage"


def main() -> None:
    """The demonstration."""
    with embedded.server(SITE / "crontabber-postgresql") as server:
        tell("Are the settings all right? Then make the tables.")
        manage("check")
        manage("migrate", "--verbosity=0")
        tell("Run what is due, as cron does every few minutes.")
        manage("cronrun")
        with outage():
            tell("Five minutes later (by moving the past) the shop does not answer.")
            move(server, "5 minutes")
            manage("cronrun")
            manage("cronlist", "--nagios")
        tell("Three hours later it does: the job is tried again. 'report', which had to wait for")
        tell("it, gets each hour that was missed, the oldest first.")
        move(server, "3 hours")
        manage("cronrun")
        tell("What is remembered of each job:")
        manage("cronlist")
        tell("All this is in Django's admin too, to be looked at and acted on:")
        tell("see exampleapp/django/README.md.")


@contextlib.contextmanager
def outage() -> Iterator[None]:
    """The shop is down in here."""
    OUTAGE.touch()
    try:
        yield
    finally:
        OUTAGE.unlink()


def tell(text: str) -> None:
    """Explain what comes next."""
    print(f"\033[2m# {text}\033[0m" if sys.stdout.isatty() else f"# {text}", flush=True)


def manage(*arguments: str) -> None:
    """Show a command of manage.py and run it."""
    print("$ python manage.py", *arguments, flush=True)
    status = subprocess.run([sys.executable, "manage.py", *arguments], cwd=SITE, check=False)
    if status.returncode:
        print(f"(exit status {status.returncode})")
    print(flush=True)


def move(server: embedded.ConnectionParameters, how_far: str) -> None:
    """Make it as if all that happened had happened earlier, but for jobs with a time of day."""
    columns = "next_run next_slot first_run last_run own_last_run last_success".split()
    moved = ", ".join(f"{name} = {name} - %(how_far)s::interval" for name in columns)
    update = f"UPDATE crontabber SET {moved} WHERE strpos(plan, '|') = 0"  # noqa: S608
    with contextlib.closing(psycopg2.connect(**server)) as connection, connection:
        connection.cursor().execute(update, {"how_far": how_far})


if __name__ == "__main__":
    try:
        main()
    except CrontabberError as error:  # such as of a directory that another user could change
        sys.exit(f"{error}")
