"""``manage.py cronnotifytest``: send a test message to those who are told of jobs."""

from typing import Any

from .....generic_app import Answer
from .....verbs.check import notifytest
from ...cron import DjangoCron
from ..base import CronCommand


class Command(CronCommand):
    """Sends a message to all whom ``CRONTABBER_NOTIFY_URLS`` and ``_COMMAND`` name."""

    help = "Sends a test message to those whom CRONTABBER_NOTIFY_URLS and _COMMAND name."

    def answer(self, **options: Any) -> Answer:
        """Whom it has reached; exit status 1 if it is not all of them."""
        with DjangoCron() as cron:
            return notifytest(cron)
