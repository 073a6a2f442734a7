"""The options by which one runs jobs, and says how they go on; see `commands`."""

from .commandoption import CommandOption

RUN = (
    CommandOption(
        "job",
        "run",
        "NAME",
        "run only this job, if it is due",
        "Says why if not. The job is named by `app_name` or class path, and its parents have to"
        " allow it. Leaves [backfill apps](#left-alone) alone, and exits with 1. With `--nagios`:"
        " judge only this job.",
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
)
"""In the order of the help."""
