"""What ``--configtest`` prints: a line for each fault and each warning."""

from collections.abc import Sequence
from datetime import datetime

from ..errors import CrontabberError
from ..schedule.model import JobSpec
from .envelope import Origin, class_of, document, job_fields
from .text import all_well, fault_line


def report(faults: Sequence[CrontabberError], warnings: Sequence[str], jobs: int) -> str:
    """A line for each of *faults* and *warnings*; without faults also the number of *jobs*."""
    lines = [fault_line(str(fault)) for fault in faults]
    lines += [f"warning: {fault_line(warning)}" for warning in warnings]
    if jobs and not faults:
        lines.append(f"OK: {all_well(jobs)}")
    return "\n".join(lines)


def report_document(
    jobs: Sequence[JobSpec],
    faults: Sequence[str],
    warnings: Sequence[str],
    now: datetime,
    zone: str | None,
    *,
    origin: Origin = class_of,
) -> str:
    """The same as a document; *jobs* are those that can be used, *zone* that of the settings."""
    fields = [job_fields(job, "ok", origin=origin) for job in jobs]
    return document("configtest", now, zone, fields, faults=[*faults], warnings=[*warnings])
