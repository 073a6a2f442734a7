#!/usr/bin/env python
"""Django's ``manage.py``, on a PostgreSQL of its own: the server is started when it is needed."""

import os
import sys
from pathlib import Path

from django.core.management import execute_from_command_line

from crontabber import embedded
from crontabber.errors import CrontabberError

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Run the command while the server runs."""
    with embedded.server(HERE / "crontabber-postgresql") as server:
        os.environ.update(PGHOST=server["host"], PGUSER=server["user"])
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
        execute_from_command_line(sys.argv)


if __name__ == "__main__":
    try:
        main()
    except CrontabberError as error:  # such as of a directory that another user could change
        sys.exit(f"{error}")
