"""A proxy before PostgreSQL: it counts what a tick says to the server, and can strike there."""

import contextlib
import enum
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from tests.support import TIMEOUT, Database

_ENCRYPTION = (80877103, 80877104)
"""The codes that ask for TLS and GSSAPI: what is encrypted could not be counted."""


_FAREWELL = b"X"


class Moment(enum.Enum):
    """When to strike."""

    BEFORE = "before"
    """The server never gets the message."""
    AMID = "amid"
    """The server has the message, and works on it."""
    AFTER = "after"
    """The server has answered, and the answer is not delivered."""


@dataclass(frozen=True, slots=True)
class Ambush:
    """Strike at a message to the server, and cut its connection."""

    message: int | bytes
    """Its number, from 1, over all connections of a tick; or what is in it."""
    moment: Moment
    strike: Callable[[], None]
    cut: bool = True
    """False leaves the connection as it is; then the moment is always before."""


class Proxy:
    """Listens on TCP, and passes on to the server; in threads."""

    def __init__(self, server: Database) -> None:
        self._server = server
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._ambush: Ambush | None = None
        self._lines: set[_Line] = set()
        self.count = 0
        """How many messages there were since `lay`."""
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> "Proxy":
        return self

    def __exit__(self, *exception: object) -> None:
        with contextlib.suppress(OSError):  # wakes the thread in accept()
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def lay(self, ambush: Ambush | None) -> None:
        """Count anew, and lie in wait."""
        with self._lock:
            self.count = 0
            self._ambush = ambush

    def desert(self) -> None:
        """End all connections for the clients, and let the server believe that they live."""
        for line in list(self._lines):
            line.desert()

    def next(self, message: bytes) -> Ambush | None:
        """Count a message; the ambush, if it is for this one: there is one strike only."""
        with self._lock:
            self.count += 1
            ambush = self._ambush
            if ambush is None:
                return None
            wanted = ambush.message
            if wanted != self.count and not (isinstance(wanted, bytes) and wanted in message):
                return None
            self._ambush = None
            return ambush

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        # each answer comes in several small messages, and none may wait for the others' receipt
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with client, contextlib.suppress(OSError), self._connect() as server:
            line = _Line(self, client, server)
            self._lines.add(line)
            try:
                line.run()
            finally:
                self._lines.discard(line)

    def _connect(self) -> socket.socket:
        host, port = self._server.host, self._server.port
        if not host.startswith("/"):
            return socket.create_connection((host, port))
        server = socket.socket(socket.AF_UNIX)
        try:
            server.connect(f"{host}/.s.PGSQL.{port}")
        except OSError:
            server.close()
            raise
        return server


class _Line:
    """One connection."""

    def __init__(self, proxy: Proxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy = proxy
        self._client = client
        self._server = server
        self._muted = False
        self._deserted = False
        self._answered = threading.Event()

    def run(self) -> None:
        answers = threading.Thread(target=self._pass_answers)
        answers.start()
        try:
            self._pass_messages()
        finally:
            ends = [self._client] if self._deserted else [self._client, self._server]
            for end in ends:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
            answers.join()

    def desert(self) -> None:
        self._deserted = True
        self._client.shutdown(socket.SHUT_RDWR)

    def _pass_messages(self) -> None:
        with self._client.makefile("rb") as stream:
            for message in self._messages(stream):
                # who says farewell does not wait for an answer, and may be gone when we strike
                ambush = self._proxy.next(message) if message[:1] != _FAREWELL else None
                if ambush and not ambush.cut:
                    ambush.strike()
                if ambush is None or not ambush.cut:
                    self._server.sendall(message)
                    continue
                self._muted = True
                if ambush.moment is not Moment.BEFORE:
                    self._answered.clear()
                    self._server.sendall(message)
                if ambush.moment is Moment.AFTER:
                    self._answered.wait(TIMEOUT)
                ambush.strike()
                return

    def _messages(self, stream: BinaryIO) -> Iterator[bytes]:
        """All that the client says; the first message has no letter before its length."""
        while (first := _read(stream, b"")) and int.from_bytes(first[4:8], "big") in _ENCRYPTION:
            self._client.sendall(b"N")
        message = first
        while message:
            yield message
            message = _read(stream, stream.read(1) or None)

    def _pass_answers(self) -> None:
        with contextlib.suppress(OSError), self._server.makefile("rb") as stream:
            while answer := _read(stream, stream.read(1) or None):
                if answer[:1] == b"Z" or (answer[:1] == b"R" and answer[5:9] != bytes(4)):
                    self._answered.set()  # ready, or in want of a password
                if not self._muted:
                    self._client.sendall(answer)
        self._answered.set()
        with contextlib.suppress(OSError):
            self._client.shutdown(socket.SHUT_WR)


def _read(stream: BinaryIO, kind: bytes | None) -> bytes:
    """One message with its letter and length; empty at the end."""
    length = stream.read(4) if kind is not None else b""
    if len(length) < 4:
        return b""
    return (kind or b"") + length + stream.read(int.from_bytes(length, "big") - 4)
