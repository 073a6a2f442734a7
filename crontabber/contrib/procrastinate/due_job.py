"""A due job as a queue has to know it; and the limits of a queue."""

from typing import Any, NamedTuple

QUEUE = "crontabber"
"""The queue of apps that do not name one."""
_LONGEST_NAME, _HIGHEST_PRIORITY = 128, 2**31
"""The range of priorities in Procrastinate's table."""


class DueJob(NamedTuple):
    """A due job as a queue has to know it."""

    app_name: str
    class_path: str
    queue: str = QUEUE
    priority: int = 0
    crash: str = ""
    """When the crashed run began; empty if there is none."""

    @property
    def queueing_lock(self) -> str:
        """What keeps a job from being queued twice."""
        return lock_of(self.app_name)

    @property
    def lock(self) -> str:
        """What keeps a job from being fetched twice at once; no other job has it.

        Procrastinate holds back every job with a lock that an earlier one waits with, even
        if that one is in a queue without workers. So a lock that jobs share is held only by their
        claims. The lock of a run that
        crashed is still held by a dead worker, until its heartbeat is missed: so the
        next run has another.
        """
        return f"{self.queueing_lock} after {self.crash}" if self.crash else self.queueing_lock


def lock_of(app_name: str) -> str:
    """The lock of a job, in a database where others may have locks too."""
    return f"crontabber:{app_name}"


def misplaced(queue: Any, priority: Any) -> str:
    """What is wrong with a queue or a priority; nothing, if they can be used."""
    if not (isinstance(queue, str) and 0 < len(queue) <= _LONGEST_NAME):
        return f"its queue {queue!r} is not a name: write queue = 'slow'"
    if type(priority) is not int or abs(priority) >= _HIGHEST_PRIORITY:
        return f"its priority {priority!r} is not a number: write priority = 1, or -1"
    return ""


def place_of(cls: Any) -> tuple[Any, Any]:
    """The queue and the priority of an app class, as it says."""
    return getattr(cls, "queue", QUEUE), getattr(cls, "priority", 0)
