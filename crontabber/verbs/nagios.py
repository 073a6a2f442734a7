"""The verb ``--nagios``: one line on the health of the jobs, and in time."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from ..errors import CrontabberError, name_of, text_of

if TYPE_CHECKING:
    from ..generic_app import Answer, GenericApp
    from ..process.watched import Work


def answer_in_time(work: "Work", limit: float, form: str = "") -> "tuple[str, int]":
    """What *work* returns, or UNKNOWN: only Nagios reads the answer.

    *limit* is in seconds; see `crontabber.process.watched.in_time`.
    """
    from ..process.watched import in_time

    unknown = partial(cannot_tell, form=form)

    def safe(set_limit: Callable[[float], None]) -> "tuple[str, int]":
        try:
            return work(set_limit)
        except CrontabberError as error:
            return unknown(str(error))
        except (Exception, SystemExit) as error:  # noqa: BLE001  a traceback is a mere warning
            return unknown(f"{name_of(error)}: {text_of(error) or name_of(error)}")

    try:
        return in_time(safe, limit)
    except CrontabberError as error:
        return unknown(str(error))
    except OSError as error:  # no process can be made
        return unknown(f"{type(error).__name__}: {error}")


def cannot_tell(message: str, *, form: str = "") -> "tuple[str, int]":
    """The answer where the jobs cannot be judged, and why."""
    from ..views.nagios import unknown, unknown_document

    if form == "json":
        from ..process.clock import utc_now

        return unknown_document(message, utc_now())
    return unknown(message)


def nagios(app: "GenericApp", name: str = "", form: str = "") -> "Answer":
    """The health of all jobs, in the form of Nagios; or of one, by app_name or class path.

    Creates no tables. Raises `UnknownJobError`.
    """
    from ..generic_app import Answer
    from ..schedule.status import Overview, statuses
    from ..views.nagios import report, report_document
    from .survey import survey

    seen = survey(app, name=name)
    if form == "json":
        found = statuses(seen.specs, seen.states, seen.health, seen.now)
        faults = [*map(str, seen.faults)]
        overview = Overview(seen.now, seen.jobs.zone, found, seen.health, faults)
        return Answer(*report_document(overview, app.origin))
    return Answer(*report(seen.health, manual=app.settings.nagios.separators == "manual"))
