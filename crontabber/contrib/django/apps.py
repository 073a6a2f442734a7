"""The Django app: what Django loads when it starts."""

from django.apps import AppConfig


class CrontabberConfig(AppConfig):
    """The app ``crontabber`` of a project."""

    name = "crontabber.contrib.django"
    label = "crontabber"
    verbose_name = "Scheduled jobs"

    def ready(self) -> None:
        """Have the settings checked by ``manage.py check``."""
        from . import checks  # noqa: F401  which registers itself
