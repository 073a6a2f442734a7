"""How the admin shows times, states and foreign text."""

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.timezone import template_localtime

from ...datetimeutil import timesince, timeuntil
from ...process.clock import utc_now
from ...schedule.status import State
from ...views.status import KINDS
from ...views.text import escaped, one_line
from ...views.times import short
from .secrets import redactor

NONE = "-"
_LONGEST = 90
"""Characters of a text in a list."""
_BLOCK = '<pre style="white-space: pre-wrap; overflow-wrap: anywhere; margin: 0">{}</pre>'
_STYLES = {"error": "color: var(--error-fg); font-weight: bold", "overdue": "font-weight: bold"}


def time(field: str, description: str = "") -> Any:
    """A column with how long ago the time in a field is."""

    @admin.display(description=description or field.replace("_", " "), ordering=field)
    def show(_admin: Any, row: Any) -> str:
        return ago(getattr(row, field))

    return show


def exact_time(field: str, description: str = "") -> Any:
    """The same with the time itself, for the page of one row."""

    @admin.display(description=description or field.replace("_", " "))
    def show(_admin: Any, row: Any) -> str:
        moment = getattr(row, field)
        return f"{absolute(moment)}, {_words(moment)}" if moment else NONE

    return show


def absolute(moment: datetime) -> str:
    """A time in Django's zone, to the second."""
    return date_format(template_localtime(moment), "Y-m-d H:i:s")


def ago(moment: datetime | None, text: str = "{}") -> str:
    """A short time such as ``3h ago``, with the full time as a tooltip."""
    if moment is None:
        return NONE
    now = utc_now()
    words = f"in {short(moment - now)}" if moment > now else f"{short(now - moment)} ago"
    html = '<time datetime="{}" title="{}" style="white-space: nowrap">{}</time>'
    return format_html(text, format_html(html, moment.isoformat(), absolute(moment), words))


def _words(moment: datetime) -> str:
    now = utc_now()
    if moment > now:
        return f"in {timeuntil(moment, now)}"
    return f"{timesince(moment, now)} ago"


def painted(text: str, state: State) -> str:
    """*text* in the style of a state."""
    style = _STYLES.get(KINDS.get(state, ""))
    return format_html('<span style="{}">{}</span>', style, text) if style else text


def line(text: str) -> str:
    """A foreign text, without secrets, on one line that is not too long."""
    found = one_line(redactor()(text)) or NONE
    return found if len(found) <= _LONGEST else f"{found[: _LONGEST - 1]}…"


def block(text: str) -> str:
    """A foreign text, without secrets, as it is."""
    return format_html(_BLOCK, escaped(redactor()(text.rstrip()))) if text else NONE


def error_block(kind: str | None, value: str | None, traceback: str | None) -> str:
    """An exception with its traceback."""
    return block(traceback or ": ".join(filter(None, (kind, value))))
