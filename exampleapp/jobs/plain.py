"""The simplest job: a class with an ``app_name`` and a ``run``."""

from datetime import datetime
from pathlib import Path

from crontabber.base import BaseCronApp


class Plain(BaseCronApp):
    """Returning from ``run`` is success, raising an exception is failure."""

    app_name = "plain"

    def run(self):
        """Write down when it ran."""
        with Path(f"{self.app_name}.log").open("a") as log:
            log.write(f"ran at {datetime.now().astimezone():%Y-%m-%d %H:%M:%S %Z}\n")
