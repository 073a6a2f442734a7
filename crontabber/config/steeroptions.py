"""The options by which one runs jobs, and says how they go on; see `commands`."""

from .commandoption import CommandOption

RUN = (
    CommandOption(
        "job",
        "run",
        "NAME",
        "run only this",
        "If it is due; says why if not. The job is named by `app_name` or class path, and its"
        " parents have to allow it. Leaves [backfill apps](#left-alone) alone, and exits with 1."
        " With `--nagios`: judge only this job.",
        short="j",
    ),
    CommandOption(
        "force", "run", "", "run it even if it is not due or blocked", short="f", of=("job",)
    ),
    CommandOption(
        "run-at",
        "run",
        "TIME",
        "do not run it now, but say when it runs next",
        "See [when a job runs next](../limits.md#when-a-job-runs-next). Such as"
        " `2026-11-21T03:00`.",
        of=("job",),
    ),
    CommandOption(
        "run-in",
        "run",
        "LENGTH",
        "do not run it now, but say in how long it runs next",
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
        "have the next tick try this job, which failed",
        "See [how often a job is tried again](../limits.md#how-often-a-job-is-tried-again). Also"
        " for one that gave up on a date.",
    ),
    CommandOption(
        "mark-success",
        "steer",
        "NAMES",
        "have jobs count as having succeeded",
        "[One](../running.md#say-that-a-job-is-done), several with commas between them, or `all`"
        " that are configured.",
    ),
    CommandOption(
        "at",
        "steer",
        "TIME",
        "at this time, such as 2026-11-21T03:00",
        "Now, if not given. With `--explain`: [a time of the"
        " past](../howto/see.md#why-did-it-not-run-at-0300-last-tuesday).",
        of=("explain", "mark-success"),
    ),
    CommandOption(
        "reset-job",
        "steer",
        "NAME",
        "forget the state of this job, keep its log",
        "It is named by `app_name` or class path. Also for a ghost.",
        short="r",
    ),
    CommandOption(
        "pause",
        "steer",
        "NAMES",
        "stop jobs for a day",
        "See [pauses](../backfill.md#pause-a-job). A run in progress goes on. Several have commas"
        " between them; `all` are all that are configured.",
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
        "have its dates done, --from one --to another",
        "Those [of the past](../backfill.md#dates-on-purpose) that were never done, if `--redo`"
        " does not say otherwise. Ticks do them.",
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
        "those of the jobs that depend on it, too",
        "Each of their dates comes after its parent's.",
        of=("backfill",),
    ),
    CommandOption("newest-first", "steer", "", "begin with the newest date", of=("backfill",)),
    CommandOption("dry-run", "steer", "", "only list the dates", of=("backfill",)),
    CommandOption(
        "list-backfills",
        "steer",
        "",
        "how far the backfills are that were asked for",
        forms=("text", "json"),
    ),
    CommandOption(
        "cancel-backfill",
        "steer",
        "N",
        "end the backfill of this number",
        "What is done of it stays done.",
    ),
)
"""In the order of the help."""
