"""Converts between the rows of the ledger and spans."""

from collections.abc import Sequence
from typing import Any

from ..schedule.ledger import Span, Verdict
from .texts import json_text


def span_of(row: tuple[Any, ...]) -> Span:
    """A row, in the order of the statement ``spans``; an unknown verdict counts as `REPLANNED`."""
    app_name, first, last, slots, verdict, reason, plan, by, at = row
    known = {each.value: each for each in Verdict}
    verdict = known.get(verdict, Verdict.REPLANNED)
    return Span(app_name, first, last, slots, verdict, reason or "", plan or "", by or "", at)


def spans_text(spans: Sequence[Span]) -> str:
    """Spans as JSON, for the server to make rows of."""
    return json_text(
        [
            {
                "app_name": span.app_name,
                "first_slot": span.first.isoformat(),
                "last_slot": span.last.isoformat(),
                "slots": span.slots,
                "verdict": span.verdict.value,
                "reason": span.reason,
                "plan": span.plan,
                "done_by": span.by,
                "done_at": span.at.isoformat(),
            }
            for span in spans
        ]
    )
