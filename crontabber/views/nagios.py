"""What ``--nagios`` prints: one line, and the status to exit with.

A Nagios plugin says all it has to say on a single line. Its form is the manual's:
``CRITICAL - my-app (MyApp) | <class 'OSError'> | [Errno 13] …``, several joined by ``; ``.
"""

from collections.abc import Sequence

from ..errors import CrontabberError
from ..schedule.health import Finding, Status
from .text import NO_JOBS, all_well, one_line

_LONGEST = 300
"""Characters of a value that are shown."""
_LINE = 4000
"""Characters after which findings are only counted: Nagios itself cuts at 8 KiB."""
_SEPARATORS = str.maketrans("|;", "/,")


def report(
    findings: Sequence[Finding], faults: Sequence[CrontabberError], jobs: int
) -> tuple[str, Status]:
    """The line about *findings* and *faults*, the worst first, and the worst status.

    *faults* are what is wrong with job lines that cannot be used: critical, since such
    a job is not being run at all. *jobs* is how many jobs were judged.
    """
    said = [(Status.CRITICAL, _value(str(fault))) for fault in faults]
    said += [(finding.status, _text(finding)) for finding in findings]
    if not said and not jobs:
        said = [(Status.WARNING, NO_JOBS)]
    if not said:
        return f"{Status.OK.name} - {all_well(jobs)}", Status.OK
    said.sort(key=lambda one: -one[0])
    worst = said[0][0]
    return f"{worst.name} - {_joined([text for _, text in said])}", worst


def unknown(message: str) -> tuple[str, Status]:
    """The line to print when the jobs cannot be judged, and its status."""
    return f"{Status.UNKNOWN.name} - {_value(message)}", Status.UNKNOWN


def _joined(texts: Sequence[str]) -> str:
    """As many of the *texts* as a line can take, and how many more there are."""
    length, shown = 0, 0
    while shown < len(texts) and length < _LINE:
        length += len(texts[shown])
        shown += 1
    more = [f"and {len(texts) - shown} more"] if shown < len(texts) else []
    return "; ".join([*texts[:shown], *more])


def _text(finding: Finding) -> str:
    name = f"{finding.app_name} ({finding.class_name})"
    return " | ".join(filter(None, map(_value, (name, *finding.parts))))


def _value(text: str) -> str:
    """*text* without line breaks, without what separates values, and not too long."""
    line = one_line(text).translate(_SEPARATORS)
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 3]}..."
