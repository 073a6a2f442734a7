"""Sends records to syslog; imported when there is something to send."""

import errno
import logging
import socket
from logging.handlers import SysLogHandler
from typing import Any

from ..process.clock import monotonic

_PAUSE = 30.0
"""Seconds before a syslog that could not be reached is tried again; a tick may last for hours."""
_PATIENCE = 2.0
"""Seconds that a record waits for a syslog whose queue is full."""
_LENGTHS = (65_000, 8_000, 2_000, 1_000, 480)
"""Bytes to which to shorten a record, one after the other, until it fits into a datagram."""
_SHORTENED = b" [shortened]"


class SyslogHandler(logging.Handler):
    """Sends each record as a datagram, or to a stream if the socket is one.

    *host* is a name or an address, which gets UDP, or begins with ``/``: then it
    is the path of a socket such as ``/dev/log``. A record that is too long is shortened. A
    syslog that cannot be reached causes one warning, and is tried again later. The handlers of
    the standard library would warn for each record, and wait without end.
    """

    def __init__(self, host: str, port: int, facility: str) -> None:
        super().__init__()
        self._host = host
        self._port = port
        self._facility = SysLogHandler.facility_names[facility]
        self._socket: socket.socket | None = None
        self._silent_until = 0.0
        self._has_warned = False

    def emit(self, record: logging.LogRecord) -> None:
        """Send a record, unless syslog could not be reached just now."""
        if monotonic() < self._silent_until:
            return
        try:
            text = self.format(record)
        except Exception:  # noqa: BLE001  the record is a job's, and its format may not fit
            self.handleError(record)
            return
        try:
            self._send(self._head(record), text)
        except (OSError, ValueError) as error:  # a ValueError is for an invalid name
            self._hang_up()
            self._silent_until = monotonic() + _PAUSE
            self._warn(error)

    def _warn(self, error: Exception) -> None:
        if self._has_warned:
            return
        self._has_warned = True
        logging.getLogger("crontabber").warning(
            "nothing is logged to syslog at %s: %s",
            self._host,
            error,
            extra={"action": "syslog", "app_name": ""},
        )

    def _head(self, record: logging.LogRecord) -> bytes:
        level = SysLogHandler.priority_map.get(record.levelname, "warning")
        return b"<%d>" % (self._facility << 3 | SysLogHandler.priority_names[level])

    def _send(self, head: bytes, text: str) -> None:
        """Send a text, and shorten it until it fits."""
        whole = text.encode("utf-8", "backslashreplace")
        message = head + whole
        for length in (*_LENGTHS, None):
            try:
                self._deliver(message)
                break
            except OSError as error:
                if error.errno != errno.EMSGSIZE or length is None:
                    raise
                message = head + _shortened(whole, length)

    def _deliver(self, message: bytes) -> None:
        """Send a message, over a new socket if syslog was restarted meanwhile."""
        restarted = self._socket is not None
        try:
            self._say(message)
        except TimeoutError:
            raise
        except OSError as error:
            if error.errno == errno.EMSGSIZE or not restarted:
                raise
            self._hang_up()
            self._say(message)

    def _say(self, message: bytes) -> None:
        connected = self._connected()
        # a datagram needs no end; in a stream, NUL is the end
        connected.sendall(message if connected.type == socket.SOCK_DGRAM else message + b"\0")

    def _connected(self) -> socket.socket:
        if self._socket is None:
            self._socket = _connect(self._host, self._port)
        return self._socket

    def _hang_up(self) -> None:
        if self._socket:
            self._socket.close()
            self._socket = None

    def close(self) -> None:
        """Close the socket; a later record opens another."""
        self._hang_up()
        super().close()


def _shortened(text: bytes, length: int) -> bytes:
    """The beginning of a text in UTF-8, and a note that it was shortened."""
    if len(text) <= length:
        return text
    return text[: length - len(_SHORTENED)].decode(errors="ignore").encode() + _SHORTENED


def _connect(host: str, port: int) -> socket.socket:
    if not host.startswith("/"):
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        return _opened(family, kind, address)
    try:
        return _opened(socket.AF_UNIX, socket.SOCK_DGRAM, host)
    except OSError as error:
        if error.errno != errno.EPROTOTYPE:
            raise
    return _opened(socket.AF_UNIX, socket.SOCK_STREAM, host)


def _opened(family: int, kind: int, address: Any) -> socket.socket:
    opened = socket.socket(family, kind)
    try:
        opened.settimeout(_PATIENCE)
        opened.connect(address)
    except OSError:
        opened.close()
        raise
    return opened
