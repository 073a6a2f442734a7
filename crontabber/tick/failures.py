"""What is remembered of an exception: texts that can always be stored, without secrets."""

import traceback
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from ..errors import CommandFailed, Redact, full_name_of, is_a, text_of, traceback_of
from ..schedule.model import LastError

_OWN_CODE = str(Path(__file__).parents[1])
_LONGEST = 100_000
"""How many characters of a text are kept: enough for people, and no burden on the table."""
_SECRET = 1_000
"""The longest secret in characters: where a text is cut, half of one may be left."""


def last_error(error: BaseException, redact: Redact) -> LastError:
    """Describe *error* for the tables; *redact* takes secrets out of a text.

    Never raises, even if examining the exception does: a part that raises is
    left out, and the rest says so.
    """
    return LastError(
        type=_storable(type.__repr__(type(error)), redact),
        value=_storable(text_of(error).rstrip(), redact),
        traceback=_storable(_traceback(error), redact),
    )


def _traceback(error: BaseException) -> str:
    if is_a(error, CommandFailed):
        return _last_line(error)  # no code of the user's was called that could be shown
    stack = _without_own_frames(traceback_of(error))
    attempts: list[Callable[[], str]] = [
        lambda: "".join(traceback.format_exception(type(error), error, stack)),
        lambda: "".join(traceback.format_tb(stack)) + _last_line(error),
        lambda: _plain(stack) + _last_line(error),
    ]
    for attempt in attempts:
        try:
            return str.__str__(attempt())
        except BaseException:  # noqa: BLE001, S112  the exception is a job's, and so is its code
            continue
    return _last_line(error)


def _last_line(error: BaseException) -> str:
    return f"{full_name_of(error)}: {text_of(error)}\n"


def _plain(stack: TracebackType | None) -> str:
    """Files and lines only: no source is read, because a job's code could provide it."""
    lines = []
    while stack:
        code = stack.tb_frame.f_code
        lines.append(f'  File "{code.co_filename}", line {stack.tb_lineno}, in {code.co_name}\n')
        stack = stack.tb_next
    return "".join(lines)


def _without_own_frames(stack: TracebackType | None) -> TracebackType | None:
    """The traceback from the job's own code on; all of it if there is none."""
    found = stack
    while found and found.tb_frame.f_code.co_filename.startswith(_OWN_CODE):
        found = found.tb_next
    return found or stack


def _storable(text: str, redact: Redact) -> str:
    """*text* without secrets, as the tables can hold it: its two ends if it is long."""
    if len(text) <= 2 * _LONGEST:
        return _shortened(_clean(text, redact))
    # looking for secrets in a gigabyte would take minutes
    begin = _clean(text[:_LONGEST], redact)[:-_SECRET]
    end = _clean(text[-_LONGEST:], redact)[_SECRET:]
    half = _LONGEST // 2
    left_out = len(text) - 2 * half
    return f"{begin[:half]}\n… {left_out} characters left out …\n{end[-half:]}"


def _clean(text: str, redact: Redact) -> str:
    text = redact(text).replace("\x00", "\\x00")
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _shortened(text: str) -> str:
    if len(text) <= _LONGEST:
        return text
    half = _LONGEST // 2
    return f"{text[:half]}\n… {len(text) - 2 * half} characters left out …\n{text[-half:]}"
