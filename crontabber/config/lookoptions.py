"""The options to look at jobs; see `commands`."""

from .commandoption import CommandOption

LOOK = (
    CommandOption(
        "status",
        "look",
        "[NAME]",
        "the state of each job, the worst first; or one",
        "[A line for each](../howto/see.md), with the reason.",
        forms=("text", "json"),
    ),
    CommandOption(
        "explain",
        "look",
        "NAME",
        "why this job runs or does not run",
        "[Each check](../howto/see.md#why-does-it-not-run) that a tick makes before it runs the"
        " job; what stands in the way is followed down to its root.",
        forms=("text", "json"),
    ),
    CommandOption(
        "history",
        "look",
        "NAME",
        "what became of its slots; all: durations",
        "[Its slots](../howto/see.md#what-was-slow-this-week), the newest last; with `all`,"
        " how long the runs of all jobs took.",
        forms=("text", "json"),
    ),
    CommandOption(
        "dates",
        "look",
        "NAME",
        "which dates of a backfill app are done",
        "[A calendar](../howto/see.md#which-dates-are-missing) of dates that are done, failed,"
        " open, or not run on purpose.",
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
    CommandOption("failed", "look", "", "only failures", of=("history",)),
    CommandOption(
        "output", "look", "", "also what the runs wrote, if that was kept", of=("history",)
    ),
    CommandOption(
        "preview",
        "look",
        "[NAME]",
        "the next runs, of one job or all",
        "In order, with [the local time, UTC, and in how long](../schedules.md#what-runs-next),"
        " and a note where a clock change moves, skips or repeats a run.",
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
        "a block on each job, in the order listed",
        "See [the state of the jobs](../monitoring.md#the-state-of-the-jobs). `--list` is the"
        " same.",
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
        "write a page with all this: HTML in one file",
        "[It](../web.md#a-report-in-one-file) needs no script and no other file, and shows all"
        " jobs, the last and the next day, dates, the graph, errors.",
    ),
    CommandOption(
        "serve",
        "look",
        "[ADDRESS]",
        "live pages, at 127.0.0.1:8008",
        "[Pages](../web.md) that refresh themselves. It runs until a signal ends it, and needs the"
        " extra `web`.",
    ),
    CommandOption(
        "serve-writable",
        "look",
        "",
        "let operators run, pause and reset jobs",
        "The pages have [buttons](../web.md#who-may-do-what) for users with the role operator. It"
        " needs users, or a proxy that knows them. `[web] writable=yes` does the same.",
        of=("serve",),
    ),
    CommandOption("until", "look", "TIME", "up to this time", of=("preview", "pause")),
    CommandOption(
        "format",
        "look",
        "FORM",
        "print it as json; or as ics, mermaid, dot",
        "`text`, for people, is the default; [JSON](json.md) is for programs. `--preview` can print"
        " `ics`, for calendars, and `--graph` `mermaid` or `dot`, for drawings.",
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
