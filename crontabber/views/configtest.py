"""What ``--configtest`` prints: a line for each fault and each warning."""

from collections.abc import Sequence

from ..errors import CrontabberError
from .text import all_well, one_line


def report(faults: Sequence[CrontabberError], warnings: Sequence[str], jobs: int) -> str:
    """A line for each of *faults* and *warnings*; without faults also how many *jobs* are well."""
    lines = [one_line(str(fault)) for fault in faults]
    lines += [f"warning: {one_line(warning)}" for warning in warnings]
    if jobs and not faults:
        lines.append(f"OK: {all_well(jobs)}")
    return "\n".join(lines)
