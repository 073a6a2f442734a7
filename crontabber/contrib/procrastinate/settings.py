"""The settings of workers and their processes, which are those of the command."""

import os
from collections.abc import Sequence

from ...config.commandline import CommandLine
from ...config.settings import Settings
from ...generic_app import GenericApp


def load(arguments: Sequence[str]) -> Settings:
    """Read the settings from the command's *arguments*, ``CRONTABBER_CONF`` and the environment.

    Raises `ConfigError`, also if no jobs are listed anywhere.
    """
    settings = Settings.load(CommandLine.parse(arguments), os.environ)
    settings.require_jobs()
    if settings.needs_all_classes:
        with GenericApp(settings) as app:
            settings.check(app.classes())
    return settings
