"""A job for the small hours: nothing in its code says so, only its line in the jobs list."""

from datetime import datetime
from pathlib import Path

from crontabber.base import BaseCronApp


class Timed(BaseCronApp):
    """Listed as ``jobs.timed.Timed|1d|03:30``, in the time zone of the PostgreSQL server.

    Its first run is today's, as soon as it is past that time.
    """

    app_name = "timed"

    def run(self):
        """Write down when it ran."""
        with Path(f"{self.app_name}.log").open("a") as log:
            log.write(f"ran at {datetime.now().astimezone():%Y-%m-%d %H:%M:%S %Z}\n")
