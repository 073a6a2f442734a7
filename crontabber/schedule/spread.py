"""How long after its slot a job begins, so that many do not begin at once."""

from datetime import datetime, timedelta

from .calendar import next_slot
from .model import JobSpec


def offset_of(job: JobSpec, slot: datetime) -> timedelta:
    """How long after *slot* it is due: within its ``spread``, in whole seconds.

    It follows from the name, so that it is the same in every tick, on every host. It is less
    than the time to the next slot, so that no slot is passed over because of it.
    """
    if not job.spread:
        return timedelta()
    from zlib import crc32  # most jobs have no spread

    window = min(job.spread, next_slot(job.schedule, slot, job.zone) - slot)
    share = crc32(job.app_name.encode("utf-8", "surrogatepass")) / 2**32
    return timedelta(seconds=int(window.total_seconds() * share))
