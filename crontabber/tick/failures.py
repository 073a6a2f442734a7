"""What is remembered of an exception: texts that can always be stored, without secrets."""

import traceback
from pathlib import Path
from types import TracebackType

from ..errors import Redact, text_of
from ..schedule.model import LastError

_OWN_CODE = str(Path(__file__).parents[1])
_LONGEST = 100_000
"""Characters of a text that are kept: enough for people, and no burden on the table."""


def last_error(error: BaseException, redact: Redact) -> LastError:
    """Describe *error* for the tables; *redact* takes secrets out of a text.

    Never raises: an exception whose own ``str()`` raises is described by that.
    """
    return LastError(
        type=_storable(type.__repr__(type(error)), redact),
        value=_storable(text_of(error).rstrip(), redact),
        traceback=_storable(_traceback(error), redact),
    )


def _traceback(error: BaseException) -> str:
    stack = _without_own_frames(error.__traceback__)
    try:
        lines = traceback.format_exception(type(error), error, stack)
    except BaseException:  # noqa: BLE001  as above
        lines = traceback.format_tb(stack)
    return "".join(lines)


def _without_own_frames(stack: TracebackType | None) -> TracebackType | None:
    """From where the job's own code begins; all of it if that is nowhere."""
    found = stack
    while found and found.tb_frame.f_code.co_filename.startswith(_OWN_CODE):
        found = found.tb_next
    return found or stack


def _storable(text: str, redact: Redact) -> str:
    text = redact(text).replace("\x00", "\\x00")
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    if len(text) > _LONGEST:
        half = _LONGEST // 2
        text = f"{text[:half]}\n… {len(text) - 2 * half} characters left out …\n{text[-half:]}"
    return text
