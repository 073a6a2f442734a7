"""The words of reporters: on one line, for people."""

from datetime import timedelta
from typing import TYPE_CHECKING

from ..errors import Redact, full_name_of, text_of
from ..schedule.model import JobSpec, LastError, Run

if TYPE_CHECKING:
    from ..schedule.changes import Change

_LONGEST = 500
"""The longest message, in characters; the tables have all of it."""


def message_line(text: str) -> str:
    """*text* without line breaks and control characters, and not too long."""
    line = " ".join(text.split())
    line = line if len(line) <= _LONGEST else f"{line[:_LONGEST]} …"
    return line if line.isprintable() else "".join(map(_shown, line))


def _shown(character: str) -> str:
    return character if character.isprintable() else repr(character)[1:-1]


def exception_line(error: BaseException, redact: Redact) -> str:
    """Type and value of *error* on one line; *redact* takes secrets out of the value."""
    name = message_line(full_name_of(error))
    value = message_line(redact(_cut(text_of(error))))
    return f"{name}: {value}" if value else name


def _cut(text: str) -> str:
    """The beginning of *text*: looking for secrets in a gigabyte takes too long."""
    return text[: _LONGEST * 100]


def error_words(error: LastError) -> str:
    """Type and value of a remembered *error*, which has no secrets; see `exception_line`."""
    name = error.type.partition("'")[2].rpartition("'")[0] or error.type
    value = message_line(_cut(error.value))
    return f"{message_line(name)}: {value}" if value else message_line(name)


def change_words(job: JobSpec, change: "Change") -> str:
    """What to report about *job*, without its name."""
    event = change.event.value
    since = f"{change.since.astimezone(job.zone):%Y-%m-%d %H:%M %Z}"
    if event == "recovered":
        return f"is well again (not well since {since})"
    slot = f" for {slot_text(job, change.run)}" if job.backfill and change.run else ""
    what = LASTING[event] if change.reminder else _NEW.get(event, event) + slot
    if change.error:
        why = change.error.value if event == "crashed" else error_words(change.error)
    else:
        why = change.why
    return f"{what}: {why}" + (f" (not well since {since})" if change.reminder else "")


_NEW = {"gave_up": "failed, and gave up", "late": "is late"}
LASTING = {
    "failed": "still fails",
    "crashed": "still crashes",
    "gave_up": "failed, and is still not tried again",
    "late": "is still late",
}
"""How a reminder begins, by the name of the event."""


def crash_line(run: Run, redact: Redact) -> str:
    """Which process crashed, on which host, and when it began."""
    return message_line(redact(run.error.value)) if run.error else "its process is gone"


def slot_text(job: JobSpec, run: Run) -> str:
    """The slot of *run*, as local time in the job's zone."""
    return f"{run.slot.astimezone(job.zone):%Y-%m-%d %H:%M %Z}"


def duration_words(duration: timedelta | None) -> str:
    """A length of time such as ``0.31 s``, ``12 s``, ``3 min 5 s`` or ``2 h 0 min``."""
    seconds = duration.total_seconds() if duration else 0.0
    if seconds < 59.5:
        return f"{seconds:.{2 if seconds < 1 else 1 if seconds < 10 else 0}f} s"
    minutes, seconds = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {seconds} s"
    return f"{minutes // 60} h {minutes % 60} min"
