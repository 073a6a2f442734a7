"""Between the JSON in the column ``asked`` and the backfills that people asked for."""

import json
from collections.abc import Collection, Iterable
from datetime import datetime

from ..schedule.asked import AskedBackfill


def asked_of(text: str | None) -> tuple[AskedBackfill, ...]:
    """The backfills in a row. What is not ours to read, as a person edited it, counts as none."""
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
    return json.dumps(asked._asdict(), default=datetime.isoformat)


def _one(**fields: object) -> AskedBackfill:
    each = AskedBackfill(**fields)  # type: ignore[arg-type]  # converted in the next lines
    return each._replace(
        dates=_dates(each.dates),
        wanted=_dates(each.wanted),
        retry_at=each.retry_at and _moment(each.retry_at),
        asked_at=each.asked_at and _moment(each.asked_at),
    )


def _dates(pairs: Iterable[tuple[object, object]]) -> tuple[tuple[datetime, datetime], ...]:
    return tuple((_moment(first), _moment(last)) for first, last in pairs)


def _moment(text: object) -> datetime:
    return datetime.fromisoformat(str(text))
