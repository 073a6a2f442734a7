"""What ``--nagios`` prints: one line, and the exit status.

A Nagios plugin prints a single line, and what follows the first ``|`` is
performance data:
``CRITICAL - my-app (MyApp): <class 'OSError'>: [Errno 13] …; other (Other): … | jobs=2 failed=2…``.
The manual's form has ``|`` between the values, and no performance data.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import accumulate
from typing import Any

from ..schedule.findings import Counts, Finding, Health, Problem, Status
from ..schedule.status import Overview
from .envelope import Origin, class_of, document
from .fields import status_fields
from .text import STANDBY, all_well, one_line

_LONGEST = 300
"""Bytes of a value that are shown."""
_SHORTER = 100
"""The same if there are so many findings that each has to be short."""
_PACKET = 900
"""Bytes of findings above which their number comes first: NRPE 2 cuts a line at 1024."""
_LINE = 3800
"""Bytes above which findings are only counted: Nagios 3 cuts a line at 4096."""
_SEPARATORS = str.maketrans("|;", "/,")


def report(health: Health, *, manual: bool = False) -> tuple[str, Status]:
    """The line about the jobs' *health*, and the worst status.

    With *manual* the values are separated as in the manual.
    """
    between = " | " if manual else ": "
    notes = [STANDBY] if health.standby else []
    texts = [_well(health.counts)]
    if health.findings:
        texts = _texts(health.findings, between)
    line = f"{health.status.name} - {'; '.join([*texts, *notes])}"
    return line if manual else f"{line} | {_performance(health.counts)}", health.status


def unknown(message: str) -> tuple[str, Status]:
    """The line to print when the jobs cannot be judged, and its status."""
    return f"{Status.UNKNOWN.name} - {_value(message)}", Status.UNKNOWN


def report_document(overview: Overview, origin: Origin = class_of) -> tuple[str, Status]:
    """The same as a document, with the state of each job."""
    health = overview.health
    counts = health.counts._asdict()
    counts["oldest_open_seconds"] = counts.pop("oldest_open").total_seconds()
    text = document(
        "nagios",
        overview.now,
        str(overview.zone),
        [status_fields(each, origin) for each in overview.statuses],
        status=health.status.name,
        findings=[*map(_finding_fields, health.findings)],
        counts=counts,
        standby=health.standby,
        faults=[*overview.faults],
    )
    return text, health.status


def unknown_document(message: str, now: datetime) -> tuple[str, Status]:
    """The same as `unknown`, as a document without jobs or zone."""
    finding = Finding(Status.UNKNOWN, Problem.UNKNOWN, (message,))
    status = Status.UNKNOWN
    findings = [_finding_fields(finding)]
    return document("nagios", now, None, [], status=status.name, findings=findings), status


def _finding_fields(finding: Finding) -> dict[str, Any]:
    return {
        "status": finding.status.name,
        "problem": finding.problem.value,
        "parts": [*finding.parts],
        "app_name": finding.app_name or None,
    }


def _well(counts: Counts) -> str:
    new = f"; no tick has seen {counts.new} of them yet" if counts.new else ""
    return all_well(counts.jobs) + new


def _performance(counts: Counts) -> str:
    """The counts as performance data: label=value;warning;critical;minimum;maximum."""
    most = counts.jobs
    return (
        f"jobs={counts.jobs} failed={counts.failed};;0;0;{most} late={counts.late};0;;0;{most}"
        f" blocked={counts.blocked};;;0;{most}"
        f" oldest_open_seconds={counts.oldest_open.total_seconds():.0f};;;0"
    )


def _texts(findings: Sequence[Finding], between: str) -> list[str]:
    """What to say of the *findings*, in parts that are joined by ``; ``."""
    texts = [_text(finding, between, _LONGEST) for finding in findings]
    size = sum(map(_size, texts))
    if size <= _PACKET or len(texts) == 1:
        return texts
    if size > _LINE:
        texts = [_text(finding, between, _SHORTER) for finding in findings]
    texts[0] = f"{_how_many(findings)}: {texts[0]}"
    shown = _fitting(texts)
    return texts if shown == len(texts) else [*texts[:shown], f"and {len(texts) - shown} more"]


def _fitting(texts: Sequence[str]) -> int:
    """How many of the *texts* a line can take."""
    ends = accumulate(map(_size, texts))
    return sum(1 for end in ends if end <= _LINE)


def _how_many(findings: Sequence[Finding]) -> str:
    critical = sum(finding.status is Status.CRITICAL for finding in findings)
    mixed = f", {critical} of them critical" if 0 < critical < len(findings) else ""
    return f"{len(findings)} problems{mixed}"


def _size(text: str) -> int:
    return len(text.encode()) + len("; ")


def _text(finding: Finding, between: str, longest: int) -> str:
    name = f"{finding.app_name} ({finding.class_name})" if finding.app_name else ""
    parts = (_value(part, longest) for part in (name, *finding.parts))
    return between.join(filter(None, parts))


def _value(text: str, longest: int = _LONGEST) -> str:
    """*text* without line breaks, without what separates values, and not too long."""
    line = one_line(text).translate(_SEPARATORS)
    data = line.encode()
    if len(data) <= longest:
        return line
    return data[: longest - 3].decode(errors="ignore") + "..."
