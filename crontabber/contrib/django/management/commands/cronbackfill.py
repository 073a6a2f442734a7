"""``manage.py cronbackfill``: request past dates."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from .....config.command import Command as Wish
from .....generic_app import Answer
from .....schedule.ranges import Redo
from .....verbs.backfill import ask
from .....verbs.backfills import cancel, list_backfills
from ...cron import DjangoCron
from ..base import CronCommand

_OF_A_JOB = ("from_", "to", "redo", "with_children", "newest_first", "dry_run")
_FLAGS = {
    "with-children": "those of the backfill jobs that depend on it, too, each date after its "
    "parent's",
    "newest-first": "begin with the newest date",
    "dry-run": "only list the dates",
}


class Command(CronCommand):
    """Requests dates of a backfill job, shows how far they are, or cancels that."""

    help = (
        "Has a backfill job do dates of the past that were never done, or do them again. "
        "cronrun does them, after what is due by the schedule."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """The job and dates; or to show how far it is; or the backfill to cancel."""
        parser.add_argument("job", nargs="?", metavar="JOB", help="the job whose dates to do")
        for name, which in (("from", "first"), ("to", "last")):
            parser.add_argument(
                f"--{name}",
                default="",
                dest="from_" if name == "from" else name,
                metavar="DATE",
                help=f"the {which} date, such as 2026-11-21; or a time, such as 2026-11-21T03:00",
            )
        parser.add_argument(
            "--redo",
            choices=[each.value for each in Redo],
            default="",
            help="which dates: those that were never done (missing, the default), those that it "
            "gave up on (failed), or all",
        )
        for name, text in _FLAGS.items():
            parser.add_argument(f"--{name}", action="store_true", help=text)
        parser.add_argument(
            "--list", action="store_true", help="show how far the backfills are instead"
        )
        parser.add_argument("--cancel", metavar="N", help="end the backfill of this number instead")

    def answer(self, **options: Any) -> Answer:
        """Its number and dates, only the dates, the list, or what was done until now."""
        asked = [name for name in ("job", "list", "cancel") if options[name] not in (None, False)]
        if len(asked) != 1:
            raise CommandError("name a job with --from and --to, or ask for --list or --cancel=N")
        more = {name: options[name] for name in _OF_A_JOB if options[name]}
        if more and asked != ["job"]:
            option = "--" + next(iter(more)).rstrip("_").replace("_", "-")
            raise CommandError(f"{option} needs a job: write cronbackfill JOB --from=D --to=D")
        with DjangoCron() as cron:
            if options["list"]:
                return list_backfills(cron)
            if options["cancel"] is not None:
                return cancel(cron, options["cancel"])
            return ask(cron, Wish(backfill=options["job"], **more))
