"""A chain of jobs, and one beside it; each takes a little while."""

# A script's neighbour, and no package.
# ruff: noqa: INP001

import time

from crontabber.base import BaseCronApp


class _Step(BaseCronApp):
    seconds = 0.5

    def run(self):
        """Work."""
        time.sleep(self.seconds)


class Extract(_Step):
    """The first of the chain."""

    app_name = "extract"


class Transform(_Step):
    """The second, and the longest."""

    app_name = "transform"
    depends_on = "extract"
    seconds = 3


class Load(_Step):
    """The third."""

    app_name = "load"
    depends_on = "transform"


class Report(_Step):
    """The last: it needs both sides."""

    app_name = "report"
    depends_on = ("load", "rates")


class Rates(_Step):
    """Depends on nothing, and is wanted before all others."""

    app_name = "rates"
    priority = 10


class Nothing(_Step):
    """Many jobs are of this class, each under the name of its section: for the throughput."""

    app_name = "nothing"
    seconds = 0
