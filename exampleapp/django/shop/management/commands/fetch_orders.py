"""A job that wants what is new since it last succeeded."""

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    """Fetches orders, unless there is an outage."""

    def add_arguments(self, parser):
        """Add the option that gets the time of the last success."""
        parser.add_argument("--last-success")

    def handle(self, *, last_success, **options):
        """Only say so; what is printed is logged."""
        if (settings.BASE_DIR / "outage").exists():
            raise CommandError("the shop does not answer")
        self.stdout.write(f"orders since {last_success or 'ever'}")
