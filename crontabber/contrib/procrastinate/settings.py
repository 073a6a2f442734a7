"""The settings of workers and their processes: those of the command, found by a variable."""

import os
from collections.abc import Sequence

from ...config.commandline import CommandLine
from ...config.settings import Settings
from ...errors import ConfigError

CONF = "CRONTABBER_CONF"
"""The environment's variable with the path of the configuration."""


def load(arguments: Sequence[str]) -> Settings:
    """What the command's *arguments*, ``CRONTABBER_CONF`` and the environment say.

    Raises `ConfigError`, also if no jobs are listed anywhere.
    """
    path = os.environ.get(CONF)
    settings = Settings.load(
        CommandLine.parse([*([f"--admin.conf={path}"] if path else []), *arguments]), os.environ
    )
    if not settings.jobs.lines and not settings.jobs.faults:
        raise ConfigError(f"no jobs are listed: set {CONF} to the path of a crontabber.ini")
    return settings
