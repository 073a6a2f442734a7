"""What is found about the jobs: values for all that show it, such as Nagios or a graph."""

import enum
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import NamedTuple


class Status(enum.IntEnum):
    """How bad it is; the numbers are the exit statuses of a Nagios plugin."""

    OK = 0
    """All is well."""
    WARNING = 1
    """A person should look at it, but need not get out of bed."""
    CRITICAL = 2
    """Something that should be done is not being done."""
    UNKNOWN = 3
    """Unknown: the configuration cannot be used, or the database cannot be reached."""


class Problem(enum.Enum):
    """What kind of thing is wrong."""

    FAILED = "failed"
    """The last run failed or crashed."""
    LATE = "late"
    """The job is due for longer than its ``late`` allows, and nothing excuses it."""
    STUCK = "stuck"
    """It is ongoing for too long."""
    ASTRAY = "astray"
    """It waits for a date that its schedule cannot have led to."""
    ORPHANED = "orphaned"
    """It waits for a parent that exists nowhere, so it can never run."""
    UNUSABLE = "unusable"
    """A line of the jobs list, or the list, cannot be used."""
    UNSEEN = "unseen"
    """No tick has seen any of the jobs."""
    DENIED = "denied"
    """The role that runs the jobs may not do so, or rows are hidden from it or from us."""
    UNKNOWN = "unknown"
    """The jobs cannot be judged."""
    SCARCE = "scarce"
    """Half of the numbers that the log has for its rows are used."""


class Finding(NamedTuple):
    """What is wrong with a job."""

    status: Status
    problem: Problem
    parts: tuple[str, ...]
    """What it is, from the general to the particular; an exception's texts as they were."""
    app_name: str = ""
    """Empty if it is not about a single job."""
    class_path: str = ""

    @property
    def class_name(self) -> str:
        """The last part of the class path."""
        return self.class_path.rpartition(".")[2]


class Counts(NamedTuple):
    """What can be counted about the jobs that were judged."""

    jobs: int = 0
    """How many were judged."""
    failed: int = 0
    """How many failed when they last ran."""
    late: int = 0
    """How many are reported as late."""
    blocked: int = 0
    """How many are due and wait for a parent."""
    new: int = 0
    """How many no tick has seen yet."""
    oldest_open: timedelta = timedelta()
    """The age of the oldest slot that came up and is not done; zero if there is none."""


class Health(NamedTuple):
    """The judgement."""

    findings: Sequence[Finding]
    """The worst first; equally bad ones in the order of the jobs list."""
    counts: Counts
    standby: bool = False
    """Whether the server is a standby, which does not know which runs have crashed."""

    @property
    def status(self) -> Status:
        """The worst of all."""
        return max((finding.status for finding in self.findings), default=Status.OK)


class Access(NamedTuple):
    """What the role that runs the jobs may do on the server, and for how long."""

    standby: bool = False
    """Whether the server is a standby, which is read-only."""
    read_only: bool = False
    """Whether transactions of the role that asks are read-only."""
    role: str = ""
    """The role that was asked about: by default the one that asks."""
    lacking: Sequence[str] = ()
    """The rights that it lacks, such as ``INSERT on crontabber``."""
    only_reads: bool = False
    """Whether it has the right to read the states, and no other."""
    zone: str = "UTC"
    """The time zone of the server, by its name."""
    row_security: Sequence[str] = ()
    """The tables whose rows row security may hide, from that role or from the one that asks."""
    log_numbers: str = ""
    """What to say of the numbers of the log's rows, once half of them are used."""

    def findings(self) -> Iterable[Finding]:
        """Why jobs cannot run, rows cannot be seen, or soon cannot be added, if that is so."""
        if self.lacking:
            what = f"role {self.role} has no right to {', '.join(self.lacking)}"
            if self.lacking[0].startswith(_MAKE):
                what += "; grant it for the first tick, or have another role make the tables"
            elif self.only_reads:
                what += "; name the role that runs the jobs: nagios_role=ROLE"
            mild = self.only_reads or set(self.lacking) == {_FORGET}
            yield Finding(Status.WARNING if mild else Status.CRITICAL, Problem.DENIED, (what,))
        if self.read_only:
            what = f"transactions of role {self.role} are read-only: no job can be run"
            yield Finding(Status.CRITICAL, Problem.DENIED, (what,))
        if self.row_security:
            tables = " and ".join(self.row_security)
            what = f"row security of {tables} can hide rows from role {self.role}"
            yield Finding(Status.WARNING, Problem.DENIED, (what, "disable it, or give BYPASSRLS"))
        if self.log_numbers:
            yield Finding(Status.WARNING, Problem.SCARCE, (self.log_numbers,))


NO_JOBS = "there are no jobs in this configuration"
"""The text about a jobs list that is empty, or whose name is misspelt."""
_MAKE = "CREATE on "
"""How the right to make missing tables begins, which a role needs that has no others yet."""
_FORGET = "DELETE on crontabber"
"""The one right that ticks do not need, but ``--reset-job`` does."""
