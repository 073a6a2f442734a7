"""When a failed job is tried again."""

from datetime import datetime

from .calendar import slot_after
from .model import JobSpec


def next_try(job: JobSpec, slot: datetime, started: datetime) -> datetime:
    """When to try *slot* again, after a run that began at *started* failed.

    ``error_retry_time`` after it began, cut to the second so that the jitter of cron
    does not cost a tick; but never later than the job's own next slot, which is at most
    a period away: a failure does not slow a job down.
    """
    began = started.replace(microsecond=0)
    return min(began + job.error_retry, slot_after(job.schedule, slot, started, job.zone))
