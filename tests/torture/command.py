"""What a job that is a command does: it writes down its start and its end, as the others do.

A script on its own, which imports little: it is started for each date.
"""

import os
import time
import uuid

import psycopg2

_WRITE = "INSERT INTO ledger (app, slot, run, pid, phase) VALUES (%s, %s, %s, %s, %s)"
_WORK = 0.1
"""Seconds between start and end."""


def main() -> None:
    """Write both; the process that is named is the tick."""
    variables = ("CRONTABBER_JOB", "CRONTABBER_DATE")
    fields = (*(os.environ[name] for name in variables), uuid.uuid4().hex, os.environ["TICK"])
    connection = psycopg2.connect(os.environ["TORTURE_LEDGER"])
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(_WRITE, (*fields, "start"))
        time.sleep(_WORK)
        cursor.execute(_WRITE, (*fields, "end"))


if __name__ == "__main__":
    main()
