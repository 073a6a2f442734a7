"""Dates as text and text as dates, and spans of time in words."""

from datetime import datetime, timedelta, timezone

from .process.clock import utc_now

__all__ = [
    "UTC",
    "ZERO",
    "date_to_string",
    "string_to_datetime",
    "timesince",
    "timeuntil",
    "utc_now",
    "words",
]

ZERO = timedelta(0)


UTC = timezone.utc
_UNITS = (("year", 31_536_000), ("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1))
_SECOND = timedelta(seconds=1)


def string_to_datetime(text: str) -> datetime:
    """Read an ISO 8601 date or date and time as an aware datetime; UTC if it has no zone.

    Raises `ValueError`.
    """
    # Python 3.10 does not know the Z
    moment = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def date_to_string(moment: datetime) -> str:
    """Write an aware datetime as ISO 8601, such as ``2026-11-21T03:00:00+00:00``.

    Raises `ValueError` if it has no time zone.
    """
    if moment.tzinfo is None:
        raise ValueError(f"{moment!r} has no time zone")
    return moment.isoformat()


def timesince(earlier: datetime, later: datetime | None = None) -> str:
    """The time from *earlier* to *later* (now) in words; 0 seconds if it is negative."""
    return words((later or utc_now()) - earlier)


def timeuntil(later: datetime, now: datetime | None = None) -> str:
    """The time from *now* to *later* in words; 0 seconds if it has passed."""
    return words(later - (now or utc_now()))


def words(span: timedelta) -> str:
    """A span in its largest unit and the next, such as ``4 minutes, 59 seconds``.

    A year has 365 days; fractions of a second and negative spans count as nothing.
    """
    left = max(span // _SECOND, 0)
    parts: list[str] = []
    for name, length in _UNITS:
        count, left = divmod(left, length)
        if count:
            parts.append(_count(count, name))
        elif parts:
            break
        if len(parts) == 2:
            break
    return ", ".join(parts) or _count(0, "second")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
