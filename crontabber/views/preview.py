"""What ``--preview`` prints: the next runs, as text, as JSON and for calendars."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, timezone

from ..schedule.forecast import Upcoming
from ..schedule.status import JobStatus, Overview, State
from .envelope import Origin, class_of, document, utc
from .fields import status_fields
from .text import one_line
from .times import clock, heading, schedule_text, took

_GAP = "  "
_HEADINGS = ("LOCAL TIME", "UTC", "", "JOB")
_FOLD = 75
"""Octets of a line in a calendar, without its end."""


def preview(overview: Overview, found: Sequence[Upcoming], *, width: int = 80) -> str:
    """A line for each run, with a note if there is something to know about it.

    Below, the jobs that have no next run, and why.
    """
    now = overview.now
    reasons = {each.job.app_name: each for each in overview.statuses}
    rows = [_cells(each, now) for each in found]
    widths = [max(map(len, column)) for column in zip(_HEADINGS, *rows, strict=True)]
    lines = [heading(now, overview.zone), ""]
    if rows:
        lines.append(_joined(_HEADINGS, widths))
    for each, row in zip(found, rows, strict=True):
        line = _joined(row, widths)
        note = one_line(_note(each, reasons.get(each.job.app_name), now))
        if note and len(line) + len(_GAP) + len(note) <= width:
            line, note = f"{line}{_GAP}{note}", ""
        lines += [line, *([f"    {note}"] if note else [])]
    if not rows:
        lines.append("No runs are to come.")
    return "\n".join([*lines, *_without(overview)])


def preview_document(
    overview: Overview, found: Sequence[Upcoming], origin: Origin = class_of
) -> str:
    """The same as a JSON document: the runs of each job."""
    return document(
        "preview",
        overview.now,
        str(overview.zone),
        [
            {
                **status_fields(status, origin),
                "upcoming": [
                    _fields(each) for each in found if each.job.app_name == status.job.app_name
                ],
            }
            for status in overview.statuses
        ],
        faults=[*overview.faults],
    )


def _fields(each: Upcoming) -> dict[str, object]:
    local = each.at.astimezone(each.job.zone).isoformat()
    note = {"note": each.note} if each.note else {}
    return {"at": utc(each.at), "local": local, "slot": utc(each.slot), **note}


def _cells(each: Upcoming, now: datetime) -> tuple[str, ...]:
    zone = each.job.zone
    at = max(each.at, now).replace(second=0, microsecond=0) if each.at <= now else each.at
    local = f"{clock(at, zone, now)} {at.astimezone(zone):%z}"
    when = f"in {took(_whole(each.at - now))}" if each.at > now else "due"
    return local, f"{at.astimezone(timezone.utc):%m-%d %H:%M}Z", when, one_line(each.job.app_name)


def _whole(span: timedelta) -> timedelta:
    """*span* in whole seconds, and in whole minutes if it has any: rounded up."""
    unit = timedelta(minutes=1) if span > timedelta(minutes=1) else timedelta(seconds=1)
    return -(-span // unit) * unit


def _joined(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (cell.ljust(size) for cell, size in zip(cells, widths, strict=True))
    return _GAP.join(padded).rstrip()


def _note(each: Upcoming, status: JobStatus | None, now: datetime) -> str:
    """What to know about a run, and what blocks one that is due."""
    waits = status and each.at <= now and status.state in (State.BLOCKED, State.LATE)
    blocked = f"{status.state.value}: {status.reason}" if waits and status else ""
    return "; ".join(filter(None, (blocked, each.note)))


def _without(overview: Overview) -> Iterator[str]:
    """The jobs that do not run until a person steps in."""
    for each in overview.statuses:
        if each.next is None or (each.row and each.row.pause and each.row.pause.until is None):
            name = one_line(each.job.app_name)
            yield f"\n{name} does not run: {each.state.value}; {one_line(each.reason)}".rstrip("; ")


# -- for calendars -------------------------------------------------------------------


def calendar(found: Sequence[Upcoming], now: datetime) -> str:
    """The runs as an iCalendar document (RFC 5545); the caller prints the last line feed."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//crontabber//preview//EN",
        "CALSCALE:GREGORIAN",
        *(line for each in found for line in _event(each, now)),
        "END:VCALENDAR",
    ]
    return "\r\n".join(part for line in lines for part in _folded(line)) + "\r"


def _event(each: Upcoming, now: datetime) -> Iterator[str]:
    schedule = schedule_text(each.job.schedule)
    about = ". ".join(filter(None, (f"{schedule} {each.job.zone}", each.note)))
    yield "BEGIN:VEVENT"
    yield f"UID:{_escaped(f'{each.job.app_name}-{_stamp(each.slot)}@crontabber')}"
    yield f"DTSTAMP:{_stamp(now)}"
    yield f"DTSTART:{_stamp(max(each.at, now))}"
    yield f"SUMMARY:{_escaped(each.job.app_name)}"
    yield f"DESCRIPTION:{_escaped(about)}"
    yield "TRANSP:TRANSPARENT"
    yield "END:VEVENT"


def _stamp(moment: datetime) -> str:
    return f"{moment.astimezone(timezone.utc):%Y%m%dT%H%M%SZ}"


def _escaped(text: str) -> str:
    text = one_line(text)
    for character in "\\;,":
        text = text.replace(character, f"\\{character}")
    return text


def _folded(line: str) -> Iterator[str]:
    """The parts of a line, none longer than allowed, and none ending within a character."""
    part, size, most = "", 0, _FOLD
    for character in line:
        octets = len(character.encode())
        if size + octets > most:
            yield part
            part, size = " ", 1
        part, size = part + character, size + octets
    yield part
