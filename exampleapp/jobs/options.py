"""A job with options of its own."""

from datetime import datetime
from pathlib import Path

from crontabber.base import BaseCronApp

from configman import Namespace


class Options(BaseCronApp):
    """An option has a default in the code, and is set only where another value is wanted.

    The place for that value is ``[crontabber] [[class-Options]]`` in the configuration; for one
    run, it is ``--crontabber.class-Options.date_format=%A`` on the command line.
    """

    app_name = "options"
    required_config = Namespace()
    required_config.add_option(
        "date_format",
        default="%m/%d %Y - %H:%M",
        doc="how a date is written in the log",
    )

    def run(self):
        """Write down when it ran, in the form that the option says."""
        with Path(f"{self.app_name}.log").open("a") as log:
            log.write(f"{datetime.now().astimezone():{self.config.date_format}}\n")
