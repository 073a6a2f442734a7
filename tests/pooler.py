"""A pooler before PostgreSQL, as PgBouncer is in transaction mode: a session for a transaction.

It speaks just enough of the protocol: it logs clients in itself, gives each transaction a
session of its pool, and takes it back when the server says that it is idle. What a
session remembers (advisory locks, settings, prepared statements) stays in it, for the next client.
"""

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO

import psycopg2

from tests.support import TIMEOUT, Database

_ENCRYPTION = (80877103, 80877104)
_CANCEL = 80877102
_TRACKED = ("client_encoding", "DateStyle", "TimeZone", "application_name")
"""What a client has set for itself, and gets in each session, as with PgBouncer."""
_KNOWN = (
    *_TRACKED,
    *("server_version", "server_encoding", "integer_datetimes"),
    *("standard_conforming_strings", "session_authorization"),
)
_ASKING = b"QSF"
"""Messages after which the client waits until the server is ready: query, sync, function."""
_COPY_ENDS = b"cf"


class PooledSession:
    """A session on the server, which libpq has logged in; what it says is then ours to pass on."""

    def __init__(self, server: Database) -> None:
        self._connection = psycopg2.connect(
            host=server.host,
            port=server.port,
            dbname=server.dbname,
            user=server.user,
            password=server.password,
            sslmode="disable",
            gssencmode="disable",
        )
        info = self._connection.info
        self.pid: int = info.backend_pid
        self.parameters = {name: info.parameter_status(name) or "" for name in _KNOWN}
        self._socket = socket.socket(fileno=os.dup(self._connection.fileno()))
        self._socket.settimeout(TIMEOUT)
        self._stream = self._socket.makefile("rb")
        self.status = b"I"
        """I: idle, T: in a transaction, E: in one that failed; empty while it works."""

    def send(self, message: bytes) -> None:
        """Pass on what a client says."""
        self.status = b""
        self._socket.sendall(message)

    def answers(self) -> Iterator[bytes]:
        """What the server says until it is ready, or waits for the client's data."""
        while answer := _read(self._stream):
            if answer[:1] == b"S":
                name, value, _ = answer[5:].split(b"\0")
                self.parameters[name.decode()] = value.decode()
            if answer[:1] == b"Z":
                self.status = answer[5:]
            yield answer
            if answer[:1] in b"ZG":
                return
        raise OSError("the server has closed the session")

    def adopt(self, parameters: dict[str, str]) -> None:
        """Set what a client has set for itself."""
        for name, value in parameters.items():
            if self.parameters[name] != value:
                self.send(_message(b"Q", f"SET {name} = '{value}'".encode() + b"\0"))
                list(self.answers())

    def close(self) -> None:
        """End the session."""
        self._stream.close()
        self._socket.close()
        self._connection.close()


Choose = Callable[[int, Sequence[PooledSession]], PooledSession]
"""Given a client's number and the sessions that are idle, the last used last: which it gets."""


def latest(_: int, idle: Sequence[PooledSession]) -> PooledSession:
    """The one that was used last, as PgBouncer does."""
    return idle[-1]


def oldest(_: int, idle: Sequence[PooledSession]) -> PooledSession:
    """Each in its turn, as PgBouncer does with ``server_round_robin``."""
    return idle[0]


class Pooler:
    """Listens on TCP; at most *size* sessions, of which *choose* says who gets which."""

    def __init__(
        self, server: Database, size: int = 1, choose: Choose = latest, *, own_keys: bool = True
    ) -> None:
        self._server = server
        self._size = size
        self._choose = choose
        self.own_keys = own_keys
        """Whether clients get a key of the pooler's own, as from PgBouncer, or the session's."""
        self._idle: list[PooledSession] = []
        self._count = 0
        self._changed = threading.Condition()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.database = server._replace(
            host="127.0.0.1", port=self._listener.getsockname()[1], password=""
        )
        """Where clients connect to."""
        self.served: list[tuple[int, int]] = []
        """Each transaction: the client's number, from 1, and the session's process."""
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> "Pooler":
        return self

    def __exit__(self, *exception: object) -> None:
        with contextlib.suppress(OSError):  # wakes the thread in accept()
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for session in self._idle:
            session.close()

    def fill(self) -> None:
        """Open all sessions now; else each is opened when none is idle."""
        while self._count < self._size:
            self._idle.append(self._open())

    def sessions(self) -> list[int]:
        """The processes of the sessions that are idle."""
        return [session.pid for session in self._idle]

    def take(self, client: int) -> PooledSession:
        """A session for a transaction of a client; waits for one."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._idle or self._count < self._size, TIMEOUT):
                raise OSError("no session became idle")
            if not self._idle:
                self._idle.append(self._open())
            session = self._choose(client, self._idle)
            self._idle.remove(session)
            self.served.append((client, session.pid))
            return session

    def give_back(self, session: PooledSession) -> None:
        """Take a session back; one that is not idle is of no use any more, and ends."""
        with self._changed:
            if session.status == b"I":
                self._idle.append(session)
            else:
                session.close()
                self._count -= 1
            self._changed.notify_all()

    def _open(self) -> PooledSession:
        self._count += 1
        try:
            return PooledSession(self._server)
        except BaseException:
            self._count -= 1
            raise

    def _accept(self) -> None:
        number = 0
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            number += 1
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=_Client(self, client, number).run, daemon=True).start()


class _Client:
    def __init__(self, pooler: Pooler, connection: socket.socket, number: int) -> None:
        self._pooler = pooler
        self._socket = connection
        self._stream: BinaryIO = connection.makefile("rb")
        self._number = number
        self._parameters: dict[str, str] = {}

    def run(self) -> None:
        with self._socket, self._stream, contextlib.suppress(OSError, psycopg2.Error):
            if self._log_in():
                while message := _read(self._stream):
                    if message[:1] == b"X":
                        return
                    self._transact(message)

    def _log_in(self) -> bool:
        """Greet a client; False if it only wants to cancel something."""
        while (code := (start := _read(self._stream, b""))[4:8]) in map(_number, _ENCRYPTION):
            self._socket.sendall(b"N")
        if code in (b"", _number(_CANCEL)):
            return False
        words = start[8:].decode().split("\0")
        wanted = dict(zip(words[::2], words[1::2], strict=False))
        self._parameters = {name: wanted[name] for name in _TRACKED if name in wanted}
        session = self._pooler.take(self._number)
        try:
            session.adopt(self._parameters)
            parameters = dict(session.parameters)
        finally:
            self._pooler.give_back(session)
        greeting = [_message(b"R", bytes(4))]
        for name, value in parameters.items():
            greeting.append(_message(b"S", f"{name}\0{value}\0".encode()))
        key = self._number if self._pooler.own_keys else session.pid
        greeting += [_message(b"K", _number(key) + bytes(4)), _message(b"Z", b"I")]
        self._socket.sendall(b"".join(greeting))
        return True

    def _transact(self, message: bytes) -> None:
        """Serve a transaction, in a session of its own."""
        session, ready = self._pooler.take(self._number), b""
        try:
            session.adopt(self._parameters)
            while message and not ready:
                ready = self._pass_on(session, message)
                if not ready:
                    message = _read(self._stream)
            self._parameters.update({name: session.parameters[name] for name in _TRACKED})
        finally:
            self._pooler.give_back(session)
        self._socket.sendall(ready)  # now, so that who hears it finds the session in the pool

    def _pass_on(self, session: PooledSession, message: bytes) -> bytes:
        """A message, and the answer if the client waits for it; its end if that is the end."""
        session.send(message)
        while message[:1] in _ASKING:
            for answer in session.answers():
                if session.status == b"I":
                    return answer
                self._socket.sendall(answer)
            if answer[:1] == b"Z":
                return b""
            while message[:1] not in _COPY_ENDS:  # the server waits for the client's data
                if not (message := _read(self._stream)):
                    raise OSError("the client is gone")
                session.send(message)
            message = b"Q"
        return b""


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + _number(len(body) + 4) + body


def _number(number: int) -> bytes:
    return number.to_bytes(4, "big")


def _read(stream: BinaryIO, kind: bytes | None = None) -> bytes:
    """One message, with its letter unless *kind* is empty, and its length; empty at the end."""
    letter = stream.read(1) if kind is None else kind
    length = stream.read(4)
    if len(length) < 4:
        return b""
    return letter + length + stream.read(int.from_bytes(length, "big") - 4)
