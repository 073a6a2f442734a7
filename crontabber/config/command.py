"""What the command line asks for, as a value."""

from typing import NamedTuple

from .commands import COMMANDS, WITH_ANY


class Command(NamedTuple):
    """What to do; with nothing set, run the jobs that are due."""

    job: str = ""
    """The app_name or class path of the only job to run; with ``nagios``, to judge."""
    force: bool = False
    run_at: str = ""
    """The time at which ``job`` runs next; empty: it runs now."""
    run_in: str = ""
    """The same, as a length of time from now."""
    status: bool | str = False
    """True, or the app_name or class path of one job; the same for ``list_jobs``."""
    explain: str = ""
    """The app_name or class path of the job; the same for ``history`` and ``dates``."""
    history: str = ""
    dates: str = ""
    from_: str = ""
    """The first slot to show; empty: as far back as the log goes, or as fits."""
    to: str = ""
    failed: bool = False
    """Whether to show only what failed."""
    count_: str = ""
    """How many lines to show."""
    output: bool = False
    """Whether to show the output of runs that was kept."""
    list_jobs: bool | str = False
    preview: bool | str = False
    """The app_name or class path of the job to look ahead for; True: all."""
    graph: bool | str = False
    """The app_name or class path of the job to show with its parents and children; True: all."""
    until: str = ""
    report: str = ""
    """The file to write the report to."""
    serve: bool | str = False
    """The address at which to serve the pages; True: the usual one."""
    serve_writable: bool = False
    nagios: bool = False
    retry: str = ""
    """The app_name or class path of the job to try again."""
    reset_job: str = ""
    """The app_name or class path of the job to forget."""
    mark_success: str = ""
    """The app_names or class paths of jobs, with commas between them, or ``all``."""
    at: str = ""
    """The time for ``mark_success``; empty: now."""
    pause: str = ""
    """The app_names or class paths of jobs, with commas between them, or ``all``."""
    for_: str = ""
    """For how long to ``pause``; empty: for a day."""
    why: str = ""
    resume: str = ""
    backfill: str = ""
    """The app_name or class path of the job whose dates are to be done."""
    redo: str = ""
    with_children: bool = False
    newest_first: bool = False
    dry_run: bool = False
    list_backfills: bool = False
    cancel_backfill: str = ""
    """The number of the backfill to end."""
    audit_ghosts: bool = False
    configtest: bool = False
    sentrytest: bool = False
    notifytest: bool = False
    add_user: str = ""
    """The name of a user, and its role after a colon; see ``[web]``."""
    init: bool | str = False
    """The directory to write a first configuration into; True: this one."""
    format: str = ""
    """The form in which to print; empty: text."""
    completion: str = ""
    """The shell to write a script for."""
    version: bool = False
    help: bool | str = False
    """The topic: ``settings``, ``options``, or a job; True: the usage."""

    @property
    def has_verb(self) -> bool:
        """Whether anything but a tick is asked for."""
        return bool(self.verbs)

    @property
    def only_looks(self) -> bool:
        """Whether people only look at jobs, so that some faults are harmless."""
        return any(name in _LOOKS or name == "audit_ghosts" for name in self.verbs)

    @property
    def verbs(self) -> list[str]:
        """The verbs that are asked for; only one is allowed."""
        given = (name for name, value in self._asdict().items() if value)
        verbs = [name for name in given if name not in MODIFIERS and name not in WITH_ANY]
        # it says which job; and judging one does not run it
        return [name for name in verbs if not (self.nagios and name == "job")]


def field_of(option: str) -> str:
    """The field of `Command` for an option."""
    return f"{option}_" if option in {"from", "count", "for"} else option.replace("-", "_")


_LOOKS = {field_of(option.name) for option in COMMANDS if option.group == "look"}
MODIFIERS = {field_of(option.name): option for option in COMMANDS if option.of}
"""What says how another is meant."""
