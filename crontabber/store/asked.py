"""Converts between the JSON in the column ``asked`` and requested backfills."""

import json
from collections.abc import Collection, Iterable
from datetime import datetime

from ..schedule.asked import AskedBackfill, Dates
from .texts import json_text

_KINDS = {"number": int, "plan": str, "total": int, "newest_first": bool, "attempts": int}
_KINDS |= {"error": str, "chained": bool, "by": str}
_FIRST_YEAR, _LAST_YEAR = 2, 9998
"""The range of times that Python can compute with, as in `queries.sql`."""


def asked_of(text: str | None) -> tuple[AskedBackfill, ...]:
    """The backfills in a row. What a person edited so that it cannot be read counts as none."""
    if not text:
        return ()
    try:
        return tuple(_one(**each) for each in json.loads(text))
    except (TypeError, ValueError, RecursionError):
        return ()


def asked_text(asked: Collection[AskedBackfill]) -> str | None:
    """The same as JSON, times in the form of ISO 8601; None if there are none."""
    return f"[{', '.join(map(entry_text, asked))}]" if asked else None


def entry_text(asked: AskedBackfill) -> str:
    """One of them."""
    return json_text(asked._asdict(), datetime.isoformat)


def _one(**fields: object) -> AskedBackfill:
    each = AskedBackfill(**fields)  # type: ignore[arg-type]  # looked at in the next lines
    for name, kind in _KINDS.items():
        if type(getattr(each, name)) is not kind:
            raise TypeError(name)
    if not each.dates:
        raise ValueError(each.dates)
    return each._replace(
        dates=_dates(each.dates),
        wanted=_dates(each.wanted),
        retry_at=each.retry_at and _moment(each.retry_at),
        asked_at=each.asked_at and _moment(each.asked_at),
    )


def _dates(pairs: Iterable[tuple[object, object]]) -> Dates:
    found = tuple((_moment(first), _moment(last)) for first, last in pairs)
    if any(first > last for first, last in found):
        raise ValueError(found)
    return found


def _moment(text: object) -> datetime:
    moment = datetime.fromisoformat(str(text))
    if moment.tzinfo is None or not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise ValueError(text)
    return moment
