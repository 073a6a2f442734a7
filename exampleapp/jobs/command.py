"""A job that runs another program."""

from pathlib import Path

from crontabber.base import BaseCronApp
from crontabber.mixins import with_subprocess


@with_subprocess
class Command(BaseCronApp):
    """A string goes to the shell; a list is a program and its arguments, and no shell sees it."""

    app_name = "command"

    def run(self):
        """Keep the end of another job's log."""
        exit_code, stdout, stderr = self.run_process(["tail", "-n", "100", "plain.log"])
        if exit_code != 0:
            self.config.logger.error("tail ended with %s", exit_code)
            raise RuntimeError(stderr)
        Path(f"{self.app_name}.log").write_text(stdout)
