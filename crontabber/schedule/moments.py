"""Times that people type, such as ``--at=2026-11-21T03:00``, to moments."""

import re
from datetime import datetime, timedelta, tzinfo

from ..errors import ConfigError
from .calendar import MOMENT, moment_of
from .grammar import CENTURY

_DAY = re.compile(r"[0-9]{4}-?[0-9]{2}-?[0-9]{2}")


def parse_moment(text: str, zone: tzinfo) -> datetime:
    """Read ``2026-11-21T03:00``, also with seconds, as a time on a clock in *zone*; it is in UTC.

    A date alone is its midnight; an offset such as ``+01:00``, or ``Z``, wins over *zone*.
    A time in a gap, or one that exists twice, is read as in schedules. Anything else is
    a `ConfigError`, as are times too far away for *zone* or UTC.
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


def parse_last_moment_near(text: str, zone: tzinfo, now: datetime) -> datetime:
    """Read the end of a range, which is a part of it: a date alone is the last moment of its day.

    Otherwise as `parse_moment_near`.
    """
    moment = parse_moment_near(text, zone, now)
    if not _DAY.fullmatch(text.strip()):
        return moment
    return moment_of(moment.astimezone(zone) + timedelta(days=1)) - MOMENT


def parse_moment_near(text: str, zone: tzinfo, now: datetime) -> datetime:
    """Read a time as `parse_moment` does; it has to be within a century of *now*."""
    moment = parse_moment(text, zone)
    if abs(moment - now) > CENTURY:
        raise ConfigError(
            f"{text[:40]!r} is more than a hundred years away: write a time nearer to now"
        )
    return moment
