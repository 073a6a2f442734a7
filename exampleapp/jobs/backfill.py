"""A job that gets a date, and gets every date, even those that it missed."""

from pathlib import Path

from crontabber.base import BaseCronApp
from crontabber.mixins import as_backfill_cron_app


@as_backfill_cron_app
class Backfill(BaseCronApp):
    """Asks a service for what happened until *date*; the service can be down.

    ``touch outage`` takes it down: the date that failed is tried again until ``rm outage``
    brings it back, and then come all the others that were missed, oldest first.
    """

    app_name = "backfill"

    def run(self, date):
        """Write down the date, an aware datetime: the slot, not the time of day."""
        if Path("outage").exists():
            raise ConnectionError("the service is down (rm outage brings it back)")
        with Path(f"{self.app_name}.log").open("a") as log:
            log.write(f"{date:%Y-%m-%d %H:%M %Z}\n")
