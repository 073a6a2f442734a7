"""Sends records to syslog; imported with the first record."""

import logging
import socket
import sys
from logging.handlers import SysLogHandler


class SyslogHandler(SysLogHandler):
    """The standard library's handler, except that an OSError is raised, not swallowed.

    *host* is a name or an address, which gets datagrams by UDP; or it begins with ``/`` and
    is the path of a socket such as ``/dev/log``.
    """

    def __init__(self, host: str, port: int, facility: str) -> None:
        super().__init__(host if host.startswith("/") else _address(host, port), facility)
        # Without the closing NUL for UDP: a datagram needs none, and some servers print it.
        self.append_nul = self.unixsocket

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  logging's name
        """Raise the error that `emit` caught, if it is an OSError."""
        error = sys.exc_info()[1]
        if isinstance(error, OSError):
            raise error
        super().handleError(record)


def _address(host: str, port: int) -> tuple[str, int]:
    """The address of *host*, looked up once and not for every record."""
    [*_, address] = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
    return str(address[0]), port
