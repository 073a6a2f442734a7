"""What an app is told of its job's past, in the form of crontabber 0.18 and in ours."""

from typing import Any

from .model import JobState

_KEYS = ("next_run", "first_run", "last_run", "last_success", "error_count", "ongoing")


class JobInformation(dict[str, Any]):
    """What was remembered of a job before this run: ``information.last_success``, as `JobState`.

    It is a dict too, with the keys and values that crontabber 0.18 gave to apps:
    ``depends_on`` is a list, and ``last_error`` a dict, empty if there was no error. Some apps
    look up a key and take an error for "never ran": they would start over silently.
    """

    def __init__(self, state: JobState) -> None:
        state = state._replace(ongoing=None, claim=None)
        super().__init__((key, getattr(state, key)) for key in _KEYS)
        self["depends_on"] = list(state.depends_on)
        self["last_error"] = state.last_error._asdict() if state.last_error else {}
        self._state = state

    def __getattr__(self, name: str) -> Any:
        """A field of the `JobState`."""
        if name.startswith("_"):  # as when it is copied, and has no state yet
            raise AttributeError(name)
        return getattr(self._state, name)


def information_of(state: JobState) -> JobInformation | None:
    """What the app of a job with this *state* is told: None if it never ran, as in 0.18."""
    has_past = state.last_run or state.last_success  # which may only have been marked
    return JobInformation(state) if has_past else None
