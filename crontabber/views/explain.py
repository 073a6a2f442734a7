"""What ``--explain`` prints: each check of a job, the root of its wait, and what would help."""

from datetime import datetime
from typing import Any

from ..datetimeutil import timesince
from ..schedule.explain import Check, Explanation
from ..schedule.status import JobStatus, State
from .envelope import utc
from .status import KINDS, open_dates, wrapped
from .text import Style, one_line, plain
from .times import clock, schedule_text

LABELS = {
    "schedule": "WAITS",
    "pause": "PAUSED",
    "retry": "WAITS",
    "missed": "WAITS",
    "parent": "BLOCKED",
    "lock": "HELD",
    "claim": "RUNNING",
    "mark": "RUNNING",
}
"""The word for a check that fails."""
_ORDER = [*LABELS]
_RARE = frozenset({"missed", "mark"})
"""The checks that are shown only if they fail."""


def shown_checks(found: Explanation) -> list[Check]:
    """The checks, in the order in which they are shown."""
    shown = [check for check in found.checks if not (check.ok and check.name in _RARE)]
    return sorted(shown, key=lambda check: _ORDER.index(check.name))


def explain(found: Explanation, now: datetime, *, style: Style = plain, width: int = 80) -> str:
    """A line for each check, and below them when it can run and what would help."""
    status = found.status
    job = status.job
    backfill = ", backfill" if job.backfill else ""
    lines = [f"{one_line(job.app_name)}  {schedule_text(job.schedule)} {job.zone}{backfill}"]
    lines += wrapped(_state(status, now), width, "")
    lines[1] = _painted(lines[1], status, style)
    for check in shown_checks(found):
        lines += _check(check, status, now, width)
        if check.name == "parent" and not check.ok:
            for cause in found.causes:
                lines += _cause(cause, now, width)
    for note in found.notes:
        lines += _hanging("NOTE     ", note, width)
    lines += _hanging("CAN RUN  ", when(found, now), width)
    for number, command in enumerate(found.commands):
        lines.append(f"{'' if number else 'TRY':9}crontabber {command}")
    return "\n".join(lines)


def _painted(line: str, status: JobStatus, style: Style) -> str:
    kind, word = KINDS.get(status.state), status.state.value
    return style(kind, line[: len(word)]) + line[len(word) :] if kind else line


def _state(status: JobStatus, now: datetime) -> str:
    text = status.state.value.upper()
    if status.since and status.state is not State.OK:
        since = clock(status.since.replace(second=0), status.job.zone, now)
        text += f" since {since} ({timesince(status.since, now).partition(',')[0]})"
    return f"{text}; {open_dates(status)}" if status.open else text


def _hanging(label: str, text: str, width: int) -> list[str]:
    """*text* after *label*, and below itself."""
    first, *others = wrapped(one_line(text), width, " " * len(label)) or [label]
    return [label + first.strip(), *others]


def _check(check: Check, status: JobStatus, now: datetime, width: int) -> list[str]:
    label = "ok" if check.ok else LABELS[check.name]
    text = check.reason
    if check.since:
        since = clock(check.since.replace(second=0), status.job.zone, now)
        text += f" since {since}" if check.ok else f", since {since}"
    if check.until:
        text += f", until {clock(check.until, status.job.zone, now)}"
    return _hanging(f"  {label:8} {check.name:8}  ", text, width)


def _cause(cause: JobStatus, now: datetime, width: int) -> list[str]:
    name = one_line(cause.job.app_name)
    text = f"{cause.reason or cause.state.value}{_next_try(cause, now)}"
    if len(name) > 8:
        return wrapped(f"{name}: {one_line(text)}", width, " " * 11)
    return _hanging(f"           {name:8}  ", text, width)


def _next_try(cause: JobStatus, now: datetime) -> str:
    if cause.next is None or cause.state in (State.BLOCKED, State.RUNNING):
        return ""
    word = "next try" if cause.row and cause.row.last_error else "next run"
    if cause.next <= now:
        return f"; {word} in the next tick"
    return f"; {word} {clock(cause.next, cause.job.zone, now)}"


def when(found: Explanation, now: datetime) -> str:
    """When the job can run, in words."""
    status, obstacle = found.status, found.obstacle
    if obstacle is None:
        return "now: the next tick runs it"
    if obstacle.name in ("claim", "mark"):
        return "when this run has ended, and it is due again"
    after = _after(found, obstacle)
    early = found.not_before
    if early is None or early <= now:
        return f"in the first tick{after}" if after else "in the next tick but one"
    at = clock(early, status.job.zone, now)
    return f"in the first tick{after}, not before {at}" if after else f"in the first tick from {at}"


def _after(found: Explanation, obstacle: Check) -> str:
    root = found.causes[-1] if found.causes else None
    if obstacle.name == "parent":
        name = root.job.app_name if root else obstacle.reason.partition(" ")[0]
        return f" after {name} succeeds"
    if obstacle.name == "lock":
        return " after the lock is free"
    if obstacle.until is None and obstacle.commands:
        return f" after crontabber {obstacle.commands[0]}"
    return ""


# -- JSON ----------------------------------------------------------------------------


def explanation_fields(found: Explanation, now: datetime) -> dict[str, Any]:
    """What a document says of an explanation."""
    return {
        "checks": [_check_fields(check) for check in found.checks],
        "causes": [
            {
                "app_name": cause.job.app_name,
                "state": cause.state.value,
                "reason": cause.reason,
                "since": utc(cause.since),
                "next": utc(cause.next),
            }
            for cause in found.causes
        ],
        "notes": [*found.notes],
        "can_run": found.can_run,
        "when": when(found, now),
        "not_before": utc(found.not_before),
        "commands": [f"crontabber {command}" for command in found.commands],
    }


def _check_fields(check: Check) -> dict[str, Any]:
    return {
        "name": check.name,
        "ok": check.ok,
        "reason": check.reason,
        "since": utc(check.since),
        "until": utc(check.until),
        "commands": [f"crontabber {command}" for command in check.commands],
    }
