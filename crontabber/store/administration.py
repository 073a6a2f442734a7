"""What people ask of the store in PostgreSQL: pauses, backfills, the ledger."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from psycopg2 import errors

from ..schedule.asked import AskedBackfill
from ..schedule.ledger import Span
from ..schedule.model import Pause, Run
from .asked import entry_text
from .reading import LogReading
from .rows import Row, pause_parameters, run_parameters
from .server import Server
from .spans import span_of, spans_text
from .texts import json_text

if TYPE_CHECKING:
    from ..schedule.findings import Access


class Administration(LogReading):
    """The part of `crontabber.store.StateStore` that no idle tick needs."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._ledger: bool | None = None
        """Whether the ledger can be written to; None: it is not known yet."""

    def access(self, role: str = "") -> "Access":
        """See `StateStore.access`; tables that are missing need the right to make them."""
        from .access import access_of  # no tick needs it

        return access_of(self._server.query("access", role=role)[0], role)

    def ask(self, wanted: Mapping[str, AskedBackfill], spans: Sequence[Span] = ()) -> bool:
        """See `StateStore.ask`."""
        self._server.find()
        entries = (
            f'{{"app_name": {json_text(app_name)}, "entry": {entry_text(asked)}}}'
            for app_name, asked in wanted.items()
        )
        return bool(self._change("ask", spans, wanted=f"[{', '.join(entries)}]"))

    def cancel(self, app_name: str, number: int, spans: Sequence[Span] = ()) -> bool:
        """See `StateStore.cancel`."""
        self._server.find()
        return bool(self._change("cancel", spans, app_name=app_name, number=str(number)))

    def next_number(self) -> int:
        """See `StateStore.next_number`."""
        self._make_ledger()
        return int(self._server.query("next_number")[0][0])

    def pause(self, app_name: str, pause: Pause | None, spans: Sequence[Span] = ()) -> bool:
        """See `StateStore.pause`."""
        self._server.find()
        parameters = {"app_name": app_name, **pause_parameters(pause)}
        return bool(self._change("set_pause", spans, **parameters))

    def _change(self, name: str, spans: Sequence[Span], **parameters: Any) -> Sequence[Row]:
        """The rows of a statement that writes *spans* along with what it changes."""
        if spans := self._writable(spans):
            name, parameters = f"{name}_and_pass", {**parameters, "spans": spans_text(spans)}
        return self._server.query(name, **parameters)

    def spans(self, app_name: str, first: datetime, last: datetime) -> list[Span]:
        """See `StateStore.spans`."""
        return self._of_ledger(
            "spans", app_name=app_name, first=first.isoformat(), last=last.isoformat()
        )

    def notes(self, app_name: str, limit: int) -> list[Span]:
        """See `StateStore.notes`."""
        return self._of_ledger("notes", app_name=app_name, limit=limit)

    def _of_ledger(self, name: str, **parameters: Any) -> list[Span]:
        """The rows of the ledger that a statement reads; none if there is no ledger."""
        if not self._has_ledger():
            return []
        return [span_of(row) for row in self._server.query(name, **parameters)]

    def _has_ledger(self) -> bool:
        self._server.find()
        return bool(self._server.query("has_ledger")[0][0])

    def _writable(self, spans: Sequence[Span]) -> Sequence[Span]:
        """*spans* if there is a ledger to write them to; it is created if that is allowed.

        If not, that is logged once, but the record of a run is not lost.
        """
        if spans and self._ledger is None:
            fault = self._fault_of_ledger()
            self._ledger = not fault
            if fault:
                import logging

                logging.getLogger("crontabber").warning(
                    "what is passed over, or done by hand, is not written to the ledger: %s",
                    fault,
                    extra={"action": "record", "app_name": ""},
                )
        return spans if self._ledger else ()

    def _fault_of_ledger(self) -> str | None:
        """Why this role cannot write to the ledger, which is created if there is none."""
        try:
            self._make_ledger()
        except errors.InsufficientPrivilege as error:
            return str(error).partition("\n")[0]
        if self._server.query("may_write_ledger")[0][0]:
            return None
        return "permission denied for table crontabber_spans or its sequence"

    def _make_ledger(self) -> None:
        if not self._ledger and not self._has_ledger():
            self._server.query("make_ledger")


def forgetting(
    app_name: str, crash: Run | None, spans: Sequence[Span]
) -> tuple[str, dict[str, Any]]:
    """The named statement that forgets a job, and logs *crash*, and its parameters."""
    name, parameters = "forget", {"app_name": app_name}
    if crash:
        name, parameters = "forget_and_log", {**parameters, **run_parameters(crash)}
    if not spans:
        return name, parameters
    return f"{name}_and_pass", {**parameters, "spans": spans_text(spans)}
