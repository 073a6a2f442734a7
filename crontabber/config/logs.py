"""Where log records go, as the section ``[logging]`` says."""

from typing import Any, NamedTuple


class LoggingSettings(NamedTuple):
    """Where log records go. Levels are those of the logging module, formats in braces."""

    stderr_level: int
    stderr_format: str
    syslog_host: str
    """Empty: no syslog."""
    syslog_port: int
    syslog_facility: str
    syslog_level: int
    syslog_format: str

    @classmethod
    def of(cls, values: Any) -> "LoggingSettings":
        """Read them from configman's *values* of the section."""
        return cls(
            stderr_level=values.stderr_error_logging_level,
            stderr_format=values.stderr_line_format_string,
            syslog_host=values.syslog_host,
            syslog_port=values.syslog_port,
            syslog_facility=values.syslog_facility_string,
            syslog_level=values.syslog_error_logging_level,
            syslog_format=values.syslog_line_format_string,
        )

    @property
    def lowest_level(self) -> int:
        """The lowest level that is logged anywhere."""
        if self.syslog_host:
            return min(self.stderr_level, self.syslog_level)
        return self.stderr_level
