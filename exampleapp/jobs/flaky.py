"""A job that fails, and recovers when it is tried again."""

from crontabber.base import BaseCronApp


class Flaky(BaseCronApp):
    """Needs two attempts each time: the first one only wakes up what it works with.

    After ``error_retry_time`` (five minutes) crontabber tries again, by itself.
    """

    app_name = "flaky"

    def run(self):
        """Fail if the last run did not; what is known of that is in ``job_information``."""
        if not self.job_information or self.job_information.error_count == 0:
            raise TimeoutError("it is still asleep")
