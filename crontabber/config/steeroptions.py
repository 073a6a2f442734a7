"""The options to run and steer jobs; see `commands`."""

from .commandoption import CommandOption

RUN = (
    CommandOption(
        "job",
        "run",
        "NAME",
        "run only this",
        "It runs if it is due and no parent blocks it; otherwise the command says why not. The job"
        " is named by `app_name` or class path. A [backfill app](#left-alone) is left alone, with"
        " exit status 1. With `--nagios`: judge only this job.",
        short="j",
    ),
    CommandOption("force", "run", "", "run it, due or not, blocked or not", short="f", of=("job",)),
    CommandOption(
        "run-at",
        "run",
        "TIME",
        "do not run it now, but set when it runs next",
        "See [when a job runs next](../limits.md#when-a-job-runs-next). Such as"
        " `2026-11-21T03:00`.",
        of=("job",),
    ),
    CommandOption(
        "run-in",
        "run",
        "LENGTH",
        "the same, as a length of time from now",
        "Such as `90s`, `30m` or `1h30m`.",
        of=("job",),
    ),
)
"""In the order of the help."""

STEER = (
    CommandOption(
        "retry",
        "steer",
        "NAME",
        "have the next tick try this failed job again",
        "See [how often a job is tried again](../limits.md#how-often-a-job-is-tried-again). Also"
        " for a job that gave up on a date.",
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
        "By default now. With `--explain`: [a time in the"
        " past](../howto/see.md#why-did-it-not-run-at-0300-last-tuesday).",
        of=("explain", "mark-success"),
    ),
    CommandOption(
        "reset-job",
        "steer",
        "NAME",
        "forget the state of this job, keep its log",
        "It is named by `app_name` or class path, and may be a ghost.",
        short="r",
    ),
    CommandOption(
        "pause",
        "steer",
        "NAMES",
        "pause jobs for a day",
        "See [pauses](../backfill.md#pause-a-job). A run in progress continues. Separate several by"
        " commas; `all` means all configured jobs.",
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
        "request past dates, --from one --to another",
        "[Those](../backfill.md#dates-on-purpose) that were never done, unless `--redo` says"
        " otherwise. Ticks do them.",
    ),
    CommandOption(
        "redo",
        "steer",
        "WHICH",
        "missing, failed or all dates",
        "`missing` were never done, `failed` were given up; `all` includes those that are done.",
        of=("backfill",),
    ),
    CommandOption(
        "with-children",
        "steer",
        "",
        "also the dates of the jobs that depend on it",
        "Each of them comes after its parent's.",
        of=("backfill",),
    ),
    CommandOption("newest-first", "steer", "", "begin with the newest date", of=("backfill",)),
    CommandOption("dry-run", "steer", "", "only list the dates", of=("backfill",)),
    CommandOption(
        "list-backfills",
        "steer",
        "",
        "how far the requested backfills are",
        forms=("text", "json"),
    ),
    CommandOption(
        "cancel-backfill",
        "steer",
        "N",
        "cancel the backfill with this number",
        "Dates that it has done stay done.",
    ),
)
"""In the order of the help."""
