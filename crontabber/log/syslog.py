"""Speaks to syslog; imported when there is something to say."""

import logging
import socket
import sys
from logging.handlers import SysLogHandler


class SyslogHandler(SysLogHandler):
    """The standard library's handler, but what goes wrong is raised as an OSError.

    *host* is a name or an address, to be spoken to by UDP, or begins with ``/``: then it
    is the path of a socket such as ``/dev/log``.
    """

    def __init__(self, host: str, port: int, facility: str) -> None:
        super().__init__(host if host.startswith("/") else _address(host, port), facility)
        # A datagram ends where it ends; some servers show the byte that would say so.
        self.append_nul = self.unixsocket

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  logging's name
        """Raise what `emit` met with, if it is an OSError."""
        error = sys.exc_info()[1]
        if isinstance(error, OSError):
            raise error
        super().handleError(record)


def _address(host: str, port: int) -> tuple[str, int]:
    """The address of *host*, found out once and not for every record."""
    [*_, address] = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
    return str(address[0]), port
