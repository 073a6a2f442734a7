"""The options by which one looks at jobs; see `commands`."""

from .commandoption import CommandOption

LOOK = (
    CommandOption(
        "status",
        "look",
        "[NAME]",
        "how each job is, the worst first; or one job",
        "[A line for each](../howto/see.md), and why it is so.",
        forms=("text", "json"),
    ),
    CommandOption(
        "explain",
        "look",
        "NAME",
        "why this job runs or does not run",
        "[Each check](../howto/see.md#why-does-it-not-run) that stands between the job and its"
        " run, down to the root of what is in the way.",
        forms=("text", "json"),
    ),
    CommandOption(
        "history",
        "look",
        "NAME",
        "what became of its slots; all: how long it took",
        "[Its slots](../howto/see.md#what-was-slow-this-week), the newest last; with `all`,"
        " how long the runs of all jobs took.",
        forms=("text", "json"),
    ),
    CommandOption(
        "dates",
        "look",
        "NAME",
        "which dates of a backfill app are done",
        "[Which dates](../howto/see.md#which-dates-are-missing) are done, failed, open, or not run"
        " on purpose.",
        forms=("text", "json"),
    ),
    CommandOption(
        "from", "look", "TIME", "the first slot that is meant", of=("history", "dates", "backfill")
    ),
    CommandOption(
        "to",
        "look",
        "TIME",
        "the last slot that is meant",
        "A date alone means all of its day.",
        of=("history", "dates", "backfill"),
    ),
    CommandOption("failed", "look", "", "only what failed", of=("history",)),
    CommandOption(
        "output", "look", "", "what the runs wrote, too, where that was kept", of=("history",)
    ),
    CommandOption(
        "preview",
        "look",
        "[NAME]",
        "the next runs, of one job or all",
        "In their order: [the local time, UTC, and in how long](../schedules.md#what-runs-next),"
        " with a note where a clock change moves, skips or repeats a run.",
        forms=("text", "json", "ics"),
    ),
    CommandOption(
        "graph",
        "look",
        "[NAME]",
        "which job waits for which, and their states",
        "[A tree](../monitoring.md#which-job-waits-for-which): below each job those that depend on"
        " it. With a NAME: only this job, what it waits for, and what waits for it.",
        forms=("text", "json", "mermaid", "dot"),
    ),
    CommandOption(
        "list-jobs",
        "look",
        "[NAME]",
        "the state of each job, in the order listed",
        "Prints [a block for each](../monitoring.md#the-state-of-the-jobs). `--list` does too.",
        short="l",
        forms=("text", "json"),
    ),
    CommandOption(
        "count",
        "look",
        "N",
        "at most so many",
        "10 of `--preview`, and the newest 20 of `--history`, if not given.",
        of=("history", "preview"),
    ),
    CommandOption(
        "report",
        "look",
        "FILE",
        "write a page with all this: HTML in one file",
        "[One file](../web.md#a-report-in-one-file) that needs no script and nothing else: all"
        " jobs, the last and the next day, dates, the graph, errors.",
    ),
    CommandOption(
        "serve",
        "look",
        "[ADDRESS]",
        "live pages, at 127.0.0.1:8008",
        "[Pages](../web.md) that refresh themselves, until a signal ends it. Needs the extra"
        " `web`.",
    ),
    CommandOption(
        "serve-writable",
        "look",
        "",
        "the same, where operators run, pause and reset jobs",
        "The pages have [buttons](../web.md#who-may-do-what) then, for users with the role"
        " operator. It needs users, or a proxy that knows them. `[web] writable=yes` does the"
        " same.",
        of=("serve",),
    ),
    CommandOption("until", "look", "TIME", "up to this time", of=("preview", "pause")),
    CommandOption(
        "format",
        "look",
        "FORM",
        "print it as json; or as ics, mermaid, dot",
        "[JSON](json.md) is for programs, and `text` for people. `--preview` can be printed as"
        " `ics`, for calendars, and `--graph` as `mermaid` or `dot`, for drawings.",
        of=(
            "status",
            "explain",
            "history",
            "dates",
            "preview",
            "graph",
            "list-jobs",
            "nagios",
            "audit-ghosts",
            "configtest",
            "list-backfills",
        ),
    ),
)
"""In the order of the help."""
