"""A job that has to be done for every hour."""

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """Reports on one hour."""

    def add_arguments(self, parser):
        """Add the options: for which hour, and in which format."""
        parser.add_argument("--run-time", required=True)
        parser.add_argument("--format", choices=["csv", "html"], default="html")

    def handle(self, *, run_time, **options):
        """Only say so; what is printed is logged."""
        self.stdout.write(f"the report of {run_time}, as {options['format']}")
