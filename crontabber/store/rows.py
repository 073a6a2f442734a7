"""Converts between the rows of the two tables and the values of `crontabber.schedule.model`."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from ..schedule.ledger import Span
from ..schedule.model import Claim, JobState, LastError, Outcome, Pause, Run
from .asked import asked_of, asked_text, entry_text
from .spans import spans_text

Row = tuple[Any, ...]
_DONE = (Outcome.SUCCEEDED, Outcome.MARKED)


def state_of(row: Row) -> JobState:
    """A row, in the order of ``state_columns``, as a `JobState`."""
    (app_name, next_run, next_slot, first_run, last_run, last_success, error_count, depends_on,
     last_error, ongoing, class_path, plan, backfill, host, pid, backend_pid, claim_time,
     attempts, gave_up, first_slot, paused_since, paused_until, paused_by, pause_reason,
     waits_for, waits_since, asked, asked_slot, told, version, fault) = row  # fmt: skip
    return JobState(
        app_name=app_name,
        next_run=next_run,
        next_slot=next_slot,
        first_run=first_run,
        last_run=last_run,
        last_success=last_success,
        error_count=error_count or 0,
        depends_on=tuple([each for each in depends_on if each is not None]) if depends_on else (),
        last_error=_error_of(last_error),
        attempts=attempts or 0,
        gave_up=bool(gave_up),
        ongoing=ongoing,
        class_path=class_path,
        plan=plan,
        backfill=backfill,
        first_slot=first_slot,
        pause=_pause(paused_since, paused_until, paused_by, pause_reason),
        waits_for=waits_for,
        waits_since=waits_since,
        asked=asked_of(asked),
        asked_slot=asked_slot,
        told=told,
        claim=None if host is None else Claim(host, pid, backend_pid, claim_time),
        version=version,
        fault=fault,
    )


def states_of(rows: Sequence[Row], column: int) -> dict[str, JobState]:
    """The states in *rows*, which begin at that column, by app_name."""
    states = (state_of(row[column:]) for row in rows if row[column] is not None)
    return {state.app_name: state for state in states}


def _error_of(text: str | None) -> LastError | None:
    """What an older crontabber wrote may lack parts, or be an empty object for no error."""
    try:
        value = json.loads(text) if text else None
    except (ValueError, RecursionError):  # PostgreSQL takes any depth, and numbers of any length
        value = text
    if not value:
        return None
    if not isinstance(value, Mapping):
        return LastError("", str(value), "")
    parts = (value.get(name) for name in ("type", "value", "traceback"))
    return LastError(*("" if part is None else str(part) for part in parts))


def claim_parameters(state: JobState) -> dict[str, Any]:
    """A state as the parameters of ``of_a_claim``."""
    return {
        "app_name": state.app_name,
        "next_run": _text_of(state.next_run),
        "next_slot": _text_of(state.next_slot),
        "first_run": _text_of(state.first_run),
        "depends_on": array_text(state.depends_on),
        "attempts": state.attempts,
        "gave_up": state.gave_up,
        "ongoing": _text_of(state.ongoing),
        "class_path": state.class_path,
        "plan": state.plan,
        "backfill": state.backfill,
        "first_slot": _text_of(state.first_slot),
        "asked_slot": _text_of(state.asked_slot),
        "waits_for": state.waits_for,
        "waits_since": _text_of(state.waits_since),
        **_holder_parameters(state.claim),
        "version": state.version,
    }


def saving(
    before: JobState, after: JobState, run: Run | None, spans: Sequence[Span] = ()
) -> tuple[str, dict[str, Any]]:
    """The named statement that replaces *before* by *after* and logs *run*, and its parameters.

    *spans* are written to the ledger along with it.
    """
    name, parameters = _saving(before, after, run, ledger=bool(spans))
    was = {
        "was_version": before.version,
        "was_ongoing": _text_of(before.ongoing),
        "was_slot": _text_of(before.next_slot),
        "was_asked_slot": _text_of(before.asked_slot),
    }
    if not spans:
        return name, {**parameters, **was}
    return f"{name}_and_pass", {**parameters, **was, "spans": spans_text(spans)}


def _saving(
    before: JobState, after: JobState, run: Run | None, *, ledger: bool
) -> tuple[str, dict[str, Any]]:
    if run is None:
        # under a claim it may be released even if people have asked for something meanwhile
        return "save_claimed" if before.ongoing else "save", _state_parameters(after)
    if before.asked_slot and run.outcome is not Outcome.MARKED:
        return "save_asked", _asked_parameters(before, after, run)
    simple = run.outcome is Outcome.SUCCEEDED and run.output is None and not ledger
    if simple and after == _success(before, after):
        return "save_success", _success_parameters(after, run)
    return "save_and_log", {**_state_parameters(after), **run_parameters(run)}


def written(after: JobState, row: Row) -> JobState:
    """*after* as it was written, completed by what ``saved`` returned."""
    version, since, until, by, why, asked = row[:6]
    return after._replace(
        version=str(version), pause=_pause(since, until, by, why), asked=asked_of(asked)
    )


def _success(before: JobState, after: JobState) -> JobState:
    """What ``save_success`` makes of *before*."""
    return before._replace(
        next_run=after.next_slot,
        next_slot=after.next_slot,
        last_run=after.last_run,
        last_success=after.last_success,
        error_count=0,
        last_error=None,
        attempts=0,
        gave_up=False,
        ongoing=after.ongoing,
        plan=after.plan,
        claim=after.claim,
    )


def _success_parameters(state: JobState, run: Run) -> dict[str, Any]:
    return {
        "app_name": state.app_name,
        "next_slot": _text_of(state.next_slot),
        "last_run": _text_of(state.last_run),
        "last_success": _text_of(state.last_success),
        "ongoing": _text_of(state.ongoing),
        "plan": state.plan,
        **_holder_parameters(state.claim),
        "slot": _text_of(run.slot),
        "duration": _length_of(run.duration),
        "host": run.host,
    }


def _state_parameters(state: JobState) -> dict[str, Any]:
    """A state as the parameters of ``assignments``."""
    error = state.last_error
    return {
        **claim_parameters(state),
        **pause_parameters(state.pause),
        "asked": asked_text(state.asked),
        "told": state.told,
        "last_run": _text_of(state.last_run),
        "last_success": _text_of(state.last_success),
        "error_count": state.error_count,
        "last_error": error
        and json.dumps({"type": error.type, "value": error.value, "traceback": error.traceback}),
    }


def _asked_parameters(before: JobState, after: JobState, run: Run) -> dict[str, Any]:
    """The record of a requested date: only its backfill changes."""
    was = next((each for each in before.asked if each not in after.asked), None)
    now = next((each for each in after.asked if was and each.number == was.number), None)
    return {
        "app_name": after.app_name,
        "number": str(was.number if was else 0),
        "entry": entry_text(now) if now else None,
        "asked_slot": _text_of(after.asked_slot),
        "last_run": _text_of(after.last_run),
        "ongoing": _text_of(after.ongoing),
        "told": after.told,
        **_holder_parameters(after.claim),
        **run_parameters(run),
    }


def pause_parameters(pause: Pause | None) -> dict[str, Any]:
    """A pause as the parameters of ``pause``."""
    return {
        "paused_since": pause and _text_of(pause.since),
        "paused_until": pause and _text_of(pause.until),
        "paused_by": pause and pause.by,
        "pause_reason": pause and pause.why,
    }


def _pause(
    since: datetime | None, until: datetime | None, by: str | None, why: str | None
) -> Pause | None:
    return Pause(since, until, by or "", why or "") if since else None


def run_parameters(run: Run) -> dict[str, Any]:
    """A run as the parameters of the log's row."""
    error = run.error
    return {
        "slot": _text_of(run.slot),
        "success": _text_of(run.slot) if run.outcome in _DONE else None,
        "duration": _length_of(run.duration),
        "host": run.host,
        "exc_type": error and error.type,
        "exc_value": error and error.value,
        "exc_traceback": error and error.traceback,
        "output": run.output,
    }


def _holder_parameters(claim: Claim | None) -> dict[str, Any]:
    return {
        "claim_time": claim and _text_of(claim.time),
        "claim_host": claim and claim.host,
        "claim_pid": claim and claim.pid,
        "claim_backend_pid": claim and claim.backend_pid,
    }


def _length_of(duration: timedelta | None) -> str | None:
    return None if duration is None else f"{duration.total_seconds():f} seconds"


def _text_of(moment: datetime | None) -> str | None:
    """A time as text; psycopg2 takes three times as long, a tenth of what a run costs."""
    return moment.isoformat() if moment else None


def array_text(values: Iterable[object]) -> str:
    """An array as text: jobs may change how psycopg2 writes lists, and some do."""
    texts = list(map(str, values))
    if "\\" in (joined := '","'.join(texts)) or joined.count('"') != 2 * len(texts) - 2:
        quoted = [text.replace("\\", "\\\\").replace('"', '\\"') for text in texts]
        joined = '","'.join(quoted)
    return f'{{"{joined}"}}' if texts else "{}"
