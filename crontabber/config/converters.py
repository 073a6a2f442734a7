"""Texts to values for the command's own options; a ValueError says what is wrong with a text."""

from datetime import timedelta
from typing import TYPE_CHECKING

from ..schedule.grammar import CENTURY, parse_duration
from .messages import did_you_mean

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

_FACILITIES = frozenset(
    "auth authpriv cron daemon ftp kern lpr mail news security syslog user uucp".split()
) | {f"local{number}" for number in range(8)}
_YES_NO = dict.fromkeys("true t yes y on 1".split(), True)
_YES_NO |= dict.fromkeys("false f no n off 0".split(), False)
ENGINES = {"procrastinate": "crontabber.contrib.procrastinate.engine"}
"""What can run the due jobs instead of the tick, and the module to import for it."""
_SEPARATORS = ("nagios", "manual")


def yes_or_no(text: str) -> bool:
    """A truth value; what is neither yes nor no is a ValueError, not a no."""
    try:
        return _YES_NO[text.strip().lower()]
    except KeyError:
        raise ValueError("it is neither yes nor no") from None


def engine(text: str) -> str:
    """The name of one of the `ENGINES`; or none, and the tick runs its jobs itself."""
    name = text.strip()
    if name and name not in ENGINES:
        hint = did_you_mean(name, ENGINES) or f"; known: {', '.join(ENGINES)}"
        raise ValueError(f"there is no such engine{hint}; empty: the tick runs the jobs itself")
    return name


def jobs_text(text: str) -> str:
    """The jobs list with one stripped line for each of its lines, blank ones left out."""
    return "\n".join(filter(None, map(str.strip, text.splitlines())))


def names_text(text: str) -> str:
    """Dotted names, separated by commas or line breaks, as one line of them."""
    names = text.replace(",", "\n").splitlines()
    return ", ".join(name.strip() for name in names if name.strip())


def jobs_to_str(text: str) -> str:
    """The jobs list as it is written in a file: on lines of its own, or empty."""
    return f"\n{text}\n" if text else ""


def _duration(text: str, unit: timedelta) -> float:
    try:
        number = float(text)
    except ValueError:
        raise ValueError("it is not a number") from None
    if not 0 <= number <= CENTURY / unit:  # true for nan, too
        raise ValueError("it is not a length of time up to a century")
    return number


def seconds(text: str) -> float:
    """A number of seconds from 0 to a century."""
    return _duration(text, timedelta(seconds=1))


def some_seconds(text: str) -> float:
    """A number of seconds above 0, up to a century."""
    number = seconds(text)
    if not number:
        raise ValueError("it has to be more than 0")
    return number


def lateness(text: str) -> timedelta:
    """A length of time such as ``1h30m``."""
    return parse_duration(text)


def nagios_separators(text: str) -> str:
    """The separators of the line for Nagios: ``nagios`` or ``manual``."""
    name = text.strip()
    if name not in _SEPARATORS:
        known = " or ".join(_SEPARATORS)
        raise ValueError(f"it is not {known}{did_you_mean(name, _SEPARATORS)}")
    return name


def hours(text: str) -> float:
    """A number of hours from 0 to a century."""
    return _duration(text, timedelta(hours=1))


def days(text: str) -> float:
    """A number of days from 0 to a century."""
    return _duration(text, timedelta(days=1))


def log_level(text: str) -> int:
    """A level of the logging module, by number or name."""
    import logging  # which the defaults do not need, nor does an idle tick

    text = text.strip().upper()
    level = int(text[:9]) if text.isdecimal() else logging.getLevelName(text)
    if not isinstance(level, int):
        raise ValueError("it is neither a number nor a name such as ERROR or WARNING")
    return level


LINE_FORMATS = (
    "{asctime} {levelname} - {message}",
    "crontabber (pid {process}): {levelname} - {message}",
)
"""The defaults, for stderr and for syslog."""


def line_format(text: str) -> str:
    """A format of log lines: the logging module's fields in braces.

    ``{app_name}`` is the command's, as in 0.18.
    """
    if text in LINE_FORMATS:
        return text
    text = text.replace("{app_name}", "crontabber")
    import logging

    try:
        logging.Formatter(text, style="{").format(logging.makeLogRecord({}))
    except Exception as error:  # noqa: BLE001  str.format can be made to raise almost anything
        raise ValueError(f"it is not a format of log lines ({error})") from None
    return text


def port(text: str) -> int:
    """A port of UDP or TCP."""
    if not text.isdecimal() or not 0 < int(text[:6]) < 65536:
        raise ValueError("it is not a port: write a number from 1 to 65535")
    return int(text)


def facility(text: str) -> str:
    """A facility of syslog."""
    if text not in _FACILITIES:
        raise ValueError(f"it is not a facility of syslog{did_you_mean(text, _FACILITIES)}")
    return text


def timezone(text: str) -> str:
    """The name of a time zone, or nothing."""
    if not text:
        return text
    import zoneinfo  # most get it from the server

    try:
        zoneinfo.ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        near = did_you_mean(text, zoneinfo.available_timezones())
        raise ValueError(f"it is not a time zone such as Europe/Berlin{near}") from None
    return text


def zone_of(name: str) -> "ZoneInfo | None":
    """The time zone of a name that `timezone` has checked; None for an empty one."""
    if not name:
        return None
    from zoneinfo import ZoneInfo

    return ZoneInfo(name)
