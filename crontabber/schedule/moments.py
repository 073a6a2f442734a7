"""Times that people type, such as ``--at=2026-11-21T03:00``, to moments."""

from datetime import datetime, tzinfo

from ..errors import ConfigError
from .calendar import moment_of
from .grammar import CENTURY


def parse_moment(text: str, zone: tzinfo) -> datetime:
    """Read ``2026-11-21T03:00``, also with seconds, as a time on a clock in *zone*; it is in UTC.

    A date alone is its midnight; an offset such as ``+01:00``, or ``Z``, wins over *zone*.
    In a gap, or where a time exists twice, it is what it is for schedules. Anything else is
    a `ConfigError`, as are the ends of time that *zone* or UTC cannot show.
    """
    try:
        # Python 3.10 does not know Z
        moment = datetime.fromisoformat(text.strip().upper().replace("Z", "+00:00"))
        is_local = moment.tzinfo is None
        utc = moment_of(moment.replace(tzinfo=zone) if is_local else moment)
        utc.astimezone(zone)
    except (ValueError, OverflowError):
        raise ConfigError(
            f"{text[:40]!r} is not a time: write YYYY-MM-DDTHH:MM, such as 2026-11-21T03:00"
        ) from None
    return utc


def parse_moment_near(text: str, zone: tzinfo, now: datetime) -> datetime:
    """Read a time as `parse_moment` does; it has to be within a century of *now*."""
    moment = parse_moment(text, zone)
    if abs(moment - now) > CENTURY:
        raise ConfigError(
            f"{text[:40]!r} is more than a hundred years away: write a time nearer to now"
        )
    return moment
