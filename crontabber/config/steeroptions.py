"""The options by which one runs jobs, and says how they go on; see `commands`."""

from .commandoption import CommandOption

RUN = (
    CommandOption(
        "job",
        "run",
        "NAME",
        "run one job",
        "It runs if it is due and its parents allow it; otherwise crontabber says why. NAME is an"
        " `app_name` or a class path. [Backfill apps](#left-alone) are left alone, with exit"
        " status 1. With `--nagios`: judge only this job.",
        short="j",
    ),
    CommandOption(
        "force", "run", "", "run it even if it is blocked or not due", short="f", of=("job",)
    ),
    CommandOption(
        "run-at",
        "run",
        "TIME",
        "plan its next run for this time",
        "For example `2026-11-21T03:00`. See [when a job runs"
        " next](../limits.md#when-a-job-runs-next).",
        of=("job",),
    ),
    CommandOption(
        "run-in",
        "run",
        "LENGTH",
        "plan its next run for so long from now",
        "For example `90s`, `30m` or `1h30m`.",
        of=("job",),
    ),
)
"""In the order of the help."""

STEER = (
    CommandOption(
        "retry",
        "steer",
        "NAME",
        "have the next tick retry a job that failed",
        "Also one that [gave up on a date](../limits.md#how-often-a-job-is-tried-again).",
    ),
    CommandOption(
        "mark-success",
        "steer",
        "NAMES",
        "mark jobs as successful",
        "[One](../running.md#say-that-a-job-is-done), several separated by commas, or `all`"
        " configured jobs.",
    ),
    CommandOption(
        "at",
        "steer",
        "TIME",
        "at this time, such as 2026-11-21T03:00",
        "By default now. With `--explain`: [a time of the"
        " past](../howto/see.md#why-did-it-not-run-at-0300-last-tuesday).",
        of=("explain", "mark-success"),
    ),
    CommandOption(
        "reset-job",
        "steer",
        "NAME",
        "forget the state of this job, keep its log",
        "NAME is an `app_name` or a class path. Also for a ghost.",
        short="r",
    ),
    CommandOption(
        "pause",
        "steer",
        "NAMES",
        "stop jobs for a day",
        "[One](../backfill.md#pause-a-job), several separated by commas, or `all` configured jobs."
        " `--until` or `--for` says another time. A run in progress continues.",
    ),
    CommandOption(
        "for",
        "steer",
        "LENGTH",
        "for how long, such as 2h; or ever",
        "With `ever` only `--resume` ends it.",
        of=("pause",),
    ),
    CommandOption("why", "steer", "TEXT", "the reason, for others to read", of=("pause",)),
    CommandOption(
        "resume",
        "steer",
        "NAMES",
        "end the pause of these jobs",
        "A backfill app catches up; any other runs next by its schedule.",
    ),
    CommandOption(
        "backfill",
        "steer",
        "NAME",
        "run past dates, --from one --to another",
        "[Those](../backfill.md#dates-on-purpose) that were never done, unless `--redo` says"
        " otherwise. Ticks do them.",
    ),
    CommandOption(
        "redo",
        "steer",
        "WHICH",
        "missing, failed or all dates",
        "`missing` were never done, `failed` were given up, `all` are done again.",
        of=("backfill",),
    ),
    CommandOption(
        "with-children",
        "steer",
        "",
        "also the dates of jobs that depend on it",
        "Each date comes after its parent's.",
        of=("backfill",),
    ),
    CommandOption("newest-first", "steer", "", "begin with the newest date", of=("backfill",)),
    CommandOption("dry-run", "steer", "", "only list the dates", of=("backfill",)),
    CommandOption(
        "list-backfills",
        "steer",
        "",
        "how far requested backfills have got",
        forms=("text", "json"),
    ),
    CommandOption(
        "cancel-backfill",
        "steer",
        "N",
        "end the backfill with this number",
        "What is done stays done.",
    ),
)
"""In the order of the help."""
