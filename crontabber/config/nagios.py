"""What the settings say of ``--nagios``."""

from typing import Any, NamedTuple


class NagiosSettings(NamedTuple):
    """How ``--nagios`` answers."""

    timeout: float
    """Seconds after which there is an answer at the latest."""
    separators: str
    """``nagios`` or ``manual``."""
    role: str
    """The database role that runs the jobs; empty: the one that connects."""

    @classmethod
    def of(cls, values: Any) -> "NagiosSettings":
        """What the resolved section ``[crontabber]`` says."""
        return cls(values.nagios_timeout, values.nagios_separators, values.nagios_role)
