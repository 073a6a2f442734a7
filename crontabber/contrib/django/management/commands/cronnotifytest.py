"""``manage.py cronnotifytest``: send a test message to all receivers."""

from typing import Any

from .....generic_app import Answer
from .....verbs.check import notifytest
from ...cron import DjangoCron
from ..base import CronCommand


class Command(CronCommand):
    """Sends a message to all receivers in ``CRONTABBER_NOTIFY_URLS`` and ``_COMMAND``."""

    help = "Sends a test message to those whom CRONTABBER_NOTIFY_URLS and _COMMAND name."

    def answer(self, **options: Any) -> Answer:
        """Whom it has reached; exit status 1 if not all."""
        with DjangoCron() as cron:
            return notifytest(cron)
