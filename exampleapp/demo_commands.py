"""Ten lines of a crontab, run by crontabber: what it adds to them, in a few seconds.

Nothing is waited for: where days have to pass, what is remembered of a job is moved into the past.
"""

# A script on its own, which speaks, and runs what it shows.
# ruff: noqa: INP001, T201

import functools
import sys
from pathlib import Path

import demo
from demo import move, query, tell

from crontabber import embedded
from crontabber.errors import CrontabberError

HERE = Path(__file__).resolve().parent / "commands"
crontabber = functools.partial(demo.crontabber, directory=HERE)
shell = functools.partial(demo.shell, directory=HERE)


def main() -> None:
    """The demonstration."""
    with embedded.server(HERE / "crontabber-postgresql") as server:
        tell("Ten lines of a crontab. What else there is to say of each is below, in [job].")
        shell("sed -n /^jobs/,/^'''$/p crontabber.ini")
        tell("Are they all right?")
        crontabber("--configtest")
        tell("A tick, as cron starts one every few minutes. It runs what is due.")
        crontabber()
        tell("One of them now, although it is not due:")
        crontabber("--job=backup", "--force")
        tell(
            "The machine was off for three days ('archive' is made to have run three days earlier)."
        )
        move(server, "archive", "3 days")
        shell("rm archive.log")
        crontabber()
        tell("It has each day that it missed, and none twice:")
        shell("cat archive.log")
        tell("What they wrote is kept, and no mail was sent for it:")
        log = "SELECT app_name, output FROM crontabber_log WHERE output IS NOT NULL ORDER BY id"
        for app_name, output in query(server, log):
            print(f"{app_name}: {output.strip()}")
        print()
        tell("Nagios is told of the one that fails, and why.")
        crontabber("--nagios")
    here = HERE.relative_to(Path.cwd()) if HERE.is_relative_to(Path.cwd()) else HERE
    print("Try next:")
    print(
        f"  rm -r {here}/crontabber-postgresql {here}/*.log  # start over, with: make demo-commands"
    )


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
    except CrontabberError as error:
        sys.exit(f"{error}")
