"""The jobs of a small shop, with what goes wrong in three weeks; `demo_web` moves their clock."""

# The jobs of the demonstration, which no other module imports.
# ruff: noqa: D102, INP001

import random
from datetime import datetime, timedelta
from typing import Any

from crontabber.base import BaseCronApp
from crontabber.mixins import as_backfill_cron_app

WORLD: dict[str, Any] = {}
"""The clock that the jobs move, and the time at which the story ends."""
_CHANCE = random.Random(815)  # noqa: S311  the same story each time


def take(**length: float) -> None:
    """Let time pass: about this *length*."""
    if "clock" in WORLD:
        WORLD["clock"].advance(timedelta(**length) * _CHANCE.uniform(0.7, 1.4))


def days_ago() -> float:
    """How many days before the end of the story it is."""
    if "clock" not in WORLD:
        return 0.0
    return float((WORLD["end"] - WORLD["clock"].now()) / timedelta(days=1))


class Orders(BaseCronApp):
    """Is refused now and then."""

    app_name = "orders"

    def run(self) -> None:
        take(seconds=8)
        if _CHANCE.random() < 0.03:
            raise TimeoutError("the shop did not answer within 30 seconds")


class Rates(BaseCronApp):
    """Is paused since two days ago, as its provider moves."""

    app_name = "rates"

    def run(self) -> None:
        take(seconds=1.5)


class Stock(BaseCronApp):
    """Grows slower each day."""

    app_name = "stock"
    depends_on = "orders"

    def run(self) -> None:
        take(seconds=90 - 3 * days_ago())


@as_backfill_cron_app
class Fetch(BaseCronApp):
    """Is refused for the last three days, and was for two days a fortnight ago."""

    app_name = "fetch"

    def run(self, date: datetime) -> None:
        take(seconds=40)
        if days_ago() < 3.2 or 13 < days_ago() < 15:
            raise ConnectionRefusedError(111, "Connection refused: sftp.example.com:22")


@as_backfill_cron_app
class Clean(BaseCronApp):
    """Waits for what was fetched."""

    app_name = "clean"
    depends_on = "fetch"

    def run(self, date: datetime) -> None:
        take(minutes=4)


@as_backfill_cron_app
class Report(BaseCronApp):
    """Waits for clean data and for the stock."""

    app_name = "report"
    depends_on = ("clean", "stock")

    def run(self, date: datetime) -> None:
        take(seconds=31)


class Mail(BaseCronApp):
    """Sends the report."""

    app_name = "mail"
    depends_on = "report"

    def run(self) -> None:
        take(seconds=3)


class Backup(BaseCronApp):
    """Takes longer on Thursdays."""

    app_name = "backup"

    def run(self) -> None:
        take(minutes=70 if int(days_ago()) % 7 == 2 else 25)


class Archive(BaseCronApp):
    """Waits for the backup."""

    app_name = "archive"
    depends_on = "backup"

    def run(self) -> None:
        take(minutes=12)


class Invoices(BaseCronApp):
    """Runs once a month."""

    app_name = "invoices"

    def run(self) -> None:
        take(minutes=2)


class Thumbnails(BaseCronApp):
    """Fails on a picture that is none."""

    app_name = "thumbnails"

    def run(self) -> None:
        take(seconds=2)
        if _CHANCE.random() < 0.01:
            raise ValueError("cannot identify image file 'upload-<4711>.png'")


class Certificates(BaseCronApp):
    """Is well."""

    app_name = "certificates"

    def run(self) -> None:
        take(seconds=0.4)


@as_backfill_cron_app
class Warehouse(BaseCronApp):
    """Has a long backfill under way."""

    app_name = "warehouse"

    def run(self, date: datetime) -> None:
        take(minutes=6)


class Feed(BaseCronApp):
    """Was well until an hour ago."""

    app_name = "feed"
    depends_on = ("stock", "rates")

    def run(self) -> None:
        take(seconds=20)
