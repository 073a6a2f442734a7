"""Sends errors by the project's own sentry-sdk, if the project has initialised it."""

import sys
from typing import Any

from ...errors import Redact
from ...reporters import Reporter
from ...reporters.wording import crash_line
from ...schedule.model import JobSpec, Run
from ...secrecy import redacted

PATIENCE = 3.0
"""How many seconds a tick waits at its end for events that are not sent yet."""


def is_active() -> bool:
    """Whether the project has told sentry-sdk where to send errors; does not import it."""
    sdk = sys.modules.get("sentry_sdk")
    return sdk is not None and sdk.get_client().is_active()


class ProjectSentry(Reporter):
    """Has the project's client send the errors of jobs, with the project's own options."""

    def __init__(self, redact: Redact = str) -> None:
        from sentry_sdk.integrations.logging import ignore_logger

        ignore_logger("crontabber")  # or each error would be sent again when it is logged
        self._redact = redact

    def failed(self, job: JobSpec, run: Run, error: BaseException | None) -> None:
        """Capture the exception, or a message about a crash."""
        import sentry_sdk

        with sentry_sdk.new_scope() as scope:
            scope.add_event_processor(lambda event, _: redacted(_written(event), self._redact))
            scope.set_tag("app_name", job.app_name)
            scope.set_tag("slot", run.slot.astimezone(job.zone).isoformat(timespec="minutes"))
            if error is None:
                scope.fingerprint = ["crashed", job.app_name]
                text = f"{job.app_name} crashed: {crash_line(run, self._redact)}"
                scope.capture_message(text, level="error")
            else:
                scope.capture_exception(error)

    def trouble(self, message: str) -> None:
        """Capture what a person has to fix."""
        import sentry_sdk

        sentry_sdk.capture_message(self._redact(message), level="fatal")

    def finished(self) -> None:
        """Wait until all events are sent, `PATIENCE` seconds at most."""
        import sentry_sdk

        sentry_sdk.flush(timeout=PATIENCE)


def _written(event: Any) -> Any:
    """*event* with its local variables as texts: sentry-sdk before 2.20 writes them too late."""
    from sentry_sdk.serializer import serialize

    for stack in (event.get("exception") or {}).get("values") or ():
        for frame in (stack.get("stacktrace") or {}).get("frames") or ():
            if "vars" in frame:
                frame["vars"] = serialize(frame["vars"])
    return event
