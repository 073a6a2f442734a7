"""The options by which one looks at jobs; see `commands`."""

from .commandoption import CommandOption

LOOK = (
    CommandOption(
        "status",
        "look",
        "[NAME]",
        "the state of each job or of one, worst first",
        "[A line for each](../howto/see.md), with the reason.",
        forms=("text", "json"),
    ),
    CommandOption(
        "explain",
        "look",
        "NAME",
        "why this job runs or does not run",
        "[Each check](../howto/see.md#why-does-it-not-run) that the job has to pass, and the root"
        " cause of what is in its way.",
        forms=("text", "json"),
    ),
    CommandOption(
        "history",
        "look",
        "NAME",
        "what happened to its slots; all: run times",
        "[Its slots](../howto/see.md#what-was-slow-this-week), newest last; with `all`,"
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
    CommandOption("from", "look", "TIME", "the first slot", of=("history", "dates", "backfill")),
    CommandOption(
        "to",
        "look",
        "TIME",
        "the last slot",
        "A date alone means the whole day.",
        of=("history", "dates", "backfill"),
    ),
    CommandOption("failed", "look", "", "only what failed", of=("history",)),
    CommandOption(
        "output", "look", "", "also what the runs wrote, if it was kept", of=("history",)
    ),
    CommandOption(
        "preview",
        "look",
        "[NAME]",
        "the next runs, of one job or all",
        "[Local time, UTC, and how long until then](../schedules.md#what-runs-next), with a note"
        " where a clock change moves, skips or repeats a run.",
        forms=("text", "json", "ics"),
    ),
    CommandOption(
        "graph",
        "look",
        "[NAME]",
        "which job waits for which, and their states",
        "[A tree](../monitoring.md#which-job-waits-for-which): below each job those that depend on"
        " it. With NAME: only this job, what it waits for, and what waits for it.",
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
        "at most this many",
        "By default 10 of `--preview`, and the newest 20 of `--history`.",
        of=("history", "preview"),
    ),
    CommandOption(
        "report",
        "look",
        "FILE",
        "write all this to one HTML file",
        "[One file](../web.md#a-report-in-one-file) without scripts: all jobs, the last and the"
        " next day, dates, the graph, errors.",
    ),
    CommandOption(
        "serve",
        "look",
        "[ADDRESS]",
        "live pages, at 127.0.0.1:8008",
        "[Pages](../web.md) that refresh themselves; a signal ends the server. Needs the extra"
        " `web`.",
    ),
    CommandOption(
        "serve-writable",
        "look",
        "",
        "the same, and operators may run, pause and reset jobs",
        "The pages then have [buttons](../web.md#who-may-do-what) for users with the role"
        " operator. Needs users, or a proxy that knows them. `[web] writable=yes` does the same.",
        of=("serve",),
    ),
    CommandOption("until", "look", "TIME", "up to this time", of=("preview", "pause")),
    CommandOption(
        "format",
        "look",
        "FORM",
        "print as json, or as ics, mermaid or dot",
        "[`json`](json.md) is for programs; the default, `text`, is for people. `--preview` also"
        " prints `ics`, for calendars, and `--graph` prints `mermaid` and `dot`, for drawings.",
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
